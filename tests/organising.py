"""A library that is put in order over HTTP: files on its shelf, and reports of what was done."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.serving import RunningServer
from tests.upstream.weights import safetensors
from tests.waiting import until

Tree = dict[str, tuple[int, int, str]]


def report_of(server: RunningServer, answer: requests.Response) -> dict[str, Any]:
    """The report of a job when it is over."""
    assert answer.status_code == 200, answer.text
    told = wait_for(server, answer)
    assert told["job"]["state"] == "done", told
    return told["report"]


def wait_for(server: RunningServer, answer: requests.Response) -> dict[str, Any]:
    path = f"/library/reports/{answer.json()['job']['id']}"
    until(lambda: server.get(path).json()["job"]["state"] not in ("queued", "running"))
    return server.get(path).json()


def tree(folder: Path) -> Tree:
    """Every file and folder below, with size, time and content."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        told = (stat.st_size, stat.st_mtime_ns, hashlib.sha256(data).hexdigest())
        found[path.relative_to(folder).as_posix()] = told if path.is_file() else (0, 0, "")
    return found


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Shelf:
    """A server with files in its models folders, all of them hashed."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.models = server.store.host.models

    def put(self, name: str, data: bytes) -> Path:
        path = self.models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def lora(self, name: str, salt: str | None = None, kind: str = "LORA") -> str:
        """A new LoRA's hash."""
        return sha256_of(self.put(name, safetensors(kind, salt or name)))

    def hashed(self) -> None:
        """Look now, and wait until every hash is known."""
        library = self.server.store.library
        library.scan()
        until(lambda: all(place.sha256 for place in library.places.all()))


INFO: dict[str, Any] = {
    "id": 12,
    "modelId": 11,
    "name": "v2",
    "baseModel": "SDXL 1.0",
    "trainedWords": ["glow", "warm,"],
    "description": "<p>Second</p>",
    "model": {
        "name": "Lantern",
        "type": "LORA",
        "tags": ["style", "light"],
        "description": "<b>A</b> lamp",
    },
}


def made_export(files: Mapping[str, bytes] | None = None, **parts: list[Any]) -> bytes:
    """A zip that says it is an export; None is an empty line."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        manifest = {"format": "curator-export", "version": 1, "models": 1e300}
        packed.writestr("manifest.json", json.dumps(manifest))
        for name, data in (files or {}).items():
            packed.writestr(name, data)
        for name, lines in parts.items():
            told = ["" if line is None else json.dumps(line) for line in lines]
            packed.writestr(f"{name}.jsonl", "\n".join(told))
    return target.getvalue()
