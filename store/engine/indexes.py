"""A declared index: document ids by a field's value, sorted within each."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Any, cast

from .cursors import Entry, entry
from .spec import Index, Record

_SCALARS = (str, int, float, bool, type(None))
_NOBODY = object()


def reader(path: str) -> Callable[[Record], Any]:
    """A function that gives a field's value, through dots into nested objects; None if absent."""
    if "." not in path:
        return lambda record: record.get(path)
    parts = path.split(".")

    def read(record: Record) -> Any:
        value: Any = record
        for part in parts:
            if not isinstance(value, dict):
                return None
            value = cast("Record", value).get(part)
        return value

    return read


class SortedIndex:
    """Entries of each value in order. Not thread-safe: the caller holds the lock."""

    def __init__(self, spec: Index) -> None:
        self.spec = spec
        self._field = reader(spec.field) if spec.field else None
        self._order = reader(spec.order) if spec.order else None
        self._entries: dict[Any, list[Entry]] = {}

    def load(self, doc_id: int, record: Record) -> None:
        """Add a record in any order; `sort` has to follow."""
        place = entry(self._order(record), doc_id) if self._order else (0, 0, doc_id)
        for value in self._values(record):
            found = self._entries.get(value)
            if found is None:
                self._entries[value] = [place]
            else:
                found.append(place)

    def sort(self) -> None:
        """Bring what was loaded into order."""
        for entries in self._entries.values():
            entries.sort()

    def change(self, doc_id: int, old: Record | None, new: Record | None) -> None:
        """Take a record from where its old state stood to where the new one stands."""
        before = self._places(doc_id, old)
        after = self._places(doc_id, new)
        if before == after:
            return
        for value, place in before:
            entries = self._entries[value]
            del entries[bisect_left(entries, place)]
            if not entries:
                del self._entries[value]
        for value, place in after:
            insort(self._entries.setdefault(value, []), place)

    def entries(self, value: Any) -> Sequence[Entry]:
        """The live sorted list of one value; to be read under the lock only."""
        return self._entries.get(_asked(value), ())

    def holds(self, value: Any, record: Record) -> bool:
        """Whether the record is listed under the value."""
        return _asked(value) in self._values(record)

    def place(self, doc_id: int, record: Record) -> Entry:
        """Where the record stands within a value."""
        return entry(self._order(record), doc_id) if self._order else (0, 0, doc_id)

    def counts(self) -> dict[Any, int]:
        """How many records each value has."""
        return {value: len(entries) for value, entries in self._entries.items()}

    def _places(self, doc_id: int, record: Record | None) -> list[tuple[Any, Entry]]:
        if record is None:
            return []
        place = self.place(doc_id, record)
        return [(value, place) for value in self._values(record)]

    def _values(self, record: Record) -> Sequence[Any]:
        if self._field is None:
            return (None,)
        value = self._field(record)
        if isinstance(value, list):
            several = cast("list[Any]", value)
            return list(dict.fromkeys(each for each in several if isinstance(each, _SCALARS)))
        return (value,) if isinstance(value, _SCALARS) else ()


def _asked(value: Any) -> Any:
    return value if isinstance(value, _SCALARS) else _NOBODY
