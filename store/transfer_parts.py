"""The bytes of a transfer that have come so far: where they lie, and how they get there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from .errors import DiskFull
from .files import disk_error

_CHUNK = 1 << 20
_WAITING = 16
"""Pieces of up to 256 KiB between the network and the disk."""


def place_of_part(central: Path, folder: Path, key: str) -> Path:
    """Make the empty file that a transfer into `folder` fills, where one rename moves it there.

    In `central`, outside of all model folders, if it is on the same file system: tried, not asked,
    for containers show one file system as several. Else hidden beside its target.
    """
    try:
        central.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        beside = hidden_part(folder, key)
        beside.touch()
        inside = central / f"{key}.part"
        try:
            beside.replace(inside)
        except OSError:
            return beside
    except OSError as error:
        raise disk_error(error, "The model's file") from error
    return inside


def hidden_part(folder: Path, key: str) -> Path:
    """Where a part lies that cannot lie in the central folder."""
    return folder / f".{key}.part"


def check_room(folder: Path, needed: int, *, spare: int) -> None:
    """Raise DiskFull with figures unless `needed` bytes are free, and `spare` ones besides."""
    try:
        free = shutil.disk_usage(_existing(folder)).free
    except OSError:
        return  # some network drives do not tell; the disk itself will
    room = needed + spare
    if free < room:
        raise DiskFull(
            f"There is not enough room: {_size(room)} are needed, {_size(free)} are free.",
            facts={"needed_bytes": room, "free_bytes": free},
        )


def digest_of(path: Path, check: Callable[[], None], size: int | None = None) -> Any:
    """The SHA-256 of a file's first bytes (all), to be gone on with; `check` may raise."""
    digest = hashlib.sha256()
    left = path.stat().st_size if size is None else size
    with path.open("rb", buffering=0) as file:
        while left and (piece := file.read(min(_CHUNK, left))):
            check()
            digest.update(piece)
            left -= len(piece)
    return digest


class Sink:
    """Writes and hashes pieces in a thread of its own, while the next ones arrive."""

    def __init__(self, path: Path, digest: Any, size: int) -> None:
        """Goes on after the first `size` bytes of the file, whose digest is given."""
        self._file: IO[bytes] = path.open("r+b", buffering=0)
        self._file.truncate(size)
        self._file.seek(size)
        self._digest = digest
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="curator-sink", daemon=True)
        self._thread.start()

    def put(self, piece: bytes) -> None:
        """Take a piece. Raises the OSError of an earlier one."""
        if self._failure:
            raise self._failure
        self._pieces.put(piece)

    def finish(self) -> str:
        """Everything is written: the SHA-256 of the whole. Raises OSError."""
        self.close()
        if self._failure:
            raise self._failure
        return self._digest.hexdigest()

    def close(self) -> None:
        """Write what is there still; of a full disk a little is given back for others."""
        if self._file.closed:
            return
        self._pieces.put(None)
        self._thread.join()
        if self._failure:
            with contextlib.suppress(OSError):
                self._file.truncate(max(0, self._file.tell() - _CHUNK))
        self._file.close()

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._failure:
                continue
            try:
                self._write(memoryview(piece))
            except OSError as error:
                self._failure = error
            else:
                self._digest.update(piece)

    def _write(self, piece: memoryview) -> None:
        while piece:
            piece = piece[self._file.write(piece) :]


def sync(path: Path) -> None:
    """Wait until the file's bytes are surely on the disk, as far as the system lets us."""
    with contextlib.suppress(OSError), path.open("r+b") as file:
        os.fsync(file.fileno())


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _size(count: int) -> str:
    if count < 10**6:
        return f"{count / 1e3:.1f} KB"
    return f"{count / 1e6:.1f} MB" if count < 10**9 else f"{count / 1e9:.2f} GB"
