"""Values out of JSON that somebody else wrote: of the type asked for, or a harmless nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, TypeGuard, cast

import orjson

_WHOLE = re.compile(r"\s*-?[0-9]{1,30}\s*")


def exact(raw: bytes | bytearray | str) -> Any:
    """What JSON says, integers of any size kept. Raises ValueError for what is none.

    Also for what could not be kept or answered again: NaN, halves of surrogate pairs, another
    encoding than UTF-8, more levels than are walked through safely.
    """
    told = orjson.loads(raw)
    try:
        # It writes 254 levels; of a record with more copies and comparisons would fail later.
        orjson.dumps(told)
    except TypeError as error:
        raise ValueError("nested too deeply") from error
    return json.loads(raw)


def is_deep(value: Any, most: int = 200) -> bool:
    """Whether lists and objects lie in each other deeper than this."""
    level = [value]
    for _ in range(most):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return False
    return True


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def mapping(value: Any) -> dict[str, Any]:
    """The object itself; else an empty one."""
    return value if is_object(value) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; else none."""
    found = cast(list[Any], value) if isinstance(value, list) else []
    return [each for each in found if is_object(each)]


def integers(value: Any) -> list[int]:
    """The whole numbers in a list; else none."""
    found = cast(list[Any], value) if isinstance(value, list) else []
    return [each for each in found if isinstance(each, int) and not isinstance(each, bool)]


def text(value: Any) -> str:
    """The text itself; else an empty one."""
    return value if isinstance(value, str) else ""


def integer(value: Any) -> int | None:
    """A whole number, also one that is written as a float or as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return None


def whole(value: Any) -> int | None:
    """As `integer`, but a float with a fraction is none."""
    return None if isinstance(value, float) and not value.is_integer() else integer(value)


def number(value: Any) -> float | None:
    """A number, also one that is written as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _parts(value: Any) -> Iterable[Any]:
    if is_object(value):
        return value.values()
    return cast(list[Any], value) if isinstance(value, list) else ()
