"""One file as it is shown, with all that its header says."""

from __future__ import annotations

from typing import Any

import orjson

from .library_facts import shown_text
from .library_place_index import Place
from .model_headers import auto_v2, read_header

_LONGEST_VALUE = 100_000


def shown_place(place: Place) -> dict[str, Any]:
    """The place, its header's `metadata` (JSON in texts is parsed) and `dtypes`; reads the file."""
    header = read_header(place.path)
    return {
        "place_id": place.place_id,
        "path": shown_text(place.path),
        "file": shown_text(place.file),
        "root": shown_text(place.root),
        "types": list(place.types),
        "status": "missing" if place.gone else "present",
        "size_bytes": place.size,
        "modified": place.mtime_ns // 1_000_000,
        "first_seen": place.first_seen,
        "sha256": place.sha256,
        "auto_v2": auto_v2(place.sha256),
        "auto_v3": place.auto_v3,
        "facts": place.facts,
        "metadata": {name: _value(value) for name, value in header.metadata.items()},
        "dtypes": header.dtypes,
        "error": "" if place.gone else header.error,
    }


def _value(value: Any) -> Any:
    """Trainers write JSON into texts."""
    if not isinstance(value, str):
        return value
    if value[:1] in ("{", "[") and len(value) <= _LONGEST_VALUE:
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value[:_LONGEST_VALUE]
