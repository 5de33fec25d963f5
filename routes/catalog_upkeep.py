"""Keeping the catalog up to date: what upstream knows, and what is newer there."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..store.number_fields import Id
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes

routes = Routes()


class Skipped(Input):
    """A version that is not wanted; `skipped` false: wanted again."""

    version_id: Id
    skipped: bool = True


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


@routes.add(
    "POST",
    "/models/check-updates",
    access=Access.KEY,
    summary="Ask CivitAI now for newer versions of every model",
    answers={200: "`{queued}`; `/jobs` has it as `updates`, the lists show `update` by entry"},
)
async def check_updates(call: Plain) -> web.StreamResponse:
    """While it goes on, nothing new is begun; by itself it happens once a day."""
    return json_answer(await asyncio.to_thread(call.store.updates.check))


@routes.add(
    "POST",
    "/models/updates/{model_id:int}/skip",
    access=Access.KEY,
    body=Skipped,
    summary="Show a newer version no more",
    answers={200: "`{model_id, skipped:[version_id]}`", 404: "No catalog has such a model"},
)
async def skip_update(call: Call[Nothing, Skipped]) -> web.StreamResponse:
    """Remembered until it is taken back; a still newer version shows again."""
    skipped = await asyncio.to_thread(
        call.store.updates.skip,
        call.number("model_id"),
        call.body.version_id,
        skipped=call.body.skipped,
    )
    return json_answer(skipped)
