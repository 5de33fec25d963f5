"""Deleting models over HTTP, and having them back."""

from __future__ import annotations

import asyncio

from aiohttp import web
from pydantic import Field

from .answers import json_answer
from .catalog import FolderChoice
from .routing import Access, Call, Input, Nothing, Plain, Routes

routes = Routes()


class Part(Input):
    """A part of the list."""

    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


@routes.add(
    "DELETE",
    "/models/{filename}",
    access=Access.KEY,
    query=FolderChoice,
    summary="Put an entry's file into the trash; the entry stays",
    answers={
        200: "Deleted, or it was not there",
        404: "Not in the catalog",
        409: "`candidates` share the name",
        507: "It lies on another drive, and ours has no room for it",
    },
)
async def delete_file(call: Call[FolderChoice, Nothing]) -> web.StreamResponse:
    """Of a link the link goes, not what it leads to."""
    deleted = await asyncio.to_thread(
        call.store.model_files.delete, call.text("filename"), call.query.dest
    )
    return json_answer(deleted)


@routes.get("/trash", access=Access.KEY, query=Part, summary="Deleted models, the newest first")
async def list_trash(call: Call[Part, Nothing]) -> web.StreamResponse:
    """`{items:[{id, file, dest, catalog, name, size, deleted_at, restorable, system}], total}`."""
    listed = await asyncio.to_thread(
        call.store.trash.listed, limit=call.query.limit, offset=call.query.offset
    )
    return json_answer(listed)


@routes.add(
    "POST",
    "/trash/{id}/restore",
    access=Access.KEY,
    summary="Put a deleted model back where it was",
    answers={
        200: '`{status:"restored", id, file, dest}`',
        404: "Not in the trash",
        409: "There is another file now, or it lies in the system's trash",
        507: "The disk is full",
    },
)
async def restore(call: Plain) -> web.StreamResponse:
    """Never over another file."""
    return json_answer(await asyncio.to_thread(call.store.model_files.restore, call.text("id")))


@routes.add(
    "DELETE",
    "/trash/{id}",
    access=Access.KEY,
    summary="Delete one for good",
    answers={200: "Deleted; `freed_bytes`", 404: "Not in the trash"},
)
async def remove_for_good(call: Plain) -> web.StreamResponse:
    """What lies in the system's trash is only forgotten here."""
    freed = await asyncio.to_thread(call.store.trash.remove, call.text("id"))
    return json_answer({"status": "deleted", "id": call.text("id"), "freed_bytes": freed})


@routes.add("DELETE", "/trash", access=Access.KEY, summary="Delete everything in it for good")
async def empty_trash(call: Plain) -> web.StreamResponse:
    """`{deleted, freed_bytes}`."""
    return json_answer(await asyncio.to_thread(call.store.trash.empty))
