"""Waiting for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(told: Callable[[], T | None], seconds: float = 20) -> T:
    """What it tells as soon as that is something; AssertionError when it takes too long."""
    end = time.monotonic() + seconds
    while not (found := told()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)
    return found
