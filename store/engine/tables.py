"""TinyDB over the store's records: its tables read the bytes, its changes go to the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Table

from .core import Change, Core
from .records import decode, encode
from .rows import Rows
from .spec import BadRecord, Record

_TOUCHED = 256


class _View(Mapping[str, Record]):
    """A table as TinyDB reads it: documents by id as text, each parsed when it is looked at."""

    def __init__(self, core: Core, rows: Rows) -> None:
        self.rows = rows
        self._raws = core.seen(rows)

    def __getitem__(self, doc_id: str) -> Record:
        try:
            return decode(self._raws[int(doc_id)])
        except ValueError:
            raise KeyError(doc_id) from None

    def __len__(self) -> int:
        return len(self._raws)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._raws)


class _Draft(MutableMapping[int, Record]):
    """A table as TinyDB changes it: what was looked at is compared and kept if it differs."""

    def __init__(self, core: Core, rows: Rows) -> None:
        self._rows = rows
        self._core = core
        self._raws = core.seen(rows)
        self._changed: dict[int, bytes | None] = {}
        self._touched: dict[int, Record] = {}

    def __getitem__(self, doc_id: int) -> Record:
        found = self._touched.get(doc_id)
        if found is not None:
            return found
        raw = self._changed.get(doc_id, self._raws.get(doc_id))
        if raw is None or (doc_id in self._changed and self._changed[doc_id] is None):
            raise KeyError(doc_id)
        if len(self._touched) >= _TOUCHED:
            # TinyDB looks at every document but only ever changes the one it has just looked at.
            self._settle()
        found = self._touched[doc_id] = decode(raw)
        return found

    def __setitem__(self, doc_id: int, record: Record) -> None:
        self._touched.pop(doc_id, None)
        self._changed[doc_id] = encode(record)

    def __delitem__(self, doc_id: int) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._touched.pop(doc_id, None)
        self._changed[doc_id] = None

    def __contains__(self, doc_id: object) -> bool:
        if isinstance(doc_id, int) and doc_id in self._changed:
            return self._changed[doc_id] is not None
        return doc_id in self._raws

    def __iter__(self) -> Iterator[int]:
        new = [doc_id for doc_id in self._changed if doc_id not in self._raws]
        return (doc_id for doc_id in [*self._raws, *new] if doc_id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove everything, without a look at it."""
        self._touched.clear()
        self._changed = dict.fromkeys(self._raws)

    def changes(self) -> list[Change]:
        """What is different now. Raises BadRecord where a key would be missing or twice there."""
        self._settle()
        changes = [
            Change(self._rows, doc_id, raw)
            for doc_id, raw in self._changed.items()
            if raw != self._raws.get(doc_id)
        ]
        if self._rows.key is not None:
            self._check(changes, self._rows.key)
        return changes

    def _settle(self) -> None:
        for doc_id, record in self._touched.items():
            raw = encode(record)
            if raw != self._changed.get(doc_id, self._raws.get(doc_id)):
                self._changed[doc_id] = raw
        self._touched.clear()

    def _check(self, changes: list[Change], field: str) -> None:
        name = self._rows.name
        taken: set[str] = set()
        moved = {change.doc_id for change in changes}
        for change in changes:
            if change.raw is None:
                continue
            key = decode(change.raw).get(field)
            if not isinstance(key, str):
                raise BadRecord(f"A record of {name} needs a text as {field}.", field=field)
            holder = self._core.find(self._rows, key)
            if key in taken or (holder is not None and holder not in moved):
                raise BadRecord(f"{name} has {key!r} already.", field=field)
            taken.add(key)


class EngineStorage(Storage):
    """TinyDB's storage on top of the store; `close` closes the database."""

    def __init__(self, core: Core, closing: Callable[[], None]) -> None:
        self.core = core
        self._closing = closing

    def read(self) -> dict[str, Any] | None:
        """Every table that was ever written to, as mappings that parse what is looked at."""
        core = self.core
        return {rows.name: _View(core, rows) for rows in list(core.tables.values()) if rows.listed}

    def write(self, data: Mapping[str, Mapping[Any, Any]]) -> None:
        """Make these the tables; views that `read` gave stand for themselves."""
        core = self.core
        with core.lock:
            changes = [
                Change(rows, None, None)
                for rows in list(core.tables.values())
                if rows.listed and rows.name not in data
            ]
            for name, documents in data.items():
                rows = core.rows(name)
                if not (isinstance(documents, _View) and documents.rows is rows):
                    draft = _Draft(core, rows)
                    draft.clear()
                    draft.update({int(doc_id): dict(each) for doc_id, each in documents.items()})
                    changes += draft.changes()
            durable = any(change.rows.durable for change in changes)
            position = core.write(changes, durable=durable)
        core.settle(position, durable=durable)

    def close(self) -> None:
        """Close the database behind it."""
        self._closing()


class EngineTable(Table):
    """A TinyDB table that reads single records and journals single changes."""

    # What a cache holds would be shared among callers, and old after a change beside TinyDB.
    default_query_cache_capacity = 0

    def __init__(
        self,
        storage: EngineStorage,
        name: str,
        cache_size: int = 0,
        persist_empty: bool = False,
    ) -> None:
        self._core = storage.core
        self._rows = storage.core.rows(name)
        super().__init__(storage, name, 0, persist_empty)

    def upsert(self, document: Mapping[str, Any], cond: QueryLike | None = None) -> list[int]:
        """As TinyDB's, with nobody between the look and the insert."""
        with self._core.lock:
            return super().upsert(document, cond)

    def truncate(self) -> None:
        """Remove all documents."""
        with self._core.lock:
            super().truncate()
            if not self._rows.raws:
                self._rows.next_id = 1

    def _get_next_id(self) -> int:
        with self._core.lock:
            return self._rows.reserve()

    def _read_table(self) -> Any:
        return _View(self._core, self._rows)

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        core, rows = self._core, self._rows
        with core.lock:
            draft = _Draft(core, rows)
            updater(draft)
            position = core.write(draft.changes(), durable=rows.durable)
            rows.listed = True
        core.settle(position, durable=rows.durable)


class EngineTinyDB(TinyDB):
    """TinyDB with the store's tables."""

    table_class = EngineTable


def open_tinydb(core: Core, closing: Callable[[], None]) -> TinyDB:
    """A TinyDB on the records of an open store."""
    return EngineTinyDB(core, closing, storage=EngineStorage)
