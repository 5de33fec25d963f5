"""Everything that is kept, and where it comes from. Knows neither HTTP servers nor ComfyUI."""

from __future__ import annotations

from .errors import CuratorError, StoreClosed
from .host import Host
from .settings import Options
from .store import Store, active, set_active

__all__ = ["CuratorError", "Host", "Options", "Store", "StoreClosed", "active", "set_active"]
