"""A local CivitAI and Hugging Face for tests, and by hand: `python -m tests.upstream`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import Fault
    from .record import Request
    from .server import Upstream
    from .site import Switches
    from .world import World

__all__ = ["Fault", "Request", "Switches", "Upstream", "World"]

_HOMES = {
    "Fault": "faults",
    "Request": "record",
    "Switches": "site",
    "Upstream": "server",
    "World": "world",
}


def __getattr__(name: str) -> object:
    # Not before it is needed: `python -m tests.upstream` first installs what these import.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
