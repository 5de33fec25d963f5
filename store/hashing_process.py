"""Our end of a hashing process: files in, results out; without a process, in the thread itself."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

from . import hashing_worker
from .hashing_worker import HEAD, NO_DATA, NO_HASH, RESULT, UNDER_WAY, result_of
from .library_shelf import NO_AUTO_V3
from .library_walk import Facts

log = logging.getLogger(__name__)

_PROGRAM = Path(hashing_worker.__file__).read_text(encoding="utf-8")
"""As it was when we were loaded: after an update it may answer in other terms than we read."""


class Hashed(NamedTuple):
    """What became of a file; `seen` is as it was while it was hashed.

    `sha256` is empty and `auto_v3` None where they were not taken.
    """

    state: bytes
    seen: Facts
    sha256: str
    auto_v3: str | None


def hash_file(path: str, what: bytes, step: Callable[[int], object]) -> Hashed:
    """Hash one file in this thread; `step` is called with the bytes done, and may raise."""
    return _hashed(*RESULT.unpack(result_of(path, what, step)))


def _hashed(
    state: bytes, size: int, seconds: int, ns: int, inode: int, whole: bytes, data: bytes
) -> Hashed:
    return Hashed(
        state,
        Facts(size, seconds * 1_000_000_000 + ns, inode),
        "" if whole == NO_HASH else whole.hex(),
        None if data == NO_HASH else NO_AUTO_V3 if data == NO_DATA else data[:6].hex(),
    )


class Ended(Exception):
    """The process has ended while it was asked."""


class HashingProcess:
    """One process of low priority, started when it is first needed. For one thread at a time."""

    def __init__(self, may_go: Callable[[int], object]) -> None:
        """`may_go` is called with the bytes done of a large file; it may wait, or raise."""
        self._may_go = may_go
        self._process: subprocess.Popen[bytes] | None = None
        self._in_thread = False

    def hash(self, paths: Sequence[str], what: bytes) -> Iterator[Hashed]:
        """Ask for these files at once; the result of each in turn, as it is read.

        What was asked before is read to its end by then. Reading raises Ended when the process has
        died.
        """
        if not self._in_thread and self._process is None:
            self._start()
        if self._in_thread:
            return (hash_file(path, what, self._may_go) for path in paths)
        try:
            self._send(paths, what)
        except (OSError, ValueError) as error:
            # Broken, or closed by another thread; whoever reads is told.
            log.debug("a hashing process has ended: %s", error)
            self.close()
        return self._results(len(paths))

    def close(self) -> None:
        """End the process at once, from any thread."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    try:
                        pipe.close()
                    except OSError:
                        log.debug("a pipe was broken already")

    def _send(self, paths: Sequence[str], what: bytes) -> None:
        process = self._process
        if process and process.stdin:
            names = os.fsencode("\0".join(paths))
            process.stdin.write(HEAD.pack(what, len(names)) + names)
            process.stdin.flush()

    def _results(self, count: int) -> Iterator[Hashed]:
        try:
            yield from self._read(count)
        except (OSError, ValueError) as error:
            # Broken, or closed by another thread.
            raise Ended from error

    def _read(self, left: int) -> Iterator[Hashed]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise Ended
        held = b""
        while left:
            # As much as there is: to read of each small file by itself would cost as much as to
            # hash it.
            told = os.read(process.stdout.fileno(), 1 << 16)
            if not told:
                raise Ended
            held += told
            whole = len(held) - len(held) % RESULT.size
            for result in starmap(_hashed, RESULT.iter_unpack(held[:whole])):
                if result.state != UNDER_WAY:
                    left -= 1
                    yield result
                    continue
                self._may_go(result.seen.size)
                process.stdin.write(b"g")
                process.stdin.flush()
            held = held[whole:]

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                # Without site and the user's paths: it starts in a tenth of the time.
                [sys.executable, "-I", "-S", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                close_fds=True,
                creationflags=_window_flags(),
            )
        except (OSError, ValueError) as error:
            log.warning("models are hashed in a thread, for no process can be started: %s", error)
            self._in_thread = True
            return


def _window_flags() -> int:
    if sys.platform != "win32":
        return 0
    return subprocess.CREATE_NO_WINDOW | subprocess.IDLE_PRIORITY_CLASS
