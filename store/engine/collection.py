"""A collection: records by key, by index and by word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from .core import Change, Core
from .indexes import SortedIndex
from .pages import Asked, list_page, search_page, union_page
from .records import decode, encode
from .rows import Rows
from .spec import BadRecord, Page, Record

Where: TypeAlias = Callable[[Record], bool]
Listed: TypeAlias = tuple[str, Any]
"""An index and a value of it."""


class Collection:
    """Typed access to one table of the store; thread-safe.

    Every record handed out is the caller's own copy. A change is on the disk when the call returns
    (where the collection is `durable`); it raises DiskFull or CuratorError, with nothing changed.
    Inside of a transaction its thread sees its own changes by key, not yet in pages and searches.
    """

    def __init__(self, core: Core, rows: Rows) -> None:
        self._core = core
        self._rows = rows
        self._key = rows.key or ""
        self._durable = rows.durable

    def get(self, key: str) -> Record | None:
        """The record, or None."""
        raw = self.raw(key)
        return None if raw is None else decode(raw)

    def raw(self, key: str) -> bytes | None:
        """The record's JSON bytes, or None."""
        doc_id = self._core.find(self._rows, key)
        return None if doc_id is None else self._core.raw(self._rows, doc_id)

    def get_many(self, keys: Iterable[str]) -> list[Record]:
        """The records of these keys, in their order; unknown keys are left out."""
        return [decode(raw) for raw in map(self.raw, keys) if raw is not None]

    def put(self, record: Mapping[str, Any]) -> None:
        """Insert or replace. Raises BadRecord when the key is missing."""
        self._insert(record, replace=True)

    def add(self, record: Mapping[str, Any]) -> bool:
        """Insert, if the key is new; False if it is not, and nothing changes."""
        return self._insert(record, replace=False)

    def update(
        self, key: str, change: Mapping[str, Any] | Callable[[Record], Record | None]
    ) -> Record:
        """Change a record with nobody in between, and return its new state.

        `change` is a mapping of fields, or a short function that alters the record or returns
        another. Raises KeyError when there is none, BadRecord when its key would change.
        """
        core, rows = self._core, self._rows
        with core.lock:
            doc_id = core.find(rows, key)
            old = None if doc_id is None else core.raw(rows, doc_id)
            if doc_id is None or old is None:
                raise KeyError(key)
            record = decode(old)
            if callable(change):
                changed = change(record)
                record = record if changed is None else changed
            else:
                record.update(change)
            if record.get(self._key) != key:
                raise BadRecord(f"{self._key} is the key; it cannot change.", field=self._key)
            raw = encode(record)
            changes = () if raw == old else (Change(rows, doc_id, raw, record),)
            position = core.write(changes, durable=self._durable)
        core.settle(position, durable=self._durable)
        return record

    def delete(self, key: str) -> bool:
        """Remove a record; False when there is none."""
        core, rows = self._core, self._rows
        with core.lock:
            doc_id = core.find(rows, key)
            changes = () if doc_id is None else (Change(rows, doc_id, None),)
            position = core.write(changes, durable=self._durable)
        core.settle(position, durable=self._durable)
        return doc_id is not None

    def page(
        self,
        index: str,
        value: Any = None,
        *,
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
        after: str | None = None,
        where: Where | None = None,
        among: Sequence[Sequence[Listed]] = (),
        without: Sequence[Listed] = (),
    ) -> Page:
        """The records of one value of an index, in its order, that `where` agrees to.

        They are listed in one of each group of `among`, and in none of `without`; that looks at no
        record.

        `after` is the `next` of an earlier page: what is added meanwhile shifts nothing. With
        `where` the total costs a look at every record of the value. Raises KeyError for an index
        that is not declared, BadInput for a cursor that is none.
        """
        groups, never = self._listed(among), self._listed([without])[0]
        main = self._rows.indexes[index]
        asked = Asked(main, value, descending, limit, offset, after, where, groups, never)
        return list_page(self._rows, asked)

    def union(
        self,
        places: Sequence[Listed],
        *,
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
        after: str | None = None,
        where: Where | None = None,
    ) -> Page:
        """As `page`, of the records under any of these (index, value), each once.

        The indexes have to be in the same order. No places: an empty page.
        """
        indexes = self._rows.indexes
        asked = [
            Asked(indexes[index], value, descending, limit, offset, after, where)
            for index, value in places
        ]
        return union_page(self._rows, asked) if asked else Page([], 0, None)

    def search(
        self,
        text: str,
        *,
        index: str,
        value: Any = None,
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
        after: str | None = None,
        where: Where | None = None,
        among: Sequence[Sequence[Listed]] = (),
        without: Sequence[Listed] = (),
        also: Sequence[Sequence[Listed]] = (),
    ) -> Page:
        """As `page`, of the records in which all words of the text occur.

        The last word may be the beginning of one; case does not matter; a text without a word
        finds all. `also` says for each of the text's words where records are listed that count as
        having it. Raises LookupError when the collection declares no words.
        """
        groups, never = self._listed(among), self._listed([without])[0]
        main = self._rows.indexes[index]
        asked = Asked(main, value, descending, limit, offset, after, where, groups, never)
        return search_page(self._rows, asked, text, self._listed(also))

    def count(self, index: str | None = None, value: Any = None) -> int:
        """How many records there are, in all or of one value of an index."""
        if index is None:
            return len(self)
        with self._core.memory:
            return len(self._rows.indexes[index].entries(value))

    def values(self, index: str) -> dict[Any, int]:
        """Every value of an index with its number of records; None for records without one."""
        with self._core.memory:
            return self._rows.indexes[index].counts()

    @property
    def stamp(self) -> int:
        """Another number after each change: what was read after it was looked at is as old."""
        return self._rows.stamp

    def __len__(self) -> int:
        return len(self._rows.ids)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._core.find(self._rows, key) is not None

    def __iter__(self) -> Iterator[Record]:
        """Every record as it was when the loop began, oldest first."""
        return map(decode, list(self._rows.raws.values()))

    def _listed(self, groups: Sequence[Sequence[Listed]]) -> list[list[tuple[SortedIndex, Any]]]:
        indexes = self._rows.indexes
        return [[(indexes[name], value) for name, value in group] for group in groups]

    def _insert(self, record: Mapping[str, Any], *, replace: bool) -> bool:
        core, rows = self._core, self._rows
        key = record.get(self._key)
        if not isinstance(key, str):
            raise BadRecord(
                f"A record of {rows.name} needs a text as {self._key}.", field=self._key
            )
        raw = encode(record)
        with core.lock:
            doc_id = core.find(rows, key)
            if doc_id is None:
                changes = (Change(rows, rows.reserve(), raw, record),)
            elif replace and core.raw(rows, doc_id) != raw:
                changes = (Change(rows, doc_id, raw, record),)
            else:
                # Nothing to write, but what is there may still have to reach the disk.
                changes = ()
            position = core.write(changes, durable=self._durable)
        core.settle(position, durable=self._durable)
        return doc_id is None
