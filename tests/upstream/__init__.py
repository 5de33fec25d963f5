"""A local CivitAI and Hugging Face for tests, and by hand: `python -m tests.upstream`."""

from __future__ import annotations

from .faults import Fault
from .record import Request
from .server import Upstream
from .site import Switches
from .world import World

__all__ = ["Fault", "Request", "Switches", "Upstream", "World"]
