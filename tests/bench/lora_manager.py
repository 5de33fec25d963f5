"""Our program beside ComfyUI-Lora-Manager, both over the same 10,000 files, from their start on.

`LORA_MANAGER_PATH` names a checkout of it, `LORA_MANAGER_PYTHON` an interpreter that has what its
requirements.txt asks for: nothing of it is fetched or kept here. Without them there are no rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.bench import Row, against
from tests.bench.library import make_library
from tests.bench.library_side import clients_rate, resident_mb

ROOT = Path(__file__).resolve().parents[2]
_COUNT = 10_000
_NAME = "Lora-Manager"
_PATIENCE_SECONDS = 300
_ROUNDS = 15


@dataclass(frozen=True)
class _Side:
    """How one of the two is started and asked."""

    command: list[str]
    folder: Path
    environ: dict[str, str]
    address: str
    page: str
    search: str


@dataclass(frozen=True)
class _Figures:
    cold_s: float
    warm_s: float
    page_ms: float
    search_ms: float
    clients: float
    memory_mb: float


def run() -> Iterator[Row]:
    source = os.environ.get("LORA_MANAGER_PATH")
    if not source:
        print("LORA_MANAGER_PATH names no checkout: nothing to measure", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text:
        folder = Path(text)
        files = make_library(folder / "files", _COUNT)
        peer = _measure(_theirs(Path(source), folder / "theirs", files))
        ours = _measure(_ours(folder / "ours", files))
    names = "from the start of its process to the complete list"
    yield against(f"{names}, cold [s]", ours.cold_s, peer.cold_s, _NAME, 1)
    yield against(f"{names}, warm [s]", ours.warm_s, peer.warm_s, _NAME, 1)
    yield against("page of 100 over HTTP [ms]", ours.page_ms, peer.page_ms, _NAME, 1)
    yield against("text search over HTTP [ms]", ours.search_ms, peer.search_ms, _NAME, 1)
    what = "8 clients on page 1 [ms a request]"
    yield against(what, 1000 / ours.clients, 1000 / peer.clients, _NAME, 1)
    yield against("memory [MB]", ours.memory_mb, peer.memory_mb, _NAME, 1)


def _ours(root: Path, files: Path) -> _Side:
    shutil.copytree(files, root / "models" / "loras")
    port = _free_port()
    launcher = [sys.executable, str(ROOT / "tests" / "launcher.py")]
    return _Side(
        [*launcher, "serve", "--root", str(root), "--port", str(port)],
        ROOT,
        {},
        f"http://127.0.0.1:{port}",
        "/api/admin/models?type=loras&limit=100",
        "&q=dragon",
    )


def _theirs(source: Path, home: Path, files: Path) -> _Side:
    # A copy: it writes a file beside each model.
    shutil.copytree(files, home / "loras")
    settings = home / "ComfyUI-LoRA-Manager" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"folder_paths": {"loras": [str(home / "loras")]}}))
    port = _free_port()
    python = os.environ.get("LORA_MANAGER_PYTHON", sys.executable)
    return _Side(
        [python, "standalone.py", "--host", "127.0.0.1", "--port", str(port)],
        source,
        {"HOME": str(home), "XDG_CONFIG_HOME": str(home)},
        f"http://127.0.0.1:{port}",
        "/api/lm/loras/list?page=1&page_size=100",
        "&search=dragon",
    )


def _measure(side: _Side) -> _Figures:
    with _running(side) as (_, began):
        _wait_for_all(side)
        cold = time.perf_counter() - began
    with _running(side) as (process, began):
        _wait_for_all(side)
        warm = time.perf_counter() - began
        page = _milliseconds(side.address + side.page)
        search = _milliseconds(side.address + side.page + side.search)
        clients = asyncio.run(clients_rate(side.address + side.page, count=160))
        return _Figures(cold, warm, page, search, clients, resident_mb(process.pid))


def _wait_for_all(side: _Side) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    total = 0
    while total != _COUNT:
        assert time.monotonic() < end, f"{side.command}: {total} of {_COUNT}"
        time.sleep(0.02)
        try:
            found = re.search(rb'"total": ?(\d+)', _ask(side.address + side.page))
        except requests.RequestException:
            continue
        total = int(found[1]) if found else 0


def _ask(address: str) -> bytes:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(address, timeout=60)
    answer.raise_for_status()
    return answer.content


def _milliseconds(address: str) -> float:
    times: list[float] = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        _ask(address)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


@contextmanager
def _running(side: _Side) -> Generator[tuple[subprocess.Popen[bytes], float], None, None]:
    """The process, and when it was started."""
    began = time.perf_counter()
    process = subprocess.Popen(
        side.command,
        cwd=side.folder,
        env={**os.environ, **side.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, began
    finally:
        process.terminate()
        process.communicate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
