"""Threads for uploads: as many of a kind at once as are good for the machine, none that idles."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

_CLOSE_SECONDS = 5.0


class Lane:
    """Works through uploads by their ids, in the order of their coming, a few at once."""

    def __init__(self, name: str, work: Callable[[str], None], at_once: int) -> None:
        """`work` raises nothing."""
        self._name = name
        self._work = work
        self._at_once = at_once
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._working: dict[str, threading.Thread] = {}
        self._closing = False

    def put(self, upload_id: str) -> None:
        """Let it have its turn, unless it waits or runs already."""
        with self._changed:
            if upload_id not in self._waiting and upload_id not in self._working:
                self._waiting.append(upload_id)
                self._begin()

    def stop(self, upload_id: str, seconds: float) -> bool:
        """It does not wait any more; one that runs is waited for. Whether it does not run now."""
        with self._changed:
            if upload_id in self._waiting:
                self._waiting.remove(upload_id)
            return self._changed.wait_for(lambda: upload_id not in self._working, seconds)

    def close(self) -> None:
        """Begin nothing more, and wait a little for what runs and is told to end."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            self._changed.wait_for(lambda: not self._working, _CLOSE_SECONDS)

    def _begin(self) -> None:
        while self._waiting and not self._closing and len(self._working) < self._at_once:
            upload_id = self._waiting.popleft()
            thread = threading.Thread(
                target=self._run, args=(upload_id,), name=self._name, daemon=True
            )
            self._working[upload_id] = thread
            thread.start()

    def _run(self, upload_id: str) -> None:
        try:
            self._work(upload_id)
        finally:
            with self._changed:
                del self._working[upload_id]
                self._begin()
                self._changed.notify_all()
