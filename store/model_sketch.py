"""The names and shapes in a model's header, made quick to ask for what they give away."""

from __future__ import annotations

from functools import cache
from itertools import islice

from .model_headers import Header

_DIGITS = {ord(digit): "#" for digit in "0123456789"}
_MOST_NAMES = 200_000
# The half of a LoRA that gives out: what it takes in is its rank.
_OUTPUTS = (
    "lora_up.weight",
    "lora_B.weight",
    "lora_B.default.weight",
    "w1_a",
    "w2_a",
)


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
    """A header to ask questions of.

    Names stand in `text`, one a line, each number as one `#`; in `dotted` also each `_` as a dot,
    for trainers of LoRAs write `double_blocks_0_img` where the model has `double_blocks.0.img`.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.tensors = header.tensors
        names = islice(header.tensors, _MOST_NAMES)
        counted = "\n".join(names).translate(_DIGITS)
        while "##" in counted:
            counted = counted.replace("##", "#")
        lines = "\n".join(dict.fromkeys(counted.split("\n")))
        self.text = f"\n{lines}\n" if lines else ""
        self.dotted = self.text.replace("_", ".")

    def has(self, marker: str) -> bool:
        """Whether a name holds it; `^` and `$` stand for a name's beginning and end."""
        return _line(marker) in self.text

    def has_dotted(self, marker: str) -> bool:
        """The same where blanks between words may be dots or underscores."""
        return _dotted_line(marker) in self.dotted

    def says(self, key: str) -> str:
        """A text of the metadata, empty when there is none."""
        value = self.header.metadata.get(key)
        return value.strip() if isinstance(value, str) else ""

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
