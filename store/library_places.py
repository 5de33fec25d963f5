"""Every place: a file found in a models folder, with what is known of its content."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from .engine import Database
from .errors import NotFound
from .hashing_process import hash_file
from .hashing_worker import CHANGED, DONE, WHOLE
from .host import Host
from .library_facts import read_facts
from .library_place_changes import left_behind
from .library_place_index import Place, PlaceIndex
from .library_shelf import Spot
from .library_walk import Facts

__all__ = ["Place", "Places"]


class Places(PlaceIndex):
    """All places; what others may do with them: look them up, hash one, tell of a new one."""

    def __init__(self, database: Database, host: Host) -> None:
        """Knows nothing until `load`."""
        super().__init__(database, host)
        self.rescan: Callable[[], object] = bool
        """Looks through every folder now; whoever watches them puts it here."""

    def hash_now(self, path: str, check: Callable[[], object] = bool) -> str:
        """The SHA-256 of a file, taken now unless it is known; `check` may raise to end it.

        Raises OSError when the file cannot be read or changes meanwhile.
        """
        spot = self.spot_at(path)
        if spot and spot.is_hashed and is_same(spot.seen, _seen(path)):
            return spot.sha256
        known, started = (_state(spot) if spot else None), time.monotonic()
        result = hash_file(path, WHOLE, lambda _: check())
        if result.state != DONE:
            why = "changes" if result.state == CHANGED else "cannot be read"
            raise OSError(f"The file {why}.")
        if spot:
            with self.lock:
                # Unless it was seen to go since, or another file to take its place.
                if _state(spot) in (known, (path, result.seen, 0)):
                    self._settle(spot, result.seen, result.sha256, result.auto_v3, started)
            self.publish()
        return result.sha256

    def took(self, path: str, sha256: str) -> Place:
        """A file that was placed by us just now. Raises NotFound when no models folder has it."""
        spot = self._spot_of_new(path)
        if spot is None:
            raise NotFound("The file lies in no models folder.")
        started = time.monotonic()
        seen = _seen(spot.path)
        with self.lock:
            spot = self._settle(spot, seen, sha256, None, started)
        self.publish()
        return self.shown(spot)

    def meet(self, spot: Spot, seen: Facts) -> Spot:
        """As `see`, of a file that was looked at by itself, before or after its folder."""
        if 0 != spot.seen.inode != seen.inode != 0:
            origin = left_behind(self.present(), {seen}).get(seen)
            if origin:
                self.move_all({origin: (spot.area, spot.name)})
                return origin
        return self.see(spot, seen, read_facts(spot.path, spot.name))

    def _spot_of_new(self, path: str) -> Spot | None:
        folder, name = os.path.split(path)
        area = self.areas.get(folder)
        spot = area.spots.get(name) if area else None
        if spot is not None or area is None:
            if spot is None:
                self.rescan()
            return spot or self.spot_at(path) or self.spot_at(os.path.realpath(path))
        seen, facts = _seen(path), read_facts(path, name)
        with self.lock:
            return area.spots.get(name) or self.add(area, name, seen, facts)

    def _settle(
        self, spot: Spot, seen: Facts, sha256: str, auto_v3: str | None, looked: float
    ) -> Spot:
        """It was so when somebody `looked` (monotonic), and holds this; its place."""
        if spot.is_forgotten:
            return spot
        if not is_same(spot.seen, seen):
            spot = self.meet(spot, seen)
        elif spot.gone:
            spot = self.see(spot, seen, None)
        self.learn(spot, sha256, auto_v3)
        self.settled[spot.place_id] = looked
        return spot


def is_same(known: Facts, seen: Facts) -> bool:
    """Whether both are of one state of a file; an inode that nobody told is no difference."""
    if known.inode and seen.inode:
        return known == seen
    return known[:2] == seen[:2]


def _state(spot: Spot) -> tuple[str, Facts, int]:
    return spot.path, spot.seen, spot.gone


def _seen(path: str) -> Facts:
    found = Path(path).stat()
    return Facts(found.st_size, found.st_mtime_ns, found.st_ino)
