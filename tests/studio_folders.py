"""Image folders as ComfyUI Studio leaves them, in each of its layouts, drawn small."""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

CARD = str(uuid.UUID(int=0xCA4D))
MODEL = 4711

_COLUMNS = (
    "civitai_id TEXT PRIMARY KEY, file_uuid, type, ext, file_path NOT NULL, thumb_path, meta_path, "
    "model_id INTEGER NOT NULL, post_id, post_title, username, base_model, width, height, "
    "duration REAL, audio, file_size, created_at, downloaded_at, reactions, comments, collected, "
    "has_meta, has_gen_data, source, search_mode, starred, prompt, thumb_size"
)


@dataclass
class Left:
    """One picture as Studio has it."""

    id: str
    colour: str
    source: str = "community"
    starred: bool = False
    versions: tuple[int, ...] = ()
    columns: dict[str, Any] = field(default_factory=dict[str, Any])


PICTURES = (
    Left(CARD, "red", "original", starred=True, versions=(70, 71)),
    Left("1001", "green", versions=(70,)),
    Left("1002", "blue", starred=True),
    Left("22", "white", columns={"model_id": 0, "search_mode": "single"}),
)


def newest(root: Path) -> Path:
    """`assets/images` with its database in WAL mode, still unmerged, sidecars and previews."""
    folder = root / "assets" / "images"
    for each in PICTURES:
        where = folder / _place(each)
        _write(where, each)
        (where.parent / f"{each.id}.thumb.jpg").write_bytes(where.read_bytes())
        _sidecar(where.with_suffix(".json"), each)
    _previews(folder / "lookup" / str(MODEL) / "previews")
    _database(folder / "gallery.db", {each.id: _place(each) for each in PICTURES})
    return folder


def older(root: Path) -> Path:
    """`catalogs/.images` with a database that says `card`, the JSON in a tree of its own."""
    folder = root / "catalogs" / ".images"
    for each in PICTURES:
        _write(folder / "media" / _spread(each.id) / f"{each.id}.jpeg", each)
        _sidecar(folder / "meta" / _spread(each.id) / f"{each.id}.json", each)
    _previews(folder / str(MODEL) / "previews")
    places = {each.id: f"media/{_spread(each.id)}/{each.id}.jpeg" for each in PICTURES}
    _database(folder / "gallery.db", places, card="card")
    return folder


def oldest(root: Path) -> Path:
    """`catalogs/.images/{model}/gallery/{card,community}`: files and nothing else."""
    folder = root / "catalogs" / ".images"
    for each in PICTURES:
        kind = "card" if each.source == "original" else "community"
        _write(folder / str(MODEL) / "gallery" / kind / f"{each.id}.jpeg", each)
    return folder


def _place(each: Left) -> str:
    if each.source == "original":
        return f"models/{MODEL}/{each.id}.jpeg"
    return f"media/{_spread(each.id)}/{each.id}.jpeg"


def _spread(key: str) -> str:
    digits = key.replace("-", "").ljust(6, "0")
    return f"{digits[:3]}/{digits[3:6]}"


def _write(path: Path, each: Left) -> None:
    """A WebP, though it is called .jpeg: Studio names by the address."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 96), each.colour).save(path, "WEBP")


def _sidecar(path: Path, each: Left) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    page = f"https://civitai.com/images/{each.id}?token=example-of-a-leaked-key"
    meta = {"prompt": f"a {each.colour} lantern", "seed": 2**60 + 1, "Model hash": "0123456789"}
    told = {
        "civitai_id": each.id,
        "civitai_page": page,
        "url": f"https://example.org/{each.id}.jpeg?token=example-of-a-leaked-key",
        "username": "ada_draws",
        "createdAt": "2024-05-06T07:08:09.000Z",
        "stats": {"heartCount": 3, "commentCount": 2},
        "raw_item": {"id": each.id, "url": page, "tagIds": [5, 6], "nsfwLevel": 4},
        "_source": each.source,
        "generation_data": {"meta": meta},
    }
    path.write_text(json.dumps(told), encoding="utf-8")


def _previews(folder: Path) -> None:
    folder.mkdir(parents=True)
    Image.new("RGB", (30, 40), "gold").save(folder / "555.jpeg", "JPEG")
    (folder / "broken.jpeg").write_text("<html>")


def _database(path: Path, places: dict[str, str], card: str = "original") -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute(f"CREATE TABLE gallery_images ({_COLUMNS})")
    connection.execute("CREATE TABLE image_versions (civitai_id, version_id)")
    connection.execute("CREATE TABLE gallery_previews (model_id INTEGER PRIMARY KEY, civitai_id)")
    for each in PICTURES:
        row: dict[str, Any] = {
            "civitai_id": each.id,
            "file_path": places[each.id],
            "model_id": MODEL,
            "source": card if each.source == "original" else each.source,
            "starred": int(each.starred),
            "reactions": 9,
            "prompt": "the database's prompt",
            **each.columns,
        }
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        connection.execute(
            f"INSERT INTO gallery_images ({names}) VALUES ({marks})", tuple(row.values())
        )
        for version in each.versions:
            connection.execute("INSERT INTO image_versions VALUES (?, ?)", (each.id, version))
    connection.execute("INSERT INTO gallery_previews VALUES (?, ?)", (MODEL, "1001"))
    connection.commit()
    # A copy taken while it is open: a clean end would merge the WAL and remove it.
    kept = {each: each.read_bytes() for each in path.parent.glob(f"{path.name}*")}
    connection.close()
    for each, data in kept.items():
        each.write_bytes(data)
