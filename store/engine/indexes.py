"""A declared index: document ids by a field's value, sorted within each."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from operator import methodcaller
from typing import Any, cast

from .cursors import TEXT, Entry, entry
from .spec import Index, Record

_SCALARS = (str, int, float, bool, type(None))
_PLAIN = frozenset((str, int))
_NOBODY = object()


def reader(path: str) -> Callable[[Record], Any]:
    """A function that gives a field's value, through dots into nested objects; None if absent."""
    if "." not in path:
        return methodcaller("get", path)
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
    """Entries of each value in order. Not thread-safe: the caller holds the lock.

    `whole`: there is no field, so one list holds every record.
    """

    def __init__(self, spec: Index) -> None:
        self.whole = spec.field is None
        self._field = reader(spec.field) if spec.field else None
        self._order = reader(spec.order) if spec.order else None
        self._entries: dict[Any, list[Entry]] = {}

    def load(self, records: Iterable[tuple[int, Record]]) -> None:
        """Add records in any order; `sort` has to follow."""
        order, all_entries = self._order, self._entries
        values: Sequence[Any] = (None,)
        field = self._field
        for doc_id, record in records:
            if order is None:
                place: Entry = (0, 0, doc_id)
            else:
                # The usual cases without a further call: this runs for every record at open.
                value = order(record)
                place = (TEXT, value, doc_id) if type(value) is str else entry(value, doc_id)
            if field is not None:
                value = field(record)
                values = (value,) if type(value) in _PLAIN else self._values(record)
            for value in values:
                entries = all_entries.get(value)
                if entries is None:
                    all_entries[value] = [place]
                else:
                    entries.append(place)

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
        if isinstance(value, _SCALARS):
            return (value,)
        if not isinstance(value, list):
            return ()
        several = cast("list[Any]", value)
        return list(dict.fromkeys(each for each in several if isinstance(each, _SCALARS)))


def _asked(value: Any) -> Any:
    return value if isinstance(value, _SCALARS) else _NOBODY
