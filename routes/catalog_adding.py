"""Adding a model by any address that a person pastes."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from ..store.number_fields import NUMBER, Id
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Routes
from .threads import patiently

routes = Routes()

_UPSTREAM = {
    404: "Upstream has no such model, version or file",
    502: "Upstream failed",
    503: "Upstream is busy",
}


class Pasted(Input):
    """A page of CivitAI or Hugging Face, an AIR, `owner/name`, or a file's address."""

    address: str = Field(min_length=1, max_length=2000)


class Picked(Pasted):
    """What of it is to be added, as `resolve` tells it."""

    version_id: Id | None = None
    file_id: Annotated[int, Field(ge=0, lt=1 << 63), NUMBER] | None = None
    path: str | None = Field(default=None, max_length=1000)
    """A file of a repository."""
    dest: str | None = Field(default=None, max_length=1000)
    """The folder below the models; needed where it cannot be told."""


@routes.add(
    "POST",
    "/catalog/resolve",
    access=Access.KEY,
    body=Pasted,
    summary="What an address would add",
    answers={
        200: "`{kind: civitai|huggingface|url, title, choices, selected, folders}`",
        400: "No address of a model, or upstream wants a key",
        422: "The repository has no model",
        **_UPSTREAM,
    },
)
async def resolve_address(call: Call[Nothing, Pasted]) -> web.StreamResponse:
    """Changes nothing."""
    return json_answer(await patiently(call.store.adding.resolve, call.body.address))


@routes.add(
    "POST",
    "/catalog/add",
    access=Access.KEY,
    body=Picked,
    summary="Add what an address means to `models.json`",
    answers={
        200: "`status` is added, already_exists or restricted",
        400: "No address of a model, a wrong folder, or upstream wants a key",
        409: "`models.json` cannot be read: line and column are told",
        422: "Something is to be picked: `field` says what, `choices` or `folders` of what",
        507: "The disk is full",
        **_UPSTREAM,
    },
)
async def add_address(call: Call[Nothing, Picked]) -> web.StreamResponse:
    """Adds the entry; the file itself is fetched only when it is asked for."""
    body = call.body
    added = await patiently(
        call.store.adding.add,
        body.address,
        version_id=body.version_id,
        file_id=body.file_id,
        path=body.path,
        dest=body.dest,
    )
    return json_answer(added)
