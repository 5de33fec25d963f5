"""The library's list over HTTP, from a program of its own, beside a bare handler's.

`python -m tests.bench.library_side FILE` is that handler: it answers the bytes of the file.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from aiohttp import web

from tests.bench import Row, below

ROOT = Path(__file__).resolve().parents[2]
_CLIENTS = 8
_REQUESTS = 1600
_PAIRS = 5
_PAGE = "/api/admin/models?type=loras&limit=100"


def rows(
    root: Path,
    files: Path,
    *,
    page_ms: float,
    memory_mb: float,
    clients: bool = True,
    count: int = 10_000,
) -> Iterator[Row]:
    link = root / "models" / "loras"
    if not link.exists():
        link.parent.mkdir(parents=True)
        link.symlink_to(files, target_is_directory=True)
    launcher = [sys.executable, str(ROOT / "tests" / "launcher.py")]
    command = [*launcher, "serve", "--root", str(root), "--port", "0"]
    with _running(command) as (process, address):
        base = address.rstrip("/")
        with requests.Session() as session:
            session.trust_env = False
            _wait_until_hashed(session, base, count)
            times: list[float] = []
            for offset in range(0, count, count // 100):
                started = time.perf_counter()
                answer = session.get(f"{base}{_PAGE}&offset={offset}", timeout=60)
                times.append(time.perf_counter() - started)
                assert answer.json()["total"] == count
            page = 1000 * statistics.median(times)
            yield below(f"page of 100 over HTTP, {count:,} files", page, page_ms, "ms")
            body = session.get(base + _PAGE, timeout=60).content
        if clients:
            yield _beside_bare(root, base, body)
        yield below(f"memory, {count:,} files", resident_mb(process.pid), memory_mb, "MB")


def _wait_until_hashed(session: requests.Session, base: str, count: int) -> None:
    while True:
        told = session.get(f"{base}/api/admin/library/status", timeout=60).json()
        if told["complete"] and told["places"] == count and not told["hashing"]["files_left"]:
            return
        time.sleep(0.2)


def _beside_bare(root: Path, base: str, body: bytes) -> Row:
    saved = root / "page.json"
    saved.write_bytes(body)
    ours: list[float] = []
    ratios: list[float] = []
    with _running([sys.executable, "-m", "tests.bench.library_side", str(saved)]) as (_, address):
        for _ in range(_PAIRS):
            peer = asyncio.run(clients_rate(address))
            ours.append(asyncio.run(clients_rate(base + _PAGE)))
            ratios.append(ours[-1] / peer)
    rate, ratio = statistics.median(ours), statistics.median(ratios)
    short = [float(f"{value:.3g}") for value in (rate, rate / ratio, ratio)]
    what = f"{_CLIENTS} clients on page 1 [req/s]"
    return Row(what, short[0], short[1], "bare aiohttp handler", short[2], "≥ 0.5 ×", ratio >= 0.5)


async def clients_rate(address: str, count: int = _REQUESTS) -> float:
    """Requests a second of all clients together."""
    parts = urlsplit(address)
    target = f"{parts.path or '/'}?{parts.query}"
    question = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in range(count // _CLIENTS):
            writer.write(question)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert b" 200 " in head.split(b"\r\n")[0]
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return count / (time.perf_counter() - started)


@contextmanager
def _running(command: list[str]) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    """A process and the address that is its first line."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


def resident_mb(pid: int) -> float:
    """Resident MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


async def _serve(body: bytes) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]).read_bytes()))
