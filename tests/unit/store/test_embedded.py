"""What a picture or video carries of its making, in every container that generators use."""

from __future__ import annotations

import importlib
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_curator.store.embedded import Embedded, of_civitai, read_embedded
from comfyui_curator.store.generation import resource
from comfyui_curator.store.generation_graph import from_graph
from tests.upstream.pictures import comfyui_texts, png

TEXTS = comfyui_texts("a lantern in fog", "blurry", 2**63 + 9)
GRAPH, WORKFLOW = json.loads(TEXTS["prompt"]), json.loads(TEXTS["workflow"])
BOTH = json.dumps({"prompt": TEXTS["prompt"], "workflow": WORKFLOW})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def film(path: Path, form: str, texts: dict[str, str]) -> None:
    av: Any = importlib.import_module("av")
    options = {"movflags": "use_metadata_tags"} if form == "mp4" else {}
    codec = "mpeg4" if form == "mp4" else "libvpx-vp9"
    with av.open(str(path), "w", format=form, options=options) as container:
        container.metadata.update(texts)
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 64)))))
        container.mux(stream.encode())


def commented(form: str, path: Path, comment: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + comment.encode("utf-16-le")
    Image.new("RGB", (9, 9)).save(path, form, exif=exif)


def tagged(form: str, path: Path, workflow_tag: int) -> None:
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + TEXTS["prompt"]
    exif[workflow_tag] = "workflow:" + TEXTS["workflow"]
    Image.new("RGB", (9, 9)).save(path, form, exif=exif)


MAKERS: dict[str, Callable[[Path], object]] = {
    "png": lambda path: path.write_bytes(png("x", 16, 16, TEXTS)),
    "webp": lambda path: tagged("WEBP", path, 0x010F),
    "webp, other notes before": lambda path: tagged("WEBP", path, 0x010D),
    "jpeg": lambda path: tagged("JPEG", path, 0x010F),
    "jpeg, in a comment": lambda path: commented("JPEG", path, BOTH),
    "mp4": lambda path: film(path, "mp4", TEXTS),
    "mp4, in a comment": lambda path: film(path, "mp4", {"comment": BOTH}),
    "webm": lambda path: film(path, "webm", TEXTS),
    "webm, in a comment": lambda path: film(path, "webm", {"comment": BOTH}),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_comfyui_s_graphs_are_found_whatever_carries_them(path: Path, maker: Any) -> None:
    maker(path)
    found = read_embedded(path)
    assert found.graph == GRAPH
    assert found.workflow == WORKFLOW
    made = found.generation()
    assert (made.prompt, made.negative) == ("a lantern in fog", "blurry")
    assert (made.seed, made.scheduler, made.size) == (2**63 + 9, "normal", "512x768")


def test_civitai_s_copy_of_the_graphs_is_found() -> None:
    for meta in ({"comfy": BOTH}, {"comfy": json.loads(BOTH)}, {"meta": {"comfy": BOTH}}):
        found = of_civitai({"meta": meta})
        assert (found.graph, found.workflow) == (GRAPH, WORKFLOW)
    for told in (None, {}, {"meta": None}, {"meta": {"comfy": "{"}}, {"meta": {"comfy": 5}}):
        assert of_civitai(told) == Embedded()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("data", "parameters"),
    [
        (chunk(b"tEXt", b"parameters\0a\xc3\xa9"), "aé"),
        (chunk(b"tEXt", b"parameters\0a\xe9"), "aé"),
        (chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"packed")), "packed"),
        (chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"cut off" * 99)[:-9]), None),
        (chunk(b"zTXt", b"parameters\0\0no zlib"), ""),
        (chunk(b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(b"packed")), "packed"),
        (chunk(b"tEXt", b"parameters"), ""),
        (b"\x7f\xff\xff\xfftEXtparameters\0lies", ""),
        (b"\xff\xff\xff\xfftEXt", ""),
        (b"\0\0\0", ""),
        (chunk(b"eXIf", b"nonsense"), ""),
    ],
)
def test_a_png_s_text_chunks_are_read_however_odd(
    path: Path, data: bytes, parameters: str | None
) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b""))
    found = read_embedded(path).parameters
    assert found == parameters if parameters is not None else found.startswith("cut off")


def test_a_text_that_unpacks_to_gigabytes_is_read_in_part(path: Path) -> None:
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(bytes(1 << 20)) for _ in range(40)) + packed.flush()
    texts = [chunk(b"zTXt", b"n%d\0\0" % number + data) for number in range(50)]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(texts) + chunk(b"IEND", b""))
    assert read_embedded(path) == Embedded()


def test_a_custom_sampler_s_settings_come_from_its_helpers() -> None:
    graph = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux/dev.safetensors"}},
        "2": {
            "class_type": "LoraLoaderModelOnly",
            "inputs": {"model": ["1", 0], "lora_name": "glow.safetensors", "strength_model": 0.7},
        },
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lantern"}},
        "4": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["3", 0], "guidance": 3}},
        "5": {"class_type": "BasicGuider", "inputs": {"conditioning": ["4", 0]}},
        "6": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["7", 0]}},
        "7": {"class_type": "Seed", "inputs": {"seed": 99}},
        "8": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "9": {"class_type": "BasicScheduler", "inputs": {"scheduler": "beta", "steps": 12}},
        "10": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 832, "height": 1216}},
        "11": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        "12": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["6", 0],
                "guider": ["5", 0],
                "sampler": ["8", 0],
                "sigmas": ["9", 0],
                "latent_image": ["10", 0],
            },
        },
    }
    made = from_graph(graph)
    assert (made.prompt, made.negative, made.seed) == ("a lantern", "", 99)
    assert (made.sampler, made.scheduler, made.steps) == ("euler", "beta", 12)
    assert (made.size, made.model) == ("832x1216", "flux/dev.safetensors")
    assert made.loras == [resource("glow.safetensors", 0.7)]
    assert made.others == [{"type": "vae", **resource("ae.safetensors")}]


@pytest.mark.parametrize(
    "inputs",
    [
        {"lora_1": {"on": True, "lora": "glow", "strength": 0.5}, "lora_2": {"on": False}},
        {"lora_name_1": "glow", "lora_wt_1": 0.5, "lora_name_2": "None"},
        {"lora_01": "glow", "strength_01": 0.5},
        {"loras": {"__value__": [{"name": "glow", "strength": 0.5, "active": True}]}},
        {"loras": [{"name": "glow", "strength": "0.5"}, {"name": "off", "active": False}]},
    ],
)
def test_loras_are_found_in_nodes_that_stack_them(inputs: dict[str, Any]) -> None:
    assert from_graph({"1": {"inputs": inputs}}).loras == [resource("glow", 0.5)]


def test_an_embedding_in_a_prompt_is_another_model() -> None:
    graph = {**GRAPH, "7": {"inputs": {"text": "blurry, embedding:bad/hands.pt, lowres"}}}
    assert from_graph(graph).others == [{"type": "embedding", **resource("bad/hands.pt")}]
