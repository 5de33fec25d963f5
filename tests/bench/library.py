"""The library with 10,000 and with 100,000 files: found, found again, listed, searched, hashed."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import Row, below, library_side
from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.store import Store

_COUNT = 10_000
_MANY = 100_000
_ROUNDS = 5
_LARGE = 1 << 30
_BLOCK = 1 << 20


def run() -> Iterator[Row]:
    load_pack()
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text:
        folder = Path(text)
        files = make_library(folder / "library", _COUNT)
        yield from _index(folder, files)
        yield from library_side.rows(folder / "served", files, page_ms=5, memory_mb=120)
        yield _hashing(folder / "small", files, "10,000 small files", 0.3)
        large = _make_large(folder / "large-files")
        yield _hashing(folder / "large", large, "files of 1 GB", 0.9)
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text:
        folder = Path(text)
        files = make_library(folder / "library", _MANY)
        _, store = _opened(folder / "root", files)
        store.close()
        warm, store = _opened(folder / "root", files)
        store.close()
        yield below(f"warm start, {_MANY:,} files", warm, 4.0, "s")
        yield from library_side.rows(
            folder / "root", files, page_ms=5, memory_mb=600, clients=False, count=_MANY
        )


def make_library(folder: Path, count: int) -> Path:
    """A library of LoRAs; made by the tool that CURATOR_LIBRARY_MAKER names, if it names one."""
    maker = os.environ.get("CURATOR_LIBRARY_MAKER")
    if maker:
        command = [sys.executable, maker, str(folder), "--count", str(count)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return folder
    rng = random.Random(1)
    for number in range(count):
        base = ("SD_1.5", "SDXL_1.0", "Pony", "Flux.1_D")[number % 4]
        kind = ("style", "character", "concept", "tool")[number // 4 % 4]
        words = rng.choice(("dark", "soft", "vivid", "tiny")), rng.choice(("dragon", "castle"))
        stem = f"{words[0]}_{words[1]}_{kind}_{number:06}"
        path = folder / base / kind / chr(97 + number % 26) / f"{stem}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_lora(rng, stem))
    return folder


def _lora(rng: random.Random, stem: str) -> bytes:
    meta = {"ss_base_model_version": "sdxl_base_v1-0", "ss_output_name": stem}
    pair = {
        "__metadata__": {**meta, "ss_network_dim": "16", "modelspec.title": stem},
        "lora_unet_blocks_0_attn.lora_down.weight": _tensor([4, 256], 0),
        "lora_unet_blocks_0_attn.lora_up.weight": _tensor([1024], 2048),
    }
    head = json.dumps(pair, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + rng.randbytes(4096)


def _tensor(shape: list[int], start: int) -> dict[str, object]:
    return {"dtype": "BF16", "shape": shape, "data_offsets": [start, start + 2048]}


def _make_large(folder: Path) -> Path:
    """As many files of 1 GB as there are cores."""
    folder.mkdir()
    head = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    for number in range(os.cpu_count() or 1):
        block = random.Random(number).randbytes(_BLOCK)
        with (folder / f"{number}.safetensors").open("wb") as file:
            file.write(len(head).to_bytes(8, "little") + head)
            for _ in range(_LARGE // _BLOCK):
                file.write(block)
    # What was written just now counts as being written still.
    past = time.time() - 60
    for path in folder.iterdir():
        os.utime(path, (past, past))
    return folder


def _opened(root: Path, files: Path) -> tuple[float, Store]:
    """Seconds until the list is complete and stored, and the store, which hashes nothing."""
    from comfyui_curator.store import Options
    from comfyui_curator.store.host import root_host
    from comfyui_curator.store.store import Store

    link = root / "models" / "loras"
    if not link.exists():
        link.parent.mkdir(parents=True)
        link.symlink_to(files, target_is_directory=True)
    host = root_host(root)
    started = time.perf_counter()
    store = Store(host, Options())
    store.library.hashing.pause()
    assert store.library.wait(600)
    return time.perf_counter() - started, store


def _index(folder: Path, files: Path) -> Iterator[Row]:
    from comfyui_curator.store.library_lists import Asked

    cold: list[float] = []
    for number in range(_ROUNDS):
        seconds, store = _opened(folder / f"cold{number}", files)
        cold.append(seconds)
        store.close()
    yield below(f"cold: {_COUNT:,} files listed and stored", statistics.median(cold), 1.0, "s")
    warm: list[float] = []
    for _ in range(_ROUNDS):
        seconds, store = _opened(folder / "cold0", files)
        warm.append(seconds)
        store.close()
    yield below("warm: listed and compared with the disk", statistics.median(warm), 0.5, "s")
    _, store = _opened(folder / "cold0", files)
    lists = store.library.lists
    pages = [Asked(kind="loras", limit=100, offset=at) for at in range(0, _COUNT, 100)]
    yield below(
        "page of 100 in the store", _median(lambda each: lists.answer(pages[each]), 100), 2, "ms"
    )
    asked = [
        Asked(kind="loras", limit=100, q=q, sort=sort, base_models=bases, descending=down)
        for q in ("dragon", "dark dragon", "style", "nothing of this")
        for sort in ("name", "created_at", "size_bytes", "rating")
        for bases in ((), ("SDXL 1.0",))
        for down in (False, True)
    ]
    for each in asked:
        lists.find(each)  # words and orders are made when they are first asked for
    times = [_median(lambda _, each=each: lists.find(each), 9) for each in asked]
    yield below("text search, any sort, any filter: the slowest", max(times), 8, "ms")
    store.close()


def _median(work: Callable[[int], object], rounds: int) -> float:
    """Milliseconds of one call."""
    times: list[float] = []
    for each in range(rounds):
        started = time.perf_counter()
        work(each)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def _hashing(root: Path, files: Path, what: str, bar: float) -> Row:
    ours: list[float] = []
    peers: list[float] = []
    for number in range(3):
        peers.append(_openssl(files))
        _, store = _opened(root / str(number), files)
        started = time.perf_counter()
        store.library.hashing.resume()
        assert store.library.hashing.wait(600)
        store.library.places.keep()
        ours.append(time.perf_counter() - started)
        assert not store.library.hashing.status()["failed"]
        store.close()
    mine, peer = statistics.median(ours), statistics.median(peers)
    ratio = peer / mine
    short = [float(f"{value:.3g}") for value in (mine, peer, ratio)]
    name = "openssl dgst, a process a core"
    title = f"hashing {what} [s; the ratio is of speeds]"
    return Row(title, short[0], short[1], name, short[2], f"≥ {bar} ×", ratio >= bar)


def _openssl(files: Path) -> float:
    paths = [str(path) for path in sorted(files.rglob("*.safetensors"))]
    cores = os.cpu_count() or 1
    started = time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for core in range(cores):
        part = paths[core::cores]
        if part:
            command = ["openssl", "dgst", "-sha256", *part]
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    for process in running:
        process.wait()
    return time.perf_counter() - started
