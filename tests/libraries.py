"""Models folders for tests: small files of true layout, and what a server makes of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.serving import RunningServer
from tests.upstream.weights import safetensors


def put(root: Path, file: str, salt: str = "", *, kind: str = "LORA", size: int = 0) -> Path:
    """A model file below the models folder (`loras/a.safetensors`), its content told by `salt`."""
    path = root / "models" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors(kind, salt or file, size=size))
    return path


def listed(server: RunningServer, kind: str = "loras", **query: Any) -> list[dict[str, Any]]:
    """The rows of a type."""
    answer = server.get("/models", params={"type": kind, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["models"]


def names(server: RunningServer, kind: str = "loras", **query: Any) -> list[str]:
    """Their names."""
    return [row["name"] for row in listed(server, kind, **query)]


def hashed(server: RunningServer) -> None:
    """Wait until every file is hashed."""
    library = server.store.library
    assert library.wait(30)
    assert library.hashing.wait(30)


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below a folder: mode, size and time of each."""
    found: dict[str, tuple[int, int, int]] = {}
    for path in sorted(folder.rglob("*")):
        told = os.lstat(path)
        found[str(path)] = (told.st_mode, told.st_size, told.st_mtime_ns)
    return found
