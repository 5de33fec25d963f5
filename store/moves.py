"""Files on their way between folders and drives, whole at every moment."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

from .errors import DiskFull
from .files import place_new


def move_within(at: Path, target: Path) -> bool:
    """Move a file or link without copying; False between devices. Raises FileExistsError."""
    if at.is_symlink():
        target.symlink_to(at.readlink())
        at.unlink()
        return True
    try:
        if not place_new(at, target):
            raise FileExistsError(errno.EEXIST, "File exists")
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def copy_whole(source: Path, target: Path) -> None:
    """A whole copy on the disk, with its time; a link stays one. Raises OSError, DiskFull."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    size, free = source.stat().st_size, shutil.disk_usage(target.parent).free
    if size > free:
        raise DiskFull(
            f"{source.name} needs {size} bytes where it is to be kept, and {free} are free.",
            facts={"needed_bytes": size, "free_bytes": free},
        )
    half = half_of(target)
    try:
        with source.open("rb") as read, half.open("wb") as written:
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        shutil.copystat(source, half)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)


def half_of(target: Path) -> Path:
    """Where a copy grows before it is whole."""
    return target.with_name(f"{target.name}.half")


def is_same(one: Path, other: Path) -> bool:
    """Whether both are one file, or a copy that was made of it; without reading gigabytes."""
    try:
        first, second = one.lstat(), other.lstat()
    except OSError:
        return False
    if (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino):
        return True
    if stat.S_ISLNK(first.st_mode) and stat.S_ISLNK(second.st_mode):
        return one.readlink() == other.readlink()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)
