"""The catalog with 10,000 entries: its map, adding to it, and a transfer of 2 GB."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.bench import Row, below, transfer_rows
from tests.loading import load_pack
from tests.upstream import Upstream, World

if TYPE_CHECKING:
    from comfyui_curator.store import Options
    from tests.serving import RunningServer

_ENTRIES = 10_000
_FOLDERS = 20
_CALLS = 200
_PAIRS = 5
_REQUESTS = 150
_HANDS = 4
_PATH = "/api/admin/models/civitai-map"


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text, Upstream() as upstream:
        load_pack()
        from tests.serving import RunningServer

        root = Path(text) / "root"
        _fill(root)
        with RunningServer(root, _options(upstream)) as server:
            yield from _in_the_handler(server)
            yield _over_http(server)
            yield _adding(server, upstream.world)
    yield from transfer_rows.rows()


def _options(upstream: Upstream) -> Options:
    from comfyui_curator.store import Options

    return Options(upstream.civitai, upstream.civitai_images, upstream.huggingface)


def _fill(root: Path) -> None:
    """Two catalogs, 10,000 entries together, a tenth of them on disk."""
    (root / "curator").mkdir(parents=True)
    for catalog, numbers in (("models", range(7000)), ("loras", range(7000, _ENTRIES))):
        models = [_entry(number) for number in numbers]
        categories = [{"id": "loras", "name": "LoRAs", "models": models}]
        data = {"version": 1, "date": "2025-01-01 00:00", "categories": categories}
        path = root / "curator" / f"{catalog}.json"
        path.write_text(json.dumps(data, indent=2), "utf-8")
        for entry in models[::10]:
            folder = root / "models" / entry["dest"]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / entry["file"]).write_bytes(b"x")


def _entry(number: int) -> dict[str, Any]:
    return {
        "name": f"A model of the bench {number} v1.0 [SDXL 1.0 FP16]",
        "file": f"bench_model_{number:05}.safetensors",
        "dest": f"loras/folder{number % _FOLDERS}",
        "source": "civitai",
        "size_gb": 0.228456789,
        "tags": ["style", "imported"],
        "civitai_version_id": 5_000_000 + number,
        "civitai_model_id": 4_000_000 + number // 2,
        "civitai_file_id": 3_000_000 + number,
        "civitai_model_name": f"A model of the bench {number}",
        "civitai_version": "v1.0",
        "civitai_base_model": "SDXL 1.0",
        "civitai_type": "LORA",
        "civitai_tags": ["style", "bench"],
        "civitai_fp": "fp16",
        "trainedWords": [f"word{number}"],
        "base_model": "SDXL 1.0",
        "hash": f"{number:064x}",
    }


def _in_the_handler(server: RunningServer) -> Iterator[Row]:
    from comfyui_curator.routes import catalog
    from comfyui_curator.routes.routing import Call, Nothing

    tag = server.get("/models/civitai-map").headers["ETag"]

    async def measure(headers: dict[str, str], status: int) -> float:
        times: list[float] = []
        for _ in range(_CALLS):
            request = make_mocked_request("GET", _PATH, headers)
            call = Call(request, server.store, Nothing(), Nothing())
            start = time.perf_counter()
            answer = await catalog.show_civitai_map(call)
            times.append(time.perf_counter() - start)
            assert answer.status == status
        return statistics.median(times) * 1000

    what = f"civitai-map with {_ENTRIES:,} entries, warm, in the handler"
    yield below(what, asyncio.run(measure({}, 200)), 3, "ms")
    yield below(
        f"{what}, If-None-Match", asyncio.run(measure({"If-None-Match": tag}, 304)), 1, "ms"
    )


def _over_http(server: RunningServer) -> Row:
    """Requests a second, beside a bare handler that has the same bytes at hand."""
    body = server.get("/models/civitai-map").content
    ratios: list[float] = []
    rates: list[float] = []
    with _Bare(body) as bare:
        for _ in range(_PAIRS):
            peer = asyncio.run(_rate(f"http://127.0.0.1:{bare.port}/"))
            rates.append(asyncio.run(_rate(server.url + _PATH)))
            ratios.append(rates[-1] / peer)
    ours, ratio = statistics.median(rates), statistics.median(ratios)
    peer = ours / ratio
    what = "civitai-map over HTTP [req/s]"
    short = [float(f"{value:.3g}") for value in (ours, peer, ratio)]
    return Row(what, short[0], short[1], "bare aiohttp handler", short[2], "≥ 0.6 ×", ratio >= 0.6)


class _Bare:
    """An aiohttp server of one handler, in a thread as ours."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> _Bare:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=self._body, content_type="application/json")

        app = web.Application()
        app.router.add_get("/", answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])


async def _rate(address: str) -> float:
    """Requests a second of several hands at once, without reading the client's share of work."""
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    question = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()

    async def hand() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in range(_REQUESTS // _HANDS):
            writer.write(question)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(_HANDS)))
    return _REQUESTS // _HANDS * _HANDS / (time.perf_counter() - start)


def _adding(server: RunningServer, world: World) -> Row:
    """Of each version of the world once; what CivitAI and the disk's fsync take is taken off."""
    spent = 0.0

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            nonlocal spent
            start = time.perf_counter()
            try:
                return work(*given)
            finally:
                spent += time.perf_counter() - start

        return call

    civitai, times = server.store.civitai, list[float]()
    labels = ("lora", "lora_second", "locon", "dora", "checkpoint", "vae", "embedding", "low")
    with (
        patch.object(os, "fsync", timed(os.fsync)),
        patch.object(civitai, "version", timed(civitai.version)),
        patch.object(civitai, "model", timed(civitai.model)),
    ):
        for label in labels:
            spent = 0.0
            start = time.perf_counter()
            added = server.store.catalog.add(world.version(label).id)
            times.append(time.perf_counter() - start - spent)
            assert added["status"] == "added"
    what = f"add with {_ENTRIES:,} entries, without upstream's time and the fsync"
    return below(what, statistics.median(times) * 1000, 15, "ms")
