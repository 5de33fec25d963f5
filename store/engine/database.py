"""The store's database: opening, closing, transactions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from tinydb import TinyDB

from ..errors import CuratorError
from ..files import disk_error
from ..memory import no_collection
from . import folder as files
from .collection import Collection
from .compaction import Compactor
from .core import Core
from .journal import Journal
from .lock import Ownership
from .snapshot import Load
from .spec import CollectionSpec, Recovery
from .tables import open_tinydb
from .wording import Wording

log = logging.getLogger(__name__)


class Database:
    """All collections of one folder, owned by this process until `close`."""

    def __init__(
        self,
        folder: Path,
        core: Core,
        compactor: Compactor,
        ownership: Ownership,
        recovery: Recovery,
    ) -> None:
        self.folder = folder
        self._core = core
        self._compactor = compactor
        self._ownership = ownership
        self._collections = {name: Collection(core, core.rows(name)) for name in core.specs}
        self._closing = threading.Lock()
        self.recovery = recovery
        self.tinydb: TinyDB = open_tinydb(core, self.close)

    @classmethod
    def open(cls, folder: Path, specs: Sequence[CollectionSpec], *, address: str = "") -> Database:
        """The database in `folder`, made if there is none.

        Raises StoreHeld when another process has it, BrokenStore when its files cannot be
        understood; what could be read only in part is told in `recovery`.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, folder.name) from error
        ownership = Ownership(folder)
        ownership.take(address)
        try:
            return cls._opened(folder, Core(specs), ownership)
        except BaseException:
            # Whatever ends it, an interrupt too: the next opening must find nobody's lock.
            ownership.release()
            raise

    @classmethod
    def _opened(cls, folder: Path, core: Core, ownership: Ownership) -> Database:
        try:
            files.finish_rotation(folder)
        except OSError as error:
            raise disk_error(error, files.JOURNAL) from error
        with no_collection():
            reading = files.read(folder, lambda: _loading(core), core.replay, core.specs)
        recovery = _recovery(folder, reading)
        core.seq = reading.seq
        try:
            core.journal = Journal(folder / files.JOURNAL, reading.end, reading.seq)
        except OSError as error:
            raise disk_error(error, files.JOURNAL) from error
        for leftover in folder.glob(".curator.*.tmp"):
            leftover.unlink(missing_ok=True)
        compactor = Compactor(core, folder, edited=recovery.edited)
        core.grown = compactor.wake
        database = cls(folder, core, compactor, ownership, recovery)
        if reading.bad and recovery.copy:
            # A journal without the damage; until then every start would find it again.
            compactor.wake()
        database._build_words()
        return database

    def collection(self, name: str) -> Collection:
        """The declared collection. Raises KeyError for any other."""
        return self._collections[name]

    def transaction(self) -> AbstractContextManager[None]:
        """A block whose changes happen together or, when it raises, not at all.

        Other writers wait for its end, so it does nothing slow.
        """
        return self._core.gathering()

    def set_address(self, address: str) -> None:
        """Tell others where the owner of this store answers."""
        self._ownership.tell(address)

    def compact(self) -> None:
        """Write a new snapshot and empty the journal. Raises DiskFull, and all is as before."""
        self._compactor.compact()

    def close(self) -> None:
        """Compact and let go of the folder. Reading goes on to work, changes raise StoreClosed."""
        with self._closing:
            core = self._core
            journal = core.journal
            if journal is None or core.closed:
                return
            for wording in self._searched():
                wording.stop()
            try:
                self._compactor.finish()
            except CuratorError as error:
                log.error("the journal stays as it is: %s", error)
            with core.lock:
                core.closed = True
                try:
                    journal.close()
                except OSError as error:
                    log.error("the journal was not closed well: %s", error)
            self._ownership.release()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _build_words(self) -> None:
        """Begin with the word indexes soon, so that the first search finds them done."""
        searched = self._searched()

        def build() -> None:
            for wording in searched:
                wording.build_later()

        if searched:
            threading.Thread(target=build, name="curator-words", daemon=True).start()

    def _searched(self) -> list[Wording]:
        return [rows.wording for rows in self._core.tables.values() if rows.wording]


def _loading(core: Core) -> Load:
    for rows in core.tables.values():
        rows.clear()
    return lambda name, batches: core.rows(name).load(batches)


def _recovery(folder: Path, reading: files.Reading) -> Recovery:
    damage = [*reading.bad, reading.tail] if reading.tail else reading.bad
    copy = files.keep_aside(folder, damage) if damage else None
    recovery = Recovery(1 if reading.tail else 0, len(reading.bad), copy, not reading.ours)
    if damage:
        log.warning(
            "the journal ended in a torn line: %s; damaged lines before: %d; kept in %s",
            "yes" if reading.tail else "no",
            len(reading.bad),
            copy.name if copy else "nothing: there is no room",
        )
    if recovery.edited:
        log.warning("%s was changed by somebody else; it was taken as it is", files.SNAPSHOT)
    return recovery
