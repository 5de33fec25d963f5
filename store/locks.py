"""One lock a key: work on one record waits for itself, work on others does not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator


class KeyedLock:
    """`with locks.hold(key):` is entered by one thread a key at a time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def hold(self, key: str) -> Generator[None, None, None]:
        """Wait until no other thread holds this key, and hold it for the block."""
        with self._guard:
            lock, waiting = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, waiting = self._locks[key]
                if waiting == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (lock, waiting - 1)
