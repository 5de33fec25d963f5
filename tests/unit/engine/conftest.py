from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comfyui_curator.store.engine import CollectionSpec, Database, Index

PICTURES = CollectionSpec(
    "pictures",
    "id",
    (Index("by_model", "model", "date"), Index("by_tag", "tags"), Index("all", None, "date")),
    ("prompt", "meta.user"),
)
NOTES = CollectionSpec("notes", "name", durable=False)

Open = Callable[[], Database]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    """Opens the store of two collections; whatever is still open is closed after the test."""
    databases: list[Database] = []

    def open_store() -> Database:
        databases.append(Database.open(folder, [PICTURES, NOTES]))
        return databases[-1]

    yield open_store
    for database in databases:
        database.close()
