"""HTTP and nothing else: parse, call one store method, shape the answer."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

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
from .door import FAILURES, Failures, refuse_foreign
from .middleware import ACCESS, OPENING, boundary, door, set_headers
from .openapi import describe
from .routing import Access, Plain, Route, Routes

__all__ = ["PREFIX", "build_app", "mount"]

PREFIX = "/api/admin"

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


def mount(app: web.Application, opening: Opening) -> None:
    """Put the routes into an application under their prefix, and `/api/health` where it is free."""
    inner = build_app(opening)
    app.add_subapp(PREFIX, inner)
    app.middlewares.append(_health_where_free(opening, inner[FAILURES]))


def _health_where_free(opening: Opening, failures: Failures) -> Middleware:
    async def tell(request: web.Request) -> web.StreamResponse:
        store = await opening.get()
        refuse_foreign(request, store, Access.OPEN)
        return json_answer(await system.health(request, store, failures))

    @web.middleware
    async def health_where_free(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != "/api/health" or request.method not in ("GET", "HEAD"):
            return await handler(request)
        # ComfyUI serves its page's files from the root: a file that is not there is a 404 too.
        with contextlib.suppress(web.HTTPNotFound):
            given = await handler(request)
            if given.status != 404:
                return given
        answer = await boundary(request, tell)
        await set_headers(request, answer)
        return answer

    return health_where_free


async def _end_streams(app: web.Application) -> None:
    app[system.CLOSING].set()


def _handler(route: Route, opening: Opening) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await route.call(request, await opening.get())

    return handle


def _rank(part: str) -> tuple[int, str]:
    return (2 if ":path" in part else 1 if part.startswith("{") else 0, part)
