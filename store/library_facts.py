"""What the list shows of a file beside its name: the few facts of its header that are worth it."""

from __future__ import annotations

import os
from typing import Any

import orjson

from .model_headers import Header, read_header
from .model_kinds import tell

_LONGEST = 200


def read_facts(path: str, name: str) -> str:
    """JSON of the facts that the file's header gives; those that say nothing are left out."""
    return orjson.dumps(facts_of(read_header(path), shown_text(name))).decode()


def shown_text(text: str) -> str:
    """A path or name as it can be shown: what is no UTF-8 in it is replaced."""
    if text.isascii():
        return text
    return os.fsencode(text).decode(errors="replace")


def facts_of(header: Header, name: str) -> dict[str, Any]:
    """`format`, `error`; of tensors: `tensors`, `parameters`, `dtype`, `rank`; `kind`,
    `told_type`, `base_model` with its `reason`; `title`, `author`, `auto_v3` as it says itself.
    """
    facts: dict[str, Any] = {"format": header.format}
    if header.error:
        facts["error"] = header.error
    if header.tensors:
        dtypes = header.dtypes
        facts["tensors"] = len(header.tensors)
        facts["parameters"] = min(sum(dtypes.values()), (1 << 63) - 1)
        facts["dtype"] = next(iter(dtypes))
        rank = header.rank
        if rank is not None:
            facts["rank"] = rank
    told = tell(header, name)
    said = header.metadata
    found = {
        "kind": told.facts.get("kind"),
        "told_type": told.type,
        "base_model": told.base_model,
        "reason": told.reason,
        "title": said.get("modelspec.title") or said.get("general.name"),
        "author": said.get("modelspec.author") or said.get("general.author"),
        "auto_v3": said.get("sshs_model_hash"),
    }
    for key, value in found.items():
        if isinstance(value, str) and value:
            facts[key] = value[:_LONGEST]
    return facts
