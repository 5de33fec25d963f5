"""CivitAI's tags over HTTP."""

from __future__ import annotations

import asyncio

from aiohttp import web
from pydantic import Field

from .answers import encode, json_answer, json_list
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .threads import patiently

routes = Routes()


class Part(Input):
    """Which of them, by name."""

    limit: int | None = Field(default=None, ge=1, le=100_000)
    offset: int = Field(default=0, ge=0, lt=1 << 53)


@routes.get(
    "/civitai/tags",
    access=Access.KEY,
    query=Part,
    summary="The tags whose names are known: {tags: [{id, name, type, synced_at}], count, total}",
    answers={200: "The tags by name", 304: "Unchanged"},
)
async def list_tags(call: Call[Part, Nothing]) -> web.StreamResponse:
    """By name."""
    query = call.query
    found = await asyncio.to_thread(
        call.store.civitai_tags.listed, limit=query.limit, offset=query.offset
    )
    return json_list(call.request, encode(found))


@routes.add(
    "POST",
    "/civitai/tags/sync",
    access=Access.KEY,
    summary="Ask CivitAI for the names of the tags that pictures carry",
    answers={
        200: "{synced, total_known, unknown_remaining}",
        502: "CivitAI failed",
        503: "CivitAI is busy",
    },
)
async def sync_tags(call: Plain) -> web.StreamResponse:
    """What is known is not asked for again."""
    return json_answer(await patiently(call.store.civitai_tags.sync))
