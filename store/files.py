"""Writing files so that a reader sees the old one or the new one, and nothing in between."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

from .errors import CuratorError, DiskFull, Unwritable

_BINARY = getattr(os, "O_BINARY", 0)
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}


def disk_error(error: OSError, what: str) -> CuratorError:
    """The fact behind a failed write: no room (507), a place that is closed to us (422), or what
    the system says, without its paths. `what` begins with The where it is no name.
    """
    if error.errno in _NO_ROOM:
        told = f"t{what[1:]}" if what.startswith("The ") else what
        return DiskFull(f"The disk is full; {told} was not written and nothing was changed.")
    reason = error.strerror or type(error).__name__
    text = f"{what} could not be written: {reason}."
    return Unwritable(text) if error.errno in _CLOSED else CuratorError(text)


@contextlib.contextmanager
def replacing(
    path: Path, *, mode: int | None = None, what: str | None = None, durable: bool = True
) -> Generator[IO[bytes], None, None]:
    """A file to write, which replaces `path` atomically when the block ends well.

    Flushed to the disk before it takes the name; gone without trace when the block raises. Not
    `durable`, a power cut may leave it empty: for what can be made again.
    Raises DiskFull or CuratorError naming `what` (the file's name).
    """
    label = what or path.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_temporary_start(path)}{secrets.token_hex(6)}.tmp")
        # Opened with its final mode: a secret is at no moment readable by others.
        descriptor = os.open(
            temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, mode or 0o666
        )
    except OSError as error:
        raise disk_error(error, label) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if mode is None:
            with contextlib.suppress(FileNotFoundError):
                temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except OSError as error:
        raise disk_error(error, label) from error
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed process left of its attempts to write `path`; only its owner may."""
    start = _temporary_start(path)
    with contextlib.suppress(OSError):
        for entry in list(path.parent.iterdir()):
            if entry.name.startswith(start) and entry.name.endswith(".tmp"):
                entry.unlink(missing_ok=True)


def write_atomic(
    path: Path, data: bytes, *, mode: int | None = None, what: str | None = None
) -> None:
    """`data` is the whole content of `path` afterwards, or nothing has changed. As `replacing`."""
    with replacing(path, mode=mode, what=what) as file:
        file.write(data)


def place_new(source: Path, target: Path) -> bool:
    """Move `source` to the free name `target` in one act; False when that name is taken."""
    try:
        os.link(source, target)  # noqa: PTH200 - fails when the target exists, which rename does not
    except FileExistsError:
        return False
    except OSError:
        # No hard links here (FAT, some network drives): creating exclusively takes the name first.
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY))
        except FileExistsError:
            return False
        try:
            source.replace(target)
        except OSError:
            target.unlink()
            raise
    else:
        source.unlink()
    sync_folder(target.parent)
    return True


def same_content(one: Path, other: Path) -> bool:
    """Whether both files hold the same bytes."""
    try:
        return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)
    except FileNotFoundError:
        return False


def numbered(path: Path) -> Iterator[Path]:
    """`name.png`, then `name_2.png`, `name_3.png`, … for ever."""
    yield path
    count = 2
    while True:
        yield path.with_name(f"{path.stem}_{count}{path.suffix}")
        count += 1


def _temporary_start(path: Path) -> str:
    return f".{path.name[:40]}."


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive power loss, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems refuse to sync a folder; the rename itself has happened.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
