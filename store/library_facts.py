"""What the list shows of a file beside its name: the few facts of its header that are worth it."""

from __future__ import annotations

import os
from typing import Any, cast

import orjson

from .model_headers import Header, read_header
from .model_kinds import tell
from .model_sketch import Sketch, once

_LONGEST = 200
_BASE_MODEL = '"base_model":"'


def read_facts(path: str, name: str) -> str:
    """JSON of the facts that the file's header gives; those that say nothing are left out."""
    return orjson.dumps(facts_of(read_header(path), shown_text(name))).decode()


def told_base_model(facts: str) -> str:
    """The base model in such JSON."""
    at = facts.find(_BASE_MODEL)
    if at < 0:
        return ""
    at += len(_BASE_MODEL)
    told = facts[at : facts.index('"', at)]
    # Parsed only where it may hold what JSON writes otherwise, or be within another text.
    return told if "\\" not in facts else str(orjson.loads(facts).get("base_model") or "")


def shown_text(text: str) -> str:
    """A path or name as it can be shown: what is no UTF-8 in it is replaced."""
    if text.isascii():
        return text
    return os.fsencode(text).decode(errors="replace")


def shown_value(value: Any) -> Any:
    """The same of every text in a value."""
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, dict):
        return {key: shown_value(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [shown_value(each) for each in cast("list[Any]", value)]
    return value


def facts_of(header: Header, name: str) -> dict[str, Any]:
    """`format`, `error`; of tensors: `tensors`, `parameters`, `dtype`, `rank`; `kind`,
    `told_type`, `base_model` with its `reason`; `title`, `author`, `auto_v3` as it says itself.
    """
    facts: dict[str, Any] = {"format": header.format}
    if header.error:
        facts["error"] = header.error
    if header.tensors:
        facts.update(_of_tensors(header.sketch, ""))
    told = tell(header, name)
    said = header.metadata.get
    for key, value in (
        ("kind", told.facts.get("kind")),
        ("told_type", told.type),
        ("base_model", told.base_model),
        ("reason", told.reason),
        ("title", said("modelspec.title") or said("general.name")),
        ("author", said("modelspec.author") or said("general.author")),
        ("auto_v3", said("sshs_model_hash")),
    ):
        if value and isinstance(value, str):
            facts[key] = value[:_LONGEST]
    return facts


@once
def _of_tensors(sketch: Sketch, _: str) -> dict[str, Any]:
    dtypes, rank = sketch.dtypes, sketch.rank
    parameters = min(sum(dtypes.values()), (1 << 63) - 1)
    facts = {"tensors": len(sketch.tensors), "parameters": parameters, "dtype": next(iter(dtypes))}
    return facts if rank is None else {**facts, "rank": rank}
