"""Reading a store that another process owns."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from . import folder as files
from .batches import Batch
from .lines import Step
from .records import decode
from .snapshot import Load
from .spec import BrokenStore, Record

_PATIENCE = 10.0


def read_snapshot(folder: Path, collection: str) -> Iterator[Record]:
    """The records of a collection as of now, oldest first, without owning the store.

    Reads the snapshot and the journal and touches nothing; no store is an empty one. Raises
    BrokenStore when the files cannot be understood.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        before = _identity(folder)
        try:
            records = _read(folder, collection)
        except BrokenStore:
            if before == _identity(folder) or time.monotonic() > deadline:
                raise
        else:
            if before == _identity(folder):
                return map(decode, records.values())
            if time.monotonic() > deadline:
                raise BrokenStore("The store changes faster than it can be read.")
        # The owner compacted meanwhile, and a journal may have gone from under our eyes.
        time.sleep(0.005)


def count_records(folder: Path) -> int:
    """How many records a snapshot that nobody writes to holds, of all collections.

    Raises BrokenStore when it cannot be understood or is not as it was written.
    """
    count = 0

    def start() -> Load:
        nonlocal count
        count = 0

        def load(name: str, batches: Iterable[Batch]) -> None:
            nonlocal count
            count += sum(len(batch.ids) for batch in batches)

        return load

    reading = files.read(folder, start, lambda steps: None)
    if not reading.ours:
        raise BrokenStore(f"{files.SNAPSHOT} is not as it was written.")
    return count


def _read(folder: Path, collection: str) -> dict[int, bytes]:
    records: dict[int, bytes] = {}

    def start() -> Load:
        records.clear()

        def load(name: str, batches: Iterable[Batch]) -> None:
            for batch in batches:
                if name == collection:
                    records.update(zip(batch.ids, batch.raws, strict=True))

        return load

    def replay(steps: Sequence[Step]) -> None:
        for step in steps:
            if step.table != collection:
                continue
            if step.doc_id is None:
                records.clear()
            elif step.raw is None:
                records.pop(step.doc_id, None)
            else:
                records[step.doc_id] = step.raw

    files.read(folder, start, replay)
    return records


def _identity(folder: Path) -> tuple[object, ...]:
    """What differs as soon as a compaction has moved anything."""
    journals = tuple(files.rotated(folder))
    try:
        stat = (folder / files.SNAPSHOT).stat()
    except FileNotFoundError:
        return journals
    return (journals, stat.st_ino, stat.st_mtime_ns, stat.st_size)
