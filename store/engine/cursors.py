"""Places in a sorted index, and how a caller holds on to one."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, TypeAlias

from ..errors import BadInput

# Rank, value, document id: rank keeps apart what Python does not compare.
Entry: TypeAlias = tuple[int, Any, int]

_NOTHING, NUMBER, TEXT = range(3)


def entry(value: Any, doc_id: int) -> Entry:
    """Where a record with this value stands: no value first, then numbers, then text."""
    if isinstance(value, str):
        return (TEXT, value, doc_id)
    if isinstance(value, (int, float)) and value == value:
        return (NUMBER, value, doc_id)
    return (_NOTHING, 0, doc_id)


def write_cursor(place: Entry) -> str:
    """The place as an opaque text that fits into a URL."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=").decode()


def read_cursor(text: str) -> Entry:
    """The place behind a cursor. Raises BadInput when it is none of ours."""
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        rank, value, doc_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise BadInput("The cursor is not one that was given out here.") from error
    if not isinstance(doc_id, int) or entry(value if rank else None, doc_id)[0] != rank:
        raise BadInput("The cursor is not one that was given out here.")
    return (rank, value if rank else 0, doc_id)
