"""How a picture was made, out of ComfyUI's graph of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from .generation import Generation, Resource, resource
from .generation_texts import Texts, source
from .json_values import integer, is_object, mapping, mappings, number, text

_NUMBERS = ("seed", "noise_seed", "value", "int", "number", "cfg", "steps")
_HELPERS = ("guider", "noise", "sampler", "sigmas")
"""What a custom sampler takes its settings from."""
_CONDITIONINGS = ("positive", "conditioning", "cond1")
"""What samplers and guiders are led by, of which only one is there."""
_MODELS = ("ckpt_name", "unet_name", "model_name")
_OTHERS = {"vae_name": "vae", "control_net_name": "controlnet"}
_STACKED = re.compile(r"lora(?:_name)?_(\d{1,3})")
_STACKED_WEIGHTS = ("strength_", "lora_wt_", "model_weight_", "model_str_", "lora_weight_")
_EMBEDDING = re.compile(r"\bembedding:([\w./\\-]+)")
_MOST = 100
_DEPTH = 8

_Nodes = Mapping[str, dict[str, Any]]


def from_graph(graph: Mapping[str, Any]) -> Generation:
    """From ComfyUI's API prompt: the first sampler, what flows into it, and every model."""
    nodes = {name: node for name, node in graph.items() if is_object(node)}
    loras = list(islice(_loras(nodes), _MOST))
    made = Generation(model=_model(nodes), loras=loras)
    sampler = next((node for node in nodes.values() if _is_sampler(node)), None)
    if sampler is not None:
        made = made.completed(_settings(nodes, sampler))
    others = _others(nodes, f"{made.prompt}\n{made.negative}")
    return replace(made, others=others).listing()


def _settings(nodes: _Nodes, sampler: Mapping[str, Any]) -> Generation:
    inputs = _inputs(sampler)
    for helper in _HELPERS:
        inputs = {**_inputs(nodes.get(source(inputs.get(helper)), {})), **inputs}
    latent = _inputs(nodes.get(source(inputs.get("latent_image")), {}))
    width, height = integer(latent.get("width")), integer(latent.get("height"))
    seed = inputs.get("seed", inputs.get("noise_seed"))
    texts = Texts(nodes)
    positive = next((inputs[name] for name in _CONDITIONINGS if inputs.get(name)), None)
    return Generation(
        prompt=texts.into(positive, "positive"),
        negative=texts.into(inputs.get("negative"), "negative"),
        seed=integer(_number_into(nodes, seed)),
        steps=integer(_number_into(nodes, inputs.get("steps"))),
        sampler=text(inputs.get("sampler_name")),
        scheduler=text(inputs.get("scheduler")),
        cfg=number(_number_into(nodes, inputs.get("cfg"))),
        size=f"{width}x{height}" if width and height else "",
    )


def _is_sampler(node: Mapping[str, Any]) -> bool:
    inputs = _inputs(node)
    if "guider" in inputs:
        return "noise" in inputs
    return "positive" in inputs and ("seed" in inputs or "noise_seed" in inputs)


def _model(nodes: _Nodes) -> str:
    for name in _MODELS:
        for node in nodes.values():
            # An upscaler's `model_name` is no checkpoint.
            if name != "model_name" or "upscale" not in text(node.get("class_type")).lower():
                found = text(_inputs(node).get(name))
                if found:
                    return found
    return ""


def _loras(nodes: _Nodes) -> Iterator[Resource]:
    for node in nodes.values():
        inputs = _inputs(node)
        if _is_name(inputs.get("lora_name")):
            strength = inputs.get("strength_model", inputs.get("strength"))
            yield resource(inputs["lora_name"], number(strength))
        yield from _stacked(inputs)
        for each in _rows(inputs.get("loras")):
            if each.get("active") is not False and _is_name(each.get("name")):
                yield resource(each["name"], number(each.get("strength")))


def _stacked(inputs: Mapping[str, Any]) -> Iterator[Resource]:
    """Nodes that take several LoRAs: `lora_1: {on, lora, strength}`, or `lora_name_1` and kin."""
    for name, value in inputs.items():
        match = _STACKED.fullmatch(name)
        if match and is_object(value):
            if value.get("on") is not False and _is_name(value.get("lora")):
                yield resource(value["lora"], number(value.get("strength")))
        elif match and _is_name(value):
            weights = (inputs.get(prefix + match[1]) for prefix in _STACKED_WEIGHTS)
            yield resource(
                value, next((number(each) for each in weights if each is not None), None)
            )


def _rows(value: Any) -> list[dict[str, Any]]:
    return mappings(mapping(value).get("__value__", value))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", "None")


def _others(nodes: _Nodes, texts: str) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for node in nodes.values():
        for key, kind in _OTHERS.items():
            name = _inputs(node).get(key)
            if _is_name(name):
                found[kind, str(name)] = {"type": kind, **resource(str(name))}
    for match in islice(_EMBEDDING.finditer(texts), _MOST):
        found["embedding", match[1]] = {"type": "embedding", **resource(match[1])}
    return list(found.values())[:_MOST]


def _inputs(node: Mapping[str, Any]) -> dict[str, Any]:
    return mapping(node.get("inputs"))


def _number_into(nodes: _Nodes, value: Any) -> Any:
    """The number itself, or the one at the other end of a link."""
    for _ in range(_DEPTH):
        name = source(value)
        if not name:
            return value
        inputs = _inputs(nodes.get(name, {}))
        value = next((inputs[each] for each in _NUMBERS if each in inputs), None)
    return None
