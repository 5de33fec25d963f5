"""The program's own server: the routes, and `/` that leads to the page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator
from pathlib import Path

from aiohttp import web

from ..store import Opening, Options
from ..store.errors import Misconfigured
from ..store.host import root_host
from ..store.store import Store
from . import PREFIX, mount
from .door import refuse_foreign
from .middleware import OPENING, boundary, set_headers
from .routing import Access

_STOP_SECONDS = 30.0
"""How long running requests may go on once we are asked to stop."""


async def serve(root: Path, name: str, port: int, options: Options, *, demo: bool) -> int:
    """Serve until SIGINT or SIGTERM; 0. Raises CuratorError when it cannot start."""
    stopped = asyncio.Event()
    with _signals(stopped.set), contextlib.ExitStack() as sockets_open:
        sockets = _listen(name, port)
        for each in sockets:
            sockets_open.callback(each.close)
        bound = sockets[0].getsockname()[1]
        listens = tuple(str(each.getsockname()[0]) for each in sockets)
        host = root_host(root, listens=listens, port=bound)
        opening = Opening(lambda: host, options)
        store = await asyncio.to_thread(opening.get_now)
        try:
            if demo and not stopped.is_set():
                await asyncio.to_thread(_fill, store)
            if not stopped.is_set():
                await _run(sockets, opening, store, stopped)
        finally:
            await asyncio.to_thread(store.close)
    return 0


def build_site(opening: Opening) -> web.Application:
    """The program's whole application: the mounted routes, and `/`."""
    site = web.Application(middlewares=[boundary])
    site.on_response_prepare.append(_set_own_headers)
    site[OPENING] = opening
    site.router.add_get("/", _show_page)
    mount(site, opening)
    return site


async def _set_own_headers(request: web.Request, answer: web.StreamResponse) -> None:
    """On the answers that the mounted routes have not seen; on the others they do it."""
    if len(request.match_info.apps) == 1:
        await set_headers(request, answer)


async def _show_page(request: web.Request) -> web.StreamResponse:
    refuse_foreign(request, await request.app[OPENING].get(), Access.PAGE)
    raise web.HTTPFound(f"{PREFIX}/ui/")


async def _run(
    sockets: list[socket.socket], opening: Opening, store: Store, stopped: asyncio.Event
) -> None:
    runner = web.AppRunner(build_site(opening), access_log=None, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    try:
        for each in sockets:
            await web.SockSite(runner, each).start()
        _greet(store)
        await stopped.wait()
    finally:
        await runner.cleanup()


def _greet(store: Store) -> None:
    sys.stdout.write(f"{store.host.address}/\n")
    sys.stdout.flush()
    sys.stderr.write(f"Curator keeps everything below {store.host.data.parent}. Ctrl-C stops it.\n")
    if store.host.beyond_loopback:
        sys.stderr.write(f"Others need this key: {store.access.key}\n")


def _fill(store: Store) -> None:
    from ..store.demo import fill  # only --demo draws

    if fill(store):
        return
    sys.stderr.write("The root holds something already, so --demo adds nothing to it.\n")


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Call `stop` on the event loop at the first SIGINT or SIGTERM; a second one kills."""
    loop = asyncio.get_running_loop()
    caught = [signal.SIGINT, signal.SIGTERM]
    if os.name == "nt":
        caught.append(signal.SIGBREAK)
    before = {each: signal.getsignal(each) for each in caught}

    def hear(number: int, _: object) -> None:
        loop.call_soon_threadsafe(stop)
        for each in caught:
            signal.signal(each, signal.SIG_DFL)

    for each in caught:
        signal.signal(each, hear)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _listen(name: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of the name. Raises Misconfigured when one is in use."""
    try:
        found = socket.getaddrinfo(
            name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise Misconfigured(f"--host {name} is not an address of this machine.") from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            each = socket.socket(family, kind, protocol)
            sockets.append(each)
            if os.name == "posix":
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind((address[0], port, *address[2:]))
            each.listen(128)
            port = each.getsockname()[1]  # with --port 0 the others take what the first was given
    except OSError as error:
        for each in sockets:
            each.close()
        raise Misconfigured(f"Cannot listen on {name} port {port}: {error.strerror}.") from error
    return sockets
