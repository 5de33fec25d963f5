"""One file from the parts of an upload: in place where they lie well, else copied in order."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from .files import disk_error
from .upload_hashing import Prefix
from .upload_parts import Parts
from .upload_places import write_at

_PIECE = 1 << 20


def gather(parts: Parts, prefix: Prefix, check: Callable[[], None]) -> str:
    """The SHA-256 of `parts.path`, which holds the whole file then, on the disk.

    All parts are there, and nobody writes any more. A kill at any moment loses nothing: called
    again it ends the same. `check` may raise. Raises DiskFull, CuratorError.
    """
    if not _all_fit(parts):
        return _join(parts, check)
    for number, (_, path) in parts.aside().items():
        _move_in(parts, number, path, check)
    return prefix.finish(check)


def needs_copy(parts: Parts) -> bool:
    """Whether joining needs room for the whole file once more."""
    return not _all_fit(parts)


def _all_fit(parts: Parts) -> bool:
    aside = parts.aside()
    lengths = parts.there()
    return len(lengths) == parts.count and all(
        size == parts.plan.length(number) for number, (size, _) in aside.items()
    )


def _move_in(parts: Parts, number: int, path: Path, check: Callable[[], None]) -> None:
    try:
        with path.open("rb") as source, parts.path.open("r+b", buffering=0) as target:
            offset = parts.plan.start(number)
            while piece := source.read(_PIECE):
                check()
                offset += write_at(target.fileno(), [piece], offset)
            os.fsync(target.fileno())
    except OSError as error:
        raise disk_error(error, f"part {number}") from error
    parts.settle_in_place(number)


def _join(parts: Parts, check: Callable[[], None]) -> str:
    """Copy every part after the other into a new file, which then is the file."""
    digest = hashlib.sha256()
    aside = parts.aside()
    joined = parts.joined
    try:
        with joined.open("wb", buffering=0) as target:
            offset = 0
            for number, length in parts.there().items():
                own = aside.get(number)
                with (own[1] if own else parts.path).open("rb") as source:
                    source.seek(0 if own else parts.plan.start(number))
                    left = length
                    while left and (piece := source.read(min(_PIECE, left))):
                        check()
                        digest.update(piece)
                        offset += write_at(target.fileno(), [piece], offset)
                        left -= len(piece)
            os.fsync(target.fileno())
    except OSError as error:
        joined.unlink(missing_ok=True)
        raise disk_error(error, "The uploaded file") from error
    parts.take_joined()
    return digest.hexdigest()
