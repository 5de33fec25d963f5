"""How a picture was made, from each of the places that say it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyui_curator.store.embedded import Embedded, read_embedded
from comfyui_curator.store.generation import from_civitai, from_parameters, resource
from comfyui_curator.store.generation_graph import from_graph
from tests.upstream.pictures import a1111_texts, comfyui_texts

A1111 = a1111_texts("a harbour <lora:glow:0.8>, at night", "blurry\nlowres", 777)["parameters"]
COMFY = comfyui_texts("a lantern", "blurry", 4242)


def test_a1111_s_text_is_taken_apart() -> None:
    made = from_parameters(A1111)
    assert made.prompt == "a harbour <lora:glow:0.8>, at night"
    assert made.negative == "blurry\nlowres"
    assert (made.seed, made.steps, made.cfg) == (777, 28, 7.0)
    assert (made.sampler, made.model) == ("DPM++ 2M", "example")
    assert made.size == "512x768"
    assert made.loras == [resource("glow", 0.8)]


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        ("only words", "only words", ""),
        ("Negative prompt: nothing\nSteps: 20", "", "nothing"),
        ('a\nSteps: 20, Lora hashes: "x: 1, Seed: 9", Seed: 5', "a", ""),
        ("", "", ""),
    ],
)
def test_a1111_s_text_in_other_forms(text: str, prompt: str, negative: str) -> None:
    made = from_parameters(text)
    assert (made.prompt, made.negative) == (prompt, negative)
    assert made.seed in (None, 5)


LINE = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 512x512"


@pytest.mark.parametrize(
    "below",
    [
        "Template: __x__ pos\nNegative Template: neg",
        "Template: two lines,\nSteps: {1|2}, Seed: 9\nNegative Template: neg",
        "Time taken: 4.2 sec.",
        "\nMask blur: 4, Seed: 9",
        "Model: m\nTemplate: Model: other",
    ],
)
@pytest.mark.parametrize("line", [LINE, "Sampler: Euler a, " + LINE])
def test_lines_below_the_settings_take_nothing_from_them(line: str, below: str) -> None:
    made = from_parameters(f"ten Steps: 3\nNegative prompt: neg\n{line}\n{below}")
    assert (made.prompt, made.negative) == ("ten Steps: 3", "neg")
    assert (made.steps, made.seed, made.size) == (20, 123, "512x512")
    assert made.model == ("m" if below.startswith("Model") else "")


def test_comfyui_s_graph_is_followed_to_its_texts() -> None:
    made = from_graph(json.loads(COMFY["prompt"]))
    assert (made.prompt, made.negative) == ("a lantern", "blurry")
    assert (made.seed, made.steps, made.cfg) == (4242, 24, 5.5)
    assert made.model == "v1.safetensors"


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"1": None, "2": []},
        {"1": {"inputs": {"positive": ["1", 0], "negative": [], "seed": "x"}}},
        {"1": {"inputs": {"positive": ["9", 0], "seed": True}}},
    ],
)
def test_odd_graphs_say_nothing(graph: dict[str, Any]) -> None:
    made = from_graph(graph)
    assert (made.prompt, made.negative, made.seed) == ("", "", None)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"meta": None},
        {"meta": []},
        {"meta": {"prompt": 5, "seed": {}, "steps": "many", "cfgScale": "x"}, "resources": {}},
        {"meta": {"seed": float("inf"), "cfgScale": float("nan")}, "resources": [None, 5]},
    ],
)
def test_odd_answers_of_civitai_say_nothing(told: dict[str, Any]) -> None:
    assert not from_civitai(told).is_told


def test_civitai_s_meta_may_be_wrapped() -> None:
    assert from_civitai({"meta": {"id": 5, "meta": {"prompt": "inside"}}}).prompt == "inside"


def user_comment(text: str, order: str) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode(order)
    return exif


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_a1111_s_text_is_found_in_exif(tmp_path: Path, form: str, order: str) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (9, 9)).save(path, form, exif=user_comment(A1111, order))
    assert read_embedded(path).generation().seed == 777


def test_comfyui_s_graph_is_found_in_a_webp(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + COMFY["prompt"]
    exif[0x010F] = "workflow:" + COMFY["workflow"]
    Image.new("RGB", (9, 9)).save(path, "WEBP", exif=exif)
    found = read_embedded(path)
    assert found.generation().prompt == "a lantern"
    assert found.workflow is not None


def test_both_are_found_in_a_png(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    info = PngInfo()
    for name, text in {**COMFY, "parameters": A1111}.items():
        info.add_itxt(name, text)
    Image.new("RGB", (9, 9)).save(path, "PNG", pnginfo=info)
    assert read_embedded(path).generation().seed == 777


@pytest.mark.parametrize("text", ["{", "[]", "NaN", "[" * 50_000])
def test_what_cannot_be_read_is_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "picture"
    info = PngInfo()
    info.add_text("prompt", text)
    target = io.BytesIO()
    Image.new("RGB", (9, 9)).save(target, "PNG", pnginfo=info)
    path.write_bytes(target.getvalue())
    assert read_embedded(path) == Embedded()


LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "Steps: 1," + " " * LONG + "!",
        "Steps: 1," + "a" * LONG,
        "Steps: 1," + 'a:"b,' * (LONG // 5),
        "Steps:" + " " * LONG,
        "Steps: 1, " * (LONG // 10),
        "Steps:\n" * (LONG // 7),
        "Steps: 1 Seed: " * (LONG // 15),
        "<lora:" + "a" * LONG,
        "<lora:a" * (LONG // 7),
        "<lora:a:" * (LONG // 8),
    ],
    ids=lambda text: text[:14],
)
def test_a_text_made_to_keep_us_busy_for_days_does_not(text: str) -> None:
    assert from_parameters("x\n" + text).loras == []
    assert from_civitai({"meta": {"prompt": text}}).prompt == text


def test_a_graph_with_billions_of_ways_is_gone_through_once() -> None:
    ways = ("text", "text_g", "conditioning", "conditioning_1", "clip_l")
    graph: dict[str, Any] = {
        str(number): {"inputs": dict.fromkeys(ways, [str(number + 1), 0])} for number in range(2000)
    }
    graph["sampler"] = {"inputs": {"positive": ["0", 0], "negative": [["0"], 0], "seed": 1}}
    assert from_graph(graph).prompt == ""
    graph["40"] = {"inputs": {"text": "the end"}}
    assert from_graph(graph).prompt == "the end"
    graph["40"] = {"inputs": {"text": ["0", 0], "text_g": ["40", 7]}}
    assert from_graph(graph).prompt == ""


def test_a_graph_that_doubles_its_text_at_every_node_stays_small() -> None:
    graph: dict[str, Any] = {
        str(number): {
            "inputs": {
                "string_a": [str(number + 1), 0],
                "string_b": [str(number + 1), 0],
                "delimiter": "",
            }
        }
        for number in range(50)
    }
    graph["50"] = {"inputs": {"text": "word"}}
    graph["sampler"] = {"inputs": {"positive": ["0", 0], "seed": 1}}
    assert 0 < len(from_graph(graph).prompt) < 2_000_000


@pytest.mark.parametrize(
    ("tag", "name", "weight"),
    [
        ("<lora:glow>", "glow", None),
        ("<LORA:glow:-1>", "glow", -1.0),
        ("<lora:glow:0.8:0.5>", "glow", 0.8),
        ("<lora:glow:x>", "glow", None),
        ("a < b <lora:glow:.5> > c", "glow", 0.5),
    ],
)
def test_a_tag_names_its_lora_and_its_weight(tag: str, name: str, weight: float | None) -> None:
    (found,) = from_parameters(tag).loras
    assert (found["name"], found["weight"]) == (name, weight)
