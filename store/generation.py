"""How a picture was made: one shape for what CivitAI, A1111 and ComfyUI each say in their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice, takewhile
from typing import Any

from .json_values import integer, mapping, mappings, number, text

# These see texts of strangers, megabytes of them: neither may try one character again and again.
_SETTING = re.compile(r'(?:^|(?<=,))\s*(\w[\w ()/.-]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_STEPS = re.compile(r"\bSteps: *\d")
_SEED = re.compile(r"\bSeed: *-?\d")
_TEMPLATES = ("Template:", "Negative Template:")
"""Of the extension Dynamic Prompts, with what it made prompts of."""
_LORA_TAG = re.compile(r"<lora:([^<>]+)>", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]+")
_HASH_LENGTHS = (8, 10, 12, 64)
"""AutoV1, AutoV2, AutoV3, SHA-256."""
_MOST = 100
"""LoRAs and hashes looked at; more are no picture of anybody's."""
_LORA_TYPES = frozenset(("lora", "locon", "dora", "lycoris", "lyco"))
_MODEL_TYPES = frozenset(("checkpoint", "model"))
_KINDS = {"embed": "embedding", "textualinversion": "embedding", "vae": "vae"}
_PARTS = ("Hashes", "Civitai resources", "Civitai metadata")
"""Settings of A1111's line that are JSON, commas and all."""

Resource = dict[str, Any]


@dataclass(frozen=True)
class Generation:
    """What is known of the making.

    `loras` are `{name, weight, hash, version_id, model_id}`, `others` the same with their `type`.
    `hashes` and `made_with_versions` are those of every model in it, whatever its type.
    """

    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    steps: int | None = None
    sampler: str = ""
    scheduler: str = ""
    cfg: float | None = None
    size: str = ""
    model: str = ""
    model_hash: str = ""
    model_version_id: int | None = None
    loras: list[Resource] = field(default_factory=list[Resource])
    others: list[Resource] = field(default_factory=list[Resource])
    hashes: list[str] = field(default_factory=list[str])
    made_with_versions: list[int] = field(default_factory=list[int])

    @property
    def is_told(self) -> bool:
        """Whether texts or settings are known, not only the models."""
        return bool(self.prompt or self.negative or self.sampler or self.steps) or (
            self.seed is not None
        )

    def completed(self, other: Generation) -> Generation:
        """With the facts of `other` where this one has none."""
        mine = {n: value for n, value in self.as_dict().items() if value not in (None, "", [])}
        return replace(
            Generation(**{**other.as_dict(), **mine}),
            hashes=_distinct([*self.hashes, *other.hashes]),
            made_with_versions=_distinct([*self.made_with_versions, *other.made_with_versions]),
        )

    def listing(self, hashes: Iterable[Any] = (), versions: Iterable[Any] = ()) -> Generation:
        """With `hashes` and `made_with_versions` of all its models, and these."""
        parts = [*self.loras, *self.others]
        found = [self.model_hash, *(each["hash"] for each in parts), *map(model_hash, hashes)]
        ids = [self.model_version_id, *(each["version_id"] for each in parts), *versions]
        return replace(
            self,
            hashes=_distinct(each for each in found if each),
            made_with_versions=_distinct(each for each in ids if each),
        )

    def as_dict(self) -> dict[str, Any]:
        """The facts by name, all of them, unknown ones empty or None."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def resource(
    name: str,
    weight: float | None = None,
    hash_: Any = "",
    version_id: int | None = None,
    model_id: int | None = None,
) -> Resource:
    """One model that took part."""
    return {
        "name": name,
        "weight": weight,
        "hash": model_hash(hash_),
        "version_id": version_id,
        "model_id": model_id,
    }


def model_hash(value: Any) -> str:
    """A hash of a model file as it is compared, lower case; empty when it is none."""
    found = text(value).strip().lower().removeprefix("0x")
    return found if len(found) in _HASH_LENGTHS and _HASH.fullmatch(found) else ""


def from_civitai(told: Mapping[str, Any]) -> Generation:
    """From the answer of `image.getGenerationData`; its meta may be absent or wrapped."""
    outer = mapping(told.get("meta"))
    facts = mapping(outer.get("meta")) or outer
    hashes = _hashes(facts)
    models = mappings(told.get("resources")) or mappings(facts.get("civitaiResources"))
    checkpoint = _checkpoint(models)
    lora_types = {id(each) for each in lora_resources(told)}
    width, height = integer(facts.get("width")), integer(facts.get("height"))
    return Generation(
        prompt=text(facts.get("prompt")),
        negative=text(facts.get("negativePrompt")),
        seed=integer(facts.get("seed")),
        steps=integer(facts.get("steps")),
        sampler=text(facts.get("sampler")),
        scheduler=text(facts.get("scheduler")) or text(facts.get("Schedule type")),
        cfg=number(facts.get("cfgScale")),
        size=text(facts.get("Size")) or (f"{width}x{height}" if width and height else ""),
        model=text(checkpoint.get("modelName")) or text(facts.get("Model")),
        model_hash=model_hash(facts.get("Model hash")) or hashes.get("model", ""),
        model_version_id=version_id(checkpoint),
        loras=[_resource(each, hashes) for each in lora_resources(told)]
        or _named_loras(text(facts.get("prompt")), mappings(facts.get("resources")), hashes),
        others=[
            {"type": _kind(each), **_resource(each, hashes)}
            for each in models
            if id(each) not in lora_types and each is not checkpoint and _type(each)
            if _type(each) not in _LORA_TYPES
        ][:_MOST],
    ).listing(hashes.values(), map(version_id, models[:_MOST]))


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
    parts: dict[str, Any] = {}
    at = _settings_at(lines)
    if at is not None:
        line, parts = _parts(", ".join(_before_templates(lines[at:])))
        lines = lines[:at]
        for name, value in _SETTING.findall(line):
            settings.setdefault(name.strip().lower(), value.strip().strip('"'))
    body = "\n".join(lines)
    prompt, _, negative = ("\n" + body).partition("\nNegative prompt:")
    models = mappings(parts.get("Civitai resources"))
    hashes = _hashes({"hashes": parts.get("Hashes")})
    hashes.update(_listed("lora:", settings.get("lora hashes", "")))
    hashes.update(_listed("embed:", settings.get("ti hashes", "")))
    checkpoint = _checkpoint(models)
    loras = [_resource(each, hashes) for each in models if _type(each) in _LORA_TYPES]
    others = [
        {"type": "embedding", **resource(name.partition(":")[2], hash_=value)}
        for name, value in hashes.items()
        if name.startswith("embed:")
    ]
    if settings.get("vae"):
        others.append({"type": "vae", **resource(settings["vae"], hash_=settings.get("vae hash"))})
    return Generation(
        prompt=prompt.strip(),
        negative=negative.strip(),
        seed=integer(settings.get("seed")),
        steps=integer(settings.get("steps")),
        sampler=settings.get("sampler", ""),
        scheduler=settings.get("schedule type", ""),
        cfg=number(settings.get("cfg scale")),
        size=settings.get("size", ""),
        model=settings.get("model", "") or text(checkpoint.get("modelName")),
        model_hash=model_hash(settings.get("model hash")) or hashes.get("model", ""),
        model_version_id=version_id(checkpoint),
        loras=loras[:_MOST] or _named_loras(prompt, [], hashes),
        others=others[:_MOST],
    ).listing(hashes.values(), map(version_id, models[:_MOST]))


def _settings_at(lines: Sequence[str]) -> int | None:
    """Where the settings begin: mostly the last line, but extensions write more below it."""
    for at in range(len(lines) - 1, -1, -1):
        if _STEPS.match(lines[at]) or (_STEPS.search(lines[at]) and _SEED.search(lines[at])):
            return at
    return len(lines) - 1 if _STEPS.search(lines[-1]) else None


def _before_templates(lines: Sequence[str]) -> Iterator[str]:
    """Without what the prompts were made from, which may look like settings."""
    return takewhile(lambda line: not line.startswith(_TEMPLATES), lines)


def _parts(line: str) -> tuple[str, dict[str, Any]]:
    """The line without the settings that are JSON, and these."""
    found: dict[str, Any] = {}
    for name in _PARTS:
        start = line.find(f"{name}: ")
        if start < 0:
            continue
        begin = start + len(name) + 2
        try:
            found[name], end = json.JSONDecoder().raw_decode(line, begin)
        except (ValueError, RecursionError):
            continue
        line = line[:start] + line[end:].lstrip(" ,")
    return line, found


def _hashes(facts: Mapping[str, Any]) -> dict[str, str]:
    """By `model`, `lora:<name>`, `embed:<name>` …, as the meta and its resources tell them."""
    found: dict[str, str] = {}
    for name, value in islice(mapping(facts.get("hashes")).items(), _MOST):
        if model_hash(value):
            found[_key(name)] = model_hash(value)
    for each in mappings(facts.get("resources"))[:_MOST]:
        kind = _type(each)
        if model_hash(each.get("hash")):
            name = "model" if kind in _MODEL_TYPES else f"{kind}:{text(each.get('name'))}"
            found.setdefault(_key(name), model_hash(each["hash"]))
    return found


def _key(name: str) -> str:
    kind, colon, rest = name.partition(":")
    return f"{kind.lower()}{colon}{rest.strip().casefold()}"


def _listed(kind: str, written: str) -> dict[str, str]:
    """`name: hash, name: hash`, as A1111 lists them."""
    pairs = (each.rpartition(":") for each in written.split(",")[:_MOST])
    return {
        _key(kind + name.strip()): model_hash(value)
        for name, _, value in pairs
        if model_hash(value)
    }


def _resource(given: Mapping[str, Any], hashes: Mapping[str, str]) -> Resource:
    name = text(given.get("modelName")) or text(given.get("name"))
    return resource(
        name,
        number(given.get("strength", given.get("weight"))),
        given.get("hash") or hashes.get(_key(f"lora:{name}"), ""),
        version_id(given),
        integer(given.get("modelId")),
    )


def _named_loras(
    prompt: str, resources: list[Resource], hashes: Mapping[str, str]
) -> list[Resource]:
    """The LoRAs of the prompt's tags and of the meta's own list, each once."""
    found: dict[str, Resource] = {}
    for tag in islice(_LORA_TAG.finditer(prompt), _MOST):
        name, *rest = tag[1].split(":")
        if name:
            hash_ = hashes.get(_key(f"lora:{name}"), "")
            found.setdefault(
                name.casefold(), resource(name, number(rest[0]) if rest else None, hash_)
            )
    for each in resources[:_MOST]:
        if _type(each) in _LORA_TYPES and text(each.get("name")):
            found.setdefault(each["name"].casefold(), _resource(each, hashes))
    return list(found.values())


def _checkpoint(models: Iterable[Resource]) -> Resource:
    return next((each for each in models if _type(each) in _MODEL_TYPES), Resource())


def _kind(each: Mapping[str, Any]) -> str:
    return _KINDS.get(_type(each), _type(each))


def _type(each: Mapping[str, Any]) -> str:
    return (text(each.get("modelType")) or text(each.get("type"))).lower()


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))[:_MOST]
