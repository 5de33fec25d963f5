"""One side of the bench of uploads, a process of its own: `python -m tests.bench.upload_side`.

It prints its address; for each line on its input it prints the delay of its event loop since the
last one: p99.9 in milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from aiohttp import web

_ROOT = Path(__file__).resolve().parents[2]
_BEAT = 0.002


class Side:
    """A running side: `address`, `pid`, and how late its event loop is."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()

    def delay(self) -> float:
        """Milliseconds, p99.9 since it was asked last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextlib.contextmanager
def running(name: str, folder: Path) -> Generator[Side, None, None]:
    """The side `ours` or `peer` over a folder; killed at the end of the block."""
    command = [sys.executable, "-m", "tests.bench.upload_side", name, str(folder)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=_ROOT, stdin=pipe, stdout=pipe, text=True)
    try:
        yield Side(process)
    finally:
        process.kill()
        process.communicate()


class _Beat:
    """Wakes up again and again, and notes how late."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def run(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(_BEAT)
            self._late.append(time.perf_counter() - start - _BEAT)

    def take(self) -> float:
        late, self._late = sorted(self._late), []
        return late[int(len(late) * 0.999)] * 1000 if late else 0.0


def _peer(folder: Path) -> web.Application:
    """As plain as it can be: each part to a file of its own."""
    folder.mkdir(parents=True)

    async def put(request: web.Request) -> web.Response:
        with (folder / request.match_info["n"]).open("wb") as file:
            async for piece in request.content.iter_any():
                file.write(piece)
        return web.Response()

    app = web.Application()
    app.router.add_put("/{n}", put)
    return app


def _ours(folder: Path) -> web.Application:
    from comfyui_curator.routes.server import build_site
    from comfyui_curator.store import Opening, Options
    from comfyui_curator.store.host import root_host

    opening = Opening(lambda: root_host(folder), Options())
    opening.get_now()
    return build_site(opening)


async def _serve(name: str, folder: Path) -> None:
    runner = web.AppRunner(_ours(folder) if name == "ours" else _peer(folder), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    beat = _Beat()
    beating = asyncio.create_task(beat.run())
    while await asyncio.to_thread(sys.stdin.readline):
        print(beat.take(), flush=True)
    beating.cancel()


def main(arguments: Sequence[str]) -> None:
    asyncio.run(_serve(arguments[0], Path(arguments[1])))


if __name__ == "__main__":
    from tests.loading import load_pack

    load_pack()
    main(sys.argv[1:])
