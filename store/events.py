"""What has changed, told to whoever listens: pages by SSE, ComfyUI's page by its websocket."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_KEPT = 1000


@dataclass(frozen=True)
class Event:
    """One change: `seq` counts up within this run of the store, `data` is JSON."""

    seq: int
    topic: str
    data: Mapping[str, Any]


class Events:
    """A bounded memory of the last changes, and the listeners to new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.run = secrets.token_hex(4)
        """Tells the numbers of this run from those of an earlier one."""
        self._seq = 0
        self._recent: deque[Event] = deque(maxlen=_KEPT)
        self._listeners: list[Callable[[Event], None]] = []

    def publish(self, topic: str, **data: Any) -> Event:
        """Remember the change and tell every listener, in the order of `seq`."""
        with self._lock:
            self._seq += 1
            event = Event(self._seq, topic, data)
            self._recent.append(event)
            for listener in self._listeners:
                listener(event)
        return event

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` (from any thread; must not block) for each change; returns the undo."""
        with self._lock:
            self._listeners.append(listener)

        def forget() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return forget

    @property
    def seq(self) -> int:
        """The number of the newest event."""
        return self._seq

    def since(self, seq: int) -> list[Event] | None:
        """The events after `seq`; None when some are forgotten, or `seq` is not of this run."""
        with self._lock:
            if seq > self._seq:
                return None
            missed = self._seq - seq
            if missed > len(self._recent):
                return None
            return list(self._recent)[len(self._recent) - missed :] if missed else []
