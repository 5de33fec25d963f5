"""CivitAI's REST API, and its pages as far as somebody may follow a link to one."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from . import lists, shapes
from .records import Image, Model, Version
from .site import SITE, Site, failure

_TYPES = (
    "Checkpoint TextualInversion Hypernetwork AestheticGradient LORA LoCon DoRA Controlnet "
    "Upscaler MotionModule VAE Poses Wildcards Workflows Detection Other"
).split()
_NSFW = ("None", "Soft", "Mature", "X")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_LARGEST_ID = 2**31 - 1


def add_routes(app: web.Application) -> None:
    add = app.router
    add.add_get("/api/v1/models", list_models)
    add.add_get("/api/v1/models/{id}", show_model)
    add.add_get("/api/v1/model-versions/by-hash/{hash}", find_version)
    add.add_post("/api/v1/model-versions/by-hash", find_versions)
    add.add_get("/api/v1/model-versions/{id}", show_version)
    add.add_get("/api/v1/images", list_images)
    add.add_get("/models/{id}", show_page)
    add.add_get("/models/{id}/{slug}", show_page)
    add.add_get("/images/{id}", show_page)


class Invalid(Exception):
    """A parameter that the API does not take; the response is what zod makes of it."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.response = web.json_response(
            {
                "error": {
                    "issues": [{"code": "custom", "path": [name], "message": text}],
                    "name": "ZodError",
                }
            },
            status=400,
        )


def number(
    query: Mapping[str, str], name: str, default: int | None, low: int, high: int
) -> int | None:
    """A whole number of the query. Raises Invalid."""
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise Invalid(name, "Expected number, received nan")
    if not low <= int(text) <= high:
        raise Invalid(name, f"Number must be between {low} and {high}")
    return int(text)


def choice(query: Mapping[str, str], name: str, default: str, known: Mapping[str, object]) -> str:
    """One of some words. Raises Invalid."""
    text = query.get(name, default)
    if text not in known:
        raise Invalid(name, f"Invalid enum value. Expected {' | '.join(known)}, received '{text}'")
    return text


async def show_model(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    text = request.match_info["id"]
    model_id = _id(text)
    if model_id is None:
        return failure(400, f"No model with id {text}")
    model = site.world.models.get(model_id)
    if model is None or model.removed:
        return failure(404, f"No model with id {model_id}")
    return web.json_response(shapes.model(site, model))


async def list_models(request: web.Request) -> web.StreamResponse:
    """`query`, `types`, `tag`, `username`, `ids`, `limit` up to 100, `cursor`."""
    site = request.app[SITE]
    query = request.query
    try:
        limit = number(query, "limit", 100, 1, 100) or 100
        start = number(query, "cursor", 0, 0, _LARGEST_ID) or 0
        types = {each for text in query.getall("types", []) for each in text.split(",") if each}
        if not types <= set(_TYPES):
            raise Invalid("types", "Invalid enum value")
    except Invalid as invalid:
        return invalid.response
    words = query.get("query", "").lower().split()
    ids = {text for each in query.getall("ids", []) for text in each.split(",")}
    found = [
        model
        for model in site.world.models.values()
        if not model.removed
        and all(word in model.name.lower() for word in words)
        and (not types or model.kind in types)
        and (not ids or str(model.id) in ids)
        and query.get("tag", "") in ("", *model.tags)
        and query.get("username", "") in ("", model.creator.name)
    ]
    metadata: dict[str, Any] = {}
    if start + limit < len(found):
        metadata = _next(site, request, {"cursor": str(start + limit)})
    shown = found[start : start + limit]
    return web.json_response(
        {"items": [shapes.model(site, model) for model in shown], "metadata": metadata}
    )


async def show_version(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    version_id = _id(request.match_info["id"])
    return _version(site, site.world.versions.get(version_id) if version_id else None)


async def find_version(request: web.Request) -> web.StreamResponse:
    """By SHA256, AutoV1, AutoV2, AutoV3 or CRC32, in any case."""
    site = request.app[SITE]
    return _version(site, site.world.by_hash(request.match_info["hash"]))


async def find_versions(request: web.Request) -> web.StreamResponse:
    """The versions of up to 100 SHA-256; unknown ones are absent."""
    site = request.app[SITE]
    if site.switches.by_hash_batch != 200:
        return failure(site.switches.by_hash_batch, "Not supported")
    try:
        hashes = await request.json()
    except ValueError:
        return failure(400, "Invalid JSON")
    if not isinstance(hashes, list) or len(hashes) > 100:  # pyright: ignore[reportUnknownArgumentType] - JSON
        return Invalid("hashes", "Array must contain at most 100 element(s)").response
    texts = [str(each) for each in hashes]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    if not all(_SHA256.fullmatch(text) for text in texts):
        return Invalid("hashes", "String must contain exactly 64 character(s)").response
    found = {version.id: version for text in texts if (version := site.world.by_hash(text))}
    return web.json_response([shapes.version(site, version) for version in found.values()])


async def list_images(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    query = request.query
    try:
        limit = number(query, "limit", 100, 0, 200) or 100
        place = number(query, "page", None, 1, _LARGEST_ID)
        wanted = _wanted(query)
        if place is not None and place * limit > 1000:
            return failure(429, "You've requested too many pages, please use cursors instead")
        found = lists.select(site, wanted, lambda image: shapes.LEVELS[image.level])
        cursor = query.get("cursor")
        if place is not None and cursor is None:
            items, metadata = _numbered(site, request, found, limit, place)
        else:
            items, following = lists.page(site, found, wanted, limit, cursor)
            metadata = _next(site, request, {"cursor": following}) if following else {}
    except lists.BadCursor:
        return Invalid("cursor", "Invalid cursor").response
    except Invalid as invalid:
        return invalid.response
    with_meta = query.get("withMeta", "").lower() == "true"
    return web.json_response(
        {
            "items": [shapes.rest_image(site, image, with_meta=with_meta) for image in items],
            "metadata": metadata,
        }
    )


def _wanted(query: Mapping[str, str]) -> lists.Wanted:
    nsfw = query.get("nsfw")
    levels: frozenset[str] = frozenset()
    if nsfw is not None and nsfw not in ("true", "X"):
        nsfw = "None" if nsfw == "false" else nsfw
        if nsfw not in _NSFW:
            raise Invalid("nsfw", "Invalid enum value. Expected None | Soft | Mature | X")
        levels = frozenset(_NSFW[: _NSFW.index(nsfw) + 1])
    kind = query.get("type")
    if kind not in (None, "image", "video"):
        raise Invalid("type", "Invalid enum value. Expected image | video")
    return lists.Wanted(
        model_id=number(query, "modelId", None, 1, _LARGEST_ID),
        version_id=number(query, "modelVersionId", None, 1, _LARGEST_ID),
        image_id=number(query, "imageId", None, 1, _LARGEST_ID),
        post_id=number(query, "postId", None, 1, _LARGEST_ID),
        username=query.get("username"),
        levels=levels,
        kinds=frozenset([kind]) if kind else frozenset(),
        sort=choice(query, "sort", "Newest", lists.SORTS),
        period=choice(query, "period", "AllTime", lists.PERIODS),
    )


def _numbered(
    site: Site, request: web.Request, found: list[Image], limit: int, place: int
) -> tuple[list[Image], dict[str, Any]]:
    size = min(limit, site.switches.page_size or limit)
    metadata: dict[str, Any] = {"currentPage": place, "pageSize": size}
    if place * size < len(found):
        address = _next(site, request, {"page": str(place + 1)})["nextPage"]
        metadata["nextPage"] = address
    return lists.part(found, size, place), metadata


def _next(site: Site, request: web.Request, more: Mapping[str, str]) -> dict[str, Any]:
    """`nextCursor` and the whole address of the next page."""
    query = {key: value for key, value in request.query.items() if key != "token"} | dict(more)
    address = f"{site.civitai}{request.path}?{urlencode(query)}"
    return {"nextCursor": more.get("cursor"), "nextPage": address}


def _version(site: Site, version: Version | None) -> web.Response:
    if version is None or site.world.model_of(version).removed:
        return failure(404, "Model not found")
    if version.answers_no_file:
        return failure(404, "Missing model file")
    return web.json_response(shapes.version(site, version))


def _id(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 11
    return int(text) if is_number and int(text) <= _LARGEST_ID else None


async def show_page(request: web.Request) -> web.StreamResponse:
    """A page for people, with nothing but its title."""
    world = request.app[SITE].world
    number_ = _id(request.match_info["id"]) or 0
    shown: Model | Image | None
    if request.path.startswith("/models/"):
        shown = world.models.get(number_)
        title = shown.name if shown else ""
    else:
        shown = world.images.get(number_)
        title = f"Image {number_}"
    if shown is None:
        return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")
    text = f"<!DOCTYPE html><title>{html.escape(title)} | Civitai</title>"
    return web.Response(text=text, content_type="text/html")
