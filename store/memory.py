"""Python's memory: freed, given back to the system, and not searched for garbage in vain."""

from __future__ import annotations

import contextlib
import gc
import sys
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
