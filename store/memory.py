"""Python's memory: freed, given back to the system, and not searched for garbage in vain."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections.abc import Generator


class _Holders:
    """Who holds the garbage collector still; it goes on when the last one has let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._enabled = False

    def add(self) -> None:
        """One more; the first one stops it."""
        with self._lock:
            if not self._count:
                self._enabled = gc.isenabled()
                gc.disable()
            self._count += 1

    def remove(self) -> None:
        """One less; the last one lets it go on, unless it was stopped by others before."""
        with self._lock:
            self._count -= 1
            if not self._count and self._enabled:
                gc.enable()


_holders = _Holders()


@contextlib.contextmanager
def no_collection() -> Generator[None, None, None]:
    """Hold the garbage collector still while much is made that stays."""
    _holders.add()
    try:
        yield
    finally:
        _holders.remove()


class Stillness:
    """As `no_collection`, but not for longer than some seconds: `check` ends it when they are over.

    For what is usually quick and takes minutes on a slow disk, while others make garbage.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = 0.0
        self._holds = False

    def __enter__(self) -> Stillness:
        """Begin."""
        self._end = time.monotonic() + self._seconds
        if not self._holds:
            self._holds = True
            _holders.add()
        return self

    def check(self) -> None:
        """End it if its time is over."""
        if self._holds and time.monotonic() > self._end:
            self.__exit__()

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._holds:
            self._holds = False
            _holders.remove()


def give_back() -> None:
    """After much was made and thrown away: the C library keeps it for each thread apart.

    Only glibc does so, and only it has the call; elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
