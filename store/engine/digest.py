"""The digest `curator.digest`: what opening needs of every record, so that none need be parsed.

Derived from one snapshot and worth nothing with another: when it does not fit, is damaged or not
there, the records are parsed. A line for some hundred records each, in the snapshot's order; a line
that says what it belongs to; the checksum.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from ..errors import CuratorError
from ..files import replacing
from .records import decode, loads
from .spec import CollectionSpec, Record

log = logging.getLogger(__name__)

_BATCH = 250
_CHECKSUM = 10


def fields(spec: CollectionSpec) -> list[str]:
    """The fields that a collection's key and indexes are made from."""
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
    sizes: dict[str, int] = {}
    crc = 0
    try:
        with replacing(path) as file:
            for name in declared.keys() & tables.keys():
                sizes[name] = 0
                for line in _lines(tables[name], declared[name]):
                    file.write(line)
                    crc = zlib.crc32(line, crc)
                    sizes[name] += len(line)
                    if paced:
                        # Others may want the interpreter.
                        time.sleep(0.0005)
            tail = orjson.dumps({"snapshot": snapshot, "fields": declared, "sizes": sizes})
            file.write(b"%s\n%08x\n" % (tail, zlib.crc32(tail, crc)))
    except (CuratorError, TypeError) as error:
        # No room, or a number that orjson does not write. What lies there is of another snapshot.
        log.info("no digest of the snapshot: %s", error)


def read(
    path: Path, specs: Mapping[str, CollectionSpec], snapshot: str | None
) -> dict[str, Iterator[Record]]:
    """The digested records of each table, in the snapshot's order; empty when it does not fit."""
    try:
        data = path.read_bytes()
        end = data.rindex(b"\n", 0, -_CHECKSUM) + 1 if len(data) > _CHECKSUM else 0
        tail = data[end:-_CHECKSUM]
        if data[-_CHECKSUM:] != b"\n%08x\n" % zlib.crc32(tail, zlib.crc32(memoryview(data)[:end])):
            return {}
        said = loads(tail)
    except (OSError, ValueError):
        return {}
    declared = {name: fields(spec) for name, spec in specs.items()}
    if snapshot is None or said["snapshot"] != snapshot or said["fields"] != declared:
        return {}
    found: dict[str, Iterator[Record]] = {}
    start = 0
    for name, size in said["sizes"].items():
        found[name] = _records(data[start : start + size])
        start += size
    return found


def _lines(raws: Mapping[int, bytes], wanted: Sequence[str]) -> Iterator[bytes]:
    batch: list[dict[str, Any]] = []
    for raw in raws.values():
        record = decode(raw)
        batch.append({field: record[field] for field in wanted if field in record})
        if len(batch) == _BATCH:
            yield orjson.dumps(batch) + b"\n"
            batch = []
    yield orjson.dumps(batch) + b"\n"


def _records(data: bytes) -> Iterator[Record]:
    for line in data.splitlines():
        yield from loads(line)
