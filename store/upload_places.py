"""Where the parts of a file lie in it, and writing them there."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_HOLE = 3
"""FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE"""


@dataclass(frozen=True)
class Plan:
    """Part n of `count` begins at (n-1)·`stride`; only the last may be shorter. Bytes."""

    size: int
    count: int
    stride: int

    @classmethod
    def of(cls, size: int, count: int) -> Plan:
        """The usual plan: parts of equal size."""
        return cls(size, count, -(-size // count))

    def start(self, number: int) -> int:
        """Where a part begins."""
        return min((number - 1) * self.stride, self.size)

    def length(self, number: int) -> int:
        """How long a part is."""
        return min(self.stride, self.size - self.start(number))

    def fitting(self, number: int, length: int) -> Plan:
        """The plan by which this part has its place; this one when there is no such plan.

        Clients cut by a size of their choice, and the last part is what is left: then the parts
        are as many as announced, but a little larger than by our own division.
        """
        stride = length
        if number == self.count > 1:
            stride, left = divmod(self.size - length, self.count - 1)
            if left or stride < length:
                return self
        elif length == 0 or -(-self.size // length) != self.count:
            return self
        return Plan(self.size, self.count, stride)


def write_at(descriptor: int, pieces: Sequence[bytes], offset: int) -> int:
    """Write the pieces one after the other from `offset` on; how many bytes that were."""
    written = 0
    if hasattr(os, "pwritev"):
        written = os.pwritev(descriptor, pieces, offset)
    rest = memoryview(b"".join(pieces))[written:] if written < sum(map(len, pieces)) else b""
    while rest:
        # Every writer has a descriptor of its own: where there is no pwrite, seeking is safe.
        os.lseek(descriptor, offset + written, os.SEEK_SET)
        count = os.write(descriptor, rest)
        written += count
        rest = rest[count:]
    return written


def give_back(descriptor: int, offset: int, length: int) -> None:
    """Free the disk's blocks of these bytes, where the system can: they read as zeros then."""
    if sys.platform != "linux" or not length or ctypes.sizeof(ctypes.c_long) < 8:
        return
    with contextlib.suppress(OSError, AttributeError):
        call = ctypes.CDLL(None).fallocate
        call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
        call(descriptor, _HOLE, offset, length)
