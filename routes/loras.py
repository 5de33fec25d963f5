"""LoRAs looked up on CivitAI and added, as Studio's page does it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from ..store.number_fields import NUMBER, Id
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .threads import patiently

routes = Routes()


class Page(Input):
    """A model's page on CivitAI."""

    url: str = Field(min_length=1, max_length=2000)


class PickedFile(Input):
    """A file of a picked version."""

    id: Annotated[int, NUMBER] | None = None
    name: str = Field(min_length=1, max_length=1000)
    size_kb: Annotated[float, NUMBER] = 0
    fp: str | None = None
    format: str | None = None
    sha256: str | None = None


class PickedVersion(Input):
    """A version, as the lookup has told it."""

    version_id: Id
    name: str = ""
    base_model: str = ""
    trigger_words: list[str] = Field(default_factory=list[str])
    files: list[PickedFile] = Field(min_length=1)
    images: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


class PickedModel(Input):
    """What a person has picked of a model."""

    model_id: Id
    model_name: str
    author: str = ""
    description: str | None = None
    tags: list[str] | None = None
    rating: Annotated[float, NUMBER] | None = None
    downloads: Annotated[int, NUMBER] | None = None
    versions: list[PickedVersion] = Field(max_length=1000)


@routes.add(
    "POST",
    "/loras/lookup-civitai",
    access=Access.KEY,
    body=Page,
    summary="What CivitAI knows of a model, by its page's address",
    answers={
        200: "The model with its versions",
        400: "No address of a model, or CivitAI wants a key",
        404: "CivitAI has no such model",
        502: "CivitAI failed",
        503: "CivitAI is busy",
    },
)
async def look_up(call: Call[Nothing, Page]) -> web.StreamResponse:
    """Changes nothing."""
    return json_answer(await patiently(call.store.lora_lookup.look_up, call.body.url))


@routes.add(
    "POST",
    "/loras/add-civitai",
    access=Access.KEY,
    body=PickedModel,
    summary="Add picked versions to `loras.json` and fetch them",
    answers={
        200: "`added`, `skipped` (known already) and `not_queued` with reasons",
        400: "Something of the body is missing",
        409: "`loras.json` cannot be read: line and column are told",
        507: "The disk is full",
    },
)
async def add_picked(call: Call[Nothing, PickedModel]) -> web.StreamResponse:
    """The first file of each version; their downloads are queued at once."""
    added = await asyncio.to_thread(call.store.lora_lookup.add, call.body.model_dump())
    return json_answer(added)


@routes.get(
    "/loras/compatible/{base_model}",
    access=Access.KEY,
    summary="Pairs of LoRAs for the two passes of a base model; `all`: of any",
)
async def list_compatible(call: Plain) -> web.StreamResponse:
    """`[{pair_id, name, high, low, both}]`."""
    return json_answer(call.store.lora_lookup.compatible(call.text("base_model")))
