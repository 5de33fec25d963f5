"""What a pending row makes of a record: a new one, its texts instead of it, or only what lacks."""

from __future__ import annotations

from typing import Any

from .engine import Record
from .json_values import mapping
from .library_merging import united

Json = dict[str, Any]

_TEXTS = ("description", "community_links")


def promoted(record: Record, row: Record, pictures: int) -> Record:
    """The record with everything that the row says; of `meta` unknown keys and all tags stay."""
    meta: Json = {**record["meta"], "images_count": 1 if pictures else 0}
    for name in _TEXTS:
        meta[name] = row["meta"].get(name) or ""
    meta["prompts"] = {**mapping(meta.get("prompts")), **_prompts(row["meta"])}
    return {
        **record,
        **{name: row[name] for name in ("name", "type", "path", "size_bytes", "created_at")},
        "meta": meta,
        "tags": united(record["tags"], row["tags"]),
        "paths": united([row["path"]], record["paths"]),
    }


def merged(record: Record, row: Record) -> Record:
    """The record, filled from the row where it is empty, with the tags of both."""
    meta: Json = dict(record["meta"])
    for name in _TEXTS:
        meta[name] = meta.get(name) or row["meta"].get(name) or ""
    known = mapping(meta.get("prompts"))
    found = {name: known.get(name) or text for name, text in _prompts(row["meta"]).items()}
    meta["prompts"] = {**known, **found}
    return {
        **record,
        "name": record["name"] or row["name"],
        "type": record["type"] or row["type"],
        "path": record["path"] or row["path"],
        "size_bytes": record["size_bytes"] or row["size_bytes"],
        "created_at": record["created_at"] or row["created_at"],
        "meta": meta,
        "tags": united(record["tags"], row["tags"]),
        "paths": united(record["paths"], [row["path"]]),
    }


def _prompts(meta: Json) -> dict[str, str]:
    prompts = mapping(meta.get("prompts"))
    return {name: prompts.get(name) or "" for name in ("positive", "negative")}
