"""How long everybody waits for us: the program's first answer, and ComfyUI's start."""

from __future__ import annotations

import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import Row, below
from tests.comfyui.processes import real

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 100_000
ROUNDS = 5

_IMPORT = """
import sys, time
# What ComfyUI 0.3.64 has imported before it comes to its custom nodes.
import aiohttp.web, av, filelock, logging, multiprocessing, PIL.Image, pydantic, requests, sqlite3
import pydantic.json_schema
class Probe(pydantic.BaseModel): field: int | None = None
sys.path.insert(0, sys.argv[1])
from tests.loading import load_pack
started = time.perf_counter()
load_pack()
from comfyui_curator.routes import mount
from comfyui_curator.store import host, start
imported = time.perf_counter()
from comfyui_curator.routes import table
print(imported - started, time.perf_counter() - imported)
"""


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _fill(root)
        starts = [_first_answer(root) for _ in range(ROUNDS)]
    yield below(
        f"start of the program to its first answer, {RECORDS:,} records",
        statistics.median(starts),
        3.0,
        "s",
    )
    at_once, later = zip(*[_import_seconds() for _ in range(ROUNDS)], strict=True)
    what = "import of the pack beyond what ComfyUI imports"
    yield below(what, 1000 * statistics.median(at_once), 150, "ms")
    what = "import of its routes, in a thread when ComfyUI serves"
    yield below(what, 1000 * statistics.median(later), 300, "ms")
    source = os.environ.get("COMFYUI_PATH")
    if source:
        yield below("real ComfyUI's own line of our import", 1000 * _real(source), 150, "ms")


def _fill(root: Path) -> None:
    from comfyui_curator.store import Options
    from comfyui_curator.store.gallery import Facts
    from comfyui_curator.store.gallery_records import new_record
    from comfyui_curator.store.host import root_host
    from comfyui_curator.store.media import Media, sniff
    from comfyui_curator.store.store import Store

    store = Store(root_host(root), Options())
    kind = sniff(b"\xff\xd8\xff" + bytes(61))
    assert kind
    media = Media(kind, 832, 1216)
    gallery = store.database.collection("gallery")
    for first in range(0, RECORDS, 1000):
        with store.database.transaction():
            for number in range(first, first + 1000):
                facts = Facts(str(number), username=f"author{number % 500}", post_title="x" * 250)
                stem = f"media/{number}"
                gallery.put(
                    new_record(facts, media, stem=stem, size=1, sha256="0" * 64, added=number)
                )
    store.close()


def _first_answer(root: Path) -> float:
    started = time.perf_counter()
    command = [sys.executable, str(ROOT / "tests" / "launcher.py")]
    process = subprocess.Popen(
        [*command, "serve", "--root", str(root), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    try:
        address = process.stdout.readline().strip().removeprefix("http://").rstrip("/")
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request("GET", "/api/admin/gallery?limit=100")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _import_seconds() -> tuple[float, float]:
    """While ComfyUI loads its packs, and in a thread afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, str(ROOT)], capture_output=True, text=True, check=True
    )
    at_once, later = map(float, done.stdout.split())
    return at_once, later


def _real(source: str) -> float:
    """Seconds of our line among ComfyUI's "Import times for custom nodes" (tenths)."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with real(Path(source), base, "1.27.10") as comfyui:
            found = re.search(r"([\d.]+) seconds.*ComfyUI-Curator", comfyui.said())
    assert found
    return float(found[1])
