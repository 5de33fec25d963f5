"""Catalogs to test with: a real one where it lies beside the checkout, else one of its shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_REAL = _ROOT.parent / "shared" / "data" / "studio-models.json"

INVENTED = _ROOT / "tests" / "data" / "catalog.json"
EXAMPLE = _REAL if _REAL.is_file() else INVENTED


def all_entries(catalog: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for category in catalog["categories"] for entry in category["models"]]
