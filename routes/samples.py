"""Sample pictures of models over HTTP, as Hikaze's client knows them."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web
from pydantic import Field

from ..store.errors import BadInput, NotFound
from .answers import json_answer
from .files import file_answer
from .library_records import wanted_tags
from .multipart import read_parts
from .routing import Access, Call, Input, Nothing, Plain, Routes
from .threads import decoding

routes = Routes()

_LARGEST = 64 << 20
_NAME = re.compile(r"(.+?)(?:_([0-9]{1,9}))?(?:\.[A-Za-z0-9]+)?")


class Which(Input):
    """Which picture, how good."""

    quality: str = "high"
    """`high`, `medium` or `low`; anything else means high."""
    seq: str | None = None
    """The picture's place, unless its name says it."""


class Owner(Input):
    """Whose pictures: a hash, or a place's id."""

    sha256: str = ""


class OwnedPicture(Input):
    """A picture by its owner and place."""

    sha256: str = ""
    seq: str = ""


class SampleList(Input):
    """Whose pictures, how good."""

    sha256: str = Field(default="")
    quality: str | None = "high"


@routes.get(
    "/images/{name}",
    access=Access.KEY,
    query=Which,
    summary="A sample picture as WebP: {sha256}.webp (the first, or seq), {sha256}_{seq}.webp",
    answers={
        200: "The picture",
        206: "A range of it",
        304: "Unchanged",
        400: "seq is no number",
        404: "There is no such picture",
    },
)
async def send_sample(call: Call[Which, Nothing]) -> web.StreamResponse:
    """The file."""
    parts = _NAME.fullmatch(call.text("name"))
    seq = _number(call.query.seq) if call.query.seq else 0
    if parts is None:
        raise NotFound("Image not found")
    file = await asyncio.to_thread(
        call.store.models.sample, parts[1], int(parts[2] or seq), call.query.quality
    )
    return file_answer(
        call.request, file.path, content_type=file.content_type, etag=file.etag, name=file.name
    )


@routes.get(
    "/images/get_img_num",
    access=Access.KEY,
    query=Owner,
    summary="How many sample pictures a model has",
    answers={200: "{count}, 0 for an unknown hash", 400: "sha256 is required"},
)
async def count_samples(call: Call[Owner, Nothing]) -> web.StreamResponse:
    """`{count}`."""
    return await _count(call)


@routes.get(
    "/images/get_img_count",
    access=Access.KEY,
    query=Owner,
    summary="The same as get_img_num, by Hikaze's name",
    answers={200: "{count}, 0 for an unknown hash", 400: "sha256 is required"},
)
async def count_samples_too(call: Call[Owner, Nothing]) -> web.StreamResponse:
    """`{count}`."""
    return await _count(call)


@routes.add(
    "POST",
    "/images/upload",
    access=Access.KEY,
    raw=True,
    summary="Add a sample picture: multipart, the parts `image` and `sha256` in any order",
    answers={
        200: "{status: success, base_name}; of a picture that is there already its own",
        400: "A part is missing, or sha256 is neither 64 hex digits nor a place",
        413: "More than 64 MiB, or too many pixels",
        415: "Not multipart/form-data, or no picture",
        507: "The disk is full",
    },
)
async def add_sample(call: Plain) -> web.StreamResponse:
    """The picture comes last."""
    parts = await read_parts(call.request, {"image": _LARGEST, "sha256": 1024})
    if "image" not in parts or "sha256" not in parts:
        lacking = "sha256" if "image" in parts else "image"
        raise BadInput("Missing image or sha256", field=lacking)
    owner = parts["sha256"].decode("utf-8", errors="replace").strip()
    base_name = await decoding(call.store.models.add_sample, owner, parts["image"])
    return json_answer({"status": "success", "base_name": base_name})


@routes.add(
    "DELETE",
    "/images/delete",
    access=Access.KEY,
    query=OwnedPicture,
    summary="Remove a sample picture; the later ones move up. Sent twice it removes two, "
    "with If-Match (the picture's ETag) one",
    answers={
        200: "{status: success}",
        400: "sha256 or seq is missing, or seq is no number",
        404: "There is no such picture",
        412: "Another picture stands there by now",
    },
)
async def delete_sample(call: Call[OwnedPicture, Nothing]) -> web.StreamResponse:
    """`{status}`."""
    owner, seq = call.query.sha256, call.query.seq
    if not owner or not seq:
        lacking = "seq" if owner else "sha256"
        raise BadInput("sha256 and seq are required", field=lacking)
    await asyncio.to_thread(
        call.store.models.delete_sample, owner, _number(seq), wanted_tags(call.request)
    )
    return json_answer({"status": "success"})


@routes.add(
    "POST",
    "/images/get_sample_imgs",
    access=Access.KEY,
    body=SampleList,
    summary="The addresses of a model's sample pictures",
    answers={
        200: "{images, quality, count}",
        400: "sha256 is missing, or neither 64 hex digits nor a place",
    },
)
async def list_samples(call: Call[Nothing, SampleList]) -> web.StreamResponse:
    """In order."""
    if not call.body.sha256:
        raise BadInput("sha256 is required", field="sha256")
    key, count = await asyncio.to_thread(call.store.models.samples_of, call.body.sha256)
    quality = call.body.quality if call.body.quality in ("medium", "low") else "high"
    images = [f"/api/admin/images/{key}_{seq}.webp?quality={quality}" for seq in range(count)]
    return json_answer({"images": images, "quality": quality, "count": count})


@routes.get(
    "/images/pending/{name}",
    access=Access.KEY,
    query=Which,
    summary="The picture of a pending model as WebP, by the row's id or the picture's own name",
    answers={200: "The picture", 304: "Unchanged", 404: "Pending image not found"},
)
async def send_pending(call: Call[Which, Nothing]) -> web.StreamResponse:
    """The file."""
    file = await asyncio.to_thread(
        call.store.staging.picture, call.text("name"), call.query.quality
    )
    return file_answer(
        call.request, file.path, content_type=file.content_type, etag=file.etag, name=file.name
    )


async def _count(call: Call[Owner, Nothing]) -> web.StreamResponse:
    if not call.query.sha256:
        raise BadInput("sha256 is required", field="sha256")
    count = await asyncio.to_thread(call.store.models.count_samples, call.query.sha256)
    return json_answer({"count": count})


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput("seq must be an integer", field="seq")
    return int(text)
