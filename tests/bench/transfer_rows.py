"""A 2 GB transfer from a local server, beside `curl` to a file followed by `openssl dgst`."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import requests

from tests.bench import Row, against, below

_ROOT = Path(__file__).resolve().parents[2]
_BLOCK = 1 << 20
_BLOCKS = 2000
_ROUNDS = 3
_NAME = "two-gigabytes.safetensors"


def rows() -> Iterator[Row]:
    """The time of a transfer, and the memory that it takes."""
    times: list[float] = []
    peers: list[float] = []
    more: list[float] = []
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text, _file_server() as address:
        folder = Path(text)
        for number in range(_ROUNDS):
            peers.append(_peer(folder, address))
            seconds, megabytes = _ours(folder / str(number), address)
            times.append(seconds)
            more.append(megabytes)
    name = "curl, then openssl dgst"
    ours, peer = statistics.median(times), statistics.median(peers)
    yield against("a 2 GB transfer from a local server [s]", ours, peer, name, 1.1)
    yield below("memory that it takes", max(more), 40, "MB")


def _peer(folder: Path, address: str) -> float:
    """Seconds of curl and openssl."""
    target = folder / "peer"
    start = time.perf_counter()
    subprocess.run(["curl", "-s", "-o", str(target), address], check=True)
    subprocess.run(
        ["openssl", "dgst", "-sha256", str(target)], check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds


def _ours(root: Path, address: str) -> tuple[float, float]:
    """Seconds from the request until the file is there, and megabytes more than before."""
    entry = {"name": "Bench", "file": _NAME, "dest": "checkpoints", "url": address}
    catalog = {"categories": [{"id": "checkpoints", "name": "", "models": [entry]}]}
    (root / "curator").mkdir(parents=True)
    (root / "curator" / "models.json").write_text(json.dumps(catalog), encoding="utf-8")
    target = root / "models" / "checkpoints" / _NAME
    with _program(root) as (process, api), requests.Session() as session:
        session.trust_env = False
        session.get(f"{api}/models", timeout=10).raise_for_status()
        before = highest = _memory(process.pid)
        start = time.perf_counter()
        session.post(f"{api}/models/download/{_NAME}", timeout=10).raise_for_status()
        while not target.exists():
            time.sleep(0.02)
            highest = max(highest, _memory(process.pid))
            assert time.perf_counter() - start < 600
        seconds = time.perf_counter() - start
        assert target.stat().st_size == _BLOCK * _BLOCKS
    target.unlink()
    return seconds, highest - before


@contextlib.contextmanager
def _program(root: Path) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    launcher = _ROOT / "tests" / "launcher.py"
    command = [sys.executable, str(launcher), "serve", "--port", "0", "--allow-private"]
    process = subprocess.Popen(
        [*command, "--root", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, f"{process.stdout.readline().strip()}api/admin"
    finally:
        process.kill()
        process.communicate()


def _memory(pid: int) -> float:
    """Of memory, a process has so many MB of its own; the files it reads and writes are not in."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+)", status) or re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


@contextlib.contextmanager
def _file_server() -> Generator[str, None, None]:
    """An address that gives 2 GB, from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.transfer_rows", "serve"]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/file"
    finally:
        process.kill()
        process.communicate()


def _serve() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    block = memoryview(bytes(range(256)) * (_BLOCK // 256))
    while True:
        threading.Thread(target=_answer, args=(listening.accept()[0], block), daemon=True).start()


def _answer(connection: socket.socket, block: memoryview) -> None:
    head = f'HTTP/1.1 200 OK\r\nContent-Length: {_BLOCK * _BLOCKS}\r\nETag: "1"\r\n\r\n'
    with connection, contextlib.suppress(OSError):
        connection.recv(1 << 16)
        connection.sendall(head.encode())
        for _ in range(_BLOCKS):
            connection.sendall(block)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        _serve()
    else:
        for row in rows():
            row.print()
