"""How fast work goes on, and how long it will still take."""

from __future__ import annotations

import threading
import time
from collections import deque

_WINDOW = 8.0
_GRAIN = 0.2


class Pace:
    """The rate over the last seconds: steady enough to be read, and zero when nothing comes."""

    def __init__(self, done: int = 0) -> None:
        """Counts from `done` on: what was there before took no time."""
        self._lock = threading.Lock()
        self.restart(done)

    def restart(self, done: int) -> None:
        """Forget the rate; the work goes on from `done`."""
        with self._lock:
            self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), done)])

    def mark(self, done: int) -> None:
        """So much is done by now."""
        now = time.monotonic()
        with self._lock:
            if len(self._marks) > 1 and now - self._marks[-2][0] < _GRAIN:
                self._marks[-1] = (now, done)
            else:
                self._marks.append((now, done))
            # One mark older than the window stays: the rate is counted from there.
            while len(self._marks) > 2 and self._marks[1][0] < now - _WINDOW:
                self._marks.popleft()

    def rate(self) -> float:
        """Units a second."""
        with self._lock:
            then, before = self._marks[0]
            done = self._marks[-1][1]
        return max(0, done - before) / max(time.monotonic() - then, _GRAIN)

    def eta(self, total: int | None) -> int | None:
        """Seconds until `total` at this rate; None when that cannot be told."""
        done = self._marks[-1][1]
        rate = self.rate()
        if not total or rate <= 0:
            return None
        return round(max(0, total - done) / rate)
