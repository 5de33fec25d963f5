"""How a picture was made, out of the JSON that Fooocus, NovelAI, InvokeAI and SwarmUI write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

from .generation import Generation, Resource, model_hash, resource
from .json_values import integer, is_object, mapping, number, text

_NAMES = {
    "prompt": ("prompt", "positiveprompt", "c"),
    "negative": ("negativeprompt", "negative", "uc"),
    "seed": ("seed",),
    "steps": ("steps",),
    "sampler": ("samplername", "sampler"),
    "scheduler": ("scheduler", "noiseschedule"),
    "cfg": ("cfgscale", "guidancescale", "cfg", "scale"),
    "size": ("resolution", "size"),
    "model": ("basemodel", "basemodelname", "model"),
    "model_hash": ("basemodelhash", "modelhash"),
}
"""What each program calls it, in small letters and without what stands between words."""
_SIZE = re.compile(r"\D{0,3}([0-9]{1,6})\D{1,5}([0-9]{1,6})\D{0,3}")
_INNER = ("model_name", "name", "model", "lora")
"""Where the name of a model lies within what is told of it."""
_COMBINED = re.compile(r"loracombined[0-9]{1,2}")
_MOST = 100


def from_json(told: Mapping[str, Any]) -> Generation:
    """The facts under any of these names; nothing where the object is of another kind."""
    told = mapping(told.get("sui_image_params")) or told
    facts = {re.sub(r"[\W_]", "", name).lower(): value for name, value in told.items()}
    found = {
        name: next((facts[each] for each in names if facts.get(each) is not None), None)
        for name, names in _NAMES.items()
    }
    return Generation(
        prompt=text(found["prompt"]),
        negative=text(found["negative"]),
        seed=integer(found["seed"]),
        steps=integer(found["steps"]),
        sampler=text(found["sampler"]),
        scheduler=text(found["scheduler"]),
        cfg=number(found["cfg"]),
        size=_size(found["size"], facts),
        model=_name(found["model"]),
        model_hash=model_hash(found["model_hash"]),
        loras=list(islice(_loras(facts), _MOST)),
    ).listing()


def _size(told: Any, facts: Mapping[str, Any]) -> str:
    match = _SIZE.fullmatch(text(told))
    width, height = match.groups() if match else (facts.get("width"), facts.get("height"))
    width, height = integer(width), integer(height)
    return f"{width}x{height}" if width and height else ""


def _loras(facts: Mapping[str, Any]) -> Iterator[Resource]:
    listed = _list(facts.get("loras"))
    weights = _list(facts.get("loraweights"))
    for at, each in enumerate(listed[:_MOST]):
        if is_object(each):
            part = [_name(each), each.get("weight"), None]
        elif isinstance(each, list):
            part = [*_list(each), None, None, None]
        else:
            part = [each, weights[at] if at < len(weights) else None, None]
        if _name(part[0]):
            yield resource(_name(part[0]), number(part[1]), part[2])
    for name, value in facts.items():
        if not listed and _COMBINED.fullmatch(name):
            name, _, weight = text(value).rpartition(" : ")
            if name:
                yield resource(name, number(weight))


def _name(value: Any) -> str:
    """The name of a model, which may lie within what is told of it."""
    for _ in range(3):
        if not is_object(value):
            break
        value = next((value[each] for each in _INNER if value.get(each)), None)
    return text(value)


def _list(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []
