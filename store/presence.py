"""What lies in the models folders: an index that is kept up to date, so that no answer waits."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import NamedTuple

from .errors import BadInput
from .host import Host

log = logging.getLogger(__name__)

# The watcher hears nothing of network drives; looking at the folders' times goes everywhere.
_SECONDS_BETWEEN_LOOKS = 2.0
# A folder's time tells of files that came or went, not of one that grows.
_SECONDS_TRUSTED = 30.0
_SECONDS_PLACES_TRUSTED = 5.0
# A change within the clock's grain of the listing does not show in the folder's time at all, and
# what was just written may be written on.
_NANOSECONDS_UNSURE = 2_000_000_000
_NANOSECONDS_GROWING = 10_000_000_000
# Free space changes all the time; told in these steps, a list stays the same meanwhile.
_FREE_SPACE_STEP = 1 << 28


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
    """Lists each folder once, then again when the watcher or the folder's time tells of a change.

    `changed` is called, from any thread, when files came, grew or went by themselves.
    """

    def __init__(self, host: Host, changed: Callable[[], object]) -> None:
        self._host = host
        self._changed = changed
        self._lock = threading.RLock()
        self._listings: dict[Path, _Listing] = {}
        self._places: dict[str, tuple[float, list[Path]]] = {}
        self._sight = Sight({}, 0)
        self._free: tuple[float, int] = (0.0, 0)
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="curator-presence", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def look(self, folders: Set[str]) -> Sight:
        """The files in these folders (`loras/SDXL`) and maybe in others, all roots of a type.

        Asks the disk only for folders that nobody has asked for before.
        """
        new = folders - self._sight.sizes.keys()
        if new:
            with self._lock:
                self._take({folder: self._sizes(folder, set()) for folder in new})
            self._wake.set()
        return self._sight

    def refresh(self, folders: Iterable[str]) -> bool:
        """Look now at those of these folders that are known, in any case; whether they changed."""
        asked = {folder.casefold() for folder in folders}
        with self._lock:
            known = [each for each in self._sight.sizes if each.casefold() in asked]
            now = {place for folder in known for place in self._found_places(folder)}
            changed = self._take({folder: self._sizes(folder, now) for folder in known})
        if changed:
            self._changed()
        return changed

    def free_bytes(self) -> int:
        """Free space where models go, in steps, as it was some seconds ago at most."""
        taken, free = self._free
        if not taken or time.monotonic() - taken > _SECONDS_PLACES_TRUSTED:
            try:
                free = shutil.disk_usage(self._host.models).free
            except OSError:
                free = 0
            free = free // _FREE_SPACE_STEP * _FREE_SPACE_STEP
            self._free = (time.monotonic(), free)
        return free

    def on_disk(self, folder: str, name: str) -> bool:
        """Whether the file is there at this moment."""
        return any(path.is_file() for path in self.paths(folder, name))

    def paths(self, folder: str, name: str) -> list[Path]:
        """Every place where such a file or link is at this moment."""
        # Written by hand a name may hold anything: a NUL, a drive.
        if "\x00" in name or Path(name).name != name:
            return []
        with self._lock:
            places = self._found_places(folder)
        return [place / name for place in places if _is_there(place / name)]

    def _run(self) -> None:
        """Top of the thread."""
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self._watch()
            except Exception:
                log.exception("watching the models folders")
                self._closing.wait(_SECONDS_BETWEEN_LOOKS)

    def _watch(self) -> None:
        """Look again and again until there are other folders to watch."""
        with self._lock:
            places = {place for each in self._sight.sizes for place in self._found_places(each)}
        there = [place for place in places if place.is_dir()]
        try:
            from watchfiles import watch

            told = watch(
                *there,
                recursive=False,
                watch_filter=None,
                debounce=300,
                rust_timeout=int(_SECONDS_BETWEEN_LOOKS * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                stop_event=self._wake,
            )
            for changes in told if there else ():
                self._look_again({Path(path).parent for _, path in changes})
                if {place for place in places if place.is_dir()} != set(there):
                    return
        except (ImportError, OSError, RuntimeError) as error:
            # Too many watches, or a file system that has none.
            log.debug("The folders are looked at in turns: %s", error)
            there = []
        while not there and not self._wake.wait(_SECONDS_BETWEEN_LOOKS):
            self._look_again(set())

    def _look_again(self, told: set[Path]) -> None:
        with self._lock:
            changed = self._take({each: self._sizes(each, told) for each in self._sight.sizes})
        if changed and not self._closing.is_set():
            self._changed()

    def _take(self, found: Mapping[str, Mapping[str, int]]) -> bool:
        """What the folders hold now; whether that is news. A folder nobody knew is none."""
        before = self._sight
        if all(before.sizes.get(folder) == sizes for folder, sizes in found.items()):
            return False
        self._sight = Sight({**before.sizes, **found}, before.stamp + 1)
        return any(
            folder in before.sizes and before.sizes[folder] != sizes
            for folder, sizes in found.items()
        )

    def _sizes(self, folder: str, told: Set[Path]) -> Mapping[str, int]:
        now = time.monotonic()
        found = [self._listed(place, now, place in told) for place in self._found_places(folder)]
        if len(found) == 1:
            return found[0]
        # The first root wins, as it does when ComfyUI looks for a name.
        return {name: size for listing in reversed(found) for name, size in listing.items()}

    def _found_places(self, folder: str) -> list[Path]:
        now = time.monotonic()
        known = self._places.get(folder)
        if known and now - known[0] < _SECONDS_PLACES_TRUSTED:
            return known[1]
        try:
            places = self._host.places(folder)
        except BadInput:
            places = []  # written by hand, and leads to nowhere below the models
        self._places[folder] = (now, places)
        return places

    def _listed(self, place: Path, now: float, told: bool) -> dict[str, int]:
        known = self._listings.get(place)
        try:
            modified = place.stat().st_mtime_ns
        except (OSError, ValueError):
            modified = 0
        if known and known.sure and not told and known.modified == modified:
            if now - known.taken < _SECONDS_TRUSTED:
                return known.sizes
        clock = time.time_ns()
        sizes, newest = _list_files(place) if modified else ({}, 0)
        sure = clock - modified > _NANOSECONDS_UNSURE and clock - newest > _NANOSECONDS_GROWING
        self._listings[place] = _Listing(modified, now, sure, sizes)
        return sizes


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() or path.is_symlink()
    except OSError:
        return False  # a name that is too long for any file


def _list_files(folder: Path) -> tuple[dict[str, int], int]:
    """Sizes by name, and the time of the file that was written last."""
    sizes: dict[str, int] = {}
    newest = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_file():
                        found = entry.stat()
                        sizes[entry.name] = found.st_size
                        newest = max(newest, found.st_mtime_ns)
                except OSError:
                    continue  # gone meanwhile, or a link to nothing
    except OSError:
        return {}, 0
    return sizes, newest
