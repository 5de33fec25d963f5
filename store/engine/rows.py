"""One table in memory: records as bytes by document id, and what is derived from them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from .batches import Batch, columns_of
from .digest import fields
from .indexes import Places, SortedIndex
from .records import decode
from .spec import CollectionSpec, Record
from .wording import Wording
from .words import Words


class Rows:
    """The records of a table. Reading `raws` and `ids` needs no lock, all else `lock`.

    `listed`: the table has been written to, so TinyDB counts it among its tables.
    """

    def __init__(self, name: str, spec: CollectionSpec | None, lock: threading.Lock) -> None:
        self.name = name
        self.json_name = json.dumps(name).encode()
        self.spec = spec
        self.key = spec.key if spec else None
        self.durable = spec.durable if spec else True
        self.lock = lock
        self.stamp = 0
        """Another number after each change of any record."""
        self.raws: dict[int, bytes] = {}
        self.ids: dict[str, int] = {}
        self.next_id = 1
        self.listed = False
        self.indexes: dict[str, SortedIndex] = {}
        self.wording: Wording | None = None
        if spec and spec.words:
            self.wording = Wording(spec.words, lock, lambda: self.raws)
        self._derived = _derived(spec) if spec else ()
        self.clear()

    def clear(self) -> None:
        """Empty, as if it had never been written to."""
        self.stamp += 1
        self.raws, self.ids = {}, {}
        self.next_id = 1
        self.listed = False
        if self.wording is not None:
            self.wording.clear()
        declared = self.spec.indexes if self.spec else ()
        self.indexes = {each.name: SortedIndex(each) for each in declared}

    def load(self, batches: Iterable[Batch]) -> None:
        """Take a snapshot's records into an empty table."""
        wanted = fields(self.spec)
        self.stamp += 1
        self.listed = True
        for ids, raws, columns in batches:
            self.raws.update(zip(ids, raws, strict=True))
            if self.key is None:
                continue
            if columns is None:
                columns = columns_of(map(decode, raws), wanted)
            # Somebody else's hand may have made twins or keyless records: they stay in reach of
            # TinyDB, and of the twins the last one has the key.
            for own, doc_id in zip(columns[self.key], ids, strict=True):
                if isinstance(own, str):
                    self.ids[own] = doc_id
            places = Places(ids, columns)
            for index in self.indexes.values():
                index.load(places, columns)
        for index in self.indexes.values():
            index.sort()
        self.next_id = max(self.raws, default=0) + 1

    def reserve(self) -> int:
        """A document id for a new record."""
        doc_id = self.next_id
        self.next_id = doc_id + 1
        return doc_id

    def apply(
        self, doc_id: int, raw: bytes | None, record: Mapping[str, Any] | None = None
    ) -> None:
        """Set or remove one record, under the lock; `record` is what the bytes were made of."""
        old_raw = self.raws.get(doc_id)
        self.stamp += 1
        if raw is None:
            self.raws.pop(doc_id, None)
        else:
            self.raws[doc_id] = raw
            self.listed = True
            if doc_id >= self.next_id:
                self.next_id = doc_id + 1
        if self.key is None:
            return
        if raw is not None and record is not None and len(self._derived) == 1:
            key = record.get(self.key)
            if isinstance(key, str) and self.ids.get(key) == doc_id:
                # It had this key before, and nothing but the key is derived.
                return
        old = None if old_raw is None else decode(old_raw)
        if old is not None and record is not None:
            for field in self._derived:
                if old.get(field) != record.get(field):
                    break
            else:
                return
        # Not the caller's object: what a reader will get is what has to be found.
        new = None if raw is None else decode(raw)
        self._move_key(doc_id, old, new)
        for index in self.indexes.values():
            index.change(doc_id, old, new)
        if self.wording is not None:
            self.wording.change(doc_id, old, new)

    def words(self) -> Words:
        """The complete word index; waits for it, so not to be called under the lock.

        Raises LookupError when the collection declares no words.
        """
        if self.wording is None:
            raise LookupError(f"{self.name} declares no words")
        return self.wording.words()

    def _move_key(self, doc_id: int, old: Record | None, new: Record | None) -> None:
        key = self.key or ""
        before = old.get(key) if old else None
        after = new.get(key) if new else None
        if isinstance(before, str) and before != after and self.ids.get(before) == doc_id:
            del self.ids[before]
        if isinstance(after, str):
            self.ids[after] = doc_id


def _derived(spec: CollectionSpec) -> tuple[str, ...]:
    """The fields that the key, an index or the words depend on."""
    fields = [spec.key, *spec.words]
    for index in spec.indexes:
        fields += [field for field in (index.field, index.order) if field]
    return tuple(dict.fromkeys(field.split(".")[0] for field in fields))
