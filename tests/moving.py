"""Two models and a mover, without a library: for tests in which a process dies."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.engine import Database
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import root_host
from comfyui_curator.store.jobs import Jobs
from comfyui_curator.store.library_moving import MOVED_FILES, MOVES, Moving, Source
from comfyui_curator.store.path_rules import parse_rule
from comfyui_curator.store.remote.civitai import CivitAI
from comfyui_curator.store.settings import Options, Settings

FILES = ("old/a.safetensors", "old/b.safetensors")
RULE = "new/{letter}"


def make_root(root: Path) -> Path:
    """A root with both models, the first of them in a catalog."""
    for name in FILES:
        path = root / "models" / "loras" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    entry = {"name": "A", "file": "a.safetensors", "dest": "loras/old"}
    data = {"categories": [{"id": "loras", "name": "L", "models": [entry]}]}
    (root / "curator").mkdir(parents=True)
    (root / "curator" / "loras.json").write_text(json.dumps(data))
    return root


@contextlib.contextmanager
def opened(root: Path) -> Generator[Moving, None, None]:
    """The mover over a root."""
    host = root_host(root)
    settings = Settings(host.data / "settings.json", Options(civitai="http://127.0.0.1:9"))
    with (
        Database.open(host.data / "database", (MOVES, MOVED_FILES)) as database,
        contextlib.closing(Catalog(host, CivitAI(settings), Events())) as catalog,
    ):
        yield Moving(database, host, catalog)


def move(moving: Moving) -> dict[str, Any]:
    """Both files by the rule; the report."""
    report: dict[str, Any] = {}
    loras = moving.host.models / "loras"
    sources = [
        Source(
            name, loras / name, loras, {"letter": Path(name).stem.upper(), "file": Path(name).stem}
        )
        for name in FILES
    ]
    moving.run(Jobs(Events()).add("move"), report, RULE, parse_rule(RULE), sources, False)
    return report


def undo(moving: Moving) -> dict[str, Any]:
    """The last move; the report."""
    report: dict[str, Any] = {}
    moving.undo(Jobs(Events()).add("move"), report, moving.listed()[0]["id"])
    return report
