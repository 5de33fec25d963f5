"""The names and shapes in a model's header, made quick to ask for what they give away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from itertools import islice
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")

_DIGITS = {ord(digit): "#" for digit in "0123456789"}
_MOST_NAMES = 200_000
_MOST = (1 << 63) - 1
# The half of a LoRA that gives out: what it takes in is its rank.
_OUTPUTS = (
    "lora_up.weight",
    "lora_B.weight",
    "lora_B.default.weight",
    "w1_a",
    "w2_a",
)
# Of a LoRA's pairs the half whose first side is the rank.
_DOWN = (
    *(
        f"{name}{default}{weight}"
        for name in ("lora_down", "lora_A", "lora.down")
        for default in ("", ".default")
        for weight in ("", ".weight")
    ),
    "hada_w1_b",
    "lokr_w1_b",
)


class Tensor(NamedTuple):
    """One tensor: its type as the format calls it, its shape in torch's order.

    `start` and `end` are offsets into the data after the header; `end` is -1 where nobody can tell.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def holds(text: str, markers: tuple[str, ...]) -> bool:
    """Whether one of the markers stands in the text of a sketch."""
    return any(_line(each) in text for each in markers)


def holds_dotted(dotted: str, markers: tuple[str, ...]) -> bool:
    """The same of its dotted text."""
    return any(_dotted_line(each) in dotted for each in markers)


@cache
def _line(marker: str) -> str:
    return marker.replace("^", "\n").replace("$", "\n")


@cache
def _dotted_line(marker: str) -> str:
    return _line(marker).replace("_", ".")


class Sketch:
    """A header's tensors to ask questions of; files whose tensors are the same share one.

    Names stand in `text`, one a line, each number as one `#`; in `dotted` also each `_` as a dot,
    for trainers of LoRAs write `double_blocks_0_img` where the model has `double_blocks.0.img`.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        self.answers: dict[tuple[object, str], Any] = {}
        """What `once` keeps."""

    @cached_property
    def text(self) -> str:
        """The names, one a line, each number as one `#`; empty when there are none."""
        names = islice(self.tensors, _MOST_NAMES)
        counted = "\n".join(names).translate(_DIGITS)
        while "##" in counted:
            counted = counted.replace("##", "#")
        lines = "\n".join(dict.fromkeys(counted.split("\n")))
        return f"\n{lines}\n" if lines else ""

    @cached_property
    def dotted(self) -> str:
        """The same with a dot for each `_`."""
        return self.text.replace("_", ".")

    @cached_property
    def dtypes(self) -> dict[str, int]:
        """Parameters by type, the most frequent type first."""
        counts: dict[str, int] = {}
        for dtype, shape, *_ in self.tensors.values():
            counts[dtype] = counts.get(dtype, 0) + math.prod(shape)
        by_count = sorted(counts.items(), key=lambda each: -each[1])
        return {dtype: min(_MOST, count) for dtype, count in by_count}

    @cached_property
    def rank(self) -> int | None:
        """The usual rank of a LoRA's matrices; None for what is none."""
        counts: dict[int, int] = {}
        for name, each in self.tensors.items():
            if name.endswith(_DOWN) and each.shape:
                rank = each.shape[0]
                counts[rank] = counts.get(rank, 0) + 1
        return max(counts, key=lambda rank: counts[rank]) if counts else None

    def has(self, marker: str) -> bool:
        """Whether a name holds it; `^` and `$` stand for a name's beginning and end."""
        return _line(marker) in self.text

    def has_dotted(self, marker: str) -> bool:
        """The same where blanks between words may be dots or underscores."""
        return _dotted_line(marker) in self.dotted

    def shape(self, *parts: str) -> tuple[int, ...]:
        """The shape of the first tensor whose name holds all of these; `()` when there is none."""
        for name, tensor in self.tensors.items():
            if all(part in name for part in parts):
                return tensor.shape
        return ()

    def reads(self, *names: str) -> int:
        """How many numbers the first layer whose name holds one of these takes in; 0: unknown."""
        for name, tensor in self.tensors.items():
            if len(tensor.shape) >= 2 and any(each in name for each in names):
                if not name.endswith(_OUTPUTS):
                    return tensor.shape[1]
        return 0


def once(work: Callable[[Sketch, str], _T]) -> Callable[[Sketch, str], _T]:
    """`work`, done once for each sketch and text, and kept as long as the sketch lives."""

    def asked(sketch: Sketch, text: str) -> _T:
        key = (work, text)
        answers = sketch.answers
        if key not in answers:
            answers[key] = work(sketch, text)
        return answers[key]

    return asked
