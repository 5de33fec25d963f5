"""Bytes onto the disk itself, past every cache, on each system."""

from __future__ import annotations

import os
import sys

BINARY: int = getattr(os, "O_BINARY", 0)


def sync_data(descriptor: int) -> None:
    """Return when the file's content would survive a loss of power. Raises OSError if not."""
    if sys.platform == "darwin":
        import fcntl

        try:
            # There fsync leaves the bytes in the drive's own cache.
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:
            # File systems of other makers (SMB, FAT) know only fsync.
            os.fsync(descriptor)
    elif sys.platform == "linux":
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte at the file's position. Raises OSError, and some may be written then."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])
