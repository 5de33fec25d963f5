"""How a picture was made: one shape for what CivitAI, A1111 and ComfyUI each say in their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_SETTING = re.compile(r'\s*([\w ()/.-]+):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_LORA_TAG = re.compile(r"<lora:([^:>]+)(?::([-+]?[\d.]+))?[^>]*>", re.IGNORECASE)
_LORA_TYPES = frozenset(("lora", "locon", "dora"))
_DEPTH = 30


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

    def __bool__(self) -> bool:
        """Whether anything is known at all."""
        return self != Generation()

    def as_dict(self) -> dict[str, Any]:
        """The facts by name, all of them, unknown ones empty or None."""
        return asdict(self)


def from_civitai(told: Mapping[str, Any]) -> Generation:
    """From the answer of `image.getGenerationData`; its meta may be absent or wrapped."""
    meta = told.get("meta")
    if isinstance(meta, dict) and isinstance(meta.get("meta"), dict):
        meta = meta["meta"]
    facts: dict[str, Any] = meta if isinstance(meta, dict) else {}
    resources = lora_resources(told)
    checkpoint = next((each for each in _dicts(told.get("resources")) if _is_checkpoint(each)), {})
    return Generation(
        prompt=_text(facts.get("prompt")),
        negative=_text(facts.get("negativePrompt")),
        seed=_integer(facts.get("seed")),
        steps=_integer(facts.get("steps")),
        sampler=_text(facts.get("sampler")),
        cfg=_number(facts.get("cfgScale")),
        model=_text(checkpoint.get("modelName")) or _text(facts.get("Model")),
        loras=[
            {
                "name": _text(each.get("modelName")) or _text(each.get("name")),
                "weight": _number(each.get("strength", each.get("weight"))),
                "version_id": version_id(each),
                "model_id": _integer(each.get("modelId")),
            }
            for each in resources
        ]
        or _tagged(_text(facts.get("prompt"))),
    )


def lora_resources(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources of that answer that are LoRAs, or may be: no type, but a version."""
    found = [
        each
        for each in _dicts(told.get("resources"))
        if _type(each) in _LORA_TYPES or (not _type(each) and version_id(each))
    ]
    meta = told.get("meta")
    if not found and isinstance(meta, dict):
        named = _dicts(meta.get("civitaiResources"))
        found = [each for each in named if _type(each) in _LORA_TYPES and version_id(each)]
    return found


def is_lora(type_name: Any) -> bool:
    """Whether CivitAI's name of a model type means a LoRA of some make."""
    return isinstance(type_name, str) and type_name.lower() in _LORA_TYPES


def version_id(resource: Mapping[str, Any]) -> int | None:
    """The model version that a resource names, under any of the names CivitAI has for it."""
    return _integer(resource.get("modelVersionId")) or _integer(resource.get("versionId"))


def from_parameters(text: str) -> Generation:
    """From the text that A1111 and its kin write into a picture."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    settings: dict[str, str] = {}
    if re.search(r"\bSteps: *\d", lines[-1]):
        for name, value in _SETTING.findall(lines.pop()):
            settings.setdefault(name.strip().lower(), value.strip().strip('"'))
    body = "\n".join(lines)
    prompt, _, negative = ("\n" + body).partition("\nNegative prompt:")
    return Generation(
        prompt=prompt.strip(),
        negative=negative.strip(),
        seed=_integer(settings.get("seed")),
        steps=_integer(settings.get("steps")),
        sampler=settings.get("sampler", ""),
        cfg=_number(settings.get("cfg scale")),
        model=settings.get("model", ""),
        loras=_tagged(prompt),
    )


def from_graph(graph: Mapping[str, Any]) -> Generation:
    """From ComfyUI's API prompt: the first sampler, and the texts that flow into it."""
    nodes = {name: node for name, node in graph.items() if isinstance(node, dict)}
    sampler = next((node for node in nodes.values() if _is_sampler(node)), None)
    if sampler is None:
        return Generation()
    inputs = _inputs(sampler)
    return Generation(
        prompt=_text_into(nodes, inputs.get("positive")),
        negative=_text_into(nodes, inputs.get("negative")),
        seed=_integer(inputs.get("seed", inputs.get("noise_seed"))),
        steps=_integer(inputs.get("steps")),
        sampler=_text(inputs.get("sampler_name")),
        cfg=_number(inputs.get("cfg")),
        model=next(
            filter(None, (_model_name(_inputs(node)) for node in nodes.values())), ""
        ),
        loras=[
            {
                "name": _text(_inputs(node).get("lora_name")),
                "weight": _number(_inputs(node).get("strength_model")),
                "version_id": None,
                "model_id": None,
            }
            for node in nodes.values()
            if _text(_inputs(node).get("lora_name"))
        ],
    )


def _tagged(prompt: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "weight": _number(weight), "version_id": None, "model_id": None}
        for name, weight in _LORA_TAG.findall(prompt)
    ]


def _is_sampler(node: Mapping[str, Any]) -> bool:
    inputs = _inputs(node)
    return "positive" in inputs and ("seed" in inputs or "noise_seed" in inputs)


def _inputs(node: Mapping[str, Any]) -> dict[str, Any]:
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _model_name(inputs: Mapping[str, Any]) -> str:
    return _text(inputs.get("ckpt_name")) or _text(inputs.get("unet_name"))


def _text_into(nodes: Mapping[str, dict[str, Any]], link: Any, depth: int = 0) -> str:
    """The first text found against the stream from a link (`[node, output]`)."""
    if isinstance(link, str):
        return link
    if depth > _DEPTH or not isinstance(link, list) or not link or str(link[0]) not in nodes:
        return ""
    inputs = _inputs(nodes[str(link[0])])
    first = ("text", "text_g", "string", "value", "conditioning", "conditioning_1", "positive")
    for name in (*first, *(key for key in inputs if key.startswith("clip_l"))):
        found = _text_into(nodes, inputs.get(name), depth + 1)
        if found:
            return found
    return ""


def _type(resource: Mapping[str, Any]) -> str:
    return (_text(resource.get("modelType")) or _text(resource.get("type"))).lower()


def _is_checkpoint(resource: Mapping[str, Any]) -> bool:
    return _type(resource) == "checkpoint"


def _dicts(value: Any) -> Iterable[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)) and value == value and abs(value) != float("inf"):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,30}", value.strip()):
        return int(value)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None
