"""A record as its JSON bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from .spec import BadRecord, Record

_PLAIN = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_SPACE = 0x20

loads = orjson.loads


def encode(record: Mapping[str, Any]) -> bytes:
    """The record's JSON on one line. Raises BadRecord for what JSON cannot say."""
    try:
        # A copy: what orjson hands out keeps up to ten times its size of memory.
        return bytes(memoryview(orjson.dumps(record, option=_PLAIN)))
    except TypeError:
        # Integers beyond 64 bits, lone surrogates, keys that are numbers. The leading space is
        # still JSON, and tells decode() that orjson would get it wrong.
        return b" " + _encode_exact(record)


def decode(raw: bytes) -> Record:
    """A fresh copy of the record behind the bytes that `encode` made."""
    return json.loads(raw) if raw[0] == _SPACE else loads(raw)


def _encode_exact(record: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(dict(record), separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRecord(f"This cannot be kept as JSON: {error}.") from error
