"""Bringing the places in line with what a walk has found: new, changed, moved, gone, back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .library_facts import read_facts
from .library_place_changes import left_behind
from .library_place_index import PlaceIndex
from .library_shelf import Area, Spot, join
from .library_walk import Facts, Folder, Walk
from .memory import no_collection

_BATCH = 500
_PATIENCE_SECONDS = 1.5
"""Headers are read before the files are listed as long as that takes no longer than this."""
_KEEP_SECONDS = 1.0


class Reconciler:
    """Applies walks to places; only one thread at a time may do so."""

    def __init__(self, places: PlaceIndex, check: Callable[[], object]) -> None:
        """`check` raises when it is time to end."""
        self._places = places
        self._check = check
        self._bare: list[Spot] = []
        """Listed by their names only, their headers to be read."""
        self._began = 0.0
        self._kept = 0.0

    def apply_walk(self, walk: Walk) -> None:
        """Everything is now as the walk has found it."""
        folders = list(walk.folders.values())
        failed = [folder.path for folder in folders if folder.failed]
        listed = [folder for folder in folders if not folder.failed]
        seen = {folder.path for folder in listed}
        unseen: list[Spot] = []
        for path, area in list(self._places.areas.items()):
            if path not in seen and not any(_is_below(path, each) for each in failed):
                unseen += [spot for spot in list(area.spots.values()) if not spot.gone]
        self._apply(listed, unseen)
        oldest = min((folder.listed for folder in listed), default=0.0)
        with self._places.lock:
            settled = self._places.settled
            for place_id in [each for each, when in settled.items() if when < oldest]:
                del settled[place_id]

    def apply_folders(self, folders: Iterable[Folder]) -> None:
        """These folders are now as they were listed."""
        self._apply(folders, [])

    def _apply(self, folders: Iterable[Folder], lost: list[Spot]) -> None:
        self._began = self._kept = time.monotonic()
        places = self._places
        fresh: list[tuple[Area, str, Facts]] = []
        changed: list[tuple[Spot, Facts]] = []
        for folder in folders:
            with places.lock:
                area = places.area(folder.path, folder.root, folder.kinds)
                self._compare(area, folder, fresh, changed, lost)
            self._check()
        with places.lock:
            places.vanish(lost)
            fresh, changed = self._follow(fresh, changed)
        places.publish()
        self._take(fresh, changed)
        self._read_bare()
        places.keep()

    def _compare(
        self,
        area: Area,
        folder: Folder,
        fresh: list[tuple[Area, str, Facts]],
        changed: list[tuple[Spot, Facts]],
        lost: list[Spot],
    ) -> None:
        spots = area.spots
        for name, seen in folder.files.items():
            spot = spots.get(name)
            if spot is None:
                fresh.append((area, name, seen))
            elif spot.gone or spot.seen != seen:
                differs = seen.inode or spot.gone or spot.seen[:2] != seen[:2]
                if differs and not self._is_outdated(folder, spot):
                    changed.append((spot, _exact(area, name, seen)))
            elif not spot.facts:
                self._bare.append(spot)
        if len(spots) > len(folder.files) or spots.keys() != folder.files.keys():
            for name, spot in spots.items():
                if name not in folder.files and not spot.gone:
                    if not self._is_outdated(folder, spot):
                        lost.append(spot)

    def _is_outdated(self, folder: Folder, spot: Spot) -> bool:
        """Whether somebody has looked at the file itself since the folder was listed."""
        return self._places.settled.get(spot.place_id, 0.0) >= folder.listed

    def _follow(
        self, fresh: list[tuple[Area, str, Facts]], changed: list[tuple[Spot, Facts]]
    ) -> tuple[list[tuple[Area, str, Facts]], list[tuple[Spot, Facts]]]:
        """Let places go where their files lie now; what of both is no file that was moved."""
        fresh = [(area, name, _exact(area, name, seen)) for area, name, seen in fresh]
        taken = [(spot.area, spot.name, seen) for spot, seen in changed if _is_other(spot, seen)]
        moved = self._moved([*fresh, *taken])
        if not moved:
            return fresh, changed
        targets = set(moved.values())
        # What lies there now is new where the one that lay there was moved away.
        fresh += [(spot.area, spot.name, seen) for spot, seen in changed if spot in moved]
        fresh = [each for each in fresh if each[:2] not in targets]
        self._places.move_all(moved)
        return fresh, [
            (spot, seen)
            for spot, seen in changed
            if spot not in moved and (spot.area, spot.name) not in targets
        ]

    def _moved(self, came: Sequence[tuple[Area, str, Facts]]) -> dict[Spot, tuple[Area, str]]:
        """The known files among those that came under these names, and where each is now."""
        places = self._places
        wanted = {seen for _, _, seen in came if seen.inode}
        # Also of one whose own folder was listed too early to tell, or will be later.
        left = left_behind(places.present(), wanted) if wanted else {}
        found: dict[Spot, tuple[Area, str]] = {}
        for area, name, seen in came:
            spot = places.gone_like(seen) or left.get(seen)
            if spot:
                found.setdefault(spot, (area, name))
        return found

    def _take(
        self, fresh: list[tuple[Area, str, Facts]], changed: list[tuple[Spot, Facts]]
    ) -> None:
        places = self._places
        for start in range(0, len(fresh), _BATCH):
            self._check()
            part = fresh[start : start + _BATCH]
            texts = [self._facts(join(area.path, name), name) for area, name, _ in part]
            # What is made here stays: to search it for garbage took a tenth of the time.
            with no_collection():
                self._add(part, texts)
                self._publish()
        for start in range(0, len(changed), _BATCH):
            self._check()
            part_changed = changed[start : start + _BATCH]
            texts = [self._text_of(spot, seen) for spot, seen in part_changed]
            with places.lock:
                for (spot, seen), text in zip(part_changed, texts, strict=True):
                    if spot.area.spots.get(spot.name) is spot:
                        places.see(spot, seen, text)
            self._publish()

    def _add(self, files: Sequence[tuple[Area, str, Facts]], texts: Sequence[str]) -> None:
        with self._places.lock:
            for (area, name, seen), text in zip(files, texts, strict=True):
                known = area.spots.get(name)
                if known is None or known.gone:
                    spot = self._places.add(area, name, _exact(area, name, seen), text)
                    if not text:
                        self._bare.append(spot)

    def _facts(self, path: str, name: str) -> str:
        """What the header says; nothing yet when that has taken long already."""
        late = time.monotonic() - self._began > _PATIENCE_SECONDS
        return "" if late else read_facts(path, name)

    def _text_of(self, spot: Spot, seen: Facts) -> str | None:
        # What came back as it was says the same as before.
        return None if spot.seen == seen and spot.facts else read_facts(spot.path, spot.name)

    def _read_bare(self) -> None:
        places = self._places
        while self._bare:
            self._check()
            part = [self._bare.pop() for _ in range(min(len(self._bare), 50))]
            texts = [read_facts(spot.path, spot.name) for spot in part]
            with places.lock:
                for spot, text in zip(part, texts, strict=True):
                    places.describe(spot, text)
            self._publish()

    def _publish(self) -> None:
        now = time.monotonic()
        late = now - self._kept > _KEEP_SECONDS
        if late:
            self._kept = now
        self._places.publish(keep=late)


def _exact(area: Area, name: str, seen: Facts) -> Facts:
    """With the inode also where a listing does not tell it (Windows)."""
    if seen.inode:
        return seen
    try:
        found = Path(join(area.path, name)).stat()
    except OSError:
        return seen
    return Facts(found.st_size, found.st_mtime_ns, found.st_ino)


def _is_other(spot: Spot, seen: Facts) -> bool:
    """Whether another file than the one that was known has the name now."""
    return spot.seen != seen and (bool(spot.gone) or spot.seen.inode != seen.inode)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
