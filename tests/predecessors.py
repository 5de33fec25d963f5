"""Databases as Hikaze's predecessor wrote them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE schema_version (version INTEGER);
CREATE TABLE directories (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT UNIQUE, alias TEXT,
    parent_id INTEGER);
CREATE TABLE models (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT UNIQUE NOT NULL, name TEXT,
    type TEXT NOT NULL, size_bytes INTEGER, hash_hex TEXT NOT NULL, created_at INTEGER NOT NULL,
    meta_json TEXT, extra_json TEXT);
CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, color TEXT,
    created_at INTEGER);
CREATE TABLE model_tags (model_id INTEGER, tag_id INTEGER, PRIMARY KEY (model_id, tag_id));
"""


class Predecessor:
    """One database with the folder of its pictures."""

    def __init__(self, folder: Path, version: int | None = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "hikaze_mm.sqlite3"
        self.images = folder / "images"
        self.images.mkdir(exist_ok=True)
        with self.open() as connection:
            connection.executescript(SCHEMA)
            if version is not None:
                connection.execute("INSERT INTO schema_version VALUES (?)", [version])
        connection.close()

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None)

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        connection = self.open()
        connection.execute(statement, values)
        connection.close()

    def tag(self, number: int, name: str) -> None:
        self.run("INSERT INTO tags VALUES (?, ?, '#fff', 1)", [number, name])

    def model(
        self,
        number: int,
        path: Path | str,
        *,
        sha256: str = "",
        name: str | None = "",
        kind: str = "lora",
        size: int | None = 10,
        created: int = 1_700_000_000_000,
        extra: dict[str, Any] | str | None = None,
        tags: Sequence[int] = (),
        picture: bytes = b"",
    ) -> str:
        """A row; the address of its picture, if it has one."""
        address = ""
        if picture:
            address = f"/media/model_{number}_{created}_p.png"
            (self.images / Path(address).name).write_bytes(picture)
            known = extra if isinstance(extra, dict) else {}
            extra = {**known, "images": [address]}
        raw = extra if isinstance(extra, str) or extra is None else json.dumps(extra)
        self.run(
            "INSERT INTO models VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            [number, str(path), name, kind, size, sha256, created, raw],
        )
        for tag in tags:
            self.run("INSERT INTO model_tags VALUES (?, ?)", [number, tag])
        return address
