"""Lossy WebP by the decoder of videos: such a picture is one frame of VP8.

PyAV takes half of Pillow's time for it, and makes it small before it makes colours of it. Only for
pictures that have been looked at before: of a frame that ends too soon it shows what there is.
"""

from __future__ import annotations

import importlib
import os
import struct
from pathlib import Path
from typing import Any

from PIL import Image

_BEFORE = 8
"""More chunks than that come before no frame: size, colour profile."""
_NOT_PLAIN = (b"ALPH", b"ANIM", b"ANMF", b"VP8L")
_KEY_FRAME = b"\x9d\x01\x2a"
_SCALING = 0x4 | 0x2000 | 0x40000
"""FFmpeg's bicubic; all chroma and accurate rounding, without which colours are 2 of 255 off."""


def shrunk_webp(path: Path, size: tuple[int, int], small: tuple[int, int]) -> Image.Image | None:
    """The picture in a smaller size, from a file that says it has this one.

    None where that is for Pillow: with transparency, moving, lossless, broken, or without PyAV.
    """
    frame = _frame(path)
    if _size(frame) != size:
        return None
    try:
        av: Any = importlib.import_module("av")
    except ImportError:
        return None
    try:
        decoder = av.CodecContext.create("vp8", "r")
        decoder.thread_count = 1
        found = decoder.decode(av.Packet(frame))
        if [(each.width, each.height) for each in found] != [size]:
            return None
        return found[0].to_image(width=small[0], height=small[1], interpolation=_SCALING)
    except (av.FFmpegError, OSError, ValueError):
        return None


def _frame(path: Path) -> bytes:
    """The one frame of a WebP file; empty where there is another kind of picture in it."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        if file.read(12)[8:] != b"WEBP":
            return b""
        for _ in range(_BEFORE):
            head = file.read(8)
            if len(head) < 8:
                return b""
            kind, length = struct.unpack("<4sI", head)
            if kind in _NOT_PLAIN or file.tell() + length > end:
                return b""
            if kind == b"VP8 ":
                return file.read(length)
            file.seek(length + (length & 1), os.SEEK_CUR)
    return b""


def _size(frame: bytes) -> tuple[int, int] | None:
    """Width and height of a key frame that is shown, and whose first part is all there."""
    if len(frame) < 10 or frame[3:6] != _KEY_FRAME:
        return None
    tag = int.from_bytes(frame[:3], "little")
    if tag & 0x11 != 0x10 or tag >> 5 > len(frame) - 10:
        return None
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF
