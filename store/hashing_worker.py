"""A process that hashes files and nothing else: run by its text, it imports nothing of the pack.

It reads batches from its standard input and ends with it: what to hash (`WHOLE`, `DATA`) and how
many bytes follow (`HEAD`), the paths with a zero between each two. It answers with one `RESULT` for
each file, in their order. Of a large file it tells before that how far it is, and reads a byte when
it may go on.

Not even `typing` is imported: to start would take it half as long again.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import struct
import sys
from io import FileIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    _Taker = tuple[int, Callable[[memoryview], object]]

WHOLE, DATA = b"w", b"d"
"""The SHA-256 of the whole file (of a small one of the data too), or of its data alone."""

HEAD = struct.Struct("<cI")
RESULT = struct.Struct("<cQqIQ32s32s")
"""State, size (or bytes done), mtime (s and ns), inode, SHA-256 of the file and of its data."""

DONE, UNDER_WAY, CHANGED, FAILED = b"d", b"u", b"c", b"f"
NO_HASH = bytes(32)
NO_DATA = b"\xff" * 32
"""The file has no tensors' data after a header."""

BOTH_BELOW = 512 << 20
STEP = 64 << 20
_FIRST = 1 << 16
"""Small files are read at once; for them alone no buffer is made."""
_CHUNK = 1 << 18
"""Fits in the cache of a core, so that what was read is hashed from there."""
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_FAILED = RESULT.pack(FAILED, 0, 0, 0, 0, NO_HASH, NO_HASH)
_NANOSECONDS = 1_000_000_000
_LOWEST_PRIORITY = 19


def result_of(path: str | bytes, what: bytes, step: Callable[[int], object]) -> bytes:
    """Hash one file: a `RESULT`, with size, mtime and inode as they were while it was hashed.

    `step` is called with the bytes done after each `STEP`, and may raise.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):
        return _FAILED
    try:
        return _hash(descriptor, what, step)
    except OSError:
        return _FAILED
    finally:
        os.close(descriptor)


def _hash(descriptor: int, what: bytes, step: Callable[[int], object]) -> bytes:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        # What a device or pipe has to say need not end.
        return _FAILED
    size = before.st_size
    part = os.read(descriptor, _FIRST)
    start = _data_start(part, size)
    whole = hashlib.sha256(part) if what == WHOLE else None
    data = None
    if start and (what == DATA or size <= BOTH_BELOW):
        data = hashlib.sha256(part[start:])
    done = len(part)
    if done != size:
        takers: list[_Taker] = [(0, whole.update)] if whole else []
        if data:
            takers.append((start, data.update))
        done = _go_through(descriptor, done, takers, step)
    after = os.fstat(descriptor)
    same = done == size == after.st_size and before.st_mtime_ns == after.st_mtime_ns
    return RESULT.pack(
        DONE if same else CHANGED,
        size,
        # In ns alone 64 bits end in the year 2262.
        *divmod(before.st_mtime_ns, _NANOSECONDS),
        before.st_ino,
        whole.digest() if whole else NO_HASH,
        data.digest() if data else NO_HASH if start else NO_DATA,
    )


def _go_through(
    descriptor: int, done: int, takers: list[_Taker], step: Callable[[int], object]
) -> int:
    """Read what follows the first `done` bytes, for each taker from its start on; the size."""
    told = done
    # Not a bytearray: that begins 16 bytes into a page, and to such an address AMD's processors
    # copy at a quarter of their speed.
    with mmap.mmap(-1, _CHUNK) as buffer, memoryview(buffer) as view:
        file = FileIO(descriptor, closefd=False)
        while count := file.readinto(view):
            for start, take in takers:
                if done + count > start:
                    take(view[max(0, start - done) : count])
            done += count
            if done - told >= STEP:
                told = done
                step(done)
    return done


def _data_start(first: bytes, size: int) -> int:
    """Where the data of a safetensors file begin; 0 for any other file."""
    start = 8 + int.from_bytes(first[:8], "little")
    return start if first[8:9] == b"{" and start <= size else 0


def _serve(source: IO[bytes], target: IO[bytes]) -> None:
    # The first step is free: to wait for each answer would leave the disk idle meanwhile.
    owed = 0

    def step(done: int) -> None:
        nonlocal owed
        target.write(RESULT.pack(UNDER_WAY, done, 0, 0, 0, NO_HASH, NO_HASH))
        target.flush()
        owed += 1
        if owed > 1:
            if not source.read(1):
                os._exit(0)
            owed -= 1

    while head := source.read(HEAD.size):
        what, length = HEAD.unpack(head)
        for path in source.read(length).split(b"\0"):
            target.write(result_of(path, what, step))
            # What was told is answered before the next question.
            while owed:
                target.flush()
                if not source.read(1):
                    return
                owed -= 1
        target.flush()


if __name__ == "__main__":
    try:
        # By itself and only now: to start would take long where others have much to do.
        os.nice(_LOWEST_PRIORITY)
    except (AttributeError, OSError):
        pass  # Windows was told when it started us; elsewhere it is not vital
    _serve(sys.stdin.buffer, sys.stdout.buffer)
