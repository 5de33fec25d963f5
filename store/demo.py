"""What `--demo` fills an empty root with: drawn pictures and small models, all of this machine."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .demo_library import Shown, collect, describe
from .files import write_atomic
from .gallery_records import Facts, utc
from .generation import Generation
from .host import Host
from .landscapes import Grain, Landscape, Palette, palette, write_video

if TYPE_CHECKING:
    from .store import Store

log = logging.getLogger(__name__)

_LOCAL = 9_000_000_000_000
"""Model and version numbers from here on are ours: CivitAI is six digits short of them."""

_SIZES = ((704, 1024), (704, 1024), (832, 832), (1024, 704), (640, 1120), (768, 960))
_AUTHORS = ("ada_draws", "brushwood", "kite.maker", "lumen", "northlight", "paperboat")
_SAMPLERS = ("Euler a", "DPM++ 2M Karras", "DPM++ SDE Karras", "UniPC")
_NEGATIVE = "lowres, blurry, text, watermark, jpeg artifacts"
_PICTURES_EACH = 6


@dataclass(frozen=True)
class _Lora:
    name: str
    trigger: str
    base_model: str
    category: str
    subject: str
    colours: Palette
    present: bool


_LORAS = (
    _Lora(
        "Ink Samurai Style",
        "ink samurai",
        "SDXL 1.0",
        "sdxl_loras",
        "terraced hills at dawn",
        palette("4f7030", "b9d98a", "e9f5d0", "9bd873", "123d16"),
        True,
    ),
    _Lora(
        "Watercolor Forest",
        "wtrclr forest",
        "Illustrious",
        "sdxl_loras",
        "a forest in the mist",
        palette("2f6a3f", "8fc79a", "d5ffe6", "6bd58a", "17523a"),
        True,
    ),
    _Lora(
        "Neon Castle",
        "neon castle",
        "Pony",
        "sdxl_loras",
        "far ridges under a violet sky",
        palette("3b2a6b", "d987b0", "ffe9d6", "8a6fd1", "1d1238"),
        True,
    ),
    _Lora(
        "Soft Portrait",
        "soft portrait",
        "Flux.1 D",
        "flux_loras",
        "rosy evening light on hills",
        palette("a24a8f", "f0a7b8", "fff0e0", "d65bc4", "2a0720"),
        False,
    ),
    _Lora(
        "Dreamy Ocean",
        "dreamy ocean",
        "SD 1.5",
        "sd15_loras",
        "moonlit waves of hills",
        palette("23506e", "7fc4cf", "f2fbff", "6ec7d6", "0d2c3d"),
        True,
    ),
    _Lora(
        "Desert Ride",
        "desert ride",
        "Wan Video 2.2 T2V-A14B",
        "wan_loras",
        "dunes at sunset",
        palette("7a2f2a", "f0b36b", "fff3d6", "e8925a", "3a1210"),
        False,
    ),
)
_CHECKPOINTS = (
    ("Aurora XL", "SDXL 1.0", "checkpoints", True),
    ("Lantern Mix", "Illustrious", "checkpoints", True),
    ("Meadow", "SD 1.5", "checkpoints", False),
    ("Quiet River", "Flux.1 D", "diffusion_models", False),
)


def fill(store: Store) -> bool:
    """Draw the demo into an empty root; False, and nothing done, where there is anything."""
    if not _empty(store):
        return False
    describe(store, _add_models(store))
    grain = Grain()
    with (
        tempfile.TemporaryDirectory(prefix="curator-demo-") as folder,
        ThreadPoolExecutor(max_workers=2) as pool,
    ):
        work = [pool.submit(_add_video, store, Path(folder))]
        for count in range(_PICTURES_EACH * len(_LORAS)):
            work.append(pool.submit(_add_picture, store, Path(folder), grain, count))
        for each in work:
            each.result()
    starred = filter(_is_starred, range(_PICTURES_EACH * len(_LORAS)))
    collect(store, [_item_id(f"picture {count}") for count in starred])
    return True


def _is_starred(count: int) -> bool:
    return count % 7 == 2


def _item_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"curator-demo:{name}"))


def _empty(store: Store) -> bool:
    host = store.host
    catalogs = (host.data / "models.json", host.data / "loras.json")
    folders = (host.models, host.input, host.output)
    return (
        len(store.gallery) == 0
        and not any(path.exists() for path in catalogs)
        and not any(path.is_file() for folder in folders for path in folder.rglob("*"))
    )


def _add_models(store: Store) -> list[Shown]:
    """In the catalog, and as files; returns those that have one."""
    shown: list[Shown] = []
    by_category: dict[str, list[dict[str, Any]]] = {}
    for number, lora in enumerate(_LORAS):
        entry = _entry(lora.name, lora.base_model, "loras", _lora_id(number), "LORA")
        entry.update(trainedWords=[lora.trigger], trigger_words=[lora.trigger])
        entry.update(author=_AUTHORS[number], description=f"<p>{lora.subject.capitalize()}.</p>")
        if lora.present:
            entry = _made(store.host, entry, "lora")
            shown.append(_shown(store.host, entry, lora.trigger))
        by_category.setdefault(lora.category, []).append(entry)
    for category, entries in by_category.items():
        store.catalog.add_entries("loras", category, entries)
    for number, (name, base_model, dest, present) in enumerate(_CHECKPOINTS):
        entry = _entry(name, base_model, dest, _LOCAL + 50 + number, "Checkpoint")
        if present:
            entry = _made(store.host, entry, "checkpoint")
            shown.append(_shown(store.host, entry))
        store.catalog.add_entries("models", dest, [entry])
    return shown


def _shown(host: Host, entry: dict[str, Any], trigger: str = "") -> Shown:
    path = host.places(entry["dest"])[0] / entry["file"]
    name, base_model = entry["civitai_model_name"], entry["base_model"]
    return Shown(path, entry["hash"], name, base_model, trigger)


def _add_picture(store: Store, folder: Path, grain: Grain, count: int) -> None:
    number = count % len(_LORAS)
    lora = _LORAS[number]
    name = f"picture {count}"
    chance = random.Random(name)
    width, height = chance.choice(_SIZES)
    scene = Landscape(_varied(lora.colours, chance), width, height, name)
    image = grain.over(scene.draw(), name)
    # Each of the usual formats is there; PNG is the slowest to write and to read.
    ending = ".png" if count % 12 == 5 else ".webp" if count % 4 == 1 else ".jpeg"
    path = folder / f"{count}{ending}"
    if ending == ".png":
        image.save(path, compress_level=1)
    elif ending == ".webp":
        image.save(path, quality=88, method=0)
    else:
        image.save(path, quality=90)
    facts = _facts(lora, number, name, chance, hours=count * 7)
    store.gallery.add_file(path, replace(facts, starred=_is_starred(count)), move=True)


def _add_video(store: Store, folder: Path) -> None:
    number = len(_LORAS) - 1
    lora = _LORAS[number]
    path = folder / "video.mp4"
    try:
        write_video(Landscape(lora.colours, 512, 320, "video"), path)
    except (ImportError, OSError, ValueError) as error:
        # PyAV is built with or without an encoder for it; the demo is good without a video too.
        log.info("The demo has no video: %s", error)
        return
    facts = _facts(lora, number, "video", random.Random("video"), hours=1)
    store.gallery.add_file(path, facts, move=True)


def _facts(lora: _Lora, number: int, name: str, chance: random.Random, *, hours: int) -> Facts:
    item_id = _item_id(name)
    weight = chance.choice((0.6, 0.8, 1.0))
    moment = datetime.now(timezone.utc) - timedelta(hours=hours, minutes=chance.randint(0, 59))
    generation = Generation(
        prompt=f"{lora.trigger}, {lora.subject}, layered silhouettes, low sun, soft grain",
        negative=_NEGATIVE,
        seed=chance.randint(1, 2**32),
        steps=chance.choice((20, 24, 28, 30)),
        sampler=chance.choice(_SAMPLERS),
        cfg=chance.choice((4.5, 5.0, 6.5, 7.0)),
        model=_CHECKPOINTS[number % len(_CHECKPOINTS)][0],
        loras=[
            {
                "name": lora.name,
                "weight": weight,
                "hash": "",
                "version_id": _lora_id(number) + 1,
                "model_id": _lora_id(number),
            }
        ],
    ).listing()
    return Facts(
        id=item_id,
        file_uuid=item_id,
        source="original" if chance.random() < 0.3 else "community",
        search_mode="demo",
        model_id=_lora_id(number),
        model_name=lora.name,
        version_ids=(_lora_id(number) + 1,),
        username=chance.choice(_AUTHORS),
        base_model=lora.base_model,
        created_at=utc(moment.isoformat()),
        stats={"heartCount": chance.randint(0, 400), "likeCount": chance.randint(0, 90)},
        generation=generation,
    )


def _lora_id(number: int) -> int:
    return _LOCAL + 100 + number * 10


def _entry(name: str, base_model: str, dest: str, model_id: int, kind: str) -> dict[str, Any]:
    file = name.lower().replace(" ", "_") + ".safetensors"
    return {
        "name": f"{name} [{base_model}]",
        "file": file,
        "dest": dest,
        "source": "url",
        # Of the names that never lead anywhere: there is nothing to fetch.
        "url": f"https://curator-demo.invalid/{file}",
        "size_gb": 0.218 if kind == "LORA" else 6.6,
        "tags": ["demo"],
        "civitai_model_id": model_id,
        "civitai_version_id": model_id + 1,
        "civitai_model_name": name,
        "civitai_version": "v1",
        "civitai_base_model": base_model,
        "civitai_type": kind,
        "base_model": base_model,
    }


def _made(host: Host, entry: dict[str, Any], kind: str) -> dict[str, Any]:
    """Write the model's file, small and valid; the entry with its true size and hash."""
    data = _safetensors(kind, entry["file"])
    write_atomic(host.places(entry["dest"])[0] / entry["file"], data)
    size = round(len(data) / 1e9, 6)
    return {**entry, "size_gb": size, "hash": hashlib.sha256(data).hexdigest()}


def _safetensors(kind: str, name: str) -> bytes:
    """A valid safetensors file with the tensor names of its kind, all zeros but for its name."""
    tensors = {
        "lora": {
            "lora_unet_input_blocks_4_1_proj_in.lora_down.weight": [4, 64],
            "lora_unet_input_blocks_4_1_proj_in.lora_up.weight": [64, 4],
        },
        "checkpoint": {
            "model.diffusion_model.input_blocks.0.0.weight": [32, 4, 3, 3],
            "first_stage_model.decoder.conv_in.weight": [16, 4, 3, 3],
        },
    }[kind]
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "modelspec.title": name}}
    end = 0
    for tensor, shape in tensors.items():
        start = end
        end += 2 * shape[0] * shape[1] * (9 if len(shape) == 4 else 1)
        header[tensor] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + bytes(end)


def _varied(colours: Palette, chance: random.Random) -> Palette:
    """The palette a little lighter or darker, so that no two pictures look alike."""
    factor = chance.uniform(0.82, 1.12)

    def tint(colour: tuple[int, int, int]) -> tuple[int, int, int]:
        tinted = (int(each * factor * chance.uniform(0.9, 1.1)) for each in colour)
        red, green, blue = (min(255, each) for each in tinted)
        return red, green, blue

    return Palette(
        tint(colours.top), tint(colours.horizon), colours.sun, tint(colours.far), tint(colours.near)
    )
