"""Noticing what happens in the models folders: told by the system, and looked for all the same."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from .host import MODEL_SUFFIXES, Host
from .library_place_index import PlaceIndex
from .library_reconciling import Reconciler
from .library_walk import Folder, Root, Walk, list_folder
from .memory import Stillness

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 5.0
"""At the times of the folders: network drives tell nothing of what others do."""
_SECONDS_BETWEEN_WALKS = 60.0
_SECONDS_BETWEEN_WALKS_UNTOLD = 8.0
"""Where the system tells nothing: a file that grows shows in no folder's time."""
_SHARE = 20
"""Looking takes one part in so many of the time, however slow the disk is."""
_NANOSECONDS_UNSURE = 2_000_000_000
_SECONDS_TO_END = 10.0
_SECONDS_TO_GIVE_WAY = 0.1
_SECONDS_STILL = 3.0
"""Of the first look: what it makes stays, so there is no garbage to search for."""

Told = set[tuple[Any, str]]
"""What watchfiles tells at once: kind and path of each change."""


class Closing(Exception):
    """The store is closing."""


class Watch:
    """A thread that keeps the places in line with the disk. `look` may be called by others too."""

    def __init__(
        self,
        places: PlaceIndex,
        host: Host,
        *,
        loaded: Callable[[], object],
        looked: Callable[[], object],
        completed: Callable[[], object],
        rested: Callable[[], object],
        is_rushing: Callable[[], bool],
    ) -> None:
        """Calls `loaded` when what was kept is known, `looked` after each walk, `rested` often,
        `completed` once, soon after `done`.

        `is_rushing`: whether small files are being read by the thousand.
        """
        self.done = threading.Event()
        """Set when the first walk is through, or has failed."""
        self._places = places
        self._host = host
        self._loaded = loaded
        self._looked = looked
        self._completed = completed
        self._rested = rested
        self._is_rushing = is_rushing
        self._looking = threading.Lock()
        self._closing = threading.Event()
        self._stillness = Stillness(_SECONDS_STILL)
        self._wake = threading.Event()
        self._folders: dict[str, Folder] = {}
        self._roots: dict[str, tuple[int, int] | None] = {}
        self._suffixes: frozenset[str] = MODEL_SUFFIXES
        self._reconciler = Reconciler(places, self._check)
        self._walked = 0.0
        self._walk_seconds = 0.0
        self._glanced = 0.0
        self._is_told = True
        self._waits = False
        self._thread = threading.Thread(target=self._run, name="curator-library", daemon=True)

    def start(self) -> None:
        """Load what is known, look, and go on looking."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        started = time.monotonic()
        self._closing.set()
        self._wake.set()
        # Who waits for the system looks whether we are closing before anything else. A network
        # drive that hangs holds only this thread.
        while self._thread.is_alive() and not self._waits:
            self._thread.join(0.01)
            if time.monotonic() - started > _SECONDS_TO_END:
                return

    def give_way(self) -> None:
        """Small files by the thousand begin to be read: nothing is heard until they are."""
        self._wake.set()

    def look(self) -> None:
        """Walk through everything now. Raises Closing."""
        with self._looking:
            self._walk()

    def _run(self) -> None:
        """Top of the thread."""
        try:
            with self._stillness:
                self._places.load()
                self._loaded()
                self.look()
                self.done.set()
                # Whoever has waited for this goes first: what follows holds the interpreter.
                self._closing.wait(_SECONDS_TO_GIVE_WAY)
        except Closing:
            return
        except Exception:
            log.exception("looking through the models folders")
        finally:
            self._places.ready.set()
            self.done.set()
        self._completed()
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self._watch()
            except Closing:
                return
            except Exception:
                log.exception("watching the models folders")
                self._closing.wait(_SECONDS_BETWEEN_LOOKS)

    def _check(self) -> None:
        self._stillness.check()
        if self._closing.is_set():
            raise Closing

    def _walk(self) -> None:
        started = time.monotonic()
        roots, suffixes = self._asked()
        self._roots = {root.path: _identity(root.path) for root in roots}
        self._suffixes = suffixes
        walk = Walk(roots, suffixes, [str(self._host.data)], self._check)
        self._reconciler.apply_walk(walk)
        now = time.time_ns()
        for folder in walk.folders.values():
            folder.files = {}
            _doubt(folder, now)
        self._folders = {folder.path: folder for folder in walk.folders.values()}
        self._walked = self._glanced = time.monotonic()
        self._walk_seconds = self._walked - started
        self._looked()

    def _asked(self) -> tuple[list[Root], frozenset[str]]:
        roots: list[Root] = []
        suffixes: set[str] = set(MODEL_SUFFIXES)
        for kind, paths in sorted(self._host.model_folders().items()):
            own = self._host.suffixes(kind)
            if own:
                suffixes |= own
                roots += [Root(kind, str(path.absolute())) for path in paths]
        return [*roots, Root("", str(self._host.models.absolute()))], frozenset(suffixes)

    def _watch(self) -> None:
        """Hear and look until the folders to be watched are others."""
        is_deaf, self._is_told = self._is_told and self._is_rushing(), False
        # The system tells of each file that is opened, which takes half as long as to hash it.
        while self._is_rushing():
            self._wake.wait(0.2)
            self._wake.clear()
            self._hear(())
        if is_deaf:
            # What was written into a file meanwhile shows in no folder's time.
            self._walked = 0.0
        watched = frozenset(path for path, each in self._folders.items() if not each.failed)
        try:
            from watchfiles import watch

            heard = sorted(path for path in watched if _can_be_heard(path))
            told = watch(
                *heard,
                recursive=False,
                watch_filter=None,
                debounce=400,
                rust_timeout=500,
                yield_on_timeout=True,
                raise_interrupt=False,
                stop_event=self._wake,
            )
            self._is_told = bool(heard)
            # What happened before the system listened shows in the folders' times.
            self._glanced = 0.0
            for changes in self._waited_for(told) if heard else ():
                self._hear({path for _, path in changes})
                if not self._same_folders(watched):
                    return
        except (ImportError, OSError, RuntimeError) as error:
            # Too many watches, a file system that has none, or a folder that went just now.
            log.debug("the models folders are looked at in turns: %s", error)
            self._is_told = False
        while not self._is_told and not self._wake.wait(1.0):
            self._hear(())
            if not self._same_folders(watched):
                return

    def _waited_for(self, told: Iterable[Told]) -> Iterator[Told]:
        """The same, while we say that we wait."""
        told = iter(told)
        while True:
            self._waits = True
            changes = next(told, None)
            self._waits = False
            if changes is None:
                return
            yield changes

    def _same_folders(self, watched: Collection[str]) -> bool:
        return watched == {path for path, each in self._folders.items() if not each.failed}

    def _hear(self, paths: Iterable[str]) -> None:
        self._check()
        started = time.monotonic()
        with self._looking:
            told = {folder for folder in map(os.path.dirname, paths) if folder in self._folders}
            structure = any(path in self._folders or Path(path).is_dir() for path in paths)
            if structure or self._is_time_to_walk():
                self._walk()
            else:
                self._glance(told)
        self._rested()
        # Whoever writes into a folder of 50,000 files must not have us list it all the time.
        self._closing.wait(min(5.0, 4 * (time.monotonic() - started)))

    def _is_time_to_walk(self) -> bool:
        usual = _SECONDS_BETWEEN_WALKS if self._is_told else _SECONDS_BETWEEN_WALKS_UNTOLD
        return time.monotonic() - self._walked > max(usual, _SHARE * self._walk_seconds)

    def _glance(self, told: set[str]) -> None:
        """List again the folders that were told of, now and then all whose time has changed."""
        pause = max(_SECONDS_BETWEEN_LOOKS, self._walk_seconds)
        if not self._glanced or time.monotonic() - self._glanced > pause:
            if any(_identity(path) != known for path, known in self._roots.items()):
                self._walk()
                return
            links = (path for each in self._folders.values() for path in each.dangling)
            if any(map(_identity, links)):
                # The drive is back: that shows in no folder's time.
                self._walk()
                return
            told |= {path for path, each in self._folders.items() if _mtime(path) != each.mtime_ns}
            self._glanced = time.monotonic()
        listed: list[Folder] = []
        for path in told:
            again = self._listed(self._folders[path])
            if again is None:
                self._walk()
                return
            listed.append(again)
        if listed:
            self._reconciler.apply_folders(listed)
            for folder in listed:
                folder.files = {}

    def _listed(self, known: Folder) -> Folder | None:
        """The folder as it is now; None when its sub-folders are others, or it is none."""
        folder = Folder(known.path, known.root, known.identity, kinds=known.kinds)
        try:
            folder.mtime_ns = Path(known.path).stat().st_mtime_ns
            below = list_folder(folder, self._suffixes)
        except OSError:
            return None
        avoided = _identity(str(self._host.data))
        folder.children = [identity for _, identity, *_ in below if identity != avoided]
        if set(folder.children) != set(known.children):
            return None
        _doubt(folder, time.time_ns())
        self._folders[known.path] = folder
        return folder


def _can_be_heard(path: str) -> bool:
    """Whether the system can be asked to tell of it; of other names the folders' times tell."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _doubt(folder: Folder, now: int) -> None:
    """What changes within the clock's grain of the listing does not show in the folder's time."""
    if abs(now - folder.mtime_ns) < _NANOSECONDS_UNSURE:
        folder.mtime_ns = 0


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _mtime(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except (OSError, ValueError):
        return -1
