"""The node by itself, over a real store; what needs torch runs where torch is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from comfyui_curator.nodes.gallery_image import CuratorGalleryImage
from comfyui_curator.store import CuratorError, Opening, Options
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from comfyui_curator.store.host import root_host
from comfyui_curator.store.landscapes import Landscape, palette, write_video
from comfyui_curator.store.store import Store

CURRENT = "comfyui_curator.store.opening._current"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of this process, as nodes find it."""
    opening = Opening(lambda: root_host(tmp_path / "root"), Options())
    monkeypatch.setattr(CURRENT, opening)
    store = opening.get_now()
    yield store
    store.close()


def add(store: Store, image: Image.Image, tmp_path: Path, suffix: str = ".png") -> str:
    """Into the gallery; its id."""
    path = tmp_path / f"given{suffix}"
    image.save(path)
    texts = Generation(prompt="a quiet harbour", negative="fog", seed=-1)
    store.gallery.add_file(path, Facts("7", number=7, generation=texts))
    return "7"


def test_without_a_store_the_person_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CURRENT, None)
    assert "not open" in str(CuratorGalleryImage.VALIDATE_INPUTS("7"))
    with pytest.raises(CuratorError):
        CuratorGalleryImage().load("7")


def test_only_an_id_that_can_be_loaded_is_valid(store: Store, tmp_path: Path) -> None:
    picture = add(store, Image.new("RGB", (8, 8)), tmp_path)
    assert CuratorGalleryImage.VALIDATE_INPUTS(picture) is True
    assert CuratorGalleryImage.VALIDATE_INPUTS(f" {picture}\n") is True
    assert CuratorGalleryImage.VALIDATE_INPUTS(None) is True, "a link brings it later"
    for wrong in ("", "8", "../7", "CON", "7" * 300):
        assert isinstance(CuratorGalleryImage.VALIDATE_INPUTS(wrong), str)
    store.gallery.picture(picture).path.unlink()
    assert "gone" in str(CuratorGalleryImage.VALIDATE_INPUTS(picture))


def test_it_counts_as_changed_when_the_file_is_another(store: Store, tmp_path: Path) -> None:
    picture = add(store, Image.new("RGB", (8, 8)), tmp_path)
    before = CuratorGalleryImage.IS_CHANGED(picture)
    assert CuratorGalleryImage.IS_CHANGED(picture) == before
    Image.new("RGB", (9, 9), "red").save(store.gallery.picture(picture).path)
    assert CuratorGalleryImage.IS_CHANGED(picture) != before
    unknown = CuratorGalleryImage.IS_CHANGED("8")
    assert isinstance(unknown, float) and math.isnan(unknown)


def test_image_and_texts_come_out_and_the_seed_fits_a_sampler(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed here; ComfyUI brings it")
    image = Image.new("RGB", (5, 3), (255, 128, 0))
    pixels, mask, *texts = CuratorGalleryImage().load(add(store, image, tmp_path))
    assert tuple(pixels.shape) == (1, 3, 5, 3)
    assert [round(value * 255) for value in pixels[0, 0, 0].tolist()] == [255, 128, 0]
    assert tuple(mask.shape) == (1, 64, 64)
    assert mask.max().item() == 0
    assert texts == ["a quiet harbour", "fog", 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_the_mask_is_one_where_the_picture_is_clear(
    store: Store, tmp_path: Path, mode: str
) -> None:
    pytest.importorskip("torch", reason="torch is not installed here; ComfyUI brings it")
    image = Image.new("RGBA", (4, 2), (10, 20, 30, 255))
    image.paste((0, 0, 0, 0), (2, 0, 4, 2))
    _, mask, *_ = CuratorGalleryImage().load(add(store, image.convert(mode), tmp_path))
    assert mask.tolist() == [[[0, 0, 1, 1]] * 2]


def test_sixteen_bit_grey_keeps_its_shades(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed here; ComfyUI brings it")
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 16384)
    image.putpixel((1, 0), 65535)
    pixels, *_ = CuratorGalleryImage().load(add(store, image, tmp_path))
    assert [round(value, 2) for value in pixels[0, 0, 0].tolist()] == [0.25] * 3
    assert pixels[0, 0, 1].tolist() == [1] * 3


def test_of_a_video_comes_one_frame(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed here; ComfyUI brings it")
    film = tmp_path / "film.mp4"
    colours = palette("4f7030", "b9d98a", "e9f5d0", "9bd873", "123d16")
    write_video(Landscape(colours, 128, 96, "film"), film)
    store.gallery.add_file(film, Facts("9", number=9))
    pixels, *_ = CuratorGalleryImage().load("9")
    assert tuple(pixels.shape) == (1, 96, 128, 3)
    assert pixels.min().item() < pixels.max().item()
