"""The header of a GGUF file (versions 2 and 3, either byte order): keys and tensor infos."""

from __future__ import annotations

import math
import os
import struct
from typing import Any

from .model_headers import Header, Tensor

_MOST_BYTES = 64 << 20
"""Of a header; a big vocabulary takes about ten MiB."""
_MOST_ITEMS = 2_000_000
_LONGEST_TEXT = 4 << 20
_KEPT_ITEMS = 64
"""Of a list; longer ones are vocabularies and tables."""
_DEEPEST = 3
_TEXT, _LIST = 8, 9
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}

# ggml's types: name, numbers in a block, bytes of a block.
_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}


class _Broken(Exception):
    """Why the header cannot be read on."""


class _Bytes:
    """The header's bytes in their order, read piece by piece and never too many."""

    def __init__(self, descriptor: int, size: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        self._descriptor = descriptor
        self._size = size
        self._buffer = b""
        self._at = 0
        self._before = 0
        self.order = "<"

    @property
    def position(self) -> int:
        return self._before + self._at

    def take(self, count: int) -> bytes:
        if self.position + count > min(self._size, _MOST_BYTES):
            raise _Broken(
                "The file is cut short: it ends within its header."
                if self.position + count > self._size
                else "The header is too large."
            )
        while len(self._buffer) - self._at < count:
            more = os.read(self._descriptor, 1 << 18)
            if not more:
                raise _Broken("The file is cut short: it ends within its header.")
            self._before += self._at
            self._buffer = self._buffer[self._at :] + more
            self._at = 0
        self._at += count
        return self._buffer[self._at - count : self._at]

    def number(self, code: str) -> Any:
        return struct.unpack(self.order + code, self.take(struct.calcsize(self.order + code)))[0]

    def text(self, *, longest: int = _LONGEST_TEXT) -> str:
        length = self.number("Q")
        if length > longest:
            raise _Broken("The header holds a text that is too long.")
        return self.take(length).decode(errors="replace")


def read_gguf(descriptor: int, size: int, strict: bool) -> Header:
    """The header behind the magic; `end` of a tensor of an unknown type is -1."""
    metadata: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    data_start = 0
    try:
        source = _Bytes(descriptor, size)
        source.take(4)
        tensor_count, key_count = _counts(source)
        for _ in range(key_count):
            name = source.text(longest=1 << 16)
            if strict and name in metadata:
                raise _Broken(f"The key {name[:100]!r} stands twice.")
            value = _value(source, source.number("I"), 0)
            if value is not None:
                metadata[name] = value
        for _ in range(tensor_count):
            name = source.text(longest=1 << 16)
            if strict and name in tensors:
                raise _Broken(f"The tensor {name[:100]!r} stands twice.")
            tensors[name] = _tensor(source, strict)
        data_start = _aligned(source.position, metadata.get("general.alignment", 32))
    except _Broken as error:
        return Header("gguf", size, metadata, tensors, 0, str(error))
    reach = data_start + max((each.end for each in tensors.values()), default=0)
    missing = reach - size
    wrong = f"The file is cut short: {missing:,} bytes are missing." if missing > 0 else ""
    return Header("gguf", size, metadata, tensors, data_start, wrong)


def _counts(source: _Bytes) -> tuple[int, int]:
    version = source.number("I")
    if version & 0xFFFF == 0:
        # The magic is the same in both byte orders; the version tells.
        source.order = ">"
        version = int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in (2, 3):
        raise _Broken(f"GGUF of version {version} is not known.")
    tensor_count, key_count = source.number("Q"), source.number("Q")
    if max(tensor_count, key_count) > _MOST_ITEMS:
        raise _Broken("The header claims more tensors or keys than any model has.")
    return tensor_count, key_count


def _value(source: _Bytes, kind: int, depth: int) -> Any:
    """A key's value; None for lists that are too long to keep."""
    if kind == _TEXT:
        return source.text()
    if kind in _NUMBERS:
        value = source.number(_NUMBERS[kind])
        # JSON has no words for these.
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if kind != _LIST or depth == _DEEPEST:
        raise _Broken(f"The header holds a value of an unknown type, {kind}.")
    inner, count = source.number("I"), source.number("Q")
    if inner in _NUMBERS and count > _KEPT_ITEMS:
        _skip(source, count * struct.calcsize("<" + _NUMBERS[inner]))
        return None
    if count > _MOST_ITEMS:
        raise _Broken("The header holds a list that is too long.")
    kept = [
        value
        for _ in range(min(count, _KEPT_ITEMS))
        if (value := _value(source, inner, depth + 1)) is not None
    ]
    for _ in range(count - _KEPT_ITEMS):
        _value(source, inner, depth + 1)
    return kept if count <= _KEPT_ITEMS else None


def _skip(source: _Bytes, count: int) -> None:
    if count > _MOST_BYTES:
        raise _Broken("The header is too large.")
    while count > 0:
        part = min(count, 1 << 18)
        source.take(part)
        count -= part


def _tensor(source: _Bytes, strict: bool) -> Tensor:
    sides = source.number("I")
    if sides > 8:
        raise _Broken("The header tells of a tensor with too many dimensions.")
    # ggml counts from the innermost dimension, torch from the outermost.
    shape = tuple(reversed([int(source.number("Q")) for _ in range(sides)]))
    kind, start = source.number("I"), source.number("Q")
    name, block, block_bytes = _TYPES.get(kind, (f"type {kind}", 0, 0))
    count = math.prod(shape)
    if count >> 60 or start >> 62:
        raise _Broken("The header tells of a tensor with an impossible place or shape.")
    if not block:
        if strict:
            raise _Broken(f"The header tells of a tensor of an unknown type, {kind}.")
        return Tensor(name, shape, start, -1)
    return Tensor(name, shape, start, start + -(-count // block) * block_bytes)


def _aligned(position: int, alignment: Any) -> int:
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        alignment = 32
    return -(-position // alignment) * alignment
