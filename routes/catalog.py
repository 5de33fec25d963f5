"""The catalog's routes: the lists, the map, adding from CivitAI, taking out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import Field

from .answers import json_answer, json_list
from .library import ModelsQuery, list_library
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .threads import patiently

if TYPE_CHECKING:
    from ..store.catalog_answers import Answer

routes = Routes()


class FileChoice(Input):
    """Which file of a version is meant, and where it belongs."""

    file_id: int | None = Field(default=None, ge=0, lt=1 << 63)
    """Another file than the primary one."""
    dest: str | None = Field(default=None, max_length=1000)
    """The folder below the models; needed for what CivitAI has no usual folder for."""


class FolderChoice(Input):
    """Which of several entries with one file name is meant."""

    dest: str | None = Field(default=None, max_length=1000)


@routes.get("/models/civitai-map", access=Access.KEY, summary="What is here, by CivitAI version")
async def show_civitai_map(call: Plain) -> web.StreamResponse:
    """`{by_version, by_model}` over both catalogs."""
    return _list(call, await asyncio.to_thread(call.store.catalog.civitai_map))


@routes.get(
    "/models",
    access=Access.KEY,
    query=ModelsQuery,
    summary="Without `type` the catalog `models.json` with its state, else the library's models",
    answers={200: "The list", 304: "Unchanged", 400: "An empty type, or a filter none can read"},
)
async def list_models(call: Call[ModelsQuery, Nothing]) -> web.StreamResponse:
    """Categories with their entries, and figures over all of them; of a type as
    `GET /library/models`."""
    if call.query.type is not None:
        return await list_library(call)
    return _list(call, await asyncio.to_thread(call.store.catalog.models))


@routes.get("/loras", access=Access.KEY, summary="The catalog `loras.json` with its state")
async def list_loras(call: Plain) -> web.StreamResponse:
    """Categories with their entries, what their galleries hold, and figures over all of them."""
    return _list(call, await asyncio.to_thread(call.store.catalog.loras))


@routes.add(
    "POST",
    "/civitai/add/{version_id:int}",
    access=Access.KEY,
    query=FileChoice,
    summary="Add a CivitAI version to the catalog",
    answers={
        200: "`status` is added, already_exists or restricted",
        400: "CivitAI wants a key, or `dest` leads out of the models folder",
        404: "CivitAI has no such version, or the version no such file",
        409: "`models.json` cannot be read: line and column are told",
        422: "No usable file, or no folder for what is no model",
        502: "CivitAI failed",
        503: "CivitAI is busy",
        507: "The disk is full",
    },
)
async def add_version(call: Call[FileChoice, Nothing]) -> web.StreamResponse:
    """Adds the entry; the file itself is fetched only when it is asked for."""
    added = await patiently(
        call.store.catalog.add, call.number("version_id"), call.query.file_id, call.query.dest
    )
    return json_answer(added)


@routes.add(
    "POST",
    "/civitai/promote-to-lora/{version_id:int}",
    access=Access.KEY,
    summary="Move a LoRA from `models.json` to `loras.json`",
    answers={
        200: "`status` is promoted (with file and category) or already_exists",
        400: "It does not lie in loras",
        404: "Not in `models.json`",
        409: "A catalog cannot be read: line and column are told",
        507: "The disk is full",
    },
)
async def promote_version(call: Plain) -> web.StreamResponse:
    """One act over both files: at no time is the entry in neither of them."""
    return json_answer(
        await asyncio.to_thread(call.store.catalog.promote, call.number("version_id"))
    )


@routes.add(
    "DELETE",
    "/models/{filename}/catalog",
    access=Access.KEY,
    query=FolderChoice,
    summary="Take an entry out of the catalog",
    answers={
        200: "Removed",
        404: "No catalog has it",
        409: "The file is on disk, `candidates` share the name, or the catalog cannot be read",
        507: "The disk is full",
    },
)
async def remove_entry(call: Call[FolderChoice, Nothing]) -> web.StreamResponse:
    """Removes the entry from every catalog that has it, and what of its file is on its way."""
    removed = await asyncio.to_thread(
        call.store.downloads.remove_entry, call.text("filename"), call.query.dest
    )
    return json_answer(removed)


def _list(call: Call[Any, Any], answer: Answer) -> web.StreamResponse:
    return json_list(call.request, answer.body, answer.etag)
