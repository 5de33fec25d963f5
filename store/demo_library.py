"""What the demo's library says of its models: names, tags, notes, strengths, a few samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .landscapes import Landscape, palette
from .library_collections import Item

if TYPE_CHECKING:
    from .store import Store

_SAMPLE = (480, 640)


@dataclass(frozen=True)
class Shown:
    """A model's file, and what stands in the catalog about it."""

    path: Path
    sha256: str
    name: str
    base_model: str
    trigger: str = ""


@dataclass(frozen=True)
class _Said:
    tags: tuple[str, ...]
    rating: int = 0
    favorite: bool = False
    notes: str = ""
    words: tuple[tuple[str, str], ...] = ()
    presets: tuple[dict[str, Any], ...] = ()
    colours: tuple[str, ...] = ()
    """Of a sample; none is drawn without."""
    description: str = field(default="")


_SAID = {
    "Ink Samurai Style": _Said(
        ("style", "ink"),
        rating=5,
        favorite=True,
        notes="Works best under 0.9. With Watercolor Forest at 0.35.",
        words=(("sumi-e style", ""), ("brush strokes", "Texture"), ("paper sky", "Texture")),
        presets=(
            {"name": "Alone", "min": 0.5, "recommended": 0.8, "max": 1.1},
            {"name": "With others", "min": 0.2, "recommended": 0.35, "max": 0.5},
        ),
        description="Terraced hills, brushed in ink on rough paper.",
    ),
    "Watercolor Forest": _Said(
        ("style", "landscape"),
        rating=4,
        words=(("soft wash", ""),),
        presets=({"name": "", "min": 0.6, "recommended": 0.7, "max": 1.0},),
    ),
    "Neon Castle": _Said(("landscape", "night"), rating=3),
    "Dreamy Ocean": _Said(("landscape",), favorite=True),
    "Aurora XL": _Said(
        ("photo",), rating=4, colours=("24507a", "8fd0c8", "f4fff6", "5fc2b0", "0b2a38")
    ),
    "Lantern Mix": _Said(("anime",), colours=("5a2c4e", "f0a06a", "fff0cf", "e07a5a", "2b1020")),
}
_COLOURS = {"style": "#60a5fa", "landscape": "#4ade80"}
_COLLECTION = "Hills and water"


def describe(store: Store, models: list[Shown]) -> None:
    """Make a record of each of these models, and one collection of some."""
    names = dict.fromkeys(name for said in _SAID.values() for name in said.tags)
    tags = {tag["name"]: tag["id"] for tag in store.model_tags.add(names)}
    for name, color in _COLOURS.items():
        store.model_tags.change(tags[name], color=color)
    for model in models:
        said = _SAID[model.name]
        words = ((model.trigger, ""), *said.words) if model.trigger else said.words
        store.records.make(
            model.sha256,
            path=str(model.path),
            size_bytes=model.path.stat().st_size,
            name=model.name,
            base_model=model.base_model,
            tags=[tags[name] for name in said.tags],
            rating=said.rating,
            favorite=said.favorite,
            notes=said.notes,
            trigger_words=[{"text": text, "group": group} for text, group in words],
            presets=list(said.presets),
            meta={"description": said.description} if said.description else {},
        )
        if said.colours:
            store.samples.add(model.sha256, _sample(model.name, said.colours))
    collection = store.collections.make(_COLLECTION, color="#4f9d69")
    landscapes = [model for model in models if "landscape" in _SAID[model.name].tags]
    store.collections.add_many(
        collection["id"], [Item("model", model.sha256) for model in landscapes]
    )


def collect(store: Store, pictures: list[str]) -> None:
    """Put these pictures into the collection too, behind its models."""
    collection = store.collections.named(_COLLECTION)
    store.collections.add_many(collection["id"], [Item("picture", id) for id in pictures])


def _sample(name: str, colours: tuple[str, ...]) -> bytes:
    top, horizon, sun, far, near = colours
    out = BytesIO()
    scene = Landscape(palette(top, horizon, sun, far, near), *_SAMPLE, f"sample of {name}")
    scene.draw().save(out, "PNG", compress_level=1)
    return out.getvalue()
