"""What a line of an export may say: of the kind that is kept here, or it is left out.

Exports come from other people. What is kept as it was sent is read by every list from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .civitai_types import texts
from .errors import BadInput
from .json_values import is_deep, is_object, mapping, text
from .library_models import checked_meta
from .library_tags import LONGEST
from .trigger_words import Presets, TriggerWords

Json = dict[str, Any]

_Whole = Annotated[int, Field(ge=0, lt=1 << 53)]
_Text = Annotated[str, Field(max_length=100_000)]
_STRICT = ConfigDict(strict=True)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class _Picture(BaseModel):
    url: _Text
    type: _Text
    nsfw_level: _Whole
    width: _Whole | None
    height: _Whole | None


class _Answer(BaseModel):
    """CivitAI's, as `Lookup` keeps it."""

    version_id: _Whole | None = None
    model_id: _Whole | None = None
    name: _Text = ""
    version_name: _Text = ""
    base_model: _Text = ""
    type: _Text = ""
    trained_words: list[_Text] = []
    tags: list[_Text] = []
    nsfw: bool = False
    description: _Text = ""
    creator: _Text = ""
    file: _Text = ""
    pictures: list[_Picture] = []
    removed: bool = False


class _Lookup(BaseModel):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    checked: Annotated[float, Field(ge=0, lt=1 << 40)]
    found: _Answer | None = None


class _Use(BaseModel):
    id: str = Field(pattern=r"^[0-9a-f]{64}$")
    last: _Whole
    count: _Whole


_FIELDS: Mapping[str, TypeAdapter[Any]] = {
    **{name: TypeAdapter(_Text, config=_STRICT) for name in ("name", "type", "base_model")},
    "notes": TypeAdapter(_Text, config=_STRICT),
    "rating": TypeAdapter(Annotated[int, Field(ge=0, le=5)], config=_STRICT),
    "favorite": TypeAdapter(bool, config=_STRICT),
    "created_at": TypeAdapter(_Whole, config=_STRICT),
    "trigger_words": TypeAdapter(TriggerWords),
    "presets": TypeAdapter(Presets),
}
_PARTS: Mapping[str, type[BaseModel]] = {"lookups": _Lookup, "uses": _Use}


def fields_of(told: Json) -> Json:
    """The fields of a model's record that are of their kind."""
    found: Json = {}
    for name, adapter in _FIELDS.items():
        try:
            found[name] = adapter.dump_python(adapter.validate_python(told[name]))
        except (KeyError, ValidationError):
            continue
    meta = told.get("meta")
    if is_object(meta) and _is_fit(meta):
        found["meta"] = meta
    return found


def said_of(told: Json) -> dict[str, int]:
    """When (ms) a person has set which field."""
    return {
        name: when
        for name, when in mapping(told.get("said")).items()
        if isinstance(when, int) and not isinstance(when, bool) and 0 < when < 1 << 53
    }


def part_of(name: str, told: Json) -> Json | None:
    """A line of `lookups` or `uses` as it is kept; None for what is none."""
    try:
        found = _PARTS[name].model_validate(told, strict=True)
    except ValidationError:
        return None
    return found.model_dump()


def tags_of(names: Any) -> list[str]:
    """The names in a list that tags can have."""
    return [name for name in texts(names) if name == name.strip() and 0 < len(name) <= LONGEST]


def color_of(told: Json) -> str:
    """`#rrggbb`, or empty."""
    color = text(told.get("color"))
    return color if _COLOR.fullmatch(color) else ""


def _is_fit(meta: Json) -> bool:
    try:
        checked_meta(meta)
    except BadInput:
        return False
    return not is_deep(meta)
