"""How a picture was made: one shape for what CivitAI, A1111 and ComfyUI each say in their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, cast

from .json_values import integer, is_object, mapping, mappings, number, text

# These see texts of strangers, megabytes of them: neither may try one character again and again.
_SETTING = re.compile(r'(?:^|(?<=,))\s*(\w[\w ()/.-]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_LORA_TAG = re.compile(r"<lora:([^<>]+)>", re.IGNORECASE)
_LORAS = 100
"""Tags looked at; more are no prompt of anybody's."""
_LORA_TYPES = frozenset(("lora", "locon", "dora"))
_TEXTS = ("text", "text_g", "string", "value", "conditioning", "conditioning_1", "positive")
"""The inputs by which a text comes into a node, the likeliest first."""


@dataclass(frozen=True)
class Generation:
    """What is known of the making; `loras` are `{name, weight, version_id, model_id}`."""

    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    steps: int | None = None
    sampler: str = ""
    cfg: float | None = None
    model: str = ""
    loras: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def is_told(self) -> bool:
        """Whether texts or settings are known, not only the models."""
        return bool(self.prompt or self.negative or self.sampler or self.steps) or (
            self.seed is not None
        )

    def completed(self, other: Generation) -> Generation:
        """With the facts of `other` where this one has none."""
        mine = {name: value for name, value in asdict(self).items() if value not in (None, "", [])}
        return Generation(**{**asdict(other), **mine})

    def as_dict(self) -> dict[str, Any]:
        """The facts by name, all of them, unknown ones empty or None."""
        return asdict(self)


def from_civitai(told: Mapping[str, Any]) -> Generation:
    """From the answer of `image.getGenerationData`; its meta may be absent or wrapped."""
    outer = mapping(told.get("meta"))
    facts = mapping(outer.get("meta")) or outer
    resources = lora_resources(told)
    checkpoints = [each for each in mappings(told.get("resources")) if _type(each) == "checkpoint"]
    return Generation(
        prompt=text(facts.get("prompt")),
        negative=text(facts.get("negativePrompt")),
        seed=integer(facts.get("seed")),
        steps=integer(facts.get("steps")),
        sampler=text(facts.get("sampler")),
        cfg=number(facts.get("cfgScale")),
        model=next((text(each.get("modelName")) for each in checkpoints), "")
        or text(facts.get("Model")),
        loras=[
            {
                "name": text(each.get("modelName")) or text(each.get("name")),
                "weight": number(each.get("strength", each.get("weight"))),
                "version_id": version_id(each),
                "model_id": integer(each.get("modelId")),
            }
            for each in resources
        ]
        or _tagged(text(facts.get("prompt"))),
    )


def lora_resources(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources of that answer that are LoRAs, or may be: no type, but a version."""
    found = [
        each
        for each in mappings(told.get("resources"))
        if _type(each) in _LORA_TYPES or (not _type(each) and version_id(each))
    ]
    if not found:
        named = mappings(mapping(told.get("meta")).get("civitaiResources"))
        found = [each for each in named if _type(each) in _LORA_TYPES and version_id(each)]
    return found


def is_lora(type_name: Any) -> bool:
    """Whether CivitAI's name of a model type means a LoRA of some make."""
    return isinstance(type_name, str) and type_name.lower() in _LORA_TYPES


def version_id(resource: Mapping[str, Any]) -> int | None:
    """The model version that a resource names, under any of the names CivitAI has for it."""
    return integer(resource.get("modelVersionId")) or integer(resource.get("versionId"))


def from_parameters(written: str) -> Generation:
    """From the text that A1111 and its kin write into a picture."""
    lines = written.replace("\r\n", "\n").strip().split("\n")
    settings: dict[str, str] = {}
    if re.search(r"\bSteps: *\d", lines[-1]):
        for name, value in _SETTING.findall(lines.pop()):
            settings.setdefault(name.strip().lower(), value.strip().strip('"'))
    body = "\n".join(lines)
    prompt, _, negative = ("\n" + body).partition("\nNegative prompt:")
    return Generation(
        prompt=prompt.strip(),
        negative=negative.strip(),
        seed=integer(settings.get("seed")),
        steps=integer(settings.get("steps")),
        sampler=settings.get("sampler", ""),
        cfg=number(settings.get("cfg scale")),
        model=settings.get("model", ""),
        loras=_tagged(prompt),
    )


def from_graph(graph: Mapping[str, Any]) -> Generation:
    """From ComfyUI's API prompt: the first sampler, and the texts that flow into it."""
    nodes = {name: node for name, node in graph.items() if is_object(node)}
    sampler = next((node for node in nodes.values() if _is_sampler(node)), None)
    if sampler is None:
        return Generation()
    inputs = _inputs(sampler)
    return Generation(
        prompt=_text_into(nodes, inputs.get("positive")),
        negative=_text_into(nodes, inputs.get("negative")),
        seed=integer(inputs.get("seed", inputs.get("noise_seed"))),
        steps=integer(inputs.get("steps")),
        sampler=text(inputs.get("sampler_name")),
        cfg=number(inputs.get("cfg")),
        model=next(filter(None, (_model_name(_inputs(node)) for node in nodes.values())), ""),
        loras=[
            {
                "name": text(_inputs(node).get("lora_name")),
                "weight": number(_inputs(node).get("strength_model")),
                "version_id": None,
                "model_id": None,
            }
            for node in nodes.values()
            if text(_inputs(node).get("lora_name"))
        ],
    )


def _tagged(prompt: str) -> list[dict[str, Any]]:
    tags = [tag[1].split(":") for tag in islice(_LORA_TAG.finditer(prompt), _LORAS)]
    return [
        {
            "name": name,
            "weight": number(rest[0]) if rest else None,
            "version_id": None,
            "model_id": None,
        }
        for name, *rest in tags
        if name
    ]


def _is_sampler(node: Mapping[str, Any]) -> bool:
    inputs = _inputs(node)
    return "positive" in inputs and ("seed" in inputs or "noise_seed" in inputs)


def _inputs(node: Mapping[str, Any]) -> dict[str, Any]:
    return mapping(node.get("inputs"))


def _model_name(inputs: Mapping[str, Any]) -> str:
    return text(inputs.get("ckpt_name")) or text(inputs.get("unet_name"))


def _text_into(nodes: Mapping[str, dict[str, Any]], link: Any) -> str:
    """The first text found against the stream from a link (`[node, output]`)."""
    waiting: list[Any] = [link]
    seen: set[str] = set()
    while waiting:
        link = waiting.pop()
        if isinstance(link, str) and link:
            return link
        name = _source(link)
        # Each node once: by all its ways a graph made for it would keep us busy for ever.
        if name in nodes and name not in seen:
            seen.add(name)
            inputs = _inputs(nodes[name])
            names = [*_TEXTS, *(key for key in inputs if key.startswith("clip_l"))]
            waiting.extend(inputs.get(each) for each in reversed(names))
    return ""


def _source(link: Any) -> str:
    """The node that a link comes from; empty when it is none."""
    ends = cast(list[Any], link) if isinstance(link, list) else []
    return str(ends[0]) if ends and isinstance(ends[0], (str, int)) else ""


def _type(resource: Mapping[str, Any]) -> str:
    return (text(resource.get("modelType")) or text(resource.get("type"))).lower()
