"""Compaction: the journal's changes into a new snapshot, while others go on."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from pathlib import Path

from ..errors import CuratorError
from ..files import disk_error, sync_folder
from . import digest, snapshot
from . import folder as files
from .core import Core
from .journal import next_path

log = logging.getLogger(__name__)

_LEAST = 8 << 20
_PAUSE = 30.0


class Compactor:
    """Writes snapshots of one store, one at a time, in the background or on demand.

    `edited`: the present snapshot is of somebody else's hand, and is kept once.
    """

    def __init__(self, core: Core, folder: Path, *, edited: bool) -> None:
        self._core = core
        self._folder = folder
        self._edited = edited
        self._one = threading.Lock()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._finished = False
        self._limit()

    def wake(self) -> None:
        """Compact in the background soon, unless that is going on or has just failed."""
        if self._thread is not None or time.monotonic() < self._not_before:
            return
        thread = threading.Thread(target=self._run, name="curator-compaction", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError as error:
            # The interpreter is ending, or there are too many threads: the change itself is safe.
            self._thread = None
            log.warning("no thread for a compaction: %s", error)

    def compact(self) -> None:
        """Write a new snapshot now. Raises DiskFull or CuratorError; then all is as before."""
        with self._one:
            try:
                self._compact()
            except OSError as error:
                raise disk_error(error, files.SNAPSHOT) from error
            finally:
                self._limit()

    def finish(self) -> None:
        """Wait for a compaction that goes on, do one if there is something to do, then no more.

        Raises DiskFull or CuratorError; the journal holds everything then.
        """
        with self._one:
            try:
                journal = self._core.journal
                if journal and (journal.offset or files.rotated(self._folder)):
                    self._compact(last=True)
            except OSError as error:
                raise disk_error(error, files.SNAPSHOT) from error
            finally:
                self._finished = True

    def _run(self) -> None:
        try:
            self.compact()
        except CuratorError as error:
            # The journal holds everything; it only grows.
            self._not_before = time.monotonic() + _PAUSE
            log.error("compaction failed and will be tried again: %s", error)
        finally:
            self._thread = None

    def _compact(self, *, last: bool = False) -> None:
        core = self._core
        journal = core.journal
        if journal is None or self._finished:
            return
        # First without the lock, so that there is little left to do while others wait.
        journal.prepare(ahead=not last)
        try:
            journal.sync(journal.position)
            with core.lock:
                seq = core.seq
                if journal.offset:
                    journal.rotate(seq)
                tables = core.frozen()
        finally:
            next_path(journal.path).unlink(missing_ok=True)
        target = self._folder / files.SNAPSHOT
        paced = not last
        crc = snapshot.write(target, tables, seq, paced=paced, before_replacing=self._keep_edited)
        self._edited = False
        for end, path in files.rotated(self._folder):
            if end <= seq:
                path.unlink()
        sync_folder(self._folder)
        digest.write(self._folder / files.DIGEST, tables, core.specs, crc, paced=paced)

    def _keep_edited(self) -> None:
        """Once: what somebody else wrote may have been a mistake, or damage."""
        present = self._folder / files.SNAPSHOT
        if not self._edited or not present.exists():
            return
        stat = present.stat()
        kept = self._folder / files.RECOVERED / f"curator-{stat.st_mtime_ns}.json"
        kept.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            try:
                os.link(present, kept)  # noqa: PTH200 - no copy, and fails when it is there
            except FileExistsError:
                raise
            except OSError:
                shutil.copy2(present, kept)

    def _limit(self) -> None:
        """The journal may grow in proportion: reading it takes longer, writing it all anew too."""
        with contextlib.suppress(FileNotFoundError):
            size = (self._folder / files.SNAPSHOT).stat().st_size
            self._core.grow_limit = max(_LEAST, size // 4)
            return
        self._core.grow_limit = _LEAST
