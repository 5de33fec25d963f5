"""Gallery runs over HTTP: start and stop, and emptying a gallery."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.errors import BadInput
from ..store.number_fields import NUMBER, Id
from .answers import encode, json_answer
from .files import file_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .system import CLOSING
from .threads import patiently

if TYPE_CHECKING:
    from ..store.gallery_run_records import Wish

routes = Routes()

_USUAL = 200
_MOST = 1000


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_Number = Annotated[Id | None, BeforeValidator(_none_if_empty)]


class Start(Input):
    """What to do, and which pictures of the community to fetch."""

    action: str = Field(min_length=1, max_length=100)
    """`start`, `start:n`, `start:cards` or `stop`."""
    mode: Literal["fixed", "trpc", "rest"] = "fixed"
    nsfw: Literal["None", "Soft", "Mature", "X"] = "X"
    sort: Literal["Newest", "Oldest", "Most Reactions", "Most Comments", "Most Collected"] = (
        "Newest"
    )
    period: Literal["AllTime", "Year", "Month", "Week", "Day"] = "AllTime"
    version_id: _Number = None
    types: list[Literal["image", "video"]] | None = Field(default=None, max_length=2)
    with_meta: bool = False
    from_platform: bool = False
    is_remix: bool | None = None
    workers: Annotated[int, NUMBER] | None = None

    def wish(self) -> Wish:
        """The same in the store's words."""
        from ..store.gallery_run_records import Wish  # heavy, not needed before the first call

        return Wish(
            count=_count(self.action),
            mode=self.mode,
            nsfw=self.nsfw,
            sort=self.sort,
            period=self.period,
            version_id=self.version_id,
            types=tuple(dict.fromkeys(self.types or ())),
            with_meta=self.with_meta,
            from_platform=self.from_platform,
            is_remix=self.is_remix,
            workers=None if self.workers is None else min(max(self.workers, 1), 20),
        )


class Emptied(Input):
    """Which part of a gallery."""

    version_id: _Number = None


class Preview(Input):
    """For which model, of a picture that several show."""

    model_id: _Number = None


@routes.add(
    "POST",
    "/loras/{model_id:int}/gallery",
    access=Access.KEY,
    body=Start,
    summary="Fetch a model's cards and its community's pictures, or stop that. action: start, "
    "start:n (1…1000 of the community, 200 unless said), start:cards, stop",
    answers={
        200: "{status: downloading or stopping, message?}; how it goes is told by GET",
        400: "action must be 'start' or 'stop', or an option that is none",
    },
)
async def start_or_stop(call: Call[Nothing, Start]) -> web.StreamResponse:
    """Returns at once."""
    body, model_id = call.body, call.number("model_id")
    if body.action == "stop":
        return json_answer(await asyncio.to_thread(call.store.gallery_runs.stop, model_id))
    if not body.action.startswith("start"):
        raise BadInput("action must be 'start' or 'stop'", field="action")
    started = await asyncio.to_thread(call.store.gallery_runs.start, model_id, body.wish())
    return json_answer(started)


@routes.add(
    "DELETE",
    "/loras/{model_id:int}/gallery",
    access=Access.KEY,
    query=Emptied,
    summary="Remove a model's pictures, records and files; what another model shows stays there. "
    "With version_id what that version alone uses",
    answers={
        200: "{deleted}",
        422: "The gallery's folder cannot be written",
        507: "The disk is full",
    },
)
async def delete_gallery(call: Call[Emptied, Nothing]) -> web.StreamResponse:
    """How many pictures the gallery no longer shows; a run of it is stopped first."""
    deleted = await patiently(
        call.store.gallery_runs.delete, call.number("model_id"), call.query.version_id
    )
    return json_answer({"deleted": deleted})


@routes.add(
    "POST",
    "/loras/gallery/{item_id}/set-preview",
    access=Access.KEY,
    query=Preview,
    summary="Let a picture stand for its model",
    answers={200: "{status, model_id, civitai_id}", 404: "Unknown, or not of that model"},
)
async def set_preview(call: Call[Preview, Nothing]) -> web.StreamResponse:
    """Of the model that it belongs to first, unless one is named."""
    chosen = await asyncio.to_thread(
        call.store.gallery.set_preview, call.text("item_id"), call.query.model_id
    )
    return json_answer(chosen)


@routes.get(
    "/loras/images/{model_id:int}/previews/{filename}",
    access=Access.KEY,
    summary="A picture of a version that was looked up and added, or its JSON",
    answers={200: "The file", 304: "Unchanged", 400: "Invalid path", 404: "Not here"},
)
async def send_preview(call: Plain) -> web.StreamResponse:
    """From `lookup/{model_id}/previews/`."""
    file = await asyncio.to_thread(
        call.store.previews.file, call.number("model_id"), call.text("filename")
    )
    return file_answer(
        call.request, file.path, content_type=file.content_type, etag=file.etag, name=file.name
    )


@routes.get(
    "/loras/gallery/backfill-thumbs",
    access=Access.KEY,
    summary="Make the thumbnails that are missing, and hear of it as server-sent events",
    answers={200: "text/event-stream: log, progress {current, total, …, phase}, done {total, …}"},
)
async def stream_backfill(call: Plain) -> web.StreamResponse:
    """It goes on when the caller goes; who comes later hears of the same one."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def hear(event: str, data: Any) -> None:
        # After the server's loop has ended nobody is left to hear.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, (event, data))

    answer = web.StreamResponse(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
    answer.content_type = "text/event-stream"
    _, forget = await asyncio.to_thread(call.store.thumbs_backfill.start, hear)
    closing = asyncio.ensure_future(call.request.app[CLOSING].wait())
    event = ""
    try:
        await answer.prepare(call.request)
        while event != "done":
            coming = asyncio.ensure_future(queue.get())
            await asyncio.wait({coming, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                break
            event, data = coming.result()
            await answer.write(b"event: %s\ndata: %s\n\n" % (event.encode(), encode(data)))
    except ConnectionError:
        pass  # the caller has gone
    finally:
        closing.cancel()
        forget()
    return answer


@routes.add(
    "POST",
    "/loras/gallery/backfill-thumbs/cancel",
    access=Access.KEY,
    summary="End the making of thumbnails",
    answers={200: "{status: cancelling}"},
)
async def cancel_backfill(call: Plain) -> web.StreamResponse:
    """What is made stays."""
    return json_answer(call.store.thumbs_backfill.cancel())


@routes.add(
    "POST",
    "/gallery/thumbs",
    access=Access.KEY,
    summary="Make the thumbnails that are missing, as a job",
    answers={200: "{job_id}"},
)
async def start_backfill(call: Plain) -> web.StreamResponse:
    """How it goes is told by GET /jobs."""
    job_id, _ = await asyncio.to_thread(call.store.thumbs_backfill.start)
    return json_answer({"job_id": job_id})


def _count(action: str) -> int:
    """How many the action asks for: what cannot be read is as many as usual."""
    said = action.partition(":")[2].strip()
    if said == "cards":
        return 0
    try:
        return min(max(int(said), 1), _MOST)
    except ValueError:
        return _USUAL
