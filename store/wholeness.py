"""Whether a picture is all there, told by its structure: cheap, where to decode it is not."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import IO, NamedTuple

from .embedded import Embedded, in_exif, in_png
from .media import Format, Media, format_in, opened_in, turned

_PIECE = 1 << 20
_TAIL = 64
_MOST_CHUNKS = 100_000


class Looked(NamedTuple):
    """What a picture is, and what its makers have written into it."""

    media: Media
    embedded: Embedded


def look(path: Path) -> Looked | None:
    """What the picture is, if its structure is whole to the end; None: only decoding can tell.

    Raises WrongType for what is no picture and no video, TooLarge for too many pixels.
    """
    with path.open("rb") as file:
        kind = format_in(file)
        if kind.kind == "video" or not _is_whole(file, kind):
            return None
        with opened_in(file, kind) as image:
            width, height = image.size[::-1] if turned(image) else image.size
            inside = in_png(file) if kind.decoder == "PNG" else in_exif(image)
    return Looked(Media(kind, width, height), inside)


def _is_whole(file: IO[bytes], kind: Format) -> bool:
    size = file.seek(0, os.SEEK_END)
    if kind.decoder == "PNG":
        return _is_whole_png(file)
    if kind.decoder == "JPEG":
        file.seek(max(0, size - _TAIL))
        # Some programs put a few bytes after the end.
        return b"\xff\xd9" in file.read(_TAIL)
    if kind.decoder == "WEBP":
        file.seek(4)
        told = int.from_bytes(file.read(4), "little")
        return told + 8 in (size, size - 1)
    return False


def _is_whole_png(file: IO[bytes]) -> bool:
    """Every chunk has its checksum, and the last one is the end."""
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return False
        left, kind = struct.unpack(">I4s", head)
        check = zlib.crc32(kind)
        while left:
            piece = file.read(min(left, _PIECE))
            if not piece:
                return False
            check = zlib.crc32(piece, check)
            left -= len(piece)
        if file.read(4) != check.to_bytes(4, "big"):
            return False
        if kind == b"IEND":
            return True
    return False
