"""How places are kept: a few dozen to a record, for one each would cost too much.

Measured with 10,000 places: a record each takes 0.6 s for every round of hashing, leaves of 32
take 0.03 s; what is in them can be found again on the disk, so none is fsynced. Hashes that become
known are written apart until their leaf has to be written anyway: they are a fifth of it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Any, cast

from .engine import CollectionSpec, Database, Record
from .library_walk import Facts

PLACES = CollectionSpec("places", key="leaf", durable=False)
HASHES = CollectionSpec("place_hashes", key="leaf", durable=False)

NO_AUTO_V3 = "-"
"""Kept in place of an AutoV3 where there can be none, so that it is not looked for again."""

_AN_ID = 16
_IDS_DRAWN = 256
_IN_A_LEAF = 32
_AT_ONCE = 20
_STATED = '"auto_v3":"'
_Listed = tuple[str, str, list[str]]


def join(folder: str, name: str) -> str:
    """The path of a file in a folder."""
    return folder + name if folder[-1:] in (os.sep, os.altsep) else folder + os.sep + name


class Area:
    """A folder with places: where it lies, the types whose roots it lies in, its files by name."""

    __slots__ = ("kinds", "path", "root", "spots")

    def __init__(self, path: str, root: str, kinds: tuple[str, ...]) -> None:
        self.path = path
        self.root = root
        self.kinds = kinds
        self.spots: dict[str, Spot] = {}


class Spot:
    """A place as it is held in memory; only its owner, `Places`, changes it.

    `gone`: when (ms) it was missed first, 0 while it is there. `unsure`: time or inode differ from
    when it was hashed, so the hash is believed only until it is taken again.
    """

    __slots__ = (
        "area",
        "auto_v3",
        "facts",
        "first_seen",
        "gone",
        "leaf",
        "name",
        "place_id",
        "seen",
        "sha256",
        "unsure",
    )

    def __init__(self, place_id: str, area: Area, name: str, seen: Facts, first_seen: int) -> None:
        self.place_id = place_id
        self.area = area
        self.name = name
        self.seen = seen
        self.first_seen = first_seen
        self.sha256 = ""
        self.auto_v3 = ""
        self.facts = ""
        self.gone = 0
        self.unsure = False
        self.leaf = -1

    @property
    def is_hashed(self) -> bool:
        """Whether its hash is known for certain."""
        return bool(self.sha256) and not self.unsure

    @property
    def is_forgotten(self) -> bool:
        """Whether it is none of the places any more."""
        return self.leaf < 0

    @property
    def key(self) -> str:
        """Of its row and record: the hash, or its own id."""
        return self.sha256 or self.place_id

    @property
    def short_hashes(self) -> list[str]:
        """Every short hash by which a picture may call it: AutoV2, AutoV3, the one it states."""
        found: list[str] = []
        if self.sha256:
            found.append(self.sha256[:10])
        if self.auto_v3 and self.auto_v3 != NO_AUTO_V3:
            found.append(self.auto_v3)
        at = self.facts.find(_STATED)
        if at >= 0:
            at += len(_STATED)
            stated = self.facts[at : at + 12].lower()
            if stated not in found:
                found.append(stated)
        return found

    @property
    def path(self) -> str:
        """Its whole path."""
        return join(self.area.path, self.name)


def new_ids() -> Iterator[str]:
    """Ids that no place has; drawn many at once, for the system takes its time for each draw."""
    while True:
        drawn = secrets.token_hex(_AN_ID * _IDS_DRAWN // 2)
        for at in range(0, len(drawn), _AN_ID):
            yield f"place-{drawn[at : at + _AN_ID]}"


class Shelf:
    """The leaves on the disk. Not thread-safe: `Places` holds its lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leaves = database.collection("places")
        self._hashes = database.collection("place_hashes")
        self._spots: dict[int, list[Spot]] = {}
        self._dirty: set[int] = set()
        self._hashed: set[int] = set()
        """Leaves with places whose hashes alone are to be written."""
        self._next = 0

    def load(self, areas: dict[str, Area]) -> Iterator[Spot]:
        """Every place that is kept, in its area; areas are made as they are needed."""
        for record in self._leaves:
            number = int(record["leaf"])
            self._next = max(self._next, number + 1)
            held = self._spots.setdefault(number, [])
            found = [_area(areas, *each) for each in cast("list[_Listed]", record["areas"])]
            later = self._hashes.get(record["leaf"])
            hashes: dict[str, list[str]] = later["of"] if later else {}
            for row in cast("list[list[Any]]", record["places"]):
                area = found[int(row[1])]
                spot = Spot(row[0], area, row[2], Facts(row[3], row[4], row[5]), row[9])
                spot.sha256, spot.auto_v3, spot.facts = row[6], row[7], row[8]
                spot.gone, spot.unsure = row[10], row[11]
                known = hashes.get(spot.place_id)
                if known:
                    (spot.sha256, spot.auto_v3), spot.unsure = known, False
                spot.leaf = number
                other = area.spots.get(spot.name)
                if other is None or other.gone:
                    area.spots[spot.name] = spot
                elif not spot.gone:
                    # Killed when one of both was written: a look finds where its file lies.
                    spot.gone = max(1, time.time_ns() // 1_000_000)
                held.append(spot)
                yield spot

    def touch(self, spot: Spot) -> None:
        """It is new or has changed."""
        if spot.leaf < 0:
            last = self._next - 1
            if last < 0 or len(self._spots.get(last, ())) >= _IN_A_LEAF:
                last = self._next
                self._next += 1
            spot.leaf = last
            self._spots.setdefault(last, []).append(spot)
        self._dirty.add(spot.leaf)

    def touch_hash(self, spot: Spot) -> None:
        """Its hash is known now, and nothing else of it has changed."""
        self._hashed.add(spot.leaf)

    def remove(self, spot: Spot) -> None:
        """It is forgotten."""
        if spot.leaf >= 0:
            self._spots[spot.leaf].remove(spot)
            self._dirty.add(spot.leaf)
            spot.leaf = -1

    @property
    def is_dirty(self) -> bool:
        """Whether something is to be written."""
        return bool(self._dirty or self._hashed)

    def flush(self) -> None:
        """Write what has changed. Raises DiskFull or CuratorError; the next call tries again."""
        for changed, write in (self._dirty, self._write), (self._hashed, self._write_hashes):
            numbers = list(changed)
            for start in range(0, len(numbers), _AT_ONCE):
                part = numbers[start : start + _AT_ONCE]
                with self._database.transaction():
                    for number in part:
                        write(number)
                self._dirty.difference_update(part)
                self._hashed.difference_update(part)

    def _write(self, number: int) -> None:
        spots = self._spots.get(number)
        if spots:
            self._leaves.put(_leaf(number, spots))
        else:
            self._spots.pop(number, None)
            self._leaves.delete(str(number))
        self._hashes.delete(str(number))

    def _write_hashes(self, number: int) -> None:
        of = {
            spot.place_id: (spot.sha256, spot.auto_v3)
            for spot in self._spots[number]
            if spot.is_hashed
        }
        self._hashes.put({"leaf": str(number), "of": of})


def _leaf(number: int, spots: Iterable[Spot]) -> Record:
    areas: dict[int, int] = {}
    listed: list[list[Any]] = []
    places: list[list[Any]] = []
    for spot in spots:
        area = spot.area
        at = areas.setdefault(id(area), len(listed))
        if at == len(listed):
            listed.append([area.path, area.root, list(area.kinds)])
        size, mtime, inode = spot.seen
        row = [spot.place_id, at, spot.name, size, mtime, inode, spot.sha256, spot.auto_v3]
        row += spot.facts, spot.first_seen, spot.gone, spot.unsure
        places.append(row)
    return {"leaf": str(number), "areas": listed, "places": places}


def _area(areas: dict[str, Area], path: str, root: str, kinds: list[str]) -> Area:
    known = areas.get(path)
    if known is None:
        known = areas[path] = Area(path, root, tuple(kinds))
    return known
