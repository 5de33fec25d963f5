"""The five origins in one thread with its own event loop, on this machine only."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from . import cdn, control, downloads, faults, huggingface, rest, trpc
from .record import Request
from .site import ORIGIN, ORIGINS, SITE, Site, Switches
from .world import World

_T = TypeVar("_T")
_ROUTES = {
    "civitai": (rest.add_routes, trpc.add_routes, downloads.add_routes),
    "civitai_images": (cdn.add_routes,),
    "storage": (downloads.add_storage_routes,),
    "huggingface": (huggingface.add_routes,),
    "huggingface_storage": (huggingface.add_storage_routes,),
}
# A batch of tRPC has a long address.
_LONGEST_LINE = 65_536


class Upstream:
    """A local CivitAI and Hugging Face: `with Upstream(world) as up: get(up.civitai + …)`."""

    def __init__(
        self,
        world: World | None = None,
        ports: Mapping[str, int] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """By origin (see `ORIGINS`): `ports`, 0 or none takes a free one, and `names`, the host
        in its address, such as `localhost`; all of them listen on 127.0.0.1 alone."""
        self.site = Site(world or World())
        self._ports = dict(ports or {})
        self._names = dict(names or {})
        self._runners: list[web.AppRunner] = []

    @property
    def world(self) -> World:
        return self.site.world

    @property
    def civitai(self) -> str:
        """Base of pages, API, tRPC and downloads."""
        return self.site.civitai

    @property
    def civitai_images(self) -> str:
        """Base that a picture's UUID is appended to."""
        return self.site.images

    @property
    def storage(self) -> str:
        """Where CivitAI's downloads are redirected to."""
        return self.site.addresses["storage"]

    @property
    def huggingface(self) -> str:
        return self.site.addresses["huggingface"]

    @property
    def huggingface_storage(self) -> str:
        return self.site.addresses["huggingface_storage"]

    @property
    def faults(self) -> faults.Faults:
        return self.site.faults

    @property
    def switches(self) -> Switches:
        return self.site.switches

    def requests(self, path: str = "", *, origin: str = "", method: str = "") -> list[Request]:
        """Requests whose decoded path and query match the regular expression, in order."""
        return self.site.record.select(path, origin=origin, method=method)

    def carrying(self, secret: str) -> list[Request]:
        """Requests that have this text anywhere: path, query, headers or body."""
        return [request for request in self.requests() if request.carries(secret)]

    def peak(self, origin: str) -> int:
        """The most requests at once since the last reset."""
        return self.site.record.peak(origin)

    def reset(self) -> None:
        """No faults, no requests, switches as in the beginning; what is stalled goes on."""
        self.site.faults.clear()
        self.site.record.clear()
        self.site.switches.reset()

    def __enter__(self) -> Upstream:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)
        self._thread.start()
        self.site.faults.attach(self._loop)
        try:
            self._wait(self._start())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.site.faults.clear()
        self._stop()

    async def _start(self) -> None:
        for origin in ORIGINS:
            listening = socket.socket()
            if os.name == "posix":
                # On Windows it would let two servers have one port.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", self._ports.get(origin, 0)))
            except OSError:
                listening.close()
                raise
            host = self._names.get(origin, "127.0.0.1")
            self.site.addresses[origin] = f"http://{host}:{listening.getsockname()[1]}"
            runner = web.AppRunner(
                application(self.site, origin),
                access_log=None,
                shutdown_timeout=0.5,
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
            )
            await runner.setup()
            self._runners.append(runner)
            await web.SockSite(runner, listening).start()

    def _stop(self) -> None:
        for runner in self._runners:
            self._wait(runner.cleanup())
        self._runners.clear()
        # In its own thread: the caller's may have a running loop (Playwright's).
        self._wait(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def application(site: Site, origin: str) -> web.Application:
    """One origin's server."""
    app = web.Application(middlewares=[_observed], client_max_size=16 << 20)
    app[SITE], app[ORIGIN] = site, origin
    control.add_routes(app)
    for add_routes in _ROUTES[origin]:
        add_routes(app)
    return app


@web.middleware
async def _observed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep the request, then answer it, with the fault that is due if there is one."""
    if request.path in control.PATHS:
        return await handler(request)
    site, origin = request.app[SITE], request.app[ORIGIN]
    headers = tuple((str(key), value) for key, value in request.headers.items())
    kept = Request(
        origin,
        request.method,
        request.rel_url.raw_path,
        request.rel_url.raw_query_string,
        headers,
        await request.read(),
    )
    site.record.begin(kept)
    try:
        fault = site.faults.take(origin, request.method, kept.decoded)
        if fault is None:
            response = _packed(request, await _answered(request, handler))
        else:
            response = await faults.answer(
                site.faults, fault, request, lambda asked: _answered(asked, handler)
            )
        kept.status = response.status
        return response
    finally:
        site.record.end(kept)


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        # aiohttp deprecates exceptions as answers, and a fault could not be put into them.
        return web.Response(status=error.status, text=error.text, headers=error.headers)


def _packed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """JSON goes out compressed to who takes that, as the real ones do it."""
    if response.content_type == "application/json" and "gzip" in request.headers.get(
        "Accept-Encoding", ""
    ):
        response.enable_compression(web.ContentCoding.gzip)
    return response
