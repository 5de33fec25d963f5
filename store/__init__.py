"""Everything that is kept, and where it comes from. Knows neither HTTP servers nor ComfyUI."""

from __future__ import annotations

from .errors import CuratorError
from .host import Host
from .opening import Opening, collections, pictures, start
from .settings import Options

__all__ = ["CuratorError", "Host", "Opening", "Options", "collections", "pictures", "start"]
