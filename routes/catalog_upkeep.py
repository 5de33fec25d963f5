"""Keeping the catalog up to date: what upstream knows, and what is newer there."""

from __future__ import annotations

import asyncio

from aiohttp import web

from .answers import json_answer
from .routing import Access, Plain, Routes

routes = Routes()


@routes.add(
    "POST",
    "/models/fetch-metadata",
    access=Access.KEY,
    summary="Ask CivitAI and Hugging Face again about every entry",
    answers={200: "`{queued, files}`: what is still to be asked; `/jobs` has it as `metadata`"},
)
async def fetch_metadata(call: Plain) -> web.StreamResponse:
    """While it goes on, nothing new is begun."""
    return json_answer(await asyncio.to_thread(call.store.metadata.fetch))


@routes.get("/models/metadata-status", access=Access.KEY, summary="How far asking is, by file name")
async def show_metadata_status(call: Plain) -> web.StreamResponse:
    """`{<file>: {status: queued_metadata|fetching_metadata|done|error, error?}}`."""
    return json_answer(call.store.metadata.status())
