"""Gallery runs over HTTP: start and stop, and emptying a gallery."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.errors import BadInput
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Routes
from .threads import patiently

if TYPE_CHECKING:
    from ..store.gallery_run_records import Wish

routes = Routes()

_USUAL = 200
_MOST = 1000


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_Number = Annotated[
    int | None, BeforeValidator(_none_if_empty), Field(default=None, ge=1, lt=1 << 63)
]


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
    workers: int | None = None

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
    answers={200: "{deleted}", 507: "The disk is full"},
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


def _count(action: str) -> int:
    """How many the action asks for: what cannot be read is as many as usual."""
    said = action.partition(":")[2].strip()
    if said == "cards":
        return 0
    try:
        return min(max(int(said), 1), _MOST)
    except ValueError:
        return _USUAL
