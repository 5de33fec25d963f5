"""How what is known of one model from several sides becomes one: what a person has said wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .engine import Record

SAID = (
    "name",
    "type",
    "base_model",
    "tags",
    "notes",
    "rating",
    "favorite",
    "trigger_words",
    "presets",
)
"""What a person sets, besides the keys of `meta`."""


def mark_said(record: Record, before: Record, when: int) -> None:
    """Remember of each field that differs from `before` that a person has set it."""
    said: dict[str, int] = record["said"]
    for name in SAID:
        if record[name] != before[name]:
            said[name] = when
    for key in {**before["meta"], **record["meta"]}:
        if record["meta"].get(key) != before["meta"].get(key):
            said[f"meta.{key}"] = when


def filled(record: Record, fields: Mapping[str, Any]) -> Record:
    """Those of `fields` that say something where the record is empty and no person emptied it.

    Tags and paths are added to those that are there; of `meta` each key for itself.
    """
    said: Mapping[str, int] = record["said"]
    made: Record = {}
    for name, value in fields.items():
        if name == "meta":
            made["meta"] = {**record["meta"], **_filled_meta(record, value)}
        elif name == "tags":
            made[name] = record[name] if "tags" in said else united(record[name], value)
        elif name in ("paths", "place_ids"):
            made[name] = united(record[name], value)
        elif not record.get(name) and name not in said:
            made[name] = value
    path = made.get("path") or fields.get("path")
    if path:
        made["paths"] = united(made.get("paths", record["paths"]), [path])
    return made


def joined(record: Record, draft: Record) -> Record:
    """One record of what was said of a content and of a place that holds it."""
    made: Record = {**record, **filled(record, _facts(draft))}
    made["meta"] = dict(record["meta"])
    made["said"] = dict(record["said"])
    for name, when in draft["said"].items():
        key = name.removeprefix("meta.")
        target, source = (
            (made["meta"], draft["meta"]) if name.startswith("meta.") else (made, draft)
        )
        other = record["said"].get(name)
        if key in _BOTH and target is made:
            target[key] = _BOTH[key](record[key], draft[key]) if other else draft[key]
        elif other is None or other <= when:
            if key in source:
                target[key] = source[key]
            else:
                target.pop(key, None)
        made["said"][name] = max(when, other or 0)
    for key, value in draft["meta"].items():
        if f"meta.{key}" not in made["said"] and not made["meta"].get(key):
            made["meta"][key] = value
    if "tags" in draft["said"] and "tags" not in record["said"]:
        # Those of an import are no statement against a person's, nor the other way round.
        made["tags"] = united(record["tags"], draft["tags"])
    return made


def united(first: list[Any], second: list[Any]) -> list[Any]:
    """The elements of both, each once, in their order."""
    made = list(first)
    made.extend(each for each in second if each not in made)
    return made


def _both_texts(first: str, second: str) -> str:
    """Nothing that somebody wrote is lost."""
    if second in first:
        return first
    return second if first in second else f"{first}\n\n{second}"


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "tags": united,
    "trigger_words": united,
    "notes": _both_texts,
}
"""Of these nothing is lost when both sides have said something."""


def _filled_meta(record: Record, meta: Mapping[str, Any]) -> dict[str, Any]:
    known: Mapping[str, Any] = record["meta"]
    return {
        key: value
        for key, value in meta.items()
        if not known.get(key) and f"meta.{key}" not in record["said"]
    }


def _facts(draft: Record) -> Record:
    """What the draft knows besides what was said."""
    names = ("path", "paths", "place_ids", "size_bytes", "created_at")
    unsaid = [name for name in SAID if name not in draft["said"]]
    return {name: draft[name] for name in (*names, *unsaid)}
