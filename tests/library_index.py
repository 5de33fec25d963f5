"""A library over a test's folders, without a server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from comfyui_curator.store.engine import Database
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import Host
from comfyui_curator.store.jobs import Jobs
from comfyui_curator.store.library import Asked, Library
from comfyui_curator.store.library_records import MODELS, Records
from comfyui_curator.store.library_shelf import HASHES, PLACES
from comfyui_curator.store.library_tags import COUNTERS, TAGS, Tags
from comfyui_curator.store.settings import Options, Settings
from tests.upstream.weights import safetensors


def put(path: Path, salt: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors("LORA", salt or path.name))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def host_of(folder: Path, **types: list[Path]) -> Host:
    for name in ("data", "models"):
        (folder / name).mkdir(exist_ok=True, parents=True)
    return Host(
        data=folder / "data",
        input=folder / "input",
        output=folder / "output",
        models=folder / "models",
        model_folders=lambda: types or {"loras": [folder / "models" / "loras"]},
    )


@contextmanager
def opened(host: Host, *, hashing: bool = True) -> Generator[Library, None, None]:
    specs = (PLACES, HASHES, MODELS, TAGS, COUNTERS)
    with Database.open(host.data / "database", specs) as database:
        events = Events()
        records, tags = Records(database, events), Tags(database, events)
        settings = Settings(host.data / "settings.json", Options())
        library = Library(database, host, settings, events, Jobs(events), records, tags)
        if not hashing:
            library.hashing.pause()
        library.start()
        try:
            assert library.wait(30)
            if hashing:
                assert library.hashing.wait(30)
            yield library
        finally:
            library.close()


def files(library: Library, kind: str | None = None) -> list[str]:
    rows = json.loads(library.list(Asked(kind=kind)).body)["models"]
    return sorted(row["file"] for row in rows)
