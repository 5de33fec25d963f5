"""Which texts of ComfyUI's graph a sampler was led by, whatever nodes lie between."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_curator.store.generation_graph import from_graph


def texts(nodes: dict[str, Any], positive: Any, negative: Any) -> tuple[str, str]:
    """Of a KSampler with these links, beside two plain encoders `p` and `n`."""
    graph = {
        "p": node("CLIPTextEncode", text="a lantern"),
        "n": node("CLIPTextEncode", text="blurry"),
        **nodes,
        "sampler": node("KSampler", seed=1, positive=positive, negative=negative),
    }
    made = from_graph(graph)
    return made.prompt, made.negative


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


P, N = ["p", 0], ["n", 0]


@pytest.mark.parametrize(
    ("between", "first"),
    [
        (node("ControlNetApplyAdvanced", positive=P, negative=N, control_net=["x", 0]), 0),
        (node("WanImageToVideo", positive=P, negative=N, vae=["x", 0], width=832), 0),
        (node("InpaintModelConditioning", positive=P, negative=N, pixels=["x", 0]), 0),
        (node("ApplyInstantID", model=["x", 0], positive=P, negative=N), 1),
        (node("Efficient Loader", ckpt_name="a", positive="a lantern", negative="blurry"), 1),
        (node("easy fullLoader", ckpt_name="a", positive="a lantern", negative="blurry"), 4),
        (node("Context", model=["x", 0], positive=P, negative=N), 4),
        (node("SDXLPromptStyler", text_positive="a lantern", text_negative="blurry"), 0),
    ],
    ids=str,
)
def test_each_output_of_a_node_for_both_sides_has_its_own_text(
    between: dict[str, Any], first: int
) -> None:
    assert texts({"b": between}, ["b", first], ["b", first + 1]) == ("a lantern", "blurry")


def test_nodes_for_both_sides_may_stand_in_a_row_and_be_crossed() -> None:
    nodes = {
        "1": node("ControlNetApplyAdvanced", positive=P, negative=N),
        "2": node("ControlNetApplyAdvanced", positive=["1", 0], negative=["1", 1]),
    }
    assert texts(nodes, ["2", 0], ["2", 1]) == ("a lantern", "blurry")
    assert texts(nodes, ["2", 1], ["2", 0]) == ("blurry", "a lantern")


def test_both_sides_come_through_a_pipe() -> None:
    nodes = {
        "1": node("ToBasicPipe", model=["x", 0], positive=P, negative=N),
        "2": node("FromBasicPipe", basic_pipe=["1", 0]),
    }
    assert texts(nodes, ["2", 3], ["2", 4]) == ("a lantern", "blurry")


def test_a_conditioning_made_zero_has_no_text() -> None:
    nodes = {"z": node("ConditioningZeroOut", conditioning=P)}
    assert texts(nodes, P, ["z", 0]) == ("a lantern", "")


@pytest.mark.parametrize(
    "joining",
    [
        node("ConditioningCombine", conditioning_1=P, conditioning_2=N),
        node("ConditioningConcat", conditioning_to=P, conditioning_from=N),
        node(
            "ConditioningAverage",
            conditioning_to=P,
            conditioning_from=N,
            conditioning_to_strength=0.5,
        ),
        node("CLIPTextEncodeSDXL", text_g="a lantern", text_l="blurry", width=1024),
        node("CLIPTextEncodeFlux", clip_l="a lantern", t5xxl="blurry", guidance=3.5),
    ],
    ids=str,
)
def test_several_texts_of_one_conditioning_are_all_told(joining: dict[str, Any]) -> None:
    assert texts({"j": joining}, ["j", 0], None) == ("a lantern\nblurry", "")


def test_a_text_that_is_said_twice_is_told_once() -> None:
    nodes = {"j": node("CLIPTextEncodeFlux", clip_l="fog", t5xxl="fog")}
    assert texts(nodes, ["j", 0], N) == ("fog", "blurry")


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"string_a": "fog", "string_b": ["s", 0], "delimiter": ", "}, "fog, a harbour"),
        ({"text_b": ["s", 0], "text_a": "fog", "delimiter": "\\n"}, "fog\na harbour"),
        ({"text10": "c", "text2": "b", "text1": "a", "separator": "-"}, "a-b-c"),
        ({"string1": "fog", "string2": "fog", "delimiter": " "}, "fog fog"),
        ({"string": ["s", 0]}, "a harbour"),
    ],
)
def test_strings_are_joined_as_their_node_does(inputs: dict[str, Any], told: str) -> None:
    nodes = {
        "s": node("PrimitiveString", value="a harbour"),
        "j": node("StringConcatenate", **inputs),
        "e": node("CLIPTextEncode", text=["j", 0], clip=["x", 1]),
    }
    assert texts(nodes, ["e", 0], N) == (told, "blurry")


def test_links_in_a_circle_have_no_text() -> None:
    nodes = {
        "1": node("ConditioningCombine", conditioning_1=["2", 0], conditioning_2=P),
        "2": node("ConditioningCombine", conditioning_1=["1", 0]),
    }
    assert texts(nodes, ["2", 0], ["2", 0]) == ("a lantern", "a lantern")
