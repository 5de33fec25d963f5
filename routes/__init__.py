"""HTTP and nothing else: parse, call one store method, shape the answer."""

from __future__ import annotations

from .mounting import PREFIX, mount

__all__ = ["PREFIX", "mount"]
