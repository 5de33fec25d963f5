"""What a row of the predecessor's database says, and how it joins what is known here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from .engine import Record
from .json_values import integer, is_object, mapping, text
from .library_merging import united

Json = dict[str, Any]

FACTS = ("name", "type", "path", "size_bytes", "created_at")


def filled(record: Record, fields: Json, tags: list[int], *, replace: bool) -> Record:
    """The record with what the predecessor knew; what a person has said stays as it is.

    `replace`: what nobody said gives way, else only what is empty is filled.
    """
    made: Record = dict(record)
    said: Mapping[str, int] = record["said"]
    for name in FACTS:
        if name not in said and fields[name] and (replace or not record[name]):
            made[name] = fields[name]
    meta: Json = dict(record["meta"])
    for name, value in fields["meta"].items():
        if f"meta.{name}" not in said and (replace or not meta.get(name)):
            if _says(value) or name not in meta:
                meta[name] = value
    made["meta"] = meta
    if "tags" not in said:
        made["tags"] = united(record["tags"], tags)
    if fields["path"]:
        made["paths"] = united(record["paths"], [fields["path"]])
    return made


def filled_meta(known: Json, fields: Json) -> Json:
    """Of a pending row: each text, and each prompt, where there is none."""
    made = {**known}
    for name, value in fields.items():
        if is_object(value):
            prompts = mapping(made.get(name))
            made[name] = {**prompts, **{key: prompts.get(key) or value[key] for key in value}}
        else:
            made[name] = made.get(name) or value
    return made


def _says(value: Any) -> bool:
    return any(value.values()) if is_object(value) else bool(value)


def extra_of(raw: Any) -> tuple[Json, bool]:
    """The object of `extra_json`, and whether that is what stood there."""
    if raw is None or raw == "":
        return {}, True
    if not isinstance(raw, str | bytes):
        return {}, False
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, False
    return (found, True) if is_object(found) else ({}, False)


def meta_of(extra: Json) -> Json:
    """Its texts, and `images` as they are listed there."""
    prompts = mapping(extra.get("prompts"))
    given = extra.get("images")
    images = cast("list[Any]", given) if isinstance(given, list) else []
    return {
        "description": _plain(extra.get("description")),
        "community_links": _plain(extra.get("community_links")),
        "prompts": {name: _plain(prompts.get(name)) for name in ("positive", "negative")},
        "images": [_plain(each) for each in images if isinstance(each, str)],
    }


_SURROGATES = re.compile("[\ud800-\udfff]")


def _plain(value: Any) -> str:
    """The text; halves of surrogate pairs, which JSON can spell and nothing can keep, replaced."""
    return _SURROGATES.sub("\ufffd", text(value))


def positive(value: Any) -> int:
    """The number; 0 for what is none, is negative or too large to be kept."""
    found = integer(value) or 0
    return found if 0 < found < 1 << 63 else 0
