"""ComfyUI Studio's times: without an offset they are those of Europe/Rome."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from .gallery_records import utc


def studio_utc(value: Any) -> str:
    """As `utc`; empty when it is no time."""
    text = str(value).strip()
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is not None or len(text) <= len("2024-05-06"):
            return utc(text)
        winter = moment - timedelta(hours=1)
        summer = moment - timedelta(hours=2)
        # By the rule of the European Union: not every system has the zones' tables.
        moment = summer if _turn(moment.year, 3) <= summer < _turn(moment.year, 10) else winter
    except (ValueError, OverflowError):
        return ""
    return utc(moment.replace(tzinfo=timezone.utc).isoformat())


def _turn(year: int, month: int) -> datetime:
    """When clocks are changed in this month, in UTC: its last Sunday, at one."""
    last = datetime(year, month, 31, 1)
    return last - timedelta(days=(last.weekday() + 1) % 7)
