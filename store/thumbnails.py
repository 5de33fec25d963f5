"""Small pictures of big ones: made once, by one decoder that never works on the event loop."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps

from .errors import StoreClosed
from .files import replacing
from .media import Media, format_of, opened, turned
from .videos import probe_video, video_frame
from .webp import shrunk_webp

USUAL = 320
SIZES = (160, USUAL, 640)
"""Widths at most, the height three times that; smaller pictures stay as they are."""

_QUALITY = 80
_EFFORT = 2
"""Of 6: 4, the usual one, takes twice the time for a twelfth less."""

_GAP = 1.25
"""A picture that is more than twice as large is halved by its decoder or by boxes down to so many
times the thumbnail; the fine filter does the rest. At 2.0 it takes three times as long, and at
these sizes the eye sees no difference."""

T = TypeVar("T")


class Decoder:
    """The one thread that decodes: more a core would only make the event loop wait."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="curator-decoder")
        self._lock = threading.Lock()
        self._closed = False

    def run(self, work: Callable[[], T]) -> T:
        """The outcome of `work`, once it is its turn. Raises StoreClosed after `close`."""
        with self._lock:
            if self._closed:
                raise StoreClosed("Curator is closing.")
            future = self._pool.submit(work)
        return future.result()

    def close(self) -> None:
        """Let what is under way end."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=True)


def examine(path: Path, thumbnail: Path) -> Media:
    """What the file is, and its thumbnail, from one decoding of all of it.

    Raises WrongType for what is broken or incomplete, TooLarge, and DiskFull.
    """
    kind = format_of(path)
    if kind.kind == "video":
        media = probe_video(path)
        write_thumbnail(video_frame(path), thumbnail)
        return media
    with opened(path, kind) as image:
        width, height = image.size[::-1] if turned(image) else image.size
        small = _shrunk(image)
    write_thumbnail(small, thumbnail)
    return Media(kind, width, height)


def make_thumbnail(path: Path, thumbnail: Path, width: int = USUAL) -> None:
    """Write the thumbnail of a picture or video. Raises WrongType, TooLarge or DiskFull."""
    kind = format_of(path)
    if kind.kind == "video":
        small = video_frame(path)
    else:
        with opened(path, kind) as image:
            small = _shrunk(image, width, path)
    write_thumbnail(small, thumbnail, width)


def thumbnail_of(path: Path, width: int = USUAL) -> bytes:
    """A thumbnail that is kept nowhere. Raises WrongType, TooLarge."""
    small = io.BytesIO()
    kind = format_of(path)
    if kind.kind == "video":
        image = video_frame(path)
    else:
        with opened(path, kind) as given:
            image = _shrunk(given, width, path)
    image.thumbnail((width, width * 3), Image.Resampling.LANCZOS, reducing_gap=_GAP)
    image.save(small, "WEBP", quality=_QUALITY, method=_EFFORT)
    return small.getvalue()


def write_thumbnail(image: Image.Image, target: Path, width: int = USUAL) -> None:
    """The picture as WebP, made smaller where it is larger than a thumbnail. Raises DiskFull."""
    image.thumbnail((width, width * 3), Image.Resampling.LANCZOS, reducing_gap=_GAP)
    with replacing(target, what="The thumbnail", durable=False) as file:
        image.save(file, "WEBP", quality=_QUALITY, method=_EFFORT)


def _shrunk(image: Image.Image, width: int = USUAL, path: Path | None = None) -> Image.Image:
    """A thumbnail in memory, upright, in colours that WebP knows.

    The whole picture is decoded. With its `path` perhaps by a quicker decoder that is less strict.
    """
    size = (width * 3, width) if turned(image) else (width, width * 3)
    small = _quickly_shrunk(image, size, path) if path else None
    if small is None:
        # JPEG can decode at a fraction of the size; every byte of the file is read all the same.
        least = int(min(size) * _GAP)
        image.draft("RGB", (least, least))
        image.load()
        small = webp_colours(image)
    small.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=_GAP)
    exif = image.getexif()
    if exif.get(0x0112, 1) != 1:
        small.getexif()[0x0112] = exif[0x0112]
        small = ImageOps.exif_transpose(small)
    return small


def _quickly_shrunk(image: Image.Image, most: tuple[int, int], path: Path) -> Image.Image | None:
    """The picture in the thumbnail's size, where there is a quicker way than Pillow's."""
    if image.format != "WEBP":
        return None
    width, height = image.size
    scale = min(1.0, most[0] / width, most[1] / height)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    return shrunk_webp(path, image.size, small)


def webp_colours(image: Image.Image) -> Image.Image:
    """A copy in colours that WebP knows; the picture must be decoded."""
    if image.mode in ("RGB", "RGBA"):
        return image.copy()
    if image.mode.startswith("I"):
        # 16 bits a pixel: a plain conversion would clip all but the darkest to white.
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
