"""Thumbnails of lossy WebP come from the decoder of videos, and are what Pillow would make."""

from __future__ import annotations

import functools
import io
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from comfyui_curator.store.errors import TooLarge, WrongType
from comfyui_curator.store.thumbnails import examine, make_thumbnail, thumbnail_of
from comfyui_curator.store.webp import shrunk_webp

SIZE = (803, 1201)
PATCHES = [Image.effect_noise((9, 13), 90).resize(SIZE, Image.Resampling.BICUBIC) for _ in "RGB"]
GRAIN = Image.effect_noise(SIZE, 40).convert("RGB")
SMOOTH = Image.merge("RGB", PATCHES)
COLOURED = Image.blend(SMOOTH, GRAIN, 0.3)


def webp(image: Image.Image = COLOURED, **how: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, "WEBP", **{"quality": 90, **how})
    return target.getvalue()


@functools.cache
def usual() -> bytes:
    return webp()


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def frame_of(data: bytes | None = None) -> bytes:
    """Of the simple layout: one chunk."""
    data = data or usual()
    return data[20 : 20 + int.from_bytes(data[16:20], "little")]


def canvas(width: int, height: int) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return chunk(b"VP8X", bytes(4) + sides)


def shown(data: bytes) -> Image.Image:
    """What a decoder other than ours sees in a file."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture.webp"


@pytest.fixture
def thumb(tmp_path: Path) -> Path:
    return tmp_path / "thumb.webp"


@pytest.mark.parametrize("small", [(803, 1201), (640, 957), (320, 479), (160, 239)])
@pytest.mark.parametrize(
    "image",
    [COLOURED, COLOURED.convert("L"), Image.new("RGB", SIZE, (230, 20, 20))],
    ids=["coloured", "grey", "red"],
)
def test_colours_are_those_of_pillow(
    path: Path, image: Image.Image, small: tuple[int, int]
) -> None:
    path.write_bytes(webp(image))
    found = shrunk_webp(path, image.size, small)
    assert found is not None and found.mode == "RGB"
    expected = shown(path.read_bytes()).convert("RGB").resize(small, Image.Resampling.LANCZOS)
    assert difference(found, expected) < 2


@pytest.mark.parametrize(
    ("size", "width", "small"),
    [
        ((803, 1201), 320, (320, 479)),
        ((1201, 803), 160, (160, 107)),
        ((300, 200), 320, (300, 200)),
        ((321, 3000), 320, (103, 960)),
        ((3000, 2), 320, (320, 1)),
    ],
)
def test_a_thumbnail_has_the_size_of_all_others(
    path: Path, thumb: Path, size: tuple[int, int], width: int, small: tuple[int, int]
) -> None:
    path.write_bytes(webp(COLOURED.resize(size)))
    assert shrunk_webp(path, size, small) is not None
    make_thumbnail(path, thumb, width)
    for made in (thumb.read_bytes(), thumbnail_of(path, width)):
        assert shown(made).size == small


@pytest.mark.parametrize(
    ("orientation", "size"), [(3, (320, 480)), (6, (320, 213)), (8, (320, 213))]
)
def test_it_stands_upright(
    path: Path, thumb: Path, orientation: int, size: tuple[int, int]
) -> None:
    stored = Image.new("RGB", (600, 900), "blue")
    stored.paste("red", (0, 0, 300, 450))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.write_bytes(webp(stored, exif=exif))
    assert shrunk_webp(path, stored.size, (2, 3)) is not None
    make_thumbnail(path, thumb)
    image = shown(thumb.read_bytes())
    assert image.size == size
    corners = image.convert("RGB").resize((2, 2), Image.Resampling.BOX)
    # Where the corner goes that lies at the top left in the file.
    place = {3: (1, 1), 6: (1, 0), 8: (0, 1)}[orientation]
    for at in ((0, 0), (1, 0), (0, 1), (1, 1)):
        pixel = corners.getpixel(at)
        assert isinstance(pixel, tuple)
        assert (pixel[0] > pixel[2]) is (at == place), at


def test_a_colour_profile_is_no_hindrance(path: Path, thumb: Path) -> None:
    path.write_bytes(webp(icc_profile=bytes(3145)))
    assert shrunk_webp(path, SIZE, (8, 12)) is not None
    make_thumbnail(path, thumb)
    assert thumb.exists()


def transparent() -> Image.Image:
    image = COLOURED.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


@pytest.mark.parametrize(
    "make",
    [
        lambda: webp(transparent()),
        lambda: webp(COLOURED.resize((80, 120)), lossless=True),
        lambda: webp(save_all=True, append_images=[COLOURED.rotate(180)]),
    ],
    ids=["transparent", "lossless", "moving"],
)
def test_other_kinds_are_left_to_pillow(path: Path, thumb: Path, make: Callable[[], bytes]) -> None:
    data = make()
    path.write_bytes(data)
    given = shown(data)
    assert shrunk_webp(path, given.size, (8, 12)) is None
    make_thumbnail(path, thumb)
    assert shown(thumb.read_bytes()).mode == given.mode


def test_without_pyav_pillow_makes_the_same(
    path: Path, thumb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(webp(SMOOTH))
    make_thumbnail(path, thumb)
    quick = shown(thumb.read_bytes())
    monkeypatch.setitem(sys.modules, "av", None)
    assert shrunk_webp(path, SIZE, (8, 12)) is None
    make_thumbnail(path, thumb)
    slow = shown(thumb.read_bytes())
    # Both are compressed; that alone changes single pixels by three.
    assert difference(slow.reduce(4), quick.reduce(4)) < 2


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.999])
def test_a_truncated_picture_has_no_thumbnail(path: Path, thumb: Path, share: float) -> None:
    data = usual()
    path.write_bytes(data[: int(len(data) * share)])
    assert shrunk_webp(path, SIZE, (8, 12)) is None
    with pytest.raises(WrongType):
        make_thumbnail(path, thumb)
    assert not thumb.exists()


def test_a_frame_that_ends_too_soon_is_refused_when_it_is_taken_in(path: Path, thumb: Path) -> None:
    frame = frame_of()
    path.write_bytes(riff(chunk(b"VP8 ", frame[: len(frame) // 2])))
    with pytest.raises(WrongType):
        examine(path, thumb)
    assert not thumb.exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda: riff(canvas(100, 100), chunk(b"VP8 ", frame_of())),
        lambda: riff(chunk(b"VP8 ", frame_of()[:9])),
        lambda: riff(chunk(b"VP8 ", b"\xff" * 3 + frame_of()[3:])),
        lambda: riff(chunk(b"VP8 ", frame_of()[:10] + bytes(20_000))),
        lambda: riff(chunk(b"VP8 ", frame_of()[:6] + b"\0\0\0\0" + frame_of()[10:])),
        lambda: riff(*[chunk(b"JUNK", b"")] * 100_000),
        lambda: riff(chunk(b"VP8 ", b"")),
    ],
    ids=["other canvas", "no size", "first part too long", "zeros", "no area", "chunks", "empty"],
)
def test_a_lying_picture_ends_as_pillow_says(
    path: Path, thumb: Path, make: Callable[[], bytes]
) -> None:
    path.write_bytes(make())
    try:
        examine(path, thumb)
    except WrongType:
        with pytest.raises(WrongType):
            make_thumbnail(path, thumb)
    else:
        make_thumbnail(path, thumb)


def test_a_bomb_is_refused_before_it_is_decoded(
    path: Path, thumb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = bytearray(frame_of(webp(Image.new("RGB", (16, 16)))))
    frame[6:10] = struct.pack("<HH", 16_383, 16_383)
    path.write_bytes(riff(chunk(b"VP8 ", bytes(frame))))

    def decoded(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("comfyui_curator.store.thumbnails.shrunk_webp", decoded)
    with pytest.raises(TooLarge):
        make_thumbnail(path, thumb)
