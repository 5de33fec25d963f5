"""A person's own pictures over HTTP: sent, or taken from ComfyUI's output folder."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

from aiohttp import web
from pydantic import Field

from ..store.errors import BadInput
from ..store.number_fields import NUMBER
from .answers import has_tag, json_answer
from .multipart import save_part
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .threads import decoding, patiently

routes = Routes()

_LIMIT = 2 << 30

ModelId = Annotated[int, Field(default=0, ge=0, lt=1 << 63), NUMBER]


class Belonging(Input):
    """To which model the picture belongs (0: to none), and what it is called."""

    model_id: ModelId
    name: str = Field(default="", max_length=300)


class Listed(Input):
    """A part of the output folder's list."""

    q: str = Field(default="", max_length=300)
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class OutputPath(Input):
    """A file by its path below the output folder."""

    path: str = Field(min_length=1, max_length=2000)


class OutputFiles(Input):
    """Files by their paths below the output folder, and the model they belong to."""

    paths: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(
        min_length=1, max_length=500
    )
    model_id: ModelId


@routes.add(
    "POST",
    "/gallery/own",
    access=Access.KEY,
    query=Belonging,
    raw=True,
    summary="Take in a picture or video of one's own: multipart/form-data, part image. The same "
    "content again is the same item",
    answers={
        200: "The item",
        413: "Larger than 2 GiB, or too many pixels",
        415: "No picture and no video that is known here",
        422: "The gallery's folder cannot be written",
        507: "The disk is full, or the gallery has reached its limit",
    },
)
async def add_own(call: Call[Belonging, Nothing]) -> web.StreamResponse:
    """The item, with its new id or the one it had."""
    gallery = call.store.gallery
    with contextlib.ExitStack() as kept:
        path = await asyncio.to_thread(kept.enter_context, gallery.arriving())
        name = await save_part(call.request, "image", path, limit=_LIMIT)
        item = await decoding(
            gallery.add_own,
            path,
            name=call.query.name or name[-300:] or "picture",
            model_id=call.query.model_id,
            move=True,
        )
    return json_answer(item)


@routes.add(
    "DELETE",
    "/gallery/{item_id}",
    access=Access.KEY,
    summary="Remove one picture, record and files, from every gallery and collection; asked again "
    "it is unknown",
    answers={200: "{status: deleted, id}", 404: "Unknown", 507: "The disk is full"},
)
async def delete_item(call: Plain) -> web.StreamResponse:
    """Its own id, whichever of its ids was given."""
    key = await patiently(call.store.gallery.remove_item, call.text("item_id"))
    return json_answer({"status": "deleted", "id": key})


@routes.get(
    "/gallery/output",
    access=Access.KEY,
    query=Listed,
    summary="Pictures and videos in ComfyUI's output folder, the newest first",
    answers={200: "{files: [{path, name, size, modified, type}], total}"},
)
async def list_output(call: Call[Listed, Nothing]) -> web.StreamResponse:
    """A page of them."""
    query = call.query
    listed = call.store.gallery.output.listed
    return json_answer(
        await asyncio.to_thread(listed, query.q, limit=query.limit, offset=query.offset)
    )


@routes.get(
    "/gallery/output/thumb",
    access=Access.KEY,
    query=OutputPath,
    summary="A small WebP of a file in the output folder",
    answers={200: "The thumbnail", 304: "Unchanged", 404: "No such file", 415: "No picture"},
)
async def send_output_thumb(call: Call[OutputPath, Nothing]) -> web.StreamResponse:
    """Made for this answer; nothing is kept."""
    data, etag = await decoding(call.store.gallery.output_thumb, call.query.path)
    headers = {"Cache-Control": "no-cache", "ETag": f'"{etag}"'}
    if has_tag(call.request, etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type="image/webp", headers=headers)


@routes.add(
    "POST",
    "/gallery/own/from-output",
    access=Access.KEY,
    body=OutputFiles,
    summary="Take files of the output folder into the gallery; they stay where they are",
    answers={
        200: "{items, failed: [{path, error}]}",
        400: "No paths",
        422: "The gallery's folder cannot be written",
        507: "The disk is full, or the gallery has reached its limit",
    },
)
async def add_from_output(call: Call[Nothing, OutputFiles]) -> web.StreamResponse:
    """A failing one costs only itself."""
    body = call.body
    if not body.paths:
        raise BadInput("paths names no file.", field="paths")
    return json_answer(
        await decoding(call.store.gallery.add_from_output, body.paths, model_id=body.model_id)
    )
