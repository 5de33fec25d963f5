"""The one way of every change: journal, memory, disk. In this order."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import StoreClosed
from ..files import disk_error
from . import lines
from .journal import Journal
from .records import decode
from .rows import Rows
from .snapshot import META
from .spec import BadRecord, CollectionSpec

log = logging.getLogger(__name__)


class Change(NamedTuple):
    """A record's new bytes, or None for gone; no `doc_id`: the whole table is dropped.

    `record` is what the bytes were made of, where that is at hand.
    """

    rows: Rows
    doc_id: int | None
    raw: bytes | None
    record: Mapping[str, Any] | None = None


class _Pending(NamedTuple):
    """A change that the disk has not confirmed, and what was there before."""

    position: int
    durable: bool
    changes: Sequence[Change]
    before: Sequence[Change]


class Transaction:
    """Changes that wait for their common line; the thread that made them sees them already."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.changes: dict[tuple[str, int], Change] = {}
        self.keys: dict[tuple[str, str], int | None] = {}


class Core:
    """Tables, journal and locks of one open store.

    `lock` orders the writers and is held while a line is appended; `memory` is held for the moment
    in which tables and indexes change, so that readers never wait for the disk.
    """

    def __init__(self, specs: Sequence[CollectionSpec]) -> None:
        self.lock = threading.RLock()
        self.memory = threading.Lock()
        self.tables: dict[str, Rows] = {}
        self.seq = 0
        self.journal: Journal | None = None
        self.closed = False
        self.transaction: Transaction | None = None
        self.grown: Callable[[], None] = lambda: None
        self.grow_limit = 0
        self._pending: deque[_Pending] = deque()
        self.specs = {spec.name: spec for spec in specs}
        for name in self.specs:
            self.rows(name)

    def rows(self, name: str) -> Rows:
        """The table of this name, an empty one if there is none."""
        found = self.tables.get(name)
        if found is not None:
            return found
        if name == META:
            raise BadRecord(f"{META} is the store's own table.")
        with self.memory:
            return self.tables.setdefault(name, Rows(name, self.specs.get(name), self.memory))

    def own_transaction(self) -> Transaction | None:
        """The open transaction, when it is this thread's."""
        current = self.transaction
        return current if current and current.thread == threading.get_ident() else None

    def find(self, rows: Rows, key: str) -> int | None:
        """The document id behind a key, as this thread sees it."""
        if self.transaction is not None and (own := self.own_transaction()):
            if (rows.name, key) in own.keys:
                return own.keys[rows.name, key]
        return rows.ids.get(key)

    def raw(self, rows: Rows, doc_id: int) -> bytes | None:
        """The bytes of a record, as this thread sees it."""
        if self.transaction is not None and (own := self.own_transaction()):
            if (rows.name, doc_id) in own.changes:
                return own.changes[rows.name, doc_id].raw
        return rows.raws.get(doc_id)

    def seen(self, rows: Rows) -> dict[int, bytes]:
        """A copy of a table's records by document id, as this thread sees them."""
        with self.memory:
            raws = dict(rows.raws)
        own = self.own_transaction()
        for change in own.changes.values() if own else ():
            if change.rows is rows and change.doc_id is not None:
                if change.raw is None:
                    raws.pop(change.doc_id, None)
                else:
                    raws[change.doc_id] = change.raw
        return raws

    def write(self, changes: Sequence[Change], *, durable: bool) -> int:
        """Journal and apply; the position to `settle`. Under `lock`. Raises DiskFull.

        Inside of a transaction nothing is written yet.
        """
        if self.transaction is not None:
            self._stage(self.transaction, changes)
            return 0
        journal = self.journal
        if journal is None or self.closed or journal.failed is not None:
            journal = self._open_journal()
        if not changes:
            return journal.position
        seq = self.seq + 1
        rows, doc_id, raw, _ = changes[0]
        if len(changes) == 1 and doc_id is not None:
            line = lines.single(seq, rows.json_name, doc_id, raw)
        else:
            steps = [(rows.json_name, doc_id, raw) for rows, doc_id, raw, _ in changes]
            line = lines.joined(seq, steps)
        position = journal.append(line, ahead=durable)
        self.seq = seq
        self._remember(position, changes, durable)
        self._apply(changes)
        if journal.offset > self.grow_limit:
            self.grown()
        return position

    def settle(self, position: int, *, durable: bool) -> None:
        """Wait until the disk has the change, where it has to. Not under `lock`.

        Raises DiskFull or CuratorError, and the change is undone.
        """
        if not durable or not position or self.journal is None:
            return
        try:
            self.journal.sync(position)
        except OSError as error:
            log.error("the disk did not confirm a change: %s", error)
            with self.lock, contextlib.suppress(OSError):
                # If that fails too, the next change tries again before anything else.
                self._repair()
            raise disk_error(error, "The change") from error

    @contextlib.contextmanager
    def gathering(self) -> Generator[None]:
        """Changes of the block become one line, or none when it raises. Not nested."""
        durable = False
        with self.lock:
            if self.transaction is not None:
                raise RuntimeError("a transaction is open already")
            self._open_journal()
            self.transaction = gathered = Transaction()
            try:
                yield
            finally:
                self.transaction = None
            changes = list(gathered.changes.values())
            durable = any(change.rows.durable for change in changes)
            position = self.write(changes, durable=durable)
        self.settle(position, durable=durable)

    def replay(self, steps: Sequence[lines.Step]) -> None:
        """Apply what a journal says, while the store is being opened."""
        self._apply([Change(self.rows(step.table), step.doc_id, step.raw) for step in steps])

    def frozen(self) -> Mapping[str, Mapping[int, bytes]]:
        """The tables as they are now, in a copy that does not change. Under `lock`."""
        tables = list(self.tables.values())
        return {rows.name: dict(rows.raws) for rows in tables if rows.listed}

    def _open_journal(self) -> Journal:
        journal = self.journal
        if journal is None or self.closed:
            raise StoreClosed("The store is closed.")
        if journal.failed is not None:
            try:
                self._repair()
            except OSError as error:
                raise disk_error(error, "The change") from error
        return journal

    def _apply(self, changes: Sequence[Change]) -> None:
        with self.memory:
            for rows, doc_id, raw, record in changes:
                if doc_id is None:
                    rows.clear()
                else:
                    rows.apply(doc_id, raw, record)

    def _remember(self, position: int, changes: Sequence[Change], durable: bool) -> None:
        """Keep what is needed to undo, from the first change on that the disk owes us."""
        pending = self._pending
        if pending:
            synced = self.journal.synced if self.journal else 0
            while pending and pending[0].position <= synced:
                pending.popleft()
        if not durable and not pending:
            return
        before: list[Change] = []
        for rows, doc_id, _, _ in changes:
            if doc_id is None:
                before += [Change(rows, each, raw) for each, raw in rows.raws.items()]
            else:
                before.append(Change(rows, doc_id, rows.raws.get(doc_id)))
        pending.append(_Pending(position, durable, changes, before))

    def _repair(self) -> None:
        """Undo what the disk did not confirm, keep what was acknowledged without. Under `lock`."""
        journal = self.journal
        if journal is None or journal.failed is None:
            return
        while self._pending and self._pending[0].position <= journal.synced:
            self._pending.popleft()
        kept = [each for each in self._pending if not each.durable]
        for each in reversed(self._pending):
            self._apply(list(reversed(each.before)))
        again: list[bytes] = []
        for each in kept:
            self.seq += 1
            self._apply(each.changes)
            steps = [(rows.json_name, doc_id, raw) for rows, doc_id, raw, _ in each.changes]
            again.append(lines.joined(self.seq, steps))
        # Should the disk fail once more, these are to be written again all the same.
        self._pending = deque(each._replace(position=journal.position + 1) for each in kept)
        journal.repair(b"".join(again))
        self._pending.clear()

    def _stage(self, transaction: Transaction, changes: Sequence[Change]) -> None:
        for change in changes:
            rows, doc_id, raw, record = change
            if doc_id is None:
                raise RuntimeError("a table cannot be dropped within a transaction")
            # To read a key that stays out of the bytes would take as long as to write them.
            key = record.get(rows.key) if record and rows.key else None
            stays = isinstance(key, str) and self.find(rows, key) == doc_id
            if rows.key is not None and not stays:
                keys, before = transaction.keys, self.raw(rows, doc_id)
                if before is not None:
                    keys[rows.name, decode(before).get(rows.key, "")] = None
                if raw is not None:
                    keys[rows.name, decode(raw)[rows.key]] = doc_id
            transaction.changes[rows.name, doc_id] = change
