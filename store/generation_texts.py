"""The texts that flow into a conditioning of ComfyUI's graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Literal, cast

from .json_values import mapping

Side = Literal["positive", "negative"]
_SIDES: tuple[Side, Side] = ("positive", "negative")

_MAIN = ("text", "string", "value", "prompt")
"""The inputs by which one text comes into a node, the likeliest first."""
_LISTED = re.compile(r"(?:text|string|prompt)_?(?:[a-z]|[0-9]{1,2})")
"""Several texts: `text_a`, `string1`, `prompt_02`; `text_g` and `text_l` of SDXL."""
_ENCODED = ("clip_l", "clip_g", "t5xxl", "bert", "mt5xl", "llama")
"""One text for each encoder of a model."""
_DELIMITERS = ("delimiter", "separator")
_OTHERS = 3
_DEPTH = 64
_MOST_JOINED = 1 << 20
"""Characters: a graph made for it would double a text at every node."""

_Nodes = Mapping[str, dict[str, Any]]


class Texts:
    """Follows links (`[node, output]`) against the stream; each output of a node once."""

    def __init__(self, nodes: _Nodes) -> None:
        self._nodes = nodes
        self._known: dict[tuple[str, int, Side], str] = {}
        self._left = _MOST_JOINED

    def into(self, value: Any, side: Side, depth: int = 0) -> str:
        """The text itself, or what the other end of the link makes of its texts."""
        if isinstance(value, str):
            return value
        name, output = source(value), _output(value)
        if name not in self._nodes or depth > _DEPTH:
            return ""
        key = name, output, side
        if key not in self._known:
            self._known[key] = ""  # what a circle of links brings
            self._known[key] = self._made_by(self._nodes[name], output, side, depth + 1)
        return self._known[key]

    def _made_by(self, node: dict[str, Any], output: int, side: Side, depth: int) -> str:
        inputs = mapping(node.get("inputs"))
        if node.get("class_type") == "ConditioningZeroOut":
            return ""
        sided = _of_side(inputs, output, side)
        if sided is not None:
            return self._distinct(sided, side, depth)
        for name in _MAIN:
            found = self.into(inputs.get(name), side, depth)
            if found:
                return found
        names = sorted(filter(_LISTED.fullmatch, inputs), key=_natural)
        listed = [inputs[name] for name in names]
        for name in _DELIMITERS:
            if name in inputs:
                between = self.into(inputs[name], side, depth).replace("\\n", "\n")
                return self._joined((self.into(each, side, depth) for each in listed), between)
        encoded = [inputs.get(name) for name in _ENCODED]
        conditionings = [
            each
            for name, each in inputs.items()
            if name.startswith("conditioning") and source(each)
        ]
        # A node of one text may call it by either side, whatever it is used for.
        other = [each for other in _SIDES for each in _named(inputs, other)]
        further = (listed, encoded, conditionings, other, [inputs.get("basic_pipe")])
        return next(filter(None, (self._distinct(each, side, depth) for each in further)), "")

    def _distinct(self, values: Iterable[Any], side: Side, depth: int) -> str:
        """What is said several times, to each encoder or in each part of the picture, once."""
        found = dict.fromkeys(self.into(each, side, depth) for each in values)
        return self._joined(found, "\n")

    def _joined(self, texts: Iterable[str], between: str) -> str:
        told = [each for each in texts if each]
        if len(told) < 2:
            return told[0] if told else ""
        size = sum(map(len, told)) + len(between) * len(told)
        if size > self._left:
            return told[0]
        self._left -= size
        return between.join(told)


def source(link: Any) -> str:
    """The node that a link comes from; empty when it is none."""
    ends = cast(list[Any], link) if isinstance(link, list) else []
    return str(ends[0]) if ends and isinstance(ends[0], (str, int)) else ""


def _output(link: Any) -> int:
    """The first few, which differ for us; all others are one, so that there are never many."""
    ends = cast(list[Any], link) if isinstance(link, list) else []
    output = ends[1] if len(ends) > 1 and isinstance(ends[1], int) else 0
    return output if 0 <= output < _OTHERS else _OTHERS


def _of_side(inputs: Mapping[str, Any], output: int, side: Side) -> list[Any] | None:
    """What comes in for the side of this output; None for a node that has nothing for it."""
    both = {each: _named(inputs, each) for each in _SIDES}
    if all(both.values()) and all(isinstance(each, list) for each in chain(*both.values())):
        # It hands both on, after the model where it takes one. A node with texts of its own may
        # give them out anywhere: there the side counts from which they are asked for.
        first = 1 if "model" in inputs or "ckpt_name" in inputs else 0
        if first <= output < first + 2:
            side = _SIDES[output - first]
    return both[side] or None


def _named(inputs: Mapping[str, Any], side: Side) -> list[Any]:
    """The texts and links that come in by names of this side."""
    return [each for name, each in inputs.items() if side in name and isinstance(each, (str, list))]


def _natural(name: str) -> tuple[str, int]:
    """So that `text2` comes before `text10`."""
    digits = name[len(name.rstrip("0123456789")) :]
    return name.rstrip("0123456789"), int(digits or 0)
