"""Hikaze's own names of routes: its client has `/api` built in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import update_wrapper
from typing import Any

from aiohttp import web

from ..store.errors import BadInput
from .routing import Call, Handler, Route

_PREFIX = "/api"

_SAME = frozenset(
    [
        ("GET", "/models/get_types"),
        ("GET", "/models"),
        ("GET", "/models/{sha256}"),
        ("PATCH", "/models/{sha256}"),
        ("POST", "/models/scan"),
        ("GET", "/tags"),
        ("POST", "/tags_add"),
        ("GET", "/images/{name}"),
        ("GET", "/images/get_img_num"),
        ("GET", "/images/get_img_count"),
        ("POST", "/images/upload"),
        ("DELETE", "/images/delete"),
        ("POST", "/images/get_sample_imgs"),
        ("GET", "/images/pending/{name}"),
        ("GET", "/migration/pending_models"),
        ("GET", "/migration/pending_model"),
        ("POST", "/migration/migrate_legacy_db"),
        ("POST", "/migration/import_models"),
        ("POST", "/migration/import_a_model"),
    ]
)


def aliases(routes: Iterable[Route]) -> Iterator[Route]:
    """The library's routes under Hikaze's names."""
    for route in routes:
        name = (route.method, route.path)
        if name not in _SAME:
            continue
        handler = _typed(route.handler) if name == ("GET", "/models") else route.handler
        yield _renamed(route, _PREFIX + route.path, handler, "hikaze")
        if name == ("POST", "/models/scan"):
            # A GET in Hikaze, where any page's picture could begin one; here a GET changes nothing.
            yield _renamed(route, f"{_PREFIX}/scan", handler, "hikaze_old")


def _renamed(route: Route, path: str, handler: Handler[Any, Any], prefix: str) -> Route:
    async def handle(call: Call[Any, Any]) -> web.StreamResponse:
        return await handler(call)

    update_wrapper(handle, handler)
    handle.__name__ = f"{prefix}_{handler.__name__}"
    summary = f"{route.summary} (Hikaze's name)"
    return replace(route, path=path, handler=handle, summary=summary)


def _typed(handler: Handler[Any, Any]) -> Handler[Any, Any]:
    async def list_models_of_type(call: Call[Any, Any]) -> web.StreamResponse:
        if not call.request.query.get("type"):
            raise BadInput("type parameter is required", field="type")
        return await handler(call)

    return list_models_of_type
