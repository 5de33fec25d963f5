"""Changes told at once when they are few, and together when they come by the thousand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable


class Bursts:
    """Tells the first keys at once and what follows within `seconds` in one go. Thread-safe."""

    def __init__(self, tell: Callable[[list[str]], object], seconds: float = 0.3) -> None:
        self._tell = tell
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: dict[str, None] = {}
        self._last = float("-inf")
        self._waiting = False

    def add(self, keys: Iterable[str]) -> None:
        """These have changed."""
        with self._lock:
            self._keys.update(dict.fromkeys(keys))
            if self._waiting:
                return
            wait = self._last + self._seconds - time.monotonic()
            if wait > 0:
                self._waiting = True
                timer = threading.Timer(wait, self._flush)
                timer.daemon = True
                timer.start()
                return
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            self._waiting = False
            self._last = time.monotonic()
            keys, self._keys = list(self._keys), {}
        if keys:
            self._tell(keys)
