"""One process owns a store: a lock that ends with the process, and who holds it."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from ..errors import CuratorError
from ..files import write_atomic
from .spec import StoreHeld


class _Lock(Protocol):
    """What is used of filelock's lock, whose own annotations are not complete."""

    def acquire(self) -> object: ...
    def release(self) -> None: ...


class Ownership:
    """The lock file, and beside it the owner's process id and address."""

    def __init__(self, folder: Path) -> None:
        path = folder / "curator.lock"
        # A file that is locked cannot be read on Windows, hence a second one.
        self._owner = path.with_name("curator.lock.owner.json")
        self._lock: _Lock = FileLock(path, timeout=0, thread_local=False)

    def take(self, address: str) -> None:
        """Own the store until `release` or the end of the process. Raises StoreHeld."""
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreHeld(*self._told()) from None
        except OSError as error:
            raise CuratorError(f"The store cannot be locked: {error.strerror}.") from error
        self.tell(address)

    def tell(self, address: str) -> None:
        """Let others know the address. That is a courtesy: a full disk does not stop us."""
        said = json.dumps({"pid": os.getpid(), "address": address}).encode()
        with contextlib.suppress(CuratorError):
            write_atomic(self._owner, said)

    def release(self) -> None:
        """Let the next one in."""
        with contextlib.suppress(OSError):
            self._owner.unlink()
        self._lock.release()

    def _told(self) -> tuple[int | None, str]:
        try:
            said = json.loads(self._owner.read_bytes())
            return int(said["pid"]), str(said["address"])
        except (OSError, ValueError, TypeError, KeyError):
            # It has only just begun, or its disk is full.
            return None, ""
