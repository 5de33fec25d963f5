"""Every route there is, and the application that serves them."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from ..store import Opening
from . import (
    catalog,
    catalog_adding,
    catalog_exchange,
    catalog_upkeep,
    collections,
    gallery,
    gallery_own,
    gallery_runs,
    gallery_upkeep,
    hikaze,
    jobs,
    library,
    library_exchange,
    library_records,
    loras,
    organising,
    pictures,
    samples,
    staging,
    system,
    tags,
    transfers,
    trash,
    ui,
    uploads,
)
from .answers import json_answer
from .door import FAILURES, Failures
from .middleware import ACCESS, OPENING, boundary, door, set_headers
from .openapi import describe
from .routing import Access, Plain, Route, Routes

_own = Routes()
ALL: list[Route] = [
    *system.routes,
    *jobs.routes,
    *catalog.routes,
    *catalog_adding.routes,
    *catalog_exchange.routes,
    *catalog_upkeep.routes,
    *loras.routes,
    *pictures.routes,
    *transfers.routes,
    *trash.routes,
    *gallery.routes,
    *gallery_own.routes,
    *gallery_runs.routes,
    *gallery_upkeep.routes,
    *tags.routes,
    *collections.routes,
    *organising.routes,
    *library_exchange.routes,
    *library.routes,
    *library_records.routes,
    *samples.routes,
    *staging.routes,
    *uploads.routes,
    *ui.routes,
]


@_own.get("/openapi.json", access=Access.KEY, summary="This description")
async def show_openapi(call: Plain) -> web.StreamResponse:
    """OpenAPI 3.1 of every route."""
    return json_answer(describe(ALL, system.app_version()))


ALL.extend(_own)
ALL.extend([*hikaze.aliases(ALL)])


def build_app(opening: Opening) -> web.Application:
    """The routes as an application that mounts anywhere; 503 while the store is closed."""
    app = web.Application(middlewares=[boundary, door])
    app[OPENING] = opening
    app[FAILURES] = Failures()
    app[ACCESS] = {}
    app[system.CLOSING] = asyncio.Event()
    app.on_response_prepare.append(set_headers)
    app.on_shutdown.append(_end_streams)
    # aiohttp takes the first that matches: literal paths come before those with parameters.
    for route in sorted(ALL, key=lambda route: [*map(_rank, route.path.split("/"))]):
        handler = _handler(route, opening)
        app[ACCESS][handler] = route.access
        if route.method == "GET":
            app.router.add_get(route.pattern, handler)
        else:
            app.router.add_route(route.method, route.pattern, handler)
    return app


async def _end_streams(app: web.Application) -> None:
    app[system.CLOSING].set()


def _handler(route: Route, opening: Opening) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await route.call(request, await opening.get())

    return handle


def _rank(part: str) -> tuple[int, str]:
    return (2 if ":path" in part else 1 if part.startswith("{") else 0, part)
