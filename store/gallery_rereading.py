"""What a picture's own file tells of its making, read again: earlier versions read some wrongly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from .embedded import Embedded, of_civitai
from .engine import Record
from .gallery_records import Facts, enriched
from .generation import Generation
from .json_values import is_object

_TEXTS = ("prompt", "negative")
_READ = (*Generation().as_dict(), "has_meta", "has_workflow")
_MOST_LEVELS = 8
"""Of a graph's texts: in the inputs of a node, or in a list there."""


def reread(record: Record, facts: Facts, inside: Embedded) -> dict[str, Any]:
    """The fields that the file tells otherwise by now, or that the record lacks.

    `facts` are upstream's, which go before. A text that stands nowhere in the file as it is was
    not read from there: it is upstream's, or a person's, and stays.
    """
    told = of_civitai(facts.generation_data)
    made = facts.generation.completed(inside.generation()).completed(told.generation())
    if not made.prompt:
        return {}
    written = {_lines(text) for text in _texts(inside, told)}
    settings = _lines(inside.parameters)
    before = dict(record)
    for name in _TEXTS:
        text = _lines(record[name])
        if not getattr(facts.generation, name) and (text in written or text in settings):
            before[name] = ""
    graphs = (inside.workflow, inside.graph, told.workflow, told.graph)
    better = enriched(before, Facts(record["id"], generation=made, has_workflow=any(graphs)))
    return {name: better[name] for name in _READ if better[name] != record.get(name)}


def _texts(*parts: Embedded) -> Iterator[str]:
    for part in parts:
        yield from _strings(part.graph, _MOST_LEVELS)


def _strings(value: Any, levels: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif levels and isinstance(value, (dict, list)):
        inner: Mapping[str, Any] | list[Any] = value if is_object(value) else cast("Any", value)
        for each in inner.values() if isinstance(inner, Mapping) else inner:
            yield from _strings(each, levels - 1)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
