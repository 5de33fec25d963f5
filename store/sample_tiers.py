"""A sample picture in its three sizes, as Hikaze makes them, but upright and never empty."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import TooLarge
from .media import format_in, opened, opened_in
from .thumbnails import webp_colours

if TYPE_CHECKING:
    from PIL import Image

TIERS: Mapping[str, tuple[float, int]] = {
    "high": (1.0, 80),
    "medium": (0.66, 60),
    "low": (0.33, 45),
}
"""Of each its share of the base size and its quality as WebP."""

_BASE_PIXELS = 2_000_000
_LONGEST = 16_383
"""Of a side of a WebP."""

_EFFORT = 6

_GAP = 2.0
"""What is larger is brought down to so many times the base by a quick filter first."""


@dataclass(frozen=True)
class Tiers:
    """The three files' bytes by the tier's name, and the size of the largest."""

    files: Mapping[str, bytes]
    width: int
    height: int


def tier_of(quality: str) -> str:
    """The tier that is meant; what is none means the best."""
    return quality if quality in TIERS else "high"


def make_tiers(path: Path) -> Tiers:
    """The tiers of a picture, of an animated one its first frame. Raises WrongType, TooLarge."""
    from PIL import Image, ImageOps

    with opened(path) as image:
        image.load()
        upright = webp_colours(ImageOps.exif_transpose(image))
    base = base_size(*upright.size)
    if upright.size != base:
        # The smaller ones are made of the largest: of 80 million pixels each would take seconds.
        # `resize` forgets its own reducing_gap where there is transparency.
        times = min(upright.width / base[0], upright.height / base[1]) / _GAP
        if times >= 2:
            upright = upright.reduce(int(times))
        upright = upright.resize(base, Image.Resampling.LANCZOS)
    files = {
        tier: _encoded(upright, tier_size(base, share), quality)
        for tier, (share, quality) in TIERS.items()
    }
    return Tiers(files, *base)


def check_whole(path: Path) -> None:
    """Raise what `make_tiers` would raise, in a twentieth of its time."""
    with opened(path) as image:
        # Every byte is read, but a JPEG is not drawn in all of its size.
        image.draft("RGB", (1, 1))
        image.load()


def check_sample(data: bytes) -> None:
    """Raise TooLarge for a picture with more pixels than the largest tier has, WrongType."""
    with opened_in(io.BytesIO(data), format_in(io.BytesIO(data))) as image:
        if image.width * image.height > _BASE_PIXELS:
            raise TooLarge(f"A sample has at most {_BASE_PIXELS // 1_000_000} million pixels.")


def base_size(width: int, height: int) -> tuple[int, int]:
    """The size of the largest tier: at most two million pixels, never larger than it was."""
    share = min(1.0, math.sqrt(_BASE_PIXELS / (width * height)), _LONGEST / max(width, height))
    return tier_size((width, height), share)


def tier_size(base: tuple[int, int], share: float) -> tuple[int, int]:
    """This share of both sides, cut to whole pixels, at least one."""
    return max(1, int(base[0] * share)), max(1, int(base[1] * share))


def _encoded(image: Image.Image, size: tuple[int, int], quality: int) -> bytes:
    from PIL import Image

    shown = image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image.copy()
    # Profiles, places and prompts of the picture stay with whoever gave it.
    shown.info.clear()
    target = io.BytesIO()
    shown.save(target, "WEBP", quality=quality, method=_EFFORT, exif=b"", xmp=b"", icc_profile=b"")
    return target.getvalue()
