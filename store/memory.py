"""Memory that Python has freed, given back to the system."""

from __future__ import annotations

import sys


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
