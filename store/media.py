"""Pictures and videos: what they truly are, told by their bytes, and frames out of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from .errors import TooLarge, WrongType

if TYPE_CHECKING:
    from PIL import Image

Kind = Literal["image", "video"]

MAX_SCANS = 20
"""Of a JPEG of `MAX_PIXELS`; of smaller ones more. Cameras and programs make about ten."""

MAX_PIXELS = 80_000_000
"""More are refused before anything is decoded: as RGBA they would take 320 MB and more."""

# Decoders answer bytes that they do not expect with almost anything.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, ArithmeticError)
_BROKEN_FILE = (*_BROKEN, struct.error, zlib.error, MemoryError)


@dataclass(frozen=True)
class Format:
    """A kind of file that is taken: its name for the decoder, its type and its extension."""

    kind: Kind
    decoder: str
    content_type: str
    ext: str


_PNG = Format("image", "PNG", "image/png", ".png")
_JPEG = Format("image", "JPEG", "image/jpeg", ".jpeg")
_GIF = Format("image", "GIF", "image/gif", ".gif")
_WEBP = Format("image", "WEBP", "image/webp", ".webp")
_AVIF = Format("image", "AVIF", "image/avif", ".avif")
_MP4 = Format("video", "mp4", "video/mp4", ".mp4")
_MOV = Format("video", "mov", "video/quicktime", ".mov")
_WEBM = Format("video", "matroska", "video/webm", ".webm")
_MKV = Format("video", "matroska", "video/x-matroska", ".mkv")

BY_EXT = {each.ext: each for each in (_PNG, _JPEG, _GIF, _WEBP, _AVIF, _MP4, _MOV, _WEBM, _MKV)}


@dataclass(frozen=True)
class Media:
    """What a file is: format, size as it is shown (orientation applied), seconds, sound."""

    format: Format
    width: int
    height: int
    duration: float | None = None
    audio: bool = False


def sniff(head: bytes) -> Format | None:
    """The format of a file by its first bytes (64 are enough); None for what is not taken."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if head.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return _GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _WEBP
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return _AVIF
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return None
        return _MOV if brand == b"qt  " else _MP4
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _WEBM if b"webm" in head[:64] else _MKV
    return None


def format_of(path: Path) -> Format:
    """The file's format. Raises WrongType when it is no picture and no video."""
    with path.open("rb") as file:
        return format_in(file)


def format_in(file: IO[bytes]) -> Format:
    """As `format_of`, of an open file that stands at its beginning."""
    head = file.read(64)
    found = sniff(head)
    if found is None:
        known = "is no picture and no video that is known here"
        raise WrongType(f"The file {known if head else 'is empty'}.")
    return found


@contextmanager
def opened(path: Path, kind: Format | None = None) -> Generator[Image.Image, None, None]:
    """The picture, not yet decoded; of a known `kind` or that of its bytes.

    Raises WrongType when broken, TooLarge for too many pixels.
    """
    with path.open("rb") as file, opened_in(file, kind or format_in(file)) as image:
        yield image


@contextmanager
def opened_in(file: IO[bytes], kind: Format) -> Generator[Image.Image, None, None]:
    """As `opened`, of an open file, which stays open."""
    from PIL import Image

    if kind.kind != "image":
        raise WrongType("This is a video, not a picture.")
    image: Image.Image | None = None
    try:
        file.seek(0)
        image = Image.open(file, formats=[kind.decoder])
        check_pixels(*image.size)
        if kind is _JPEG:
            _check_scans(file, *image.size)
        yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except KeyError as error:
        raise WrongType(f"Pictures of the kind {kind.decoder} cannot be read here.") from error
    except _BROKEN_FILE as error:
        raise WrongType("The picture is broken or incomplete.") from error
    finally:
        if image is not None:
            image.close()


def check_pixels(width: int, height: int) -> None:
    """Raise TooLarge before memory is taken for a picture of this size."""
    if width * height > MAX_PIXELS:
        raise _too_large()


def _check_scans(file: IO[bytes], width: int, height: int) -> None:
    """Raise TooLarge for a JPEG that paints itself over and over: each scan costs the whole."""
    scans, before = 0, b""
    at = file.tell()
    file.seek(0)
    while chunk := file.read(1 << 16):
        scans += (before + chunk).count(b"\xff\xda")
        before = chunk[-1:]
    file.seek(at)
    if scans * width * height > MAX_SCANS * MAX_PIXELS:
        raise _too_large()


def turned(image: Image.Image) -> bool:
    """Whether EXIF says to show the picture lying on its side, so that width is height."""
    return image.getexif().get(0x0112) in (5, 6, 7, 8)


def _too_large() -> TooLarge:
    return TooLarge(f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels.")
