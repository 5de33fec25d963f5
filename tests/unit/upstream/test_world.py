"""The world is real, and the same every time."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from typing import Any, cast

import av
import pytest
from PIL import Image as Pillow

from tests.upstream import World


def test_one_seed_always_makes_the_same_world(world: World) -> None:
    again, other = World(world.seed), World(world.seed + 1)
    assert list(again.images) == list(world.images) == list(other.images)
    for label in ("comfyui_png", "webp_as_jpeg", "video", "video_webm", "animated_webp"):
        assert again.image(label).content.data == world.image(label).content.data
    for label in ("checkpoint", "upscaler", "workflows"):
        ours, theirs = world.version(label).files[0], again.version(label).files[0]
        assert ours.content.hashes == theirs.content.hashes
    assert other.image("png_as_jpeg").uuid != world.image("png_as_jpeg").uuid
    assert other.version("lora").files[0].content.sha256 != (
        world.version("lora").files[0].content.sha256
    )


def test_nothing_is_drawn_before_somebody_asks() -> None:
    assert not any(image.content.is_made for image in World(images_per_model=1000).images.values())


@pytest.mark.parametrize("count", [0, 40, 300])
def test_the_world_is_as_large_as_asked_for(count: int) -> None:
    small = World(images_per_model=count)
    others = len(World(images_per_model=0).images_of(small.model("lora")))
    assert len(small.images_of(small.model("lora"))) == others + count


def test_every_type_and_base_model_a_client_meets_is_there(world: World) -> None:
    assert {model.kind for model in world.models.values()} == set(
        "LORA LoCon DoRA Checkpoint VAE TextualInversion Controlnet Upscaler Workflows".split()
    )
    assert {version.base_model for version in world.versions.values()} >= {
        "SD 1.5",
        "SDXL 1.0",
        "Pony",
        "Illustrious",
        "NoobAI",
        "Flux.1 D",
        "Wan Video 14B i2v 480p",
        "LTXV",
        "Hunyuan Video",
    }
    assert sum(len(model.versions) > 1 for model in world.models.values()) >= 4
    assert sum(image.community for image in world.images.values()) >= 120
    tags = {tag for image in world.images.values() for tag in image.tag_ids}
    assert len(tags) > 60
    assert tags - set(world.tags), "some tag is to be unknown"


def test_files_are_what_their_names_say(world: World) -> None:
    for version in world.versions.values():
        for file in version.files:
            data = file.content.data
            if file.format == "SafeTensor":
                size = int.from_bytes(data[:8], "little")
                header = json.loads(data[8 : 8 + size])
                ends = [each["data_offsets"][1] for key, each in header.items() if key[:2] != "__"]
                assert max(ends) == len(data) - 8 - size, file.name
            else:
                assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None, file.name


def test_hashes_are_those_of_the_bytes(world: World) -> None:
    content = world.version("big").files[0].content
    data, hashes = content.data, content.hashes
    start = 8 + int.from_bytes(data[:8], "little")
    assert hashes == {
        "SHA256": hashlib.sha256(data).hexdigest().upper(),
        "AutoV2": hashlib.sha256(data).hexdigest()[:10].upper(),
        "AutoV1": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8].upper(),
        "AutoV3": hashlib.sha256(data[start:]).hexdigest()[:12].upper(),
        "CRC32": f"{zlib.crc32(data):08X}",
    }


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("png_as_jpeg", "PNG"),
        ("webp_as_jpeg", "WEBP"),
        ("webp_said_jpeg", "WEBP"),
        ("comfyui_png", "PNG"),
        ("a1111_png", "PNG"),
        ("exif_turned", "JPEG"),
        ("animated_webp", "WEBP"),
        ("tiny", "JPEG"),
    ],
)
def test_pictures_decode_as_what_they_are(world: World, label: str, kind: str) -> None:
    image = world.image(label)
    picture: Pillow.Image = Pillow.open(io.BytesIO(image.content.data))
    picture.load()
    assert picture.format == kind
    turned = picture.getexif().get(0x0112) == 6
    shown = picture.size[::-1] if turned else picture.size
    assert shown == (image.width, image.height)
    assert turned == (label == "exif_turned")
    assert getattr(picture, "is_animated", False) == (label == "animated_webp")
    texts = {str(name) for name in picture.info} & {"prompt", "workflow", "parameters"}
    wanted = {"comfyui_png": {"prompt", "workflow"}, "a1111_png": {"parameters"}}
    assert texts == wanted.get(label, set[str]())


@pytest.mark.parametrize(
    ("label", "frames"), [("video", 12), ("video_webm", 12), ("video_frameless", 0)]
)
def test_videos_have_the_frames_they_should(world: World, label: str, frames: int) -> None:
    opened = cast(Any, av).open(io.BytesIO(world.image(label).content.data))
    with opened as container:
        assert len(list(container.decode(video=0))) == frames


def test_ids_and_names_hold_the_traps(world: World) -> None:
    assert world.versions[world.model("lora").id].model_id != world.model("lora").id
    names = [file.name for version in world.versions.values() for file in version.files]
    assert names.count("v1.safetensors") == 2
    assert any(len(name) == 400 for name in names)
    assert {"../../x.safetensors", "CON.safetensors"} <= set(names)
    assert any(re.search("[\u202a-\u202e]", name) for name in names)
    assert not any(file.primary for file in world.version("no_primary").files)
