"""A picture's record as others see it: Studio's columns, the items of lists, the JSON beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .engine import Record
from .gallery_records import Facts, source_in
from .generation import Generation
from .json_values import mapping

COLUMNS = (
    "civitai_id file_uuid type ext file_path thumb_path meta_path model_id post_id post_title "
    "username base_model width height duration audio file_size created_at downloaded_at reactions "
    "comments collected has_meta has_gen_data source search_mode starred prompt thumb_size"
).split()
"""The columns that clients of ComfyUI Studio know, flags as 0 and 1."""

_MAKING = tuple(each.name for each in fields(Generation))


def columns(record: Record) -> dict[str, Any]:
    """The item as Studio's clients know it, and its `id`."""
    return {"id": record["id"], **{name: record.get(name) for name in COLUMNS}}


def shown_item(record: Record, model_id: int | None = None) -> dict[str, Any]:
    """The item of a list (of this model's gallery): ids, flags, and its metadata in `meta`."""
    given = record.get
    number = None
    for alias in record["aliases"]:
        if alias.isdigit():
            number = int(alias)
            break
    meta = {
        "civitai_id": record["civitai_id"],
        "civitai_page": record["page"],
        "url": None,
        **_shown_meta(record),
        **generation_of(record),
        "reactions": record["reactions"],
        "comments": record["comments"],
    }
    return {
        "id": record["id"],
        "name": given("name", ""),
        "number": number,
        "ext": record["ext"],
        "has_thumb": True,
        "starred": bool(record["starred"]),
        "has_workflow": bool(given("has_workflow")),
        "source": source_in(record, model_id),
        "model_id": record["model_id"],
        "model_name": record["model_name"],
        "versions": record["versions"],
        "nsfw_level": given("nsfw_level") or 0,
        "tag_ids": given("tag_ids") or [],
        "createdAt": record["created_at"],
        "added": record["downloaded_at"],
        "file_size": record["file_size"],
        "meta": meta,
    }


def generation_of(record: Record) -> dict[str, Any]:
    """How the picture was made, by the names of `Generation`."""
    return dict(zip(_MAKING, map(record.get, _MAKING), strict=True))


def new_sidecar(facts: Facts, record: Record) -> dict[str, Any]:
    """The JSON beside the file: what upstream said, whole, under the names Studio uses."""
    item = facts.raw_item or {}
    return {
        "civitai_id": record["civitai_id"],
        "civitai_page": facts.page,
        "url": None,
        **_shown_meta(record),
        "stats": dict(facts.stats),
        "raw_meta": item.get("meta"),
        "raw_item": facts.raw_item,
        "_source": record["source"],
        "generation_data": facts.generation_data,
    }


def enriched_sidecar(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The older JSON with every gap filled from the newer one, and the higher counts of both."""
    gaps = {name: new[name] for name, value in old.items() if not value and new.get(name)}
    return {**new, **old, **gaps, "stats": _higher(old.get("stats"), new.get("stats"))}


def _shown_meta(record: Record) -> dict[str, Any]:
    return {
        "type": record["type"],
        "width": record["width"],
        "height": record["height"],
        "username": record["username"],
        "postId": record["post_id"],
        "postTitle": record["post_title"],
        "duration": record["duration"],
        "audio": bool(record["audio"]),
        "baseModel": record["base_model"],
        "createdAt": record["created_at"],
    }


def _higher(old: Any, new: Any) -> dict[str, Any]:
    """Both; of what both count, the higher number."""
    counts = {**mapping(old)}
    for name, value in mapping(new).items():
        known = counts.get(name)
        if not (isinstance(known, int) and isinstance(value, int) and known > value):
            counts[name] = value
    return counts
