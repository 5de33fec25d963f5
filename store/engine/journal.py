"""The journal: an append-only file that every change goes through first."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from ..errors import CuratorError
from ..files import disk_error, sync_folder
from . import lines
from .disk import BINARY, sync_data, write_all

# Zeros ahead of the end: to sync bytes that overwrite some leaves the file system's own
# bookkeeping alone, which takes almost half of the time, and waits for nobody else's writes.
_AHEAD = 1 << 22
_LOW = 1 << 15


def next_path(path: Path) -> Path:
    """The journal after this one, before it takes its name."""
    return path.with_name(f"{path.name}.next")


class SyncFailed(CuratorError):
    """The disk did not confirm a change, so it has been undone."""


class Journal:
    """Appends lines (under the caller's lock) and syncs them, one sync for all who wait.

    Positions count the bytes ever written, over all files; `offset` is the end in this file.
    """

    def __init__(self, path: Path, offset: int, seq: int) -> None:
        self.path = path
        self.position = offset
        self.failed: OSError | None = None
        self._origin = 0
        self._base = seq
        self.synced = offset
        """The position up to which the disk has confirmed everything."""
        self._torn = False
        # The bare lock is for those who need not wait, which is nearly always: each step after a
        # sync is slow, for the processor has forgotten everything meanwhile.
        self._mutex = threading.Lock()
        self._turn = threading.Condition(self._mutex)
        self._waiting = 0
        self._leading = False
        self._lost: list[tuple[int, int]] = []
        self._descriptor = self._open()
        self._allocated = os.lseek(self._descriptor, 0, os.SEEK_END)
        if self._allocated > offset:
            # What a crash left behind the last whole line.
            os.ftruncate(self._descriptor, offset)
            sync_data(self._descriptor)
            self._allocated = offset
        os.lseek(self._descriptor, offset, os.SEEK_SET)

    @property
    def offset(self) -> int:
        """The size of the present file, without the zeros ahead."""
        return self.position - self._origin

    def append(self, line: bytes, *, ahead: bool) -> int:
        """Write one line and return the position after it; `ahead`: it is going to be synced.

        Raises DiskFull or CuratorError, and the file is as before.
        """
        offset = self.position - self._origin
        if not offset:
            line = lines.base(self._base) + line
        size = len(line)
        end = offset + size
        try:
            if self._torn:
                self._cut()
            if ahead and end + _LOW > self._allocated:
                self._reserve(size)
            write_all(self._descriptor, line)
        except OSError as error:
            self._torn = True
            try:
                self._cut()
            except OSError:
                # The next append tries again before it writes anything.
                pass
            raise disk_error(error, "The change") from error
        self.position += size
        if end > self._allocated:
            self._allocated = end
        return self.position

    def sync(self, position: int) -> None:
        """Return when the disk holds everything up to `position`.

        Raises OSError to the one who tried, SyncFailed to those whose change was undone for it.
        """
        with self._mutex:
            while True:
                if self._lost and any(low < position <= high for low, high in self._lost):
                    raise SyncFailed("The disk failed; the change was undone.")
                if self.synced >= position:
                    return
                if self.failed is not None:
                    raise self.failed
                if not self._leading:
                    break
                self._wait()
            self._leading = True
        self._lead()

    def prepare(self, *, ahead: bool) -> None:
        """Make the file that `rotate` goes on with, so that nobody waits for that. Raises OSError.

        `ahead`: with zeros to overwrite, where changes are synced and the disk has room for them.
        """
        upcoming = next_path(self.path)
        descriptor = os.open(upcoming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | BINARY, 0o666)
        try:
            if ahead and self.synced:
                with contextlib.suppress(OSError):
                    write_all(descriptor, bytes(_AHEAD))
            sync_data(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self.path.parent)

    def rotate(self, seq: int) -> None:
        """Set the file aside as `<name>.<seq>` and go on with the one prepared. Raises OSError.

        Under the caller's lock. The new names need not be on the disk yet: after a loss of power
        the prepared file, under its first name, is read as what it is.
        """
        with self._mutex:
            while self._leading:
                self._wait()
            if self.failed is not None:
                raise self.failed
            self._leading = True
        self._lead()
        # Nobody else touches the descriptor now: appends and repairs need the caller's lock, and
        # a sync has nothing left to wait for.
        end = self.offset
        os.ftruncate(self._descriptor, end)
        os.close(self._descriptor)
        old = self.path.with_name(f"{self.path.name}.{seq}")
        try:
            self.path.replace(old)
            try:
                next_path(self.path).replace(self.path)
            except OSError:
                old.replace(self.path)
                raise
            self._origin = self.position
            self._base = seq
            end = 0
        finally:
            self._descriptor = os.open(self.path, os.O_RDWR | BINARY)
            self._allocated = os.lseek(self._descriptor, 0, os.SEEK_END)
            os.lseek(self._descriptor, end, os.SEEK_SET)

    def repair(self, kept: bytes) -> None:
        """After a failed sync, under the caller's lock: cut back to what is sure, append `kept`.

        Whoever waits for anything else is told that it is lost. Raises OSError, to be called again.
        """
        with self._mutex:
            if self.position > self.synced:
                # Positions never go back: a lost one is not to be taken for a later one.
                self._lost.append((self.synced, self.position))
                self._origin += self.position - self.synced
                self.synced = self.position
            self._cut()
            if kept:
                write_all(self._descriptor, kept)
            self.position += len(kept)
            self._allocated = self.offset
            sync_data(self._descriptor)
            self.synced = self.position
            self.failed = None
            self._turn.notify_all()

    def close(self) -> None:
        """Sync what is left and close the file, without the zeros ahead. Raises OSError."""
        try:
            self.sync(self.position)
            os.ftruncate(self._descriptor, self.offset)
        finally:
            os.close(self._descriptor)

    def _wait(self) -> None:
        self._waiting += 1
        try:
            self._turn.wait()
        finally:
            self._waiting -= 1

    def _lead(self) -> None:
        target = self.position
        try:
            sync_data(self._descriptor)
        except OSError as error:
            with self._mutex:
                self._leading = False
                self.failed = error
                self._turn.notify_all()
            raise
        with self._mutex:
            self._leading = False
            if target > self.synced:
                self.synced = target
            if self._waiting:
                self._turn.notify_all()

    def _open(self) -> int:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | BINARY, 0o666)
        try:
            sync_folder(self.path.parent)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _reserve(self, size: int) -> None:
        end = max(self._allocated, self.offset)
        os.lseek(self._descriptor, end, os.SEEK_SET)
        try:
            write_all(self._descriptor, bytes(_AHEAD + size))
            self._allocated = end + _AHEAD + size
        except OSError:
            # No room for comfort; perhaps there is some for the line.
            os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, self.offset, os.SEEK_SET)

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.offset)
        os.lseek(self._descriptor, self.offset, os.SEEK_SET)
        self._allocated = self.offset
        self._torn = False
