"""Manners: how many requests at once, and what is not asked for twice."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator

from ..errors import NotFound
from .addresses import Origin

_REMEMBERED = 10_000
_SECONDS = 300.0


class Slots:
    """At most `limit(origin)` holders an origin; the limit may change while some wait."""

    def __init__(self, limit: Callable[[Origin], int]) -> None:
        self._limit = limit
        self._turn = threading.Condition()
        self._busy: dict[Origin, int] = {}

    @contextlib.contextmanager
    def held(self, origin: Origin | None) -> Generator[None, None, None]:
        """Wait for a place and hold it for the block; None has no limit."""
        if origin is None:
            yield
            return
        with self._turn:
            # A raised limit tells nobody, hence the look once a second.
            while self._busy.get(origin, 0) >= self._limit(origin):
                self._turn.wait(1)
            self._busy[origin] = self._busy.get(origin, 0) + 1
        try:
            yield
        finally:
            with self._turn:
                self._busy[origin] -= 1
                self._turn.notify_all()


class Missing:
    """What upstream does not have, for five minutes: asking again would only be load."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._until: OrderedDict[str, float] = OrderedDict()

    def remember(self, address: str) -> None:
        """Upstream has said that this is not there."""
        with self._lock:
            self._until[address] = time.monotonic() + self._seconds
            self._until.move_to_end(address)
            while len(self._until) > _REMEMBERED:
                self._until.popitem(last=False)

    def check(self, address: str, text: str) -> None:
        """Raise NotFound with this text while the address is known to be missing."""
        with self._lock:
            until = self._until.get(address)
            if until is None:
                return
            if until < time.monotonic():
                del self._until[address]
                return
        raise NotFound(text)
