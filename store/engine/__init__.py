"""The database: a real TinyDB whose changes go to a journal, with declared indexes and words."""

from __future__ import annotations

from .collection import Collection
from .database import Database
from .reading import count_records, read_snapshot
from .spec import (
    BadRecord,
    BrokenStore,
    CollectionSpec,
    Index,
    Page,
    Record,
    Recovery,
    StoreHeld,
)

__all__ = [
    "BadRecord",
    "BrokenStore",
    "Collection",
    "CollectionSpec",
    "Database",
    "Index",
    "Page",
    "Record",
    "Recovery",
    "StoreHeld",
    "count_records",
    "read_snapshot",
]
