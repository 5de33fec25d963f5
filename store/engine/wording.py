"""The word index of a table: built behind the opening, kept up with every change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from .records import decode
from .spec import Record
from .words import Words

_SLICE = 50
_SECONDS_OF_REST = 2.0
"""After the opening: whoever has just started us waits for his first answers, not for words."""


class Wording:
    """Builds the words once, in the background or when somebody asks, and keeps them true.

    `lock` guards the records and the words alike; `records` gives the present records.
    """

    def __init__(
        self, fields: Sequence[str], lock: threading.Lock, records: Callable[[], dict[int, bytes]]
    ) -> None:
        self._fields = fields
        self._lock = lock
        self._records = records
        self._builder = threading.Lock()
        self._wanted = threading.Event()
        self._stopped = False
        self._words: Words | None = None
        self._ready = False
        self._late: list[tuple[int, str, str]] = []

    def words(self) -> Words:
        """The complete index; waits until it is, so not to be called under `lock`."""
        while True:
            words = self._words
            if self._ready and words is not None:
                return words
            self._wanted.set()
            self.build()

    def build_later(self) -> None:
        """Build the index when the store has been open for a moment, or somebody asks for it."""
        self._wanted.wait(_SECONDS_OF_REST)
        self.build()

    def build(self) -> None:
        """Build the index, unless it is there; while nobody waits for it, without hurry."""
        with self._builder:
            while not self._ready and not (self._stopped and not self._wanted.is_set()):
                with self._lock:
                    words = self._words = Words(self._fields)
                    items = sorted(self._records().items())
                    self._late = []
                self._fill(words, items)
                with self._lock:
                    # Else the table was dropped meanwhile.
                    if self._words is words:
                        for doc_id, before, after in self._late:
                            words.change(doc_id, before, after)
                        self._late = []
                        self._ready = True

    def change(self, doc_id: int, old: Record | None, new: Record | None) -> None:
        """Take up a change of a record, under `lock`."""
        words = self._words
        if words is None:
            return
        before = words.text(old) if old else ""
        after = words.text(new) if new else ""
        if before == after:
            return
        if self._ready:
            words.change(doc_id, before, after)
        else:
            self._late.append((doc_id, before, after))

    def clear(self) -> None:
        """Forget everything, under `lock`: the table is empty."""
        self._words = None
        self._ready = False
        self._late = []

    def stop(self) -> None:
        """Build no further in the background."""
        self._stopped = True

    def _fill(self, words: Words, items: list[tuple[int, bytes]]) -> None:
        for at, (doc_id, raw) in enumerate(items):
            words.load(doc_id, words.text(decode(raw)))
            if at % _SLICE == 0 and not self._wanted.is_set():
                if self._stopped:
                    self._words = None
                    return
                # Others may want the interpreter.
                time.sleep(0.001)
        words.finish()
