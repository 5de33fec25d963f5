"""The routes within somebody else's application: registered at once, imported a little later."""

from __future__ import annotations

import asyncio
import contextlib
from threading import Lock, Thread
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

if TYPE_CHECKING:
    from ..store import Opening

PREFIX = "/api/admin"


def mount(app: web.Application, opening: Opening) -> None:
    """Put the routes into an application under their prefix, and `/api/health` where it is free."""
    routes = LaterRoutes(opening)
    app.router.register_resource(routes)
    app.on_startup.append(routes.load_soon)
    app.on_shutdown.append(routes.shut_down)
    app.middlewares.append(_health_where_free(routes))


class LaterRoutes(web.PrefixedSubAppResource):
    """All that lies below the prefix, imported when the server starts or by the first request.

    ComfyUI imports its packs one after the other while a person waits, and the routes with their
    queries and bodies are by far the most of ours.
    """

    def __init__(self, opening: Opening) -> None:
        super().__init__(PREFIX, web.Application())
        self._opening = opening
        self._loading = Lock()
        self._loaded: tuple[web.Application, web.PrefixedSubAppResource] | None = None

    async def app(self) -> web.Application:
        """The application that serves the routes."""
        return (await self._get())[0]

    async def resolve(
        self, request: web.Request
    ) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """Find the handler as aiohttp does, and wait for the routes if they are not there yet."""
        _, resource = await self._get()
        return await resource.resolve(request)

    async def load_soon(self, app: web.Application) -> None:
        """Import the routes in a thread; `app` has come so far that nobody waits for us."""
        Thread(target=self._load, name="curator-routes", daemon=True).start()

    async def shut_down(self, app: web.Application) -> None:
        """End the streams that go on."""
        if self._loaded:
            await self._loaded[0].shutdown()

    async def _get(self) -> tuple[web.Application, web.PrefixedSubAppResource]:
        return self._loaded or await asyncio.to_thread(self._load)

    def _load(self) -> tuple[web.Application, web.PrefixedSubAppResource]:
        with self._loading:
            if self._loaded is None:
                from .table import build_app

                inner = build_app(self._opening)
                self._loaded = inner, web.Application().add_subapp(PREFIX, inner)
            return self._loaded


def _health_where_free(routes: LaterRoutes) -> Middleware:
    @web.middleware
    async def health_where_free(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != "/api/health" or request.method not in ("GET", "HEAD"):
            return await handler(request)
        # ComfyUI serves its page's files from the root: a file that is not there is a 404 too.
        with contextlib.suppress(web.HTTPNotFound):
            given = await handler(request)
            if given.status != 404:
                return given
        app = await routes.app()
        from .health import answer_health

        return await answer_health(request, app)

    return health_where_free
