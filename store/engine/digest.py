"""The digest `curator.digest`: what opening needs of every record, so that none need be parsed.

Derived from one snapshot and worth nothing with another: when it does not fit, is damaged or not
there, the records are parsed. A line for some hundred records each, in the snapshot's order: their
document ids, the sizes of their bytes, and the fields that indexes are made from, column by column.
Then a line that says what it belongs to, and the checksum.
"""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from ..errors import CuratorError
from ..files import replacing
from .batches import Batch, Bytes, columns_of
from .records import decode, loads
from .spec import CollectionSpec

log = logging.getLogger(__name__)

_FORMAT = 2
_BATCH = 250
_CHECKSUM = 10


class Table(NamedTuple):
    """The digest of one table, whose first record's line begins at `start` of the snapshot."""

    name: str
    start: int
    lines: bytes

    def batches(self, snapshot: Bytes) -> Iterator[Batch]:
        """The table's records out of the snapshot's bytes."""
        at = self.start
        for line in self.lines.splitlines():
            ids, sizes, columns = loads(line)
            raws: list[bytes] = []
            for doc_id, size in zip(ids, sizes, strict=True):
                # As snapshot.write lays them out: "12":{…},
                at += len(str(doc_id)) + 3
                raws.append(snapshot[at : at + size])
                at += size + 2
            yield Batch(ids, raws, columns)


def fields(spec: CollectionSpec | None) -> list[str]:
    """The fields that a collection's key and indexes are made from."""
    if spec is None:
        return []
    paths = [spec.key]
    for index in spec.indexes:
        paths += [path for path in (index.field, index.order) if path]
    return list(dict.fromkeys(path.split(".")[0] for path in paths))


def write(
    path: Path,
    tables: Mapping[str, Mapping[int, bytes]],
    specs: Mapping[str, CollectionSpec],
    snapshot: str,
    *,
    paced: bool,
) -> None:
    """Write the digest of these tables, whose snapshot has this checksum; or, if it fails, none."""
    declared = {name: fields(spec) for name, spec in specs.items()}
    layout: list[tuple[str, int, int]] = []
    crc = 0
    at = len(b"{\n")
    try:
        with replacing(path) as file:
            for name, raws in tables.items():
                at += len(json.dumps(name)) + len(b":{\n")
                size = 0
                for line in _lines(raws, declared.get(name, [])):
                    file.write(line)
                    crc = zlib.crc32(line, crc)
                    size += len(line)
                    if paced:
                        # Others may want the interpreter.
                        time.sleep(0.0005)
                layout.append((name, at, size))
                at += _length(raws) + len(b"},\n")
            said = {"format": _FORMAT, "snapshot": snapshot, "fields": declared, "layout": layout}
            tail = orjson.dumps(said)
            file.write(b"%s\n%08x\n" % (tail, zlib.crc32(tail, crc)))
    except (CuratorError, TypeError) as error:
        # No room, or a number that orjson does not write. What lies there is of another snapshot.
        log.info("no digest of the snapshot: %s", error)


def read(
    path: Path, specs: Mapping[str, CollectionSpec], snapshot: str | None
) -> list[Table] | None:
    """The digest of each table, in the snapshot's order; None when it does not fit."""
    try:
        data = path.read_bytes()
        end = data.rindex(b"\n", 0, -_CHECKSUM) + 1 if len(data) > _CHECKSUM else 0
        tail = data[end:-_CHECKSUM]
        if data[-_CHECKSUM:] != b"\n%08x\n" % zlib.crc32(tail, zlib.crc32(memoryview(data)[:end])):
            return None
        said = loads(tail)
    except (OSError, ValueError):
        return None
    declared = {name: fields(spec) for name, spec in specs.items()}
    expected = {"format": _FORMAT, "snapshot": snapshot, "fields": declared}
    if any(said.get(name) != value for name, value in expected.items()):
        return None
    found: list[Table] = []
    start = 0
    for name, at, size in said["layout"]:
        found.append(Table(name, at, data[start : start + size]))
        start += size
    return found


def _lines(raws: Mapping[int, bytes], wanted: Sequence[str]) -> Iterator[bytes]:
    every = list(raws)
    for first in range(0, len(every), _BATCH):
        ids = every[first : first + _BATCH]
        batch = [raws[doc_id] for doc_id in ids]
        columns = columns_of(map(decode, batch) if wanted else (), wanted)
        yield orjson.dumps([ids, list(map(len, batch)), columns]) + b"\n"


def _length(raws: Mapping[int, bytes]) -> int:
    """How many bytes the records take in the snapshot; the last one has no comma."""
    lines = sum(len(str(doc_id)) + len(raw) for doc_id, raw in raws.items())
    return lines + len(raws) * len(b'"":,\n') - bool(raws)
