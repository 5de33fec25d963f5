"""The SHA-256 of a file whose parts arrive: its beginning is hashed while the rest still comes."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

from .files import disk_error
from .upload_parts import Parts

_BLOCK = 1 << 20
_TURN = 64 << 20
"""Bytes of one upload before the next one has its turn."""


class Prefix:
    """The digest of the first bytes of one upload, which grows with them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._reset(parts.torn)

    def grow(self, most: int) -> bool:
        """Hash what has come, at most so many bytes; whether there may be more. Raises OSError."""
        with self._lock:
            if self._parts.closed:
                return False
            torn, end = self._parts.torn, self._parts.prefix()
            if torn != self._torn or end < self._done:
                self._reset(torn)
            start = self._done
            self._hash(self._parts.path, min(end, start + most), lambda: self._parts.closed)
            if self._parts.torn != torn:
                # A part that was read just now may have given way to another one.
                self._reset(self._parts.torn)
            return self._done < end and not self._parts.closed

    def finish(self, check: Callable[[], None]) -> str:
        """The SHA-256 of the whole file, every part of which lies in its place; `check` may raise.

        Raises CuratorError when it cannot be read.
        """

        def ask() -> bool:
            check()
            return False

        with self._lock:
            if self._parts.torn != self._torn:
                self._reset(self._parts.torn)
            try:
                self._hash(self._parts.path, self._parts.size, ask)
            except OSError as error:
                raise disk_error(error, "The uploaded file") from error
            return self._digest.hexdigest()

    def _reset(self, torn: int) -> None:
        self._digest: Any = hashlib.sha256()
        self._done = 0
        self._torn = torn

    def _hash(self, path: Path, end: int, stopped: Callable[[], bool]) -> None:
        if self._done >= end:
            return
        with path.open("rb", buffering=0) as file:
            file.seek(self._done)
            self._done += update(self._digest, file, end - self._done, stopped)


def update(digest: Any, file: FileIO, length: int, stopped: Callable[[], bool]) -> int:
    """Hash the next bytes of an unbuffered file; how many, fewer when `stopped` or at its end."""
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    left = length
    while left and not stopped():
        count = file.readinto(view[: min(left, _BLOCK)])
        if not count:
            break
        digest.update(view[:count])
        left -= count
    return length - left


class Follower:
    """Hashes behind the parts that arrive, one upload after the other, in one thread."""

    def __init__(self, *, fail: Callable[[Parts, OSError], None]) -> None:
        self._fail = fail
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Parts, Prefix]] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False

    def follow(self, parts: Parts, prefix: Prefix) -> None:
        """Something more of it has come."""
        with self._changed:
            if self._closing or (parts, prefix) in self._waiting:
                return
            self._waiting.append((parts, prefix))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="curator-upload-hash", daemon=True
                )
                self._thread.start()

    def settle(self) -> None:
        """Wait until everything that has come is hashed."""
        with self._changed:
            thread = self._thread
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """Let it end; the parts are closed before."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            thread = self._thread
        if thread is not None:
            thread.join(5)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._thread = None
                    return
                parts, prefix = self._waiting.popleft()
            try:
                more = prefix.grow(_TURN)
            except OSError as error:
                self._fail(parts, error)
            else:
                if more:
                    self.follow(parts, prefix)
