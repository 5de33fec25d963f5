"""Where something stands in a JSON text, for messages that a person can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """A position as editors count it, from 1."""

    line: int
    column: int


class Part(NamedTuple):
    """A key or a value met on the way through the text."""

    path: Path
    offset: int
    is_key: bool


def place_at(text: str, offset: int) -> Place:
    """Line and column of an offset into the text."""
    start = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1)


def place_of(text: str, path: Path) -> Place:
    """Where the value at `path` begins; the text's beginning when it is not there."""
    for part in _walk(text):
        if part.path == path and not part.is_key:
            return place_at(text, part.offset)
    return Place(1, 1)


def repeated_key(text: str) -> tuple[str, Place] | None:
    """The first key that stands twice in one object, and where it does so again."""
    seen: set[Path] = set()
    for part in _walk(text):
        if part.is_key:
            if part.path in seen:
                return str(part.path[-1]), place_at(text, part.offset)
            seen.add(part.path)
    return None


def _walk(text: str) -> Iterator[Part]:
    """Every key and value of a text that is known to be JSON, in its order."""
    # The path from the top; of an object that still waits for its next key the last part is None.
    path: list[str | int | None] = []
    for match in _TOKEN.finditer(text):
        token, offset = match.group(), match.start()
        if token == ":":
            continue
        if token == ",":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else None
        elif token in "}]":
            path.pop()
        elif path and path[-1] is None:
            path[-1] = str(json.loads(token))
            yield Part(_known(path), offset, True)
        else:
            yield Part(_known(path), offset, False)
            if token in "{[":
                path.append(None if token == "{" else 0)


def _known(path: list[str | int | None]) -> Path:
    return tuple(part for part in path if part is not None)
