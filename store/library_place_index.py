"""Places by everything they are looked up by, and the ways in which they change."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from .engine import Database
from .errors import CuratorError
from .host import Host
from .library_place_changes import Kind, PlaceChange
from .library_shelf import NO_AUTO_V3, Area, Shelf, Spot, new_ids
from .library_walk import Facts
from .memory import no_collection

GONE_KEPT_SECONDS = 180 * 86_400
"""How long a vanished file is remembered, so that it needs no hashing when it comes back."""


class Place(NamedTuple):
    """A file on the disk. `sha256` and `auto_v3` are empty until it is hashed.

    `file` is relative to `root`; `types` are those of the folders it can be reached from; `facts`
    is what its header says; times are ms, but `mtime_ns`. `gone`: it was there once.
    """

    place_id: str
    path: str
    root: str
    file: str
    types: tuple[str, ...]
    size: int
    mtime_ns: int
    inode: int
    sha256: str
    auto_v3: str
    facts: dict[str, Any]
    first_seen: int
    gone: bool


class PlaceIndex:
    """All places, in memory and on the shelf. Thread-safe; lookups wait for nobody."""

    def __init__(self, database: Database, host: Host) -> None:
        """Knows nothing until `load`."""
        self.lock = threading.RLock()
        self._publishing = threading.RLock()
        self.areas: dict[str, Area] = {}
        self.ready = threading.Event()
        """Set when what was kept is loaded."""
        self.settled: dict[str, float] = {}
        """When (monotonic) a file was looked at by itself, by its place's id: what was listed
        before says less."""
        self._host = host
        self._shelf = Shelf(database)
        self._by_id: dict[str, Spot] = {}
        self._by_hash: dict[str, tuple[Spot, ...]] = {}
        self._by_short: dict[str, tuple[Spot, ...]] = {}
        self._gone: dict[Facts, Spot] = {}
        self._gone_by_key: dict[str, Spot] = {}
        self._changes: list[PlaceChange] = []
        self._listeners: list[Callable[[list[PlaceChange]], object]] = []
        self._new_ids = new_ids()
        self._typing = lru_cache(1000)(self._types)

    def load(self) -> None:
        """Remember what an earlier run has seen."""
        with self.lock:
            for spot in self._shelf.load(self.areas):
                self._by_id[spot.place_id] = spot
                if spot.gone:
                    self._bury(spot)
                else:
                    self._enter(spot)
            self.ready.set()

    def get(self, place_id: str) -> Place | None:
        """The place, also one that is gone."""
        spot = self._by_id.get(place_id)
        return self.shown(spot) if spot else None

    def of_hash(self, sha256: str) -> list[Place]:
        """The files with this content that are there."""
        return [self.shown(spot) for spot in self._by_hash.get(sha256, ())]

    def by_short_hash(self, short: str) -> list[Place]:
        """The files with this AutoV2 (10 digits) or AutoV3 (12), in any case."""
        return [self.shown(spot) for spot in self._by_short.get(short.lower(), ())]

    def at_path(self, path: str) -> Place | None:
        """The file that is there, by its path as the list has it."""
        spot = self.spot_at(path)
        return self.shown(spot) if spot and not spot.gone else None

    def all(self) -> list[Place]:
        """Every file that is there."""
        return [self.shown(spot) for spot in self.present()]

    def present(self) -> list[Spot]:
        """The same as they are held here."""
        with self.lock:
            return [spot for spot in self._by_id.values() if not spot.gone]

    def content_of(self, place_id: str) -> str:
        """The hash of a place; empty while there is none that is certain."""
        spot = self._by_id.get(place_id)
        return spot.sha256 if spot and spot.is_hashed else ""

    def spots(self, key: str) -> tuple[Spot, ...]:
        """What is there of a row or record: all files of a hash, or the place of this id."""
        found = self._by_hash.get(key)
        if found is not None:
            return found
        spot = self._by_id.get(key)
        return (spot,) if spot and not spot.gone and not spot.sha256 else ()

    def last_spot(self, key: str) -> Spot | None:
        """Where a file of this key was last, when there is none any more."""
        return self._gone_by_key.get(key)

    def spot_at(self, path: str) -> Spot | None:
        """The place of a path, also one that is gone."""
        folder, name = os.path.split(path)
        area = self.areas.get(folder)
        return area.spots.get(name) if area else None

    def shown(self, spot: Spot) -> Place:
        """The place as others see it."""
        area, seen = spot.area, spot.seen
        path = spot.path
        file = path[len(area.root) :].lstrip(os.sep)
        facts: dict[str, Any] = orjson.loads(spot.facts) if spot.facts else {}
        auto_v3 = "" if spot.auto_v3 == NO_AUTO_V3 else spot.auto_v3
        known = (spot.sha256, auto_v3, facts, spot.first_seen, bool(spot.gone))
        return Place(spot.place_id, path, area.root, file, self.types_of(spot), *seen, *known)

    def types_of(self, spot: Spot) -> tuple[str, ...]:
        """The types of its folder that take files with its ending."""
        name = spot.name
        return self._typing(spot.area.kinds, name[name.rfind(".") :].lower())

    def listen(self, listener: Callable[[list[PlaceChange]], object]) -> None:
        """Call `listener` (from any thread; it must be quick) with what has changed."""
        self._listeners.append(listener)

    # What follows alters places. Whoever calls holds the lock, and calls `publish` without it.

    def area(self, path: str, root: str, kinds: tuple[str, ...]) -> Area:
        """The area of a folder; its places are told as changed when its types are others now."""
        area = self.areas.get(path)
        if area is None:
            area = self.areas[path] = Area(path, root, kinds)
        elif area.kinds != kinds or area.root != root:
            area.kinds, area.root = kinds, root
            for spot in area.spots.values():
                if not spot.gone:
                    self._note("changed", spot)
        return area

    def add(self, area: Area, name: str, seen: Facts, facts: str) -> Spot:
        """A file that nobody knew."""
        spot = Spot(next(self._new_ids), area, name, seen, time.time_ns() // 1_000_000)
        spot.facts = facts
        self._enter(spot)
        area.spots[name] = spot
        self._by_id[spot.place_id] = spot
        self._note("new", spot)
        return spot

    def see(self, spot: Spot, seen: Facts, facts: str | None) -> Spot:
        """It is there with other facts than before, or there again.

        The place of what is there now: that of a file which vanished elsewhere, a new one where it
        is another file of another size.
        """
        origin = self.gone_like(seen) if spot.seen != seen else None
        if origin:
            self.move_all({origin: (spot.area, spot.name)})
            return origin
        if _is_another(spot, seen):
            self.vanish([spot])
            return self.add(spot.area, spot.name, seen, facts or "")
        old_key, was_gone = spot.key, bool(spot.gone)
        if was_gone:
            self._unbury(spot)
            spot.gone = 0
        else:
            self._leave(spot)
        if spot.seen != seen:
            spot.unsure = bool(spot.sha256) and spot.seen.size == seen.size
            if not spot.unsure:
                spot.sha256 = spot.auto_v3 = ""
            spot.seen = seen
        if facts is not None:
            spot.facts = facts
        self._enter(spot)
        self._note("back" if was_gone else "changed", spot, old_key)
        return spot

    def move_all(self, targets: Mapping[Spot, tuple[Area, str]]) -> None:
        """Each lies somewhere else now, being the same file; names may go round in a ring."""
        for spot in targets:
            if spot.area.spots.get(spot.name) is spot:
                del spot.area.spots[spot.name]
        others = [area.spots.get(name) for area, name in targets.values()]
        self.vanish([spot for spot in others if spot])
        for spot, (area, name) in targets.items():
            self._move(spot, area, name)

    def _move(self, spot: Spot, area: Area, name: str) -> None:
        old_key, old_path = spot.key, spot.path
        if spot.gone:
            self._unbury(spot)
            spot.gone = 0
        else:
            self._leave(spot)
        spot.area, spot.name = area, name
        area.spots[name] = spot
        self._enter(spot)
        self._note("moved", spot, old_key, old_path)

    def vanish(self, spots: Iterable[Spot]) -> None:
        """They are not there any more; other places may get their names."""
        lost = [spot for spot in spots if not spot.gone]
        unknown = {spot.seen: spot for spot in lost if not spot.sha256 and spot.seen.inode}
        for other in self.present() if unknown else ():
            if other.is_hashed and other.seen in unknown:
                # It was moved there and hashed before anybody saw that, or is a link to it.
                self.learn(unknown.pop(other.seen), other.sha256, other.auto_v3)
        for spot in lost:
            self._leave(spot)
            spot.gone = max(1, time.time_ns() // 1_000_000)
            self._bury(spot)
            self._note("gone", spot)

    def forget(self, spot: Spot) -> None:
        """Nothing is remembered of it."""
        if spot.gone:
            self._unbury(spot)
        else:
            self._leave(spot)
        self._by_id.pop(spot.place_id, None)
        if spot.area.spots.get(spot.name) is spot:
            del spot.area.spots[spot.name]
        self._shelf.remove(spot)

    def learn(self, spot: Spot, sha256: str, auto_v3: str | None) -> None:
        """Its hash is known now; AutoV3 too, unless it is None."""
        old_key, is_first = spot.key, bool(sha256) and not (spot.sha256 or spot.auto_v3)
        if not is_first:
            self._leave(spot)
        if spot.sha256 != sha256:
            spot.auto_v3 = ""
        spot.sha256, spot.unsure = sha256, False
        if auto_v3 is not None:
            spot.auto_v3 = auto_v3
        if is_first:
            self._enter_first(spot)
        else:
            self._enter(spot)
        self._shelf.touch_hash(spot)
        self._changes.append(PlaceChange("hashed", spot, old_key, ""))

    def believe(self, spot: Spot, sha256: str) -> None:
        """Somebody says that this is its hash; believed until it is taken."""
        old_key = spot.key
        self._leave(spot)
        spot.sha256, spot.unsure = sha256, True
        self._enter(spot)
        self._note("changed", spot, old_key)

    def describe(self, spot: Spot, facts: str) -> None:
        """What its header says is known now."""
        if spot.facts != facts and not spot.gone:
            self._leave(spot)
            spot.facts = facts
            self._enter(spot)
            self._note("changed", spot)

    def gone_like(self, seen: Facts) -> Spot | None:
        """The vanished file that this one must be: of the same inode, size and time."""
        return self._gone.get(seen) if seen.inode else None

    def forget_old(self, keep: Container[str]) -> None:
        """Forget what has been gone for long, unless its key is one to keep."""
        limit = time.time_ns() // 1_000_000 - GONE_KEPT_SECONDS * 1000
        with self.lock:
            for spot in [each for each in self._by_id.values() if 0 < each.gone < limit]:
                if spot.key not in keep:
                    self.forget(spot)

    def publish(self, *, keep: bool = True) -> list[PlaceChange]:
        """Tell the listeners what has changed since, and write it down unless `keep` is off.

        Raises the first error of a listener, DiskFull.
        """
        # One at a time: when this returns, what anybody has changed before is told.
        with self._publishing:
            with self.lock:
                changes, self._changes = self._changes, []
            failed: CuratorError | None = None
            for listener in self._listeners if changes else ():
                try:
                    listener(changes)
                except CuratorError as error:
                    # The others hear it all the same: nobody tells it again.
                    failed = failed or error
        if failed:
            raise failed
        if keep:
            self.keep()
        return changes

    def keep(self) -> None:
        """Write down what has changed."""
        with no_collection(), self.lock:
            if self._shelf.is_dirty:
                self._shelf.flush()

    def _note(self, kind: Kind, spot: Spot, old_key: str = "", old_path: str = "") -> None:
        self._shelf.touch(spot)
        key = old_key or spot.key
        self._changes.append(PlaceChange(kind, spot, key, old_path))

    def _bury(self, spot: Spot) -> None:
        self._gone[spot.seen] = spot
        self._gone_by_key[spot.key] = spot

    def _unbury(self, spot: Spot) -> None:
        if self._gone.get(spot.seen) is spot:
            del self._gone[spot.seen]
        if self._gone_by_key.get(spot.key) is spot:
            del self._gone_by_key[spot.key]

    def _enter(self, spot: Spot) -> None:
        if spot.sha256:
            _add(self._by_hash, spot.sha256, spot)
        for short in spot.short_hashes:
            _add(self._by_short, short, spot)

    def _enter_first(self, spot: Spot) -> None:
        """As `_enter`, of a file that is known by what it states at most.

        Only what is new: this is done for every file of a library in a row.
        """
        _add(self._by_hash, spot.sha256, spot)
        auto_v3 = "" if spot.auto_v3 == NO_AUTO_V3 else spot.auto_v3
        for short in (spot.sha256[:10], auto_v3):
            if short and spot not in self._by_short.get(short, ()):
                _add(self._by_short, short, spot)

    def _leave(self, spot: Spot) -> None:
        if spot.sha256:
            _drop(self._by_hash, spot.sha256, spot)
        for short in spot.short_hashes:
            _drop(self._by_short, short, spot)

    def _types(self, kinds: tuple[str, ...], suffix: str) -> tuple[str, ...]:
        return tuple(kind for kind in kinds if suffix in self._host.suffixes(kind))


def _is_another(spot: Spot, seen: Facts) -> bool:
    """Whether it is surely not the file that was known, nor that one with more written to it."""
    if spot.seen.size == seen.size:
        return False
    return bool(spot.gone) or 0 != spot.seen.inode != seen.inode != 0


def _add(index: dict[str, tuple[Spot, ...]], key: str, spot: Spot) -> None:
    held = index.get(key)
    index[key] = (*held, spot) if held else (spot,)


def _drop(index: dict[str, tuple[Spot, ...]], key: str, spot: Spot) -> None:
    held = index.get(key, ())
    if spot not in held:
        return
    if len(held) == 1:
        del index[key]
        return
    # Quick also where thousands of files are the same.
    at = held.index(spot)
    index[key] = held[:at] + held[at + 1 :]
