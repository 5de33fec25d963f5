"""What lies in the models folders: listed folder by folder, never asked file by file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from .errors import BadInput
from .host import Host

# A folder's mtime tells of files that came or went, not of one that grows; and a change within the
# clock's grain of the listing does not show in it at all.
_SECONDS_TRUSTED = 5.0
_NANOSECONDS_UNSURE = 2_000_000_000


class Sight(NamedTuple):
    """Sizes in bytes by folder and name, and a number that grows with each change."""

    sizes: Mapping[str, Mapping[str, int]]
    stamp: int


class _Listing(NamedTuple):
    modified: int
    taken: float
    sure: bool
    sizes: dict[str, int]


class Presence:
    """Remembers listings as long as the folders say that nothing has changed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._listings: dict[Path, _Listing] = {}
        self._places: dict[str, tuple[float, list[Path]]] = {}
        self._stamp = 0

    def look(self, folders: Iterable[str]) -> Sight:
        """The files in each of these folders (`loras/SDXL`), all roots of the type together."""
        with self._lock:
            now = time.monotonic()
            sizes = {folder: self._sizes(folder, now) for folder in folders}
            return Sight(sizes, self._stamp)

    def on_disk(self, folder: str, name: str) -> bool:
        """Whether the file is there at this moment."""
        return any(path.is_file() for path in self.paths(folder, name))

    def paths(self, folder: str, name: str) -> list[Path]:
        """Every place where such a file or link is at this moment."""
        # Written by hand a name may hold anything: a NUL, a drive.
        if "\x00" in name or Path(name).name != name:
            return []
        with self._lock:
            places = self._found_places(folder, time.monotonic())
        found = [place / name for place in places]
        return [path for path in found if _is_there(path)]

    def _sizes(self, folder: str, now: float) -> Mapping[str, int]:
        found = [self._listed(place, now) for place in self._found_places(folder, now)]
        if len(found) == 1:
            return found[0]
        # The first root wins, as it does when ComfyUI looks for a name.
        return {name: size for listing in reversed(found) for name, size in listing.items()}

    def _found_places(self, folder: str, now: float) -> list[Path]:
        known = self._places.get(folder)
        if known and now - known[0] < _SECONDS_TRUSTED:
            return known[1]
        try:
            places = self._host.places(folder)
        except BadInput:
            places = []  # written by hand, and leads to nowhere below the models
        self._places[folder] = (now, places)
        return places

    def _listed(self, place: Path, now: float) -> dict[str, int]:
        known = self._listings.get(place)
        try:
            modified = place.stat().st_mtime_ns
        except (OSError, ValueError):
            modified = 0
        if known and known.modified == modified and known.sure:
            if now - known.taken < _SECONDS_TRUSTED:
                return known.sizes
        sure = time.time_ns() - modified > _NANOSECONDS_UNSURE
        sizes = _list_files(place) if modified else {}
        if known is None or known.sizes != sizes:
            self._stamp += 1
        self._listings[place] = _Listing(modified, now, sure, sizes)
        return sizes


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() or path.is_symlink()
    except OSError:
        return False  # a name longer than any file's


def _list_files(folder: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_file():
                        sizes[entry.name] = entry.stat().st_size
                except OSError:
                    continue  # gone meanwhile, or a link to nothing
    except OSError:
        return {}
    return sizes
