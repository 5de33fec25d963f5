"""Fetching the catalog's models over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import time

from aiohttp import web
from pydantic import Field

from .answers import encode, json_answer
from .catalog import FolderChoice
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .system import CLOSING

routes = Routes()

_SECONDS_BETWEEN = 1.0
_ACT = {200: "Done", 404: "Not in the catalog", 409: "Nothing to do so with, or `candidates`"}


class FileNames(Input):
    """Several entries, by their file names."""

    filenames: list[str] = Field(max_length=100_000)


@routes.add(
    "POST",
    "/models/download/{filename}",
    access=Access.KEY,
    query=FolderChoice,
    summary="Fetch an entry's file",
    answers={
        200: "`status` is queued, downloading or present",
        404: "Not in the catalog",
        409: "`candidates` share the name",
        422: "The entry does not say where its file is had, or has an impossible place",
        507: "Not enough room; `needed_bytes`, `free_bytes`",
    },
)
async def start_download(call: Call[FolderChoice, Nothing]) -> web.StreamResponse:
    """Queues it, unless it is here or on its way; what was paused or failed goes on."""
    started = await asyncio.to_thread(
        call.store.downloads.request, call.text("filename"), call.query.dest
    )
    return json_answer(started)


@routes.add(
    "POST",
    "/models/download-batch",
    access=Access.KEY,
    body=FileNames,
    summary="Fetch the files of several entries",
    answers={200: "`queued` and `skipped`: what is unknown, here, or on its way already"},
)
async def start_downloads(call: Call[Nothing, FileNames]) -> web.StreamResponse:
    """Queues what can be fetched."""
    started = await asyncio.to_thread(call.store.downloads.request_all, call.body.filenames)
    return json_answer(started)


@routes.add(
    "POST",
    "/models/download/{filename}/pause",
    access=Access.KEY,
    query=FolderChoice,
    summary="Pause a transfer",
    answers=_ACT,
)
async def pause_download(call: Call[FolderChoice, Nothing]) -> web.StreamResponse:
    """What has come stays."""
    paused = await asyncio.to_thread(
        call.store.downloads.pause, call.text("filename"), call.query.dest
    )
    return json_answer(paused)


@routes.add(
    "POST",
    "/models/download/{filename}/resume",
    access=Access.KEY,
    query=FolderChoice,
    summary="Go on with a transfer that was paused or failed",
    answers=_ACT,
)
async def resume_download(call: Call[FolderChoice, Nothing]) -> web.StreamResponse:
    """Queues it again; it goes on where it was."""
    resumed = await asyncio.to_thread(
        call.store.downloads.resume, call.text("filename"), call.query.dest
    )
    return json_answer(resumed)


@routes.add(
    "POST",
    "/models/download/{filename}/cancel",
    access=Access.KEY,
    query=FolderChoice,
    summary="End a transfer",
    answers=_ACT,
)
async def cancel_download(call: Call[FolderChoice, Nothing]) -> web.StreamResponse:
    """What has come is thrown away."""
    cancelled = await asyncio.to_thread(
        call.store.downloads.cancel, call.text("filename"), call.query.dest
    )
    return json_answer(cancelled)


@routes.get(
    "/models/status",
    access=Access.KEY,
    summary="How the transfers stand, once a second, as server-sent events",
    answers={200: "text/event-stream: `data: {downloads: {<file>: {status, …}}, timestamp}`"},
)
async def stream_status(call: Plain) -> web.StreamResponse:
    """One event a second until the caller goes or the server stops."""
    answer = web.StreamResponse(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
    answer.content_type = "text/event-stream"
    closing = call.request.app[CLOSING]
    with contextlib.suppress(ConnectionError):  # the caller has gone: the usual end
        await answer.prepare(call.request)
        while not closing.is_set():
            downloads = await asyncio.to_thread(call.store.downloads.status)
            told = {"downloads": downloads, "timestamp": time.time()}
            await answer.write(b"data: " + encode(told) + b"\n\n")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(closing.wait(), _SECONDS_BETWEEN)
    return answer
