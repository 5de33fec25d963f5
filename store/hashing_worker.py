"""A process that hashes files and nothing else: run by its path, it imports nothing of the pack.

It reads jobs from its standard input and ends with it: a byte for what to hash (`WHOLE`, `DATA`),
the number of paths, each with its length before it. For each file in turn it writes one `RESULT`.
Of a large one it tells how far it is before that, and reads a byte when it may go on.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import sys
from collections.abc import Callable
from typing import IO, NamedTuple

WHOLE, DATA = b"w", b"d"
"""The SHA-256 of the whole file (of a small one of the data too), or of its data alone."""

COUNT = struct.Struct("<I")
RESULT = struct.Struct("<cQqQ32s32s")
"""State, size (or bytes done), mtime (ns), inode, SHA-256 of the file and of its data."""

DONE, UNDER_WAY, CHANGED, FAILED = b"d", b"u", b"c", b"f"
NO_HASH = bytes(32)
NO_DATA = b"\xff" * 32
"""The file has no tensors' data after a header."""

BOTH_BELOW = 512 << 20
STEP = 64 << 20
_FIRST = 1 << 16
"""To get a buffer of a MiB costs more than to read a small file."""
_CHUNK = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class Hashed(NamedTuple):
    """What became of a file; `size`, `mtime_ns`, `inode` as they were while it was hashed."""

    state: bytes
    size: int
    mtime_ns: int
    inode: int
    sha256: bytes
    data_sha256: bytes


def hash_file(path: str | bytes, what: bytes, step: Callable[[int], object]) -> Hashed:
    """Hash one file; `step` is called with the bytes done after each `STEP`, and may raise."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):
        return Hashed(FAILED, 0, 0, 0, NO_HASH, NO_HASH)
    try:
        return _hash(descriptor, what, step)
    except OSError:
        return Hashed(FAILED, 0, 0, 0, NO_HASH, NO_HASH)
    finally:
        os.close(descriptor)


def _hash(descriptor: int, what: bytes, step: Callable[[int], object]) -> Hashed:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        # What a device or pipe has to say need not end.
        return Hashed(FAILED, 0, 0, 0, NO_HASH, NO_HASH)
    size = before.st_size
    part = os.read(descriptor, _FIRST)
    start = _data_start(part, size)
    both = what == WHOLE and size <= BOTH_BELOW
    whole = hashlib.sha256(part) if what == WHOLE else None
    data = None
    if start and (both or what == DATA):
        data = hashlib.sha256(part[start:])
        skipped = max(0, start - len(part))
    else:
        skipped = 0
    done = told = len(part)
    if done != size:
        buffer = bytearray(_CHUNK)
        view = memoryview(buffer)
        while count := _fill(descriptor, view):
            read = view[:count]
            if whole:
                whole.update(read)
            if data:
                data.update(read[skipped:] if skipped else read)
                skipped = max(0, skipped - count)
            done += count
            if done - told >= STEP:
                told = done
                step(done)
    after = os.fstat(descriptor)
    same = (size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and done == size
    return Hashed(
        DONE if same else CHANGED,
        size,
        before.st_mtime_ns,
        before.st_ino,
        whole.digest() if whole else NO_HASH,
        data.digest() if data else NO_HASH if start else NO_DATA,
    )


def _fill(descriptor: int, view: memoryview) -> int:
    if hasattr(os, "readv"):
        return os.readv(descriptor, [view])
    read = os.read(descriptor, len(view))
    view[: len(read)] = read
    return len(read)


def _data_start(first: bytes, size: int) -> int:
    """Where the data of a safetensors file begin; 0 for any other file."""
    start = 8 + int.from_bytes(first[:8], "little")
    return start if first[8:9] == b"{" and start <= size else 0


def _serve(source: IO[bytes], target: IO[bytes]) -> None:
    # The first step is free: to wait for each answer would leave the disk idle meanwhile.
    owed = 0

    def step(done: int) -> None:
        nonlocal owed
        target.write(RESULT.pack(UNDER_WAY, done, 0, 0, NO_HASH, NO_HASH))
        target.flush()
        owed += 1
        if owed > 1:
            if not source.read(1):
                os._exit(0)
            owed -= 1

    while what := source.read(1):
        count = COUNT.unpack(source.read(COUNT.size))[0]
        paths = [source.read(COUNT.unpack(source.read(COUNT.size))[0]) for _ in range(count)]
        for path in paths:
            target.write(RESULT.pack(*hash_file(os.fsdecode(path), what, step)))
            # What was told is answered before the next question.
            while owed:
                target.flush()
                if not source.read(1):
                    return
                owed -= 1
        target.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
