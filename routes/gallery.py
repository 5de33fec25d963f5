"""The gallery over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field

from .answers import body_answer, json_answer
from .files import file_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .threads import decoding, patiently

if TYPE_CHECKING:
    from ..store.gallery import ServedFile, Wanted
    from ..store.store import Store

routes = Routes()


def _none_if_empty(value: object) -> object:
    """`?starred=` means the same as no `starred` at all."""
    return None if value == "" else value


_Switch = Annotated[bool | None, BeforeValidator(_none_if_empty)]
_Number = Annotated[int | None, BeforeValidator(_none_if_empty)]
_Source = Annotated[Literal["original", "community", "own"] | None, BeforeValidator(_none_if_empty)]
_Level = Annotated[
    Literal["0", "1", "2", "4", "8", "16", "32"] | None, BeforeValidator(_none_if_empty)
]
_Type = Annotated[Literal["image", "video"] | None, BeforeValidator(_none_if_empty)]


class Filters(Input):
    """Which pictures, and from where on."""

    source: _Source = None
    starred: _Switch = None
    version_id: _Number = None
    type: _Type = None
    q: str = Field(default="", max_length=500)
    tags: str = Field(default="", max_length=1000)
    """Names or numbers of CivitAI's tags, with commas between; all of them."""
    max_nsfw: _Level = None
    before: str | None = None

    def wanted(self, store: Store) -> Wanted:
        """The same in the store's words."""
        from ..store.gallery_lists import Wanted  # heavy, and not needed before the first call

        names = filter(None, map(str.strip, self.tags.split(",")))
        return Wanted(
            source=self.source or "",
            # `starred=false` is no wish for those without a star: Studio's page sends it.
            starred=self.starred or None,
            version_id=self.version_id,
            type=self.type or "",
            q=self.q,
            max_nsfw=int(self.max_nsfw or 0),
            tags=tuple(map(store.civitai_tags.numbers, names)),
        )


class ModelFilters(Filters):
    """Filters within one model's gallery; with `limit` a page."""

    limit: Annotated[int, Field(ge=1, le=1000)] | None = None


class AllFilters(Filters):
    """Filters over all pictures."""

    limit: int = Field(default=100, ge=1, le=1000)


class Star(Input):
    """How the star is to be; without it, the other way round."""

    starred: bool | None = None


class Small(Input):
    """How wide at most the thumbnail is to be, in pixels."""

    size: Literal["160", "320", "640"] = "320"


class Form(Input):
    """Which of the two graphs that ComfyUI writes: its page's, or the one it runs."""

    form: Literal["workflow", "api"] = "workflow"


class As(Input):
    """What a video gives: a frame, or itself."""

    as_: Literal["frame", "media"] = Field(default="frame", alias="as")


@routes.get(
    "/gallery",
    access=Access.KEY,
    query=AllFilters,
    summary="Pictures of all models, last added first: {images, total, next}; pass next as before",
    answers={200: "A page", 400: "A filter or cursor that cannot be read"},
)
async def list_all(call: Call[AllFilters, Nothing]) -> web.StreamResponse:
    """A page over all models."""
    return await _page(call, None, call.query.limit)


@routes.get(
    "/gallery/models",
    access=Access.KEY,
    summary="Models that have pictures: {models: [{model_id, name, count, thumb, thumb_level}]}, "
    "most first; thumb is an item id, model 0 holds pictures without a known LoRA",
)
async def list_models(call: Plain) -> web.StreamResponse:
    """The models to filter by."""
    return json_answer({"models": await asyncio.to_thread(call.store.gallery.models)})


@routes.get(
    "/loras/{model_id:int}/gallery",
    access=Access.KEY,
    query=ModelFilters,
    summary="The gallery of a model: everything, or with limit a page of images",
    answers={200: "G of the contract", 400: "A filter or cursor that cannot be read"},
)
async def list_gallery(call: Call[ModelFilters, Nothing]) -> web.StreamResponse:
    """G, whole or by pages."""
    model_id, query = call.number("model_id"), call.query
    if query.limit is not None:
        return await _page(call, model_id, query.limit)
    found = await asyncio.to_thread(
        call.store.gallery.list,
        model_id,
        query.wanted(call.store),
        before=query.before or None,
    )
    return json_answer(found)


@routes.add(
    "POST",
    "/loras/gallery/download-single/{image_id:int}",
    access=Access.KEY,
    summary="Fetch one picture from CivitAI, unless it is here",
    answers={
        200: "The item",
        400: "CivitAI wants a key, or a better one",
        404: "Unknown to CivitAI",
        422: "The gallery's folder cannot be written",
        502: "CivitAI failed, or its file is no whole picture",
        503: "CivitAI is busy",
        507: "The disk is full",
    },
)
async def download_single(call: Plain) -> web.StreamResponse:
    """The item, fetched if need be."""
    number = call.number("image_id")
    return json_answer(await patiently(call.store.gallery.download_single, number))


@routes.get(
    "/loras/gallery/media/{item_id}",
    access=Access.KEY,
    summary="The picture or video itself; the id may carry an extension",
    answers={200: "The file", 206: "A range of it", 304: "Unchanged", 404: "Unknown"},
)
async def send_media(call: Plain) -> web.StreamResponse:
    """The file."""
    file = await asyncio.to_thread(call.store.gallery.media, call.text("item_id"))
    return _file(call, file)


@routes.get(
    "/loras/gallery/thumb/{item_id}",
    access=Access.KEY,
    query=Small,
    summary="A small WebP of it, of a video a frame",
    answers={
        200: "The thumbnail, else the picture",
        304: "Unchanged",
        404: "Unknown, or a video without a thumbnail",
    },
)
async def send_thumb(call: Call[Small, Nothing]) -> web.StreamResponse:
    """The thumbnail."""
    size = int(call.query.size)
    file = await decoding(call.store.gallery.thumb, call.text("item_id"), size)
    return _file(call, file)


@routes.get(
    "/loras/gallery/{item_id}/meta",
    access=Access.KEY,
    summary="All that is known of a picture, raw and by one name each (prompt, negative, seed …)",
    answers={200: "The metadata", 404: "Unknown"},
)
async def show_meta(call: Plain) -> web.StreamResponse:
    """The full metadata."""
    return json_answer(await asyncio.to_thread(call.store.gallery.meta, call.text("item_id")))


@routes.get(
    "/loras/gallery/{item_id}/workflow",
    access=Access.KEY,
    query=Form,
    summary="The ComfyUI workflow that a picture carries (where it has only the API graph, that); "
    "a workflow has a list nodes, an API graph has not",
    answers={200: "The workflow", 404: "Unknown, or it carries none"},
)
async def show_workflow(call: Call[Form, Nothing]) -> web.StreamResponse:
    """JSON that ComfyUI opens."""
    api = call.query.form == "api"
    return json_answer(await decoding(call.store.gallery.workflow, call.text("item_id"), api=api))


@routes.add(
    "POST",
    "/loras/gallery/{item_id}/star",
    access=Access.KEY,
    body=Star,
    summary="Toggle the star, or set it as the body says",
    answers={200: "{starred}", 404: "Unknown"},
)
async def star_item(call: Call[Nothing, Star]) -> web.StreamResponse:
    """How the star is now."""
    starred = await asyncio.to_thread(
        call.store.gallery.star, call.text("item_id"), call.body.starred
    )
    return json_answer({"starred": starred})


@routes.add(
    "POST",
    "/loras/gallery/to-input/{image_id}",
    access=Access.KEY,
    query=As,
    summary="Lay the picture into ComfyUI's input folder; of a video a frame, with as=media itself",
    answers={
        200: "{filename, subfolder, type}",
        404: "Unknown",
        422: "The input folder cannot be written",
        507: "The disk is full",
    },
)
async def send_to_input(call: Call[As, Nothing]) -> web.StreamResponse:
    """Where the file lies now."""
    placed = await decoding(
        call.store.gallery.to_input, call.text("image_id"), as_media=call.query.as_ == "media"
    )
    return json_answer(placed)


async def _page(call: Call[Any, Nothing], model_id: int | None, limit: int) -> web.StreamResponse:
    from ..store.gallery import Asked  # heavy, and not needed before the first call

    query: Filters = call.query
    gallery = call.store.gallery
    asked = Asked(model_id, query.wanted(call.store), limit, query.before or None)
    # What many pages ask at once, or one again, is not worth a thread.
    body = gallery.page_at_hand(asked) or await asyncio.to_thread(gallery.page, asked)
    return body_answer(body)


def _file(call: Call[Any, Nothing], file: ServedFile) -> web.StreamResponse:
    return file_answer(
        call.request, file.path, content_type=file.content_type, etag=file.etag, name=file.name
    )
