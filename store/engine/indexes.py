"""A declared index: document ids by a field's value, sorted within each."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import methodcaller
from typing import Any, cast

from .batches import Columns
from .cursors import NUMBER, TEXT, Entry, entry
from .spec import Index, Record

_SCALARS = (str, int, float, bool, type(None))
_SCALAR_TYPES = frozenset(_SCALARS)
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


class Places:
    """Where some records stand, by the field that orders them: indexes of one order share it."""

    def __init__(self, ids: Sequence[int], columns: Columns) -> None:
        self._ids = ids
        self._columns = columns
        self._known: dict[str | None, list[Entry]] = {}

    def by(self, order: str | None) -> list[Entry]:
        """The records' entries, in their order here."""
        known = self._known.get(order)
        if known is None:
            known = self._known[order] = list(self._made(order))
        return known

    def _made(self, order: str | None) -> Iterable[Entry]:
        ids = self._ids
        if order is None:
            return zip(repeat(0), repeat(0), ids)
        orders = _column(order, self._columns)
        kinds = set(map(type, orders))
        if kinds == {str}:
            return zip(repeat(TEXT), orders, ids)
        if kinds == {int}:
            return zip(repeat(NUMBER), orders, ids)
        return map(entry, orders, ids)


class SortedIndex:
    """Entries of each value in order. Not thread-safe: the caller holds the lock.

    `whole`: there is no field, so one list holds every record.
    """

    def __init__(self, spec: Index) -> None:
        self._spec = spec
        self.whole = spec.field is None
        self._field = reader(spec.field) if spec.field else None
        self._order = reader(spec.order) if spec.order else None
        self._entries: dict[Any, list[Entry]] = {}
        self._documents: dict[Any, array[int]] = {}

    def load(self, places: Places, columns: Columns) -> None:
        """Add records in any order; `sort` has to follow. This runs for all of them at open."""
        every = places.by(self._spec.order)
        if self._spec.field is None:
            self._entries.setdefault(None, []).extend(every)
            return
        column = _column(self._spec.field, columns)
        kinds = set(map(type, column))
        if kinds <= _SCALAR_TYPES and len(set(column)) == 1:
            self._entries.setdefault(column[0], []).extend(every)
            return
        if kinds == {list} and not any(column):
            return
        entries = self._entries
        for value, place in zip(column, every, strict=True):
            for each in (value,) if type(value) in _SCALAR_TYPES else _values(value):
                known = entries.get(each)
                if known is None:
                    entries[each] = [place]
                else:
                    known.append(place)

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
        for value, _ in (*before, *after):
            self._documents.pop(value, None)
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

    def documents(self, value: Any) -> Sequence[int]:
        """The ids of one value's records; kept at hand until one comes, goes or moves.

        To be called under the lock.
        """
        value = _asked(value)
        known = self._documents.get(value)
        if known is None:
            found = array("I", [entry[2] for entry in self.entries(value)])
            known = self._documents[value] = found
        return known

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
        return (None,) if self._field is None else _values(self._field(record))


def _values(value: Any) -> Sequence[Any]:
    """What a record with this field is listed under."""
    if isinstance(value, _SCALARS):
        return (value,)
    if not isinstance(value, list):
        return ()
    several = cast("list[Any]", value)
    if len(several) < 2:
        return several if several and isinstance(several[0], _SCALARS) else ()
    return list(dict.fromkeys(each for each in several if isinstance(each, _SCALARS)))


def _column(path: str, columns: Columns) -> Sequence[Any]:
    """The column of a field, through dots into nested objects."""
    name, dot, _ = path.partition(".")
    if not dot:
        return columns[name]
    read = reader(path)
    return [read({name: value}) for value in columns[name]]


def _asked(value: Any) -> Any:
    return value if isinstance(value, _SCALARS) else _NOBODY
