"""A gallery for ComfyUI to start with: made by the store itself, before."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from comfyui_curator.store import Host, Options
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from comfyui_curator.store.store import Store
from tests.comfyui.processes import data_folder


def half_transparent() -> Image.Image:
    """Left half opaque, right half clear, every column of another colour."""
    image = Image.new("RGBA", (32, 16))
    for x in range(32):
        for y in range(16):
            image.putpixel((x, y), (x * 8, y * 16, 128, 255 if x < 16 else 0))
    return image


def fill(base: Path, folder: Path) -> None:
    """`1`: transparent PNG with texts. `2`: JPEG that EXIF turns. `3`: a seed beyond 64 bits."""
    picture, turned = folder / "picture.png", folder / "turned.jpg"
    half_transparent().save(picture)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 24), "teal").save(turned, exif=exif)
    host = Host(
        data=data_folder(base),
        input=base / "input",
        output=base / "output",
        models=base / "models",
        model_folders=dict,
    )
    store = Store(host, Options())
    try:
        texts = Generation(prompt="a lighthouse, dusk", negative="blurry", seed=4711)
        store.gallery.add_file(picture, Facts("1", number=1, generation=texts))
        store.gallery.add_file(turned, Facts("2", number=2))
        late = folder / "late.png"
        Image.new("RGB", (8, 8), "maroon").save(late)
        store.gallery.add_file(late, Facts("3", number=3, generation=Generation(seed=2**70)))
    finally:
        store.close()


@pytest.fixture(scope="package")
def comfy_base(tmp_path_factory: pytest.TempPathFactory, frontend_version: str) -> Path:
    base = tmp_path_factory.mktemp("comfyui")
    fill(base, tmp_path_factory.mktemp("pictures"))
    return base


@pytest.fixture(scope="package")
def real_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("comfyui")
    fill(base, tmp_path_factory.mktemp("pictures"))
    return base
