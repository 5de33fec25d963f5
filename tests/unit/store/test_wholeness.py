"""Whether a picture is all there, told without decoding it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from comfyui_curator.store.errors import WrongType
from comfyui_curator.store.media import Media
from comfyui_curator.store.thumbnails import examine
from comfyui_curator.store.wholeness import look
from tests.own_pictures import PARAMETERS, draw

FORMATS = ("PNG", "JPEG", "WEBP")


def drawn(folder: Path, kind: str, *, turn: int | None = None) -> Path:
    path = folder / f"drawn.{kind.lower()}"
    exif = Image.Exif()
    if turn:
        exif[0x0112] = turn
    Image.effect_noise((96, 64), 80).convert("RGB").save(path, kind, exif=exif)
    return path


@pytest.mark.parametrize("turn", [None, 3, 6], ids=["upright", "upside down", "on its side"])
@pytest.mark.parametrize("kind", FORMATS)
def test_of_a_whole_one_it_tells_what_decoding_tells(
    tmp_path: Path, kind: str, turn: int | None
) -> None:
    path = drawn(tmp_path, kind, turn=turn)
    looked = look(path)
    assert looked is not None
    assert looked.media == examine(path, tmp_path / "thumb.webp")
    assert (looked.media.width, looked.media.height) == ((64, 96) if turn == 6 else (96, 64))


def test_and_what_its_maker_has_written_into_it(tmp_path: Path) -> None:
    path = tmp_path / "made.png"
    draw(path, parameters=PARAMETERS)
    looked = look(path)
    assert looked is not None and looked.embedded.parameters == PARAMETERS


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cut_one_is_not_whole_wherever_it_was_cut(tmp_path: Path, kind: str) -> None:
    data = drawn(tmp_path, kind).read_bytes()
    cut = tmp_path / "cut"
    for size in (64, 100, len(data) // 2, len(data) - 100, len(data) - 1):
        cut.write_bytes(data[:size])
        assert whole(cut) is None, size


def test_a_png_with_one_other_byte_is_not_whole(tmp_path: Path) -> None:
    path = drawn(tmp_path, "PNG")
    data = bytearray(path.read_bytes())
    for place in (40, len(data) // 2, len(data) - 20, len(data) - 2):
        other = bytearray(data)
        other[place] ^= 1
        path.write_bytes(other)
        assert whole(path) is None, place
    path.write_bytes(data)
    assert whole(path)


def whole(path: Path) -> Media | None:
    try:
        looked = look(path)
    except WrongType:
        return None
    return looked and looked.media
