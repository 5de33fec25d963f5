"""The store's files in its folder, and reading them back."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import CuratorError
from ..files import sync_folder, write_atomic
from . import digest, lines, snapshot
from .journal import next_path
from .spec import BrokenStore, CollectionSpec

log = logging.getLogger(__name__)

SNAPSHOT = "curator.json"
JOURNAL = "curator.journal"
DIGEST = "curator.digest"
RECOVERED = "recovered"


class Reading(NamedTuple):
    """What reading came to: the last change, the present journal's good end, and the damage."""

    seq: int
    end: int
    bad: list[bytes]
    tail: bytes
    ours: bool


def rotated(folder: Path) -> list[tuple[int, Path]]:
    """The journals that compaction has set aside, by their last change, oldest first."""
    found: list[tuple[int, Path]] = []
    for path in folder.glob(f"{JOURNAL}.*"):
        suffix = path.name[len(JOURNAL) + 1 :]
        if suffix.isdecimal():
            found.append((int(suffix), path))
    return sorted(found)


def read(
    folder: Path,
    start: Callable[[], snapshot.Load],
    replay: Callable[[Sequence[lines.Step]], None],
    specs: Mapping[str, CollectionSpec] | None = None,
) -> Reading:
    """Hand over the snapshot's records and then every later change of the journals, in order.

    With `specs` their digest is used, where it fits.

    Changes nothing on the disk. Raises BrokenStore.
    """
    digested = None
    if specs is not None:
        digested = digest.read(folder / DIGEST, specs, snapshot.checksum(folder / SNAPSHOT))
    meta = snapshot.read(folder / SNAPSHOT, start, digested)
    seq = meta.seq
    bad: list[bytes] = []
    tail, end = b"", 0
    paths = [path for _, path in rotated(folder)] + [folder / JOURNAL]
    upcoming = next_path(folder / JOURNAL)
    for path in [*paths, upcoming] if upcoming.exists() else paths:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            tail, end = b"", 0
            continue
        except OSError as error:
            raise BrokenStore(f"{path.name} cannot be read: {error.strerror}.") from error
        # What is torn in the middle of the row of journals is damage like any other.
        bad += [tail] if tail else []
        scanned = lines.scan(data)
        bad += scanned.bad
        tail, end = scanned.tail, scanned.end
        for payload in scanned.payloads:
            try:
                number, steps = lines.parse(payload)
            except (ValueError, IndexError, TypeError, AttributeError):
                bad.append(payload)
                continue
            if not steps and number > seq and payload is scanned.payloads[0]:
                raise BrokenStore(
                    f"{SNAPSHOT} ends at change {seq}, and {path.name} begins after {number}: "
                    "what lies between them is missing. Nothing was changed."
                )
            if number > seq:
                replay(steps)
                seq = number
    return Reading(seq, end, bad, tail, meta.ours)


def finish_rotation(folder: Path) -> None:
    """What a compaction did not come to before the power went: the journals' names. Raises OSError.

    A prepared journal that was never written to goes away.
    """
    upcoming = next_path(folder / JOURNAL)
    if not upcoming.exists():
        return
    scanned = lines.scan(upcoming.read_bytes())
    if not scanned.payloads:
        upcoming.unlink()
        return
    before, _ = lines.parse(scanned.payloads[0])
    if (folder / JOURNAL).exists():
        (folder / JOURNAL).replace(folder / f"{JOURNAL}.{before}")
    upcoming.replace(folder / JOURNAL)
    sync_folder(folder)


def keep_aside(folder: Path, damage: Sequence[bytes]) -> Path | None:
    """Keep unreadable bytes in `recovered/`; the same ones once. None if there is no room."""
    data = b"\n".join(each.rstrip(b"\n") for each in damage) + b"\n"
    path = folder / RECOVERED / f"journal-{zlib.crc32(data):08x}.txt"
    try:
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            write_atomic(path, data)
    except (OSError, CuratorError) as error:
        log.error("damaged lines of the journal could not be kept aside: %s", error)
        return None
    return path
