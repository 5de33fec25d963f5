"""Pictures for the screens: small, all different, with what CivitAI would tell of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from comfyui_curator.store.gallery import Facts, Gallery
from comfyui_curator.store.generation import Generation
from comfyui_curator.store.landscapes import Landscape, palette, write_video

COUNT = 40
HOSTILE = 24
"""The number of the picture whose texts are markup."""
MARKUP = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'

_SIZES = ((104, 152), (128, 128), (152, 104), (168, 96))
_MODELS = ("Ink Samurai", "Neon Castle", "Watercolor Forest")


def facts(number: int) -> Facts:
    """Picture `number`: each third of the same model, each sixth starred, even ones original."""
    model = number % 3
    hostile = number == HOSTILE
    return Facts(
        str(1000 + number),
        number=1000 + number,
        page=f"https://civitai.com/images/{1000 + number}",
        source="community" if number % 2 else "original",
        model_id=11 + model,
        model_name=_MODELS[model],
        version_ids=(110 + model,),
        username=MARKUP if hostile else f"author_{number % 5}",
        base_model="SDXL 1.0",
        created_at=f"2026-06-{1 + number % 28:02d}T10:00:00Z",
        starred=number % 6 == 0,
        generation=Generation(
            prompt=MARKUP if hostile else f"picture number{number}, quiet hills",
            negative="lowres, watermark",
            seed=4000 + number,
            steps=28,
            sampler="Euler a",
            cfg=6.0,
            model="Meadow Mix",
            loras=[{"name": _MODELS[model], "weight": 0.8, "version_id": 110, "model_id": 11}],
        ),
    )


def fill(gallery: Gallery) -> None:
    """Pictures 0 to COUNT - 1, in this order, and a video last."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(COUNT):
            path = Path(folder, f"{number}.png")
            colour = (60 + number * 4, 220 - number * 4, 90 + number * 37 % 120)
            Image.new("RGB", _SIZES[number % len(_SIZES)], colour).save(path)
            gallery.add_file(path, facts(number))
        film = Path(folder, "film.mp4")
        colours = palette("4f7030", "b9d98a", "e9f5d0", "9bd873", "123d16")
        write_video(Landscape(colours, 128, 96, "film"), film)
        gallery.add_file(film, Facts("2000", number=2000, username="filmer"))
