"""CivitAI's tRPC: procedures, superjson, batches, envelopes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from . import lists, shapes
from .records import Image, Json
from .site import SITE, Site

_CODES = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "UNAUTHORIZED": (-32001, 401),
    "FORBIDDEN": (-32003, 403),
    "NOT_FOUND": (-32004, 404),
    "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TOO_MANY_REQUESTS": (-32029, 429),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
}
_LARGEST_ID = 2**31 - 1


class ProcedureError(Exception):
    """An error that goes into the envelope."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def add_routes(app: web.Application) -> None:
    app.router.add_route("*", "/api/trpc/{procedures}", answer)


async def answer(request: web.Request) -> web.StreamResponse:
    """One procedure, or with `batch=1` several, joined by commas, answered in order."""
    site = request.app[SITE]
    names = request.match_info["procedures"]
    is_batch = request.query.get("batch") == "1"
    paths = names.split(",") if is_batch else [names]
    results = [
        _envelope(site, request, path, str(place) if is_batch else None)
        for place, path in enumerate(paths)
    ]
    if not is_batch:
        envelope, status = results[0]
        return web.json_response(envelope, status=status)
    statuses = {status for _, status in results}
    return web.json_response(
        [envelope for envelope, _ in results],
        status=statuses.pop() if len(statuses) == 1 else 207,
    )


def _envelope(site: Site, request: web.Request, path: str, place: str | None) -> tuple[Json, int]:
    try:
        procedure = _PROCEDURES.get(path)
        if procedure is None:
            raise ProcedureError("NOT_FOUND", f'No "query"-procedure on path "{path}"')
        if request.method not in ("GET", "HEAD"):
            raise ProcedureError(
                "METHOD_NOT_SUPPORTED",
                f'Unsupported {request.method}-request to query procedure at path "{path}"',
            )
        value = procedure(site, _input(site, request.query.get("input"), place))
    except ProcedureError as error:
        number, status = _CODES[error.code]
        data = {"code": error.code, "httpStatus": status, "path": path}
        return {"error": {"json": {"message": error.text, "code": number, "data": data}}}, status
    result: Json = {"json": value}
    dates = _dates(value)
    if dates:
        result["meta"] = {"values": dict.fromkeys(dates, ["Date"])}
    return {"result": {"data": result}}, 200


def _input(site: Site, text: str | None, place: str | None) -> Json:
    """What superjson makes of the question: what `meta.values` calls undefined is not there."""
    try:
        told = cast(Json, json.loads(text) if text is not None else {})
        if place is not None:
            told = cast(Json, told.get(place) or {})
        given = told.get("json")
        marks = cast(Json, cast(Json, told.get("meta") or {}).get("values") or {})
        undefined = [name for name, kinds in marks.items() if "undefined" in kinds]
    except (ValueError, AttributeError, TypeError) as error:
        raise ProcedureError("PARSE_ERROR", f"Unexpected input: {error}") from error
    if not isinstance(given, dict):
        raise ProcedureError("BAD_REQUEST", _issue("", "Expected object, received undefined"))
    given = cast(Json, given)
    if site.switches.strict_superjson:
        given = {name: value for name, value in given.items() if name not in undefined}
    return given


def _dates(value: Any, path: str = "") -> list[str]:
    """Paths of what superjson would turn into a Date."""
    if isinstance(value, dict):
        found = cast(Json, value)
        return [
            each
            for name, inner in found.items()
            for each in (
                [f"{path}{name}"]
                if name in ("createdAt", "publishedAt") and inner
                else _dates(inner, f"{path}{name}.")
            )
        ]
    if isinstance(value, list):
        return [
            each
            for place, inner in enumerate(cast(list[Any], value))
            for each in _dates(inner, f"{path}{place}.")
        ]
    return []


def _issue(name: str, text: str) -> str:
    """The message of a failed validation: zod's issues as JSON text."""
    path = [name] if name else []
    return json.dumps([{"code": "custom", "path": path, "message": text}], indent=2)


def _number(given: Json, name: str, *, low: int = 1, high: int = _LARGEST_ID) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProcedureError("BAD_REQUEST", _issue(name, "Expected number"))
    if not low <= value <= high:
        raise ProcedureError("BAD_REQUEST", _issue(name, f"Must be between {low} and {high}"))
    return value


def _required(given: Json, name: str) -> int:
    value = _number(given, name)
    if value is None:
        raise ProcedureError("BAD_REQUEST", _issue(name, "Required"))
    return value


def _word(given: Json, name: str, default: str, known: Any) -> str:
    value = given.get(name, default)
    if value not in known:
        raise ProcedureError("BAD_REQUEST", _issue(name, "Invalid enum value"))
    return str(value)


def _list(given: Json, name: str) -> list[Any]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ProcedureError("BAD_REQUEST", _issue(name, "Expected array"))
    return cast(list[Any], value)


def get_infinite(site: Site, given: Json) -> Json:
    limit = _number(given, "limit", low=0, high=200)
    cursor = given.get("cursor")
    if cursor is not None and not isinstance(cursor, str):
        raise ProcedureError("BAD_REQUEST", _issue("cursor", "Invalid input"))
    kinds = _list(given, "types")
    if not set(map(str, kinds)) <= {"image", "video", "audio"}:
        raise ProcedureError("BAD_REQUEST", _issue("types", "Invalid enum value"))
    bits = _number(given, "browsingLevel", low=0)
    username = given.get("username")
    wanted = lists.Wanted(
        model_id=_number(given, "modelId"),
        version_id=_number(given, "modelVersionId"),
        post_id=_number(given, "postId"),
        username=str(username) if username else None,
        levels=frozenset(1 << bit for bit in range(6) if bits and bits >> bit & 1),
        kinds=frozenset(map(str, kinds)),
        excluded_tags=frozenset(each for each in _list(given, "excludedTagIds") if _is_int(each)),
        sort=_word(given, "sort", "Newest", lists.SORTS),
        period=_word(given, "period", "AllTime", lists.PERIODS),
    )
    found = lists.select(site, wanted, lambda image: image.level)
    try:
        items, following = lists.page(site, found, wanted, limit or 100, cursor)
    except lists.BadCursor as error:
        raise ProcedureError("BAD_REQUEST", _issue("cursor", "Invalid cursor")) from error
    with_meta = given.get("withMeta") is True
    told: Json = {"items": [shapes.trpc_image(each, with_meta=with_meta) for each in items]}
    if following:
        told["nextCursor"] = following
    return told


def get_image(site: Site, given: Json) -> Json:
    return shapes.trpc_image(_image(site, given))


def get_generation_data(site: Site, given: Json) -> Json:
    return shapes.generation(_image(site, given))


def get_creator(site: Site, given: Json) -> Json:
    creator = next(
        (
            each
            for each in site.world.creators.values()
            if each.name == given.get("username") or each.id == given.get("id")
        ),
        None,
    )
    if creator is None:
        raise ProcedureError("NOT_FOUND", "Could not find user")
    return {
        "id": creator.id,
        "username": creator.name,
        "image": None,
        "createdAt": shapes.moment(site.world.now),
        "links": [],
    }


def get_tag(site: Site, given: Json) -> Json | None:
    """Null for a tag that nobody knows."""
    tag = site.world.tags.get(_required(given, "id"))
    return {"id": tag.id, "name": tag.name, "type": tag.kind} if tag else None


def _image(site: Site, given: Json) -> Image:
    image_id = _required(given, "id")
    image = site.world.images.get(image_id)
    if image is None:
        raise ProcedureError("NOT_FOUND", f"No image with id {image_id}")
    return image


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_PROCEDURES: dict[str, Callable[[Site, Json], Json | None]] = {
    "image.getInfinite": get_infinite,
    "image.get": get_image,
    "image.getGenerationData": get_generation_data,
    "user.getCreator": get_creator,
    "tag.getById": get_tag,
}
