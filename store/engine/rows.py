"""One table in memory: records as bytes by document id, and what is derived from them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable

from .indexes import SortedIndex
from .records import decode
from .spec import CollectionSpec, Record
from .words import Words

_SLICE = 50


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
        self.raws: dict[int, bytes] = {}
        self.ids: dict[str, int] = {}
        self.next_id = 1
        self.listed = False
        self.indexes: dict[str, SortedIndex] = {}
        self._words: Words | None = None
        self._worded = threading.Event()
        self._wanted = threading.Event()
        self._building = False
        self._late: list[tuple[int, str | None]] = []
        self.clear()

    def clear(self) -> None:
        """Empty, as if it had never been written to."""
        self.raws, self.ids = {}, {}
        self.next_id = 1
        self.listed = False
        self._words = None
        self._worded.clear()
        self._late = []
        self.indexes = (
            {each.name: SortedIndex(each) for each in self.spec.indexes} if self.spec else {}
        )

    def load(self, items: Iterable[tuple[int, bytes]]) -> None:
        """Take a snapshot's records into an empty table."""
        raws, ids, key = self.raws, self.ids, self.key
        indexes = list(self.indexes.values())
        self.listed = True
        for doc_id, raw in items:
            record = decode(raw)
            raws[doc_id] = raw
            if key is not None:
                # Somebody else's hand may have made twins or keyless records: they stay in reach
                # of TinyDB, and of the twins the last one has the key.
                own = record.get(key)
                if isinstance(own, str):
                    ids[own] = doc_id
                for index in indexes:
                    index.load(doc_id, record)
        self.next_id = max(raws, default=0) + 1
        for index in indexes:
            index.sort()

    def reserve(self) -> int:
        """A document id for a new record."""
        doc_id = self.next_id
        self.next_id = doc_id + 1
        return doc_id

    def apply(self, doc_id: int, raw: bytes | None) -> None:
        """Set or remove one record, under the lock."""
        old_raw = self.raws.get(doc_id)
        if raw is None:
            self.raws.pop(doc_id, None)
        else:
            self.raws[doc_id] = raw
            self.listed = True
            if doc_id >= self.next_id:
                self.next_id = doc_id + 1
        if self.key is None:
            return
        # Not the caller's object: what a reader will get is what has to be found.
        old = None if old_raw is None else decode(old_raw)
        new = None if raw is None else decode(raw)
        self._move_key(doc_id, old, new)
        for index in self.indexes.values():
            index.change(doc_id, old, new)
        if self._words is not None:
            self._change_words(self._words, doc_id, old, new)

    def words(self) -> Words:
        """The complete word index; waits for it, so not to be called under the lock.

        Raises LookupError when the collection declares no words.
        """
        self._wanted.set()
        while True:
            self.build_words()
            self._worded.wait()
            words = self._words
            if words is not None and self._worded.is_set():
                return words

    def build_words(self) -> None:
        """Build the word index if nobody has or does; leaves others their turn meanwhile."""
        spec = self.spec
        if spec is None or not spec.words:
            raise LookupError(f"{self.name} declares no words")
        with self.lock:
            if self._building or self._worded.is_set():
                return
            self._building = True
        complete = False
        while not complete:
            with self.lock:
                words = self._words = Words(spec.words)
                items = list(self.raws.items())
                self._late = []
            self._fill(words, items)
            with self.lock:
                # Else the table was dropped meanwhile.
                complete = self._words is words
                if complete:
                    for doc_id, text in self._late:
                        words.replace(doc_id, text)
                    self._late = []
                    self._building = False
                    self._worded.set()

    def _fill(self, words: Words, items: list[tuple[int, bytes]]) -> None:
        for at, (doc_id, raw) in enumerate(items):
            words.add(doc_id, words.text(decode(raw)))
            if at % _SLICE == 0 and not self._wanted.is_set():
                # Nobody waits for it, and others may want the interpreter.
                time.sleep(0.001)

    def _move_key(self, doc_id: int, old: Record | None, new: Record | None) -> None:
        key = self.key or ""
        before = old.get(key) if old else None
        after = new.get(key) if new else None
        if isinstance(before, str) and before != after and self.ids.get(before) == doc_id:
            del self.ids[before]
        if isinstance(after, str):
            self.ids[after] = doc_id

    def _change_words(
        self, words: Words, doc_id: int, old: Record | None, new: Record | None
    ) -> None:
        text = None if new is None else words.text(new)
        if old is not None and text == words.text(old):
            return
        if self._worded.is_set():
            words.replace(doc_id, text)
            if words.wasted:
                self._words = None
                self._worded.clear()
        else:
            self._late.append((doc_id, text))
