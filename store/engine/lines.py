"""The journal's lines: one change each, whole or not there.

`crc32 length [seq,"table",id,record]`, and `crc32 length [seq,[["table",id,record],…]]` for what
happens together. A record of null is a removal, an id of null the end of the whole table. `[seq]`
alone, as the first line of a file, says which change came last before it.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from .records import encode, loads

# A quote right after the number: inside of a record's text it would be escaped, so no text that
# somebody wrote into a record can pass for a line.
_HEAD = re.compile(rb'([0-9a-f]{8}) ([1-9][0-9]{0,9}) (?= ?\[[0-9]+(?:,"|,\[\["|\]))')
_SINGLE = re.compile(rb' ?\[([0-9]+),("(?:[^"\\]|\\.)*"),([0-9]+),')


class Step(NamedTuple):
    """One record's new bytes, or None for gone; no `doc_id`: the whole table is gone."""

    table: str
    doc_id: int | None
    raw: bytes | None


class Scan(NamedTuple):
    """A journal's payloads in order, its damaged stretches, its torn end and where that begins."""

    payloads: list[bytes]
    bad: list[bytes]
    tail: bytes
    end: int


def single(seq: int, table: bytes, doc_id: int, raw: bytes | None) -> bytes:
    """The line of one change; `table` is the name as JSON."""
    if raw is None:
        return _checked(b"[%d,%s,%d,null]" % (seq, table, doc_id))
    head = b"[%d,%s,%d," % (seq, table, doc_id)
    if raw[0] == 0x20:
        head = b" " + head
    # In parts, so that the record is copied once.
    crc = zlib.crc32(b"]", zlib.crc32(raw, zlib.crc32(head)))
    return b"%08x %d %s%s]\n" % (crc, len(head) + len(raw) + 1, head, raw)


def joined(seq: int, steps: Sequence[tuple[bytes, int | None, bytes | None]]) -> bytes:
    """The line of several changes that happen together; table names as JSON."""
    parts: list[bytes] = []
    exact = b""
    for table, doc_id, raw in steps:
        number = b"null" if doc_id is None else b"%d" % doc_id
        parts.append(b"[%s,%s,%s]" % (table, number, raw or b"null"))
        if raw is not None and raw[0] == 0x20:
            exact = b" "
    return _checked(b"%s[%d,[%s]]" % (exact, seq, b",".join(parts)))


def base(seq: int) -> bytes:
    """The first line of a journal that begins after change `seq`."""
    return _checked(b"[%d]" % seq)


def parse(payload: bytes) -> tuple[int, list[Step]]:
    """The number and the steps of a payload. Raises ValueError, IndexError or TypeError."""
    head = _SINGLE.match(payload)
    if head is not None:
        # The record's bytes are taken as they are: the checksum vouches for them.
        raw = payload[head.end() : -1]
        return int(head[1]), [Step(loads(head[2]), int(head[3]), None if raw == b"null" else raw)]
    values: list[Any] = json.loads(payload) if payload[0] == 0x20 else loads(payload)
    steps: list[Step] = []
    for table, doc_id, record in values[1] if len(values) > 1 else ():
        steps.append(Step(table, doc_id, None if record is None else encode(record)))
    return values[0], steps


def scan(data: bytes) -> Scan:
    """Every whole line of a journal's bytes; what lies between them is damage, the rest torn."""
    end = len(data.rstrip(b"\0"))
    payloads: list[bytes] = []
    bad: list[bytes] = []
    position = 0
    while position < end:
        found = _line_at(data, position)
        if found is None:
            following = _next_line(data, position + 1)
            if following is None:
                return Scan(payloads, bad, data[position:end], position)
            bad.append(data[position:following].strip(b"\0"))
            position = following
            continue
        payload, position = found
        payloads.append(payload)
    return Scan(payloads, bad, b"", position)


def _checked(payload: bytes) -> bytes:
    return b"%08x %d %s\n" % (zlib.crc32(payload), len(payload), payload)


def _line_at(data: bytes, position: int) -> tuple[bytes, int] | None:
    head = _HEAD.match(data, position)
    if head is None:
        return None
    start = head.end()
    end = start + int(head[2])
    payload = data[start:end]
    # The newline counts as part of it: a line without one was being written.
    if end >= len(data) or zlib.crc32(payload) != int(head[1], 16):
        return None
    return payload, end + 1


def _next_line(data: bytes, position: int) -> int | None:
    for head in _HEAD.finditer(data, position):
        if _line_at(data, head.start()) is not None:
            return head.start()
    return None
