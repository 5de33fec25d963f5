"""What a model file says of itself in its first bytes: safetensors, GGUF; pickles told as such.

Whatever the bytes are, nothing is raised and little is read: a file found on a disk may be empty,
torn, still growing or made to hurt.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

import orjson

from .model_sketch import Sketch, Tensor

__all__ = ["Header", "Tensor", "auto_v2", "forget_layouts", "read_header"]

Format = Literal["safetensors", "gguf", "pickle", "other"]

SAFETENSORS_SUFFIXES = frozenset((".safetensors", ".sft"))
PICKLE_SUFFIXES = frozenset((".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl"))

_LONGEST_JSON = 32 << 20
"""Real headers stay below a few MiB; safetensors itself takes up to 100 MB."""
_FIRST_READ = 16 << 10
_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    # Nobody may ever write into a pipe that has the name of a model.
    | getattr(os, "O_NONBLOCK", 0)
)
_MOST = (1 << 63) - 1
_METADATA, _METADATA_END = b'{"__metadata__":{', b'"},"'
_LONGEST_LAYOUT = 512 << 10
_LAYOUTS_KEPT = 24

_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}


@dataclass
class Header:
    """What was read. With an `error` (one sentence for a person) the rest may be there in part."""

    format: Format
    size: int = 0
    """Of the whole file in bytes, as it was when the header was read."""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Safetensors: texts. GGUF: texts, numbers, switches, short lists of them."""
    tensors: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    data_start: int = 0
    """Offset of the tensors' data in the file; AutoV3 is the SHA-256 from there on."""
    error: str = ""
    shared: Sketch | None = None
    """Of these tensors; other files with the same have the same sketch."""

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold together."""
        return min(_MOST, sum(self.dtypes.values()))

    @property
    def dtypes(self) -> Mapping[str, int]:
        """Parameters by type, the most frequent type first."""
        return self.sketch.dtypes

    @property
    def rank(self) -> int | None:
        """The usual rank of a LoRA's matrices; None for what is none."""
        return self.sketch.rank

    @property
    def sketch(self) -> Sketch:
        """The tensors, to ask questions of."""
        if self.shared is None:
            self.shared = Sketch(self.tensors)
        return self.shared

    def says(self, key: str) -> str:
        """A text of the metadata, empty when there is none."""
        value = self.metadata.get(key)
        return value.strip() if isinstance(value, str) else ""


def read_header(path: str | os.PathLike[str], *, strict: bool = False) -> Header:
    """The header of the file at `path`.

    `strict` tells as an error what a loader may refuse although the list can live with it: keys
    that stand twice, tensors that overlap, leave gaps or do not fit their shapes.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError) as error:
        return Header("other", error=f"The file cannot be read: {_reason(error)}.")
    try:
        return _read(descriptor, _suffix(path), strict)
    except OSError as error:
        return Header("other", error=f"The file cannot be read: {_reason(error)}.")
    finally:
        os.close(descriptor)


def auto_v2(sha256: str) -> str:
    """The short hash that pictures give of checkpoints."""
    return sha256[:10]


def _read(descriptor: int, suffix: str, strict: bool) -> Header:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return Header("other", error="This is no file.")
    size = found.st_size
    first = os.read(descriptor, _FIRST_READ)
    if not first:
        return Header("other", size, error="The file is empty.")
    if first[:4] == b"GGUF":
        from .gguf_headers import read_gguf  # few libraries hold one

        return read_gguf(descriptor, size, strict)
    length = int.from_bytes(first[:8], "little")
    if suffix in SAFETENSORS_SUFFIXES or (first[8:9] == b"{" and length <= _LONGEST_JSON):
        return _safetensors(descriptor, size, first, length, strict)
    if _is_pickle(first) or suffix in PICKLE_SUFFIXES:
        return Header("pickle", size)
    return Header("other", size)


def _safetensors(descriptor: int, size: int, first: bytes, length: int, strict: bool) -> Header:
    def broken(why: str) -> Header:
        return Header("safetensors", size, error=why)

    if len(first) < 8:
        return broken("The file is cut short: it ends within its header's length.")
    if length > _LONGEST_JSON:
        return broken(f"This is no safetensors file: its header would take {length:,} bytes.")
    if 8 + length > size:
        return broken("The file is cut short: it ends within its header.")
    text = first[8 : 8 + length]
    if len(text) < length:
        text += _rest(descriptor, len(first), length - len(text))
    try:
        said, layout = _parsed(text)
        if strict:
            _refuse_twins(text)
    except (ValueError, RecursionError) as error:
        return broken(f"The header is no JSON: {error}." if text else "The header is empty.")
    if layout is None:
        return broken("The header is no JSON object.")
    data_start = 8 + length
    wrong, reach = layout.wrong, layout.reach
    if data_start + reach > size:
        wrong = wrong or f"The file is cut short: {data_start + reach - size:,} bytes are missing."
    tensors = layout.sketch.tensors
    if strict and not wrong:
        wrong = _misfit(tensors, size - data_start)
    return Header("safetensors", size, _texts(said), tensors, data_start, wrong, layout.sketch)


class _Layout(NamedTuple):
    """The tensors of a header, what is wrong with them, and the end of their data."""

    sketch: Sketch
    wrong: str
    reach: int


def _parsed(text: bytes) -> tuple[Any, _Layout | None]:
    """Metadata and tensors; no tensors when it is no object. Raises ValueError.

    Writers put the metadata first, and what follows is the same in all LoRAs of a trainer: it is
    read once. Whether they were told apart rightly shows, for only then both are JSON.
    """
    end = text.find(_METADATA_END) if text.startswith(_METADATA) else -1
    if 0 < end and len(text) - end < _LONGEST_LAYOUT:
        try:
            head = orjson.loads(text[: end + 2] + b"}")
            if len(head) == 1:
                return head["__metadata__"], _known_layout(text[end + 3 :].rstrip())
        except ValueError:
            pass  # the whole will tell what is wrong
    parsed = orjson.loads(text)
    if not isinstance(parsed, dict):
        return None, None
    entries = cast("dict[str, Any]", parsed)
    said = entries.pop("__metadata__", None)
    return said, _layout(entries)


@lru_cache(_LAYOUTS_KEPT)
def _known_layout(text: bytes) -> _Layout:
    entries = cast("dict[str, Any]", orjson.loads(b"{" + text))
    if "__metadata__" in entries:
        raise ValueError("the metadata stand twice")
    return _layout(entries)


def forget_layouts() -> None:
    """Give up what is kept of headers that were read; they take some MB."""
    _known_layout.cache_clear()


def _layout(entries: Mapping[str, Any]) -> _Layout:
    tensors: dict[str, Tensor] = {}
    wrong = ""
    for name, entry in entries.items():
        try:
            start, end = entry["data_offsets"]
            tensor = Tensor(entry["dtype"], tuple(entry["shape"]), start, end)
        except (KeyError, TypeError, ValueError):
            wrong = wrong or f"The header does not say where the tensor {name[:100]!r} lies."
            continue
        if _is_sound(tensor):
            tensors[name] = tensor
        else:
            wrong = wrong or f"The tensor {name[:100]!r} has an impossible place or shape."
    reach = max((each.end for each in tensors.values()), default=0)
    return _Layout(Sketch(tensors), wrong, reach)


def _is_sound(tensor: Tensor) -> bool:
    dtype, shape, start, end = tensor
    if type(dtype) is not str or type(start) is not int or type(end) is not int:
        return False
    for side in shape:
        if type(side) is not int or not 0 <= side <= _MOST:
            return False
    return 0 <= start <= end <= _MOST


def _misfit(tensors: Mapping[str, Tensor], room: int) -> str:
    """What is wrong with the layout of the data; empty when nothing is."""
    at = 0
    for name, each in sorted(tensors.items(), key=lambda item: item[1][2:]):
        if each.start != at:
            return f"The data of the tensor {name[:100]!r} do not follow on those before."
        bits = _BITS.get(each.dtype)
        if bits is None:
            return f"The tensor {name[:100]!r} is of an unknown type."
        if math.prod(each.shape) * bits != (each.end - each.start) * 8:
            return f"The data of the tensor {name[:100]!r} do not fit its shape."
        at = each.end
    return "" if at == room else f"There are {room - at:,} bytes after the last tensor."


def _refuse_twins(text: bytes) -> None:
    """Raise ValueError when a key stands twice in an object."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a key stands twice")

    json.loads(text, object_pairs_hook=check)


def _texts(said: Any) -> dict[str, str]:
    """The metadata as texts, which they have to be and not always are."""
    if not isinstance(said, dict):
        return {}
    texts = cast("dict[str, Any]", said)
    for name, value in texts.items():
        if not isinstance(value, str):
            texts[name] = orjson.dumps(value).decode()
    return texts


def _rest(descriptor: int, offset: int, length: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    parts: list[bytes] = []
    while length > 0:
        part = os.read(descriptor, min(length, 1 << 20))
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _is_pickle(first: bytes) -> bool:
    """A pickle of protocol 2 and later, or the archive in which torch puts one."""
    if first[0] == 0x80 and first[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    if first[:4] != b"PK\x03\x04":
        return False
    name = first[30 : 30 + int.from_bytes(first[26:28], "little")]
    return name.endswith((b"data.pkl", b"/.format_version", b"/version", b"/byteorder"))


def _suffix(path: str | os.PathLike[str]) -> str:
    # Ten times as fast as Path.suffix, for every file of a library.
    text = os.fspath(path)
    return text[text.rfind(".") :].lower()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it has no usable name"
