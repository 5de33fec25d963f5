"""A model as it is shown: what is said of it, joined with the files that hold it."""

from __future__ import annotations

import hashlib
import json
import ntpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .engine import Record
from .json_values import integer, mapping, text
from .library_facts import shown_text
from .library_merging import SAID

if TYPE_CHECKING:
    from .library_places import Place

Json = dict[str, Any]


def meta_json(meta: Mapping[str, Any]) -> Json:
    """Hikaze's four keys, always there and never null, and whatever else is kept."""
    prompts = mapping(meta.get("prompts"))
    return {
        **meta,
        "description": text(meta.get("description")),
        "community_links": text(meta.get("community_links")),
        "images_count": integer(meta.get("images_count")) or 0,
        "prompts": {
            **prompts,
            "positive": text(prompts.get("positive")),
            "negative": text(prompts.get("negative")),
        },
    }


def name_of(record: Record | None, path: str) -> str:
    """The name that was given, else the file's; paths of Windows are split everywhere."""
    return (record or {}).get("name") or ntpath.basename(path)


def type_of(record: Record | None, place: Place | None) -> str:
    """The type that was said, else the first of its folder."""
    if record and record["type"]:
        return record["type"]
    return min(place.types, default="") if place else ""


def base_model_of(record: Record | None, place: Place | None) -> str:
    """The base model that was said, else what the file's header tells."""
    if record and record["base_model"]:
        return record["base_model"]
    return text(place.facts.get("base_model")) if place else ""


def shown_model(
    key: str, record: Record | None, places: Sequence[Place], tags: Sequence[Json]
) -> Json:
    """The full record. `places` are those that hold its content, none when it is missing."""
    place = _main_place(record, places)
    path = shown_text(place.path) if place else (record or {}).get("path", "")
    said = record or {}
    return {
        "sha256": said.get("sha256") or (place.sha256 if place else ""),
        "place_id": place.place_id if place else "",
        "path": path,
        "file": shown_text(place.file) if place else "",
        "name": name_of(record, path),
        "type": type_of(record, place),
        "size_bytes": place.size if place else said.get("size_bytes", 0),
        "created_at": said.get("created_at") or (created_at(place) if place else 0),
        "meta_json": meta_json(said.get("meta", {})),
        "tags": list(tags),
        "base_model": base_model_of(record, place),
        "notes": said.get("notes", ""),
        "rating": said.get("rating", 0),
        "favorite": said.get("favorite", False),
        "trigger_words": said.get("trigger_words", []),
        "presets": said.get("presets", []),
        "status": "present" if place else "missing",
        "recorded": record is not None,
        "auto_v2": place.sha256[:10] if place else said.get("sha256", "")[:10],
        "auto_v3": place.auto_v3 if place else "",
        "facts": place.facts if place else {},
        "places": [
            {
                "place_id": each.place_id,
                "path": shown_text(each.path),
                "file": shown_text(each.file),
                "types": list(each.types),
                "size_bytes": each.size,
                "mtime": each.mtime_ns // 1_000_000,
            }
            for each in places
        ],
    }


def etag_of(record: Record | None) -> str:
    """Changes with what can be edited, not with where the files lie or what is known of them."""
    said = [[name, (record or {}).get(name) or None] for name in (*SAID, "meta")]
    data = json.dumps(said, sort_keys=True).encode()
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def created_at(place: Place) -> int:
    """When its file was written, in ms."""
    return place.mtime_ns // 1_000_000


def _main_place(record: Record | None, places: Sequence[Place]) -> Place | None:
    for place in places:
        if record and shown_text(place.path) == record["path"]:
            return place
    return places[0] if places else None
