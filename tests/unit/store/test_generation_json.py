"""Settings that programs write as JSON: where they lie in a file, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_curator.store.embedded import read_embedded
from comfyui_curator.store.generation import Generation, resource
from comfyui_curator.store.generation_json import from_json
from tests.upstream.pictures import png

FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL",
    "base_model_hash": "aeb7e9e689",
    "guidance_scale": 4.5,
    "loras": [["glow.safetensors", 0.25, "4852686128"]],
    "lora_combined_1": "glow.safetensors : 0.25",
    "metadata_scheme": "fooocus",
    "negative_prompt": "blurry",
    "performance": "Speed",
    "prompt": "a lantern",
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "7401245587965428611",
    "steps": 30,
    "version": "Fooocus v2.5.5",
}
NOVELAI = {
    "prompt": "a lantern",
    "steps": 28,
    "height": 1216,
    "width": 832,
    "scale": 5.0,
    "cfg_rescale": 0.0,
    "seed": 2946875621,
    "noise_schedule": "karras",
    "sampler": "k_euler_ancestral",
    "uc": "blurry",
    "request_type": "PromptGenerateRequest",
}
INVOKE = {
    "positive_prompt": "a lantern",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 640,
    "seed": 5,
    "cfg_scale": 7.5,
    "steps": 20,
    "scheduler": "euler",
    "model": {"key": "x", "name": "dream"},
    "loras": [{"model": {"name": "glow"}, "weight": 0.5}],
}
SWARM = {
    "sui_image_params": {
        "prompt": "a lantern",
        "negativeprompt": "blurry",
        "model": "dream",
        "seed": 6,
        "steps": 20,
        "cfgscale": 7.0,
        "width": 512,
        "height": 640,
        "loras": ["glow"],
        "loraweights": ["0.5"],
    }
}


def in_a_comment(form: str, path: Path, told: dict[str, Any]) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + json.dumps(told).encode()
    Image.new("RGB", (9, 9)).save(path, form, exif=exif)


def in_a_chunk(name: str, path: Path, told: dict[str, Any]) -> None:
    path.write_bytes(png("x", 16, 16, {name: json.dumps(told)}))


@pytest.mark.parametrize(
    ("told", "seed", "size", "cfg", "model", "loras"),
    [
        (
            FOOOCUS,
            7401245587965428611,
            "1152x896",
            4.5,
            "juggernautXL",
            [resource("glow.safetensors", 0.25, "4852686128")],
        ),
        (NOVELAI, 2946875621, "832x1216", 5.0, "", []),
        (INVOKE, 5, "512x640", 7.5, "dream", [resource("glow", 0.5)]),
        (SWARM, 6, "512x640", 7.0, "dream", [resource("glow", 0.5)]),
    ],
    ids=["fooocus", "novelai", "invoke", "swarm"],
)
def test_each_program_s_names_are_known(
    told: dict[str, Any], seed: int, size: str, cfg: float, model: str, loras: list[Any]
) -> None:
    made = from_json(told)
    assert (made.prompt, made.negative) == ("a lantern", "blurry")
    assert (made.seed, made.size, made.cfg, made.model) == (seed, size, cfg, model)
    assert made.steps in (20, 28, 30)
    assert made.loras == loras


@pytest.mark.parametrize("told", [FOOOCUS, NOVELAI], ids=["fooocus", "novelai"])
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "parameters", "Comment"])
def test_they_are_found_where_they_lie(tmp_path: Path, form: str, told: dict[str, Any]) -> None:
    path = tmp_path / "file"
    if form in ("JPEG", "WEBP"):
        in_a_comment(form, path, told)
    else:
        in_a_chunk(form, path, told)
    found = read_embedded(path)
    made = found.generation()
    assert (made.prompt, made.negative, made.seed) == ("a lantern", "blurry", int(told["seed"]))
    assert json.loads(found.parameters) == told
    assert found.graph is None


def test_invoke_s_text_is_found(tmp_path: Path) -> None:
    in_a_chunk("invokeai_metadata", tmp_path / "file", INVOKE)
    assert read_embedded(tmp_path / "file").generation().seed == 5


def test_the_older_list_of_fooocus_s_loras_is_read() -> None:
    told = {name: value for name, value in FOOOCUS.items() if name != "loras"}
    assert from_json(told).loras == [resource("glow.safetensors", 0.25)]


ODD: list[dict[str, Any]] = [
    {"whatever": 1},
    {"prompt": {"3": {"inputs": {}}}, "seed": {}, "steps": [], "loras": "x", "model": [1]},
    {"loras": [None, 5, {}, [], {"model": {"name": {"name": {"name": "deep"}}}}]},
    {"lora_combined_1": 5, "resolution": "9" * 5000, "model": {"model": {}}},
]


@pytest.mark.parametrize("told", ODD)
def test_odd_objects_say_nothing(told: dict[str, Any]) -> None:
    assert from_json(told) == Generation()


def test_words_in_braces_are_words(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(png("x", 16, 16, {"parameters": "{a|b} cat\nSteps: 20, Seed: 4"}))
    made = read_embedded(path).generation()
    assert (made.prompt, made.seed) == ("{a|b} cat", 4)
