"""Uploads of 2 GB in parts, beside a bare aiohttp handler that streams the same parts to files."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.bench import Row, against, below
from tests.bench.upload_side import Side, running

_PART = 32 << 20
_PARTS = 64
_SIZE = _PART * _PARTS
_PAIRS = 5
_ROUNDS = 3
_OPEN = 50
_IDLE_SECONDS = 2.0
_API = "/api/admin/uploads"


def run() -> Iterator[Row]:
    """Throughput, memory, what the event loop feels, and the time from the action on."""
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text:
        folder = Path(text)
        source = _source(folder / "source.safetensors")
        yield from _throughput(folder, source)
        yield from _endings(folder, source)


def _throughput(folder: Path, source: Path) -> Iterator[Row]:
    ours: list[float] = []
    peers: list[float] = []
    memory: list[float] = []
    late: list[float] = []
    for number in range(_PAIRS):
        root = folder / f"pair-{number}"
        with running("peer", root / "peer") as side:
            urls = [f"{side.address}/{part}" for part in range(1, _PARTS + 1)]
            start = time.perf_counter()
            _send(source, list(enumerate(urls, 1)))
            peers.append(time.perf_counter() - start)
        shutil.rmtree(root)
        with running("ours", root / "ours") as side:
            _create(side, f"warm-{number}", parts=1, size=1)
            side.delay()
            time.sleep(_IDLE_SECONDS)
            idle = side.delay()
            with _Memory(side.pid) as seen:
                start = time.perf_counter()
                upload = _create(side, f"pair-{number}")
                _send(source, _numbered(upload))
                _complete(side, upload)
                ours.append(time.perf_counter() - start)
            late.append(side.delay() - idle)
            memory.append(seen.more)
            if number == 0:
                memory.append(_with_many_open(side, source))
        shutil.rmtree(root)
    mean, peer = statistics.median(ours), statistics.median(peers)
    # Throughput ≥ 0.7 × the peer's is time ≤ 1 / 0.7 of its.
    yield against(
        "2 GB in 32 MB parts, four at once, until it is complete [s]",
        mean,
        peer,
        "a bare aiohttp handler, until they are sent",
        round(1 / 0.7, 3),
    )
    yield below("memory that it takes, and 50 open ones", max(memory), 40, "MB")
    yield below("the event loop's delay, p99.9 over idle", statistics.median(late), 20, "ms")


def _endings(folder: Path, source: Path) -> Iterator[Row]:
    """From the action to `complete`."""
    found: dict[bool, list[float]] = {False: [], True: []}
    peers: list[float] = []
    for number in range(_ROUNDS):
        root = folder / f"end-{number}"
        for backwards in (False, True):
            with running("ours", root) as side:
                upload = _create(side, f"end-{number}-{backwards}")
                parts = _numbered(upload)
                _send(source, parts[::-1] if backwards else parts)
                found[backwards].append(_complete(side, upload))
            shutil.rmtree(root)
        start = time.perf_counter()
        command = ["openssl", "dgst", "-sha256", str(source)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        peers.append(time.perf_counter() - start)
    in_order, reverse = (statistics.median(found[each]) for each in (False, True))
    yield below("from the action to complete, parts sent in order", in_order, 1, "s")
    yield against(
        "from the action to complete, parts sent in reverse [s]",
        reverse,
        statistics.median(peers),
        "openssl dgst",
        1.3,
    )


def _with_many_open(side: Side, source: Path) -> float:
    """Megabytes that 50 uploads take, each of them in the middle of a part."""
    before = _memory(side.pid)
    connections: list[socket.socket] = []
    try:
        for number in range(_OPEN):
            upload = _create(side, f"open-{number}", parts=2, size=2 * _PART)
            connections.append(_begin(upload["parts"][0]["url"]))
        with source.open("rb") as file:
            for connection in connections:
                connection.sendfile(file, 0, _PART - 1)
        time.sleep(1)
        return _memory(side.pid) - before
    finally:
        for connection in connections:
            connection.close()


def _create(side: Side, name: str, *, parts: int = _PARTS, size: int = _SIZE) -> dict[str, Any]:
    said = {"kind": "model", "fileName": f"{name}.safetensors", "fileSize": size, "parts": parts}
    answer = requests.post(side.address + _API, json=said, timeout=60)
    answer.raise_for_status()
    return answer.json()["upload"]


def _numbered(upload: dict[str, Any]) -> list[tuple[int, str]]:
    return [(part["number"], part["url"]) for part in upload["parts"]]


def _complete(side: Side, upload: dict[str, Any]) -> float:
    """Seconds from the action until it is complete."""
    start = time.perf_counter()
    address = f"{side.address}{_API}/{upload['id']}"
    with requests.Session() as session:
        session.post(f"{address}/action", json={"action": "complete"}, timeout=60)
        while True:
            told = session.get(address, timeout=60).json()["upload"]
            assert told["status"] != "failed", told
            if told["status"] == "complete":
                return time.perf_counter() - start
            time.sleep(0.01)


def _send(source: Path, parts: Sequence[tuple[int, str]]) -> None:
    """Send the parts of the source to their addresses, four at once."""
    waiting: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    for part in parts:
        waiting.put(part)

    def work() -> None:
        with source.open("rb") as file:
            while True:
                try:
                    number, url = waiting.get_nowait()
                except queue.Empty:
                    return
                with _begin(url) as connection:
                    connection.sendfile(file, (number - 1) * _PART, _PART)
                    answer = connection.recv(1 << 16)
                    assert answer.startswith(b"HTTP/1.1 200"), answer

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _begin(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 80))
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    connection.sendall(f"{head}Content-Length: {_PART}\r\n\r\n".encode())
    return connection


def _source(path: Path) -> Path:
    """A safetensors file of exactly 64 parts, in the page cache."""
    room = 4096
    header = {"filler.weight": {"dtype": "U8", "shape": [_SIZE - room], "data_offsets": [0, 0]}}
    header["filler.weight"]["data_offsets"] = [0, _SIZE - room]
    text = json.dumps(header).encode().ljust(room - 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        block = os.urandom(1 << 20)
        while file.tell() < _SIZE:
            file.write(block[: _SIZE - file.tell()])
        file.flush()
        os.fsync(file.fileno())
    return path


class _Memory:
    """How much more memory a process has taken at most within the block, in megabytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> _Memory:
        self._before = self._highest = _memory(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def more(self) -> float:
        return self._highest - self._before

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._highest = max(self._highest, _memory(self._pid))


def _memory(pid: int) -> float:
    """Of memory, a process has so many MB of its own; the files it reads and writes are not in."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+)", status) or re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6
