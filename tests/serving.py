"""The pack in a real aiohttp server, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from aiohttp import web

from comfyui_curator.routes.server import build_site
from comfyui_curator.store import Opening, Options
from comfyui_curator.store.engine import StoreHeld
from comfyui_curator.store.host import root_host
from comfyui_curator.store.opening import Pictures
from comfyui_curator.store.store import Store
from comfyui_curator.store.transfer_patience import Patience
from tests.upstream import Upstream


class RunningServer:
    """A server over `root`; its store is at hand, its routes are asked over real HTTP."""

    def __init__(
        self,
        root: Path,
        options: Options | None = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.root = root
        self.options = options or Options()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((address, port))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{address}:{self.port}"
        self.api = f"{self.url}/api/admin"
        self.session = requests.Session()
        self.session.trust_env = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._address = address

    @property
    def pictures(self) -> Pictures:
        """What workflow nodes of this process would see."""
        return self._opening.pictures()

    @property
    def store(self) -> Store:
        return self._opening.get_now()

    def __enter__(self) -> RunningServer:
        self._opening = Opening(
            lambda: root_host(self.root, listens=(self._address,), port=self.port), self.options
        )
        # A server whose store another process holds runs too; its routes say so.
        with contextlib.suppress(StoreHeld):
            self._opening.get_now()
        self._thread.start()
        self._runner = self._wait(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        with contextlib.suppress(StoreHeld):
            self.store.close()

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        """One request to a path below `/api/admin`."""
        how.setdefault("timeout", 30)
        return self.session.request(method, self.api + path, **how)

    def get(self, path: str, **how: Any) -> requests.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how: Any) -> requests.Response:
        return self.ask("POST", path, **how)

    def delete(self, path: str, **how: Any) -> requests.Response:
        return self.ask("DELETE", path, **how)

    async def _start(self) -> web.AppRunner:
        runner = web.AppRunner(build_site(self._opening), access_log=None, shutdown_timeout=5)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        return runner

    async def _stop(self) -> None:
        # A connection accepted while its server closes is leaked by asyncio, with a warning later.
        self._loop.remove_reader(self._socket)
        await asyncio.sleep(0.01)
        await self._runner.cleanup()

    def run(self, work: Any) -> Any:
        """The outcome of a coroutine on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(900)

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def options_for(upstream: Upstream, **settings: Any) -> Options:
    """The stand-in instead of the sites, and these settings."""
    return Options(
        civitai=upstream.civitai,
        civitai_images=upstream.civitai_images,
        huggingface=upstream.huggingface,
        overrides=settings,
    )


@contextlib.contextmanager
def impatient(root: Path, options: Options) -> Generator[RunningServer, None, None]:
    """A server that asks again what failed without the pauses that others are given."""
    with RunningServer(root, options) as running:
        running.store.gallery_runs.pauses = (0, 0)
        running.store.transfers.patience = Patience(tries=2, first=0.01, longest=0.05)
        yield running
