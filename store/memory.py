"""Python's memory: freed, given back to the system, and not searched for garbage in vain."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Generator


@contextlib.contextmanager
def no_collection() -> Generator[None, None, None]:
    """Hold the garbage collector still while much is made that stays."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Stillness:
    """As `no_collection`, but not for longer than some seconds: `check` ends it when they are over.

    For what is usually quick and takes minutes on a slow disk, while others make garbage.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = 0.0
        self._holds = False

    def __enter__(self) -> Stillness:
        """Begin, unless somebody else holds it still."""
        self._holds = gc.isenabled()
        self._end = time.monotonic() + self._seconds
        gc.disable()
        return self

    def check(self) -> None:
        """End it if its time is over."""
        if self._holds and time.monotonic() > self._end:
            self.__exit__()

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._holds:
            self._holds = False
            gc.enable()


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
