"""The snapshot `curator.json`: all tables as JSON that plain TinyDB opens, a record a line."""

from __future__ import annotations

import json
import logging
import mmap
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias

from ..files import replacing
from .batches import Batch
from .digest import Table
from .disk import sync_data
from .records import encode
from .spec import BrokenStore

log = logging.getLogger(__name__)

# TinyDB shows it as one more table; it holds what belongs to the file itself.
META = "_curator"
_META_LINE = re.compile(rb'"_curator":\{"1":(\{[^{}]*\})\}\n?')
_META_END = re.compile(rb'"crc":"([0-9a-f]{8})"\}\}\n\}\n\Z')
_BATCH = 128
_LOADED_AT_ONCE = 500
_COMMA = 0x2C
_BUFFER = 1 << 18
# To sync often keeps the disk's queue short, so that the journal's syncs do not wait behind it.
_SYNC_EVERY = 1 << 18


Load: TypeAlias = Callable[[str, Iterable[Batch]], None]
"""Takes a table's records, in order."""


class Meta(NamedTuple):
    """The number of the last change in a snapshot, and whether its bytes are as we wrote them."""

    seq: int
    ours: bool


def write(
    path: Path,
    tables: Mapping[str, Mapping[int, bytes]],
    seq: int,
    *,
    paced: bool,
    before_replacing: Callable[[], None],
) -> str:
    """Replace the snapshot atomically by these tables; its checksum. Raises DiskFull.

    `paced`: leave half of the disk's time to others.
    """
    with replacing(path) as file:
        crc = unsynced = 0
        for chunk in _chunks(tables):
            file.write(chunk)
            crc = zlib.crc32(chunk, crc)
            unsynced += len(chunk)
            if unsynced >= _SYNC_EVERY:
                file.flush()
                start = time.perf_counter()
                sync_data(file.fileno())
                unsynced = 0
                if paced:
                    time.sleep(time.perf_counter() - start)
        meta = {"format": 1, "seq": seq, "crc": f"{crc:08x}"}
        file.write(b'"%s":{"1":%s}\n}\n' % (META.encode(), encode(meta)))
        before_replacing()
    return f"{crc:08x}"


def checksum(path: Path) -> str | None:
    """The checksum that a snapshot of ours says it has."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 300))
            found = _META_END.search(file.read())
    except OSError:
        return None
    return found[1].decode() if found else None


def read(path: Path, start: Callable[[], Load], digested: Sequence[Table] | None = None) -> Meta:
    """Hand every table's records to the function that `start` gives; no file is an empty one.

    `digested` is the digest of the snapshot that says it has this checksum. Begins again with a
    new `start()` when the file turns out to be somebody else's work. Raises BrokenStore when it is
    no snapshot at all.
    """
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            try:
                if digested is not None:
                    return Meta(_read_digested(file, start(), digested), ours=True)
                return Meta(_read_ours(file, start()), ours=True)
            except (ValueError, IndexError) as error:
                log.warning("%s is not as it was written: %s", path.name, error)
            file.seek(0)
            return _read_any(file.read(), path.name, start())
    except FileNotFoundError:
        return Meta(0, ours=True)
    except OSError as error:
        raise BrokenStore(f"{path.name} cannot be read: {error.strerror}.") from error


def _chunks(tables: Mapping[str, Mapping[int, bytes]]) -> Iterator[bytes]:
    yield b"{\n"
    for name, records in tables.items():
        yield b"%s:{\n" % json.dumps(name).encode()
        items = iter(records.items())
        following = next(items, None)
        while following is not None:
            batch: list[bytes] = []
            while following is not None and len(batch) < _BATCH:
                doc_id, raw = following
                following = next(items, None)
                comma = b"" if following is None else b","
                batch.append(b'"%d":%s%s\n' % (doc_id, raw, comma))
            yield b"".join(batch)
        yield b"},\n"


def _read_digested(file: IO[bytes], load: Load, digested: Sequence[Table]) -> int:
    """Take the file apart where the digest says. Raises ValueError before anything is handed over
    when the file is not what it says it is.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = data.rfind(b"\n", 0, len(data) - len(b"\n}\n")) + 1
        with memoryview(data) as view:
            seq = _sequence(data[end:], zlib.crc32(view[:end]))
        for table in digested:
            load(table.name, table.batches(data))
    return seq


def _read_ours(file: IO[bytes], load: Load) -> int:
    crc = 0

    def batches() -> Iterator[Batch]:
        nonlocal crc
        crc32, find = zlib.crc32, bytes.find
        ids: list[int] = []
        raws: list[bytes] = []
        for line in file:
            crc = crc32(line, crc)
            cut = find(line, b":")
            if cut < 0:
                break
            ids.append(int(line[1 : cut - 1]))
            raws.append(line[cut + 1 : -2 if line[-2] == _COMMA else -1])
            if len(ids) == _LOADED_AT_ONCE:
                yield Batch(ids, raws)
                ids, raws = [], []
        yield Batch(ids, raws)

    crc = zlib.crc32(file.readline())
    while (line := file.readline()).endswith(b":{\n"):
        crc = zlib.crc32(line, crc)
        load(json.loads(line[:-3]), batches())
    return _sequence(line + file.read(), crc)


def _sequence(ending: bytes, crc: int) -> int:
    """The number of the last change, from a snapshot's last lines. Raises ValueError."""
    found = _META_LINE.fullmatch(ending.removesuffix(b"}\n"))
    if found is None or not ending.endswith(b"\n}\n"):
        raise ValueError("another layout")
    meta = json.loads(found[1])
    if meta["crc"] != f"{crc:08x}":
        raise ValueError("another checksum")
    return int(meta["seq"])


def _read_any(data: bytes, name: str, load: Load) -> Meta:
    try:
        # An empty file is what plain TinyDB makes of a new one.
        # Not orjson: somebody else's integers may be of any size.
        tables: dict[str, Any] = json.loads(data) if data.strip() else {}
        own = tables.pop(META, {}).get("1", {})
        seq = int(own.get("seq", 0))
        for table, documents in tables.items():
            load(table, [Batch(list(map(int, documents)), list(map(encode, documents.values())))])
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise BrokenStore(f"{name} is broken: {error}. Nothing was changed.") from error
    return Meta(seq, ours=False)
