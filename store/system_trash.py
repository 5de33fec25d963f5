"""The trash of the desktop, where there is one."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def send(path: Path) -> bool:
    """Put a file into the system's trash; False when there is none that takes it."""
    if not _takes(path):
        return False
    from send2trash import send2trash  # slow to import on some systems, and rarely needed

    try:
        send2trash(str(path))
    except OSError:
        return False
    return not os.path.lexists(path)


def _takes(path: Path) -> bool:
    if sys.platform == "win32":
        import ctypes

        # From a network drive or a stick Windows would delete for good.
        fixed = 3
        return ctypes.windll.kernel32.GetDriveTypeW(path.anchor) == fixed
    if sys.platform == "darwin":
        return True
    # A server has none: what would lie there nobody would ever see or empty.
    home = os.environ.get("XDG_DATA_HOME", "")
    data = Path(home) if home else Path.home() / ".local" / "share"
    return (data / "Trash").is_dir()
