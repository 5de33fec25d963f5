"""Two models and a mover, without a library: for tests in which a process dies."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from comfyui_curator.store.engine import Database
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import root_host
from comfyui_curator.store.jobs import Jobs
from comfyui_curator.store.library_moving import MOVED_FILES, MOVES, Moving, Source
from comfyui_curator.store.path_rules import parse_rule
from tests import catalog_files

FILES = ("old/a.safetensors", "old/b.safetensors")
RULE = "new/{letter}"


def make_root(root: Path) -> Path:
    """A root with both models, the first of them in a catalog."""
    for name in FILES:
        path = root / "models" / "loras" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    entry = {"name": "A", "file": "a.safetensors", "dest": "loras/old"}
    catalog_files.write(root / "curator", "loras", entry)
    return root


@contextlib.contextmanager
def opened(root: Path) -> Generator[Moving, None, None]:
    """The mover over a root."""
    host = root_host(root)
    with (
        Database.open(host.data / "database", (MOVES, MOVED_FILES)) as database,
        catalog_files.opened(host) as catalog,
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
