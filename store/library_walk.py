"""A walk through every models folder: what lies where, through links, safe against loops."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

# Windows lists neither devices nor inodes.
_LISTINGS_TELL_ALL = os.name == "posix"
_HIDDEN = frozenset(("$RECYCLE.BIN", "System Volume Information", "__pycache__", "lost+found"))


class Facts(NamedTuple):
    """Of a file, as the file system tells it; `inode` 0: it does not tell one cheaply."""

    size: int
    mtime_ns: int
    inode: int


class Root(NamedTuple):
    """A folder in which models of a type lie; no type: whatever no other root claims."""

    kind: str
    path: str


@dataclass
class Folder:
    """One folder: the root it was reached from, the types whose roots it lies in, its files."""

    path: str
    root: str
    identity: tuple[int, int]
    mtime_ns: int = 0
    files: dict[str, Facts] = field(default_factory=dict[str, Facts])
    children: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    kinds: tuple[str, ...] = ()
    dangling: list[str] = field(default_factory=list[str])
    """Links in it that lead to nothing now: a drive that is away."""
    failed: bool = False
    """It is there and could not be listed: nothing is known of its files."""
    listed: float = 0.0
    """When (monotonic) listing it began."""


class Walk:
    """Lists every folder once, whichever way it is reached; real ways before links."""

    def __init__(
        self,
        roots: Sequence[Root],
        suffixes: Collection[str],
        avoid: Iterable[str],
        check: Callable[[], object] = bool,
    ) -> None:
        """Files with these suffixes count; the folders in `avoid` are never entered.

        `check` is called between folders; what it raises ends the walk.
        """
        self._check = check
        self.folders: dict[tuple[int, int], Folder] = {}
        self._suffixes = suffixes
        self._avoided = {found for path in avoid if (found := _identity(path))}
        self._real: deque[Folder] = deque()
        self._links: deque[tuple[str, str, tuple[int, int], int]] = deque()
        reached: dict[str, list[tuple[int, int]]] = {}
        for root in roots:
            identity = self._begin(root)
            if identity:
                reached.setdefault(root.kind, []).append(identity)
        self._go()
        self._spread(reached)

    def _begin(self, root: Root) -> tuple[int, int] | None:
        try:
            found = Path(root.path).stat()
            identity = (found.st_dev, found.st_ino)
        except (OSError, ValueError) as error:
            if isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError)):
                return None
            identity = (-1, len(self.folders))
            self.folders[identity] = Folder(root.path, root.path, identity, failed=True)
            return identity
        if identity not in self.folders and identity not in self._avoided:
            folder = Folder(root.path, root.path, identity, found.st_mtime_ns)
            self.folders[identity] = folder
            self._real.append(folder)
        return identity

    def _go(self) -> None:
        while self._real or self._links:
            if self._real:
                self._enter(self._real.popleft())
                continue
            path, root, identity, mtime_ns = self._links.popleft()
            if identity not in self.folders:
                self.folders[identity] = folder = Folder(path, root, identity, mtime_ns)
                self._enter(folder)

    def _enter(self, folder: Folder) -> None:
        self._check()
        try:
            below = list_folder(folder, self._suffixes)
        except (FileNotFoundError, NotADirectoryError):
            del self.folders[folder.identity]
            return
        except OSError:
            folder.failed = True
            return
        for path, identity, mtime_ns, is_link in below:
            if identity in self._avoided:
                continue
            folder.children.append(identity)
            if identity in self.folders:
                continue
            if is_link:
                self._links.append((path, folder.root, identity, mtime_ns))
            else:
                child = Folder(path, folder.root, identity, mtime_ns)
                self.folders[identity] = child
                self._real.append(child)

    def _spread(self, reached: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        """Give each folder the types of all roots that it can be reached from."""
        kinds: dict[tuple[int, int], list[str]] = {}
        for kind in sorted(reached):
            if not kind:
                continue
            seen: set[tuple[int, int]] = set()
            waiting = [*reached[kind]]
            while waiting:
                identity = waiting.pop()
                if identity in seen or identity not in self.folders:
                    continue
                seen.add(identity)
                kinds.setdefault(identity, []).append(kind)
                waiting += self.folders[identity].children
        same: dict[tuple[str, ...], tuple[str, ...]] = {}
        for identity, found in kinds.items():
            one = tuple(found)
            self.folders[identity].kinds = same.setdefault(one, one)


def list_folder(
    folder: Folder, suffixes: Collection[str]
) -> list[tuple[str, tuple[int, int], int, bool]]:
    """Fill the folder's files; its sub-folders: path, identity, time, whether it is a link."""
    files: dict[str, Facts] = {}
    dangling: list[str] = []
    below: list[tuple[str, tuple[int, int], int, bool]] = []
    folder.listed = time.monotonic()
    with os.scandir(folder.path) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                continue  # others' caches and trash, and what is still being written
            try:
                if entry.is_dir():
                    if name not in _HIDDEN:
                        found = entry.stat() if _LISTINGS_TELL_ALL else Path(entry.path).stat()
                        identity = (found.st_dev, found.st_ino)
                        below.append((entry.path, identity, found.st_mtime_ns, entry.is_symlink()))
                elif name[name.rfind(".") :].lower() in suffixes:
                    found = entry.stat()
                    if S_ISREG(found.st_mode):
                        files[name] = Facts(found.st_size, found.st_mtime_ns, found.st_ino)
                elif entry.is_symlink() and not entry.is_file():
                    dangling.append(entry.path)
            except OSError:
                # Gone meanwhile, unless it is a link to nothing.
                if entry.is_symlink():
                    dangling.append(entry.path)
    folder.files, folder.dangling = files, dangling
    return below


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
