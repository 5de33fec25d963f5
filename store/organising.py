"""What a person does with the library as a whole: each tool of it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .engine import Database
from .gallery_records import find, item_key, shown_item
from .library_collections import COLLECTION_ITEMS, COLLECTIONS, Collections, Item, ItemKind
from .library_records import Records, is_sha256

Json = dict[str, Any]

ORGANISED = (COLLECTIONS, COLLECTION_ITEMS)


class Organising:
    """Collections and what else works on many models at once."""

    def __init__(self, database: Database, collections: Collections, records: Records) -> None:
        self.collections = collections
        self._gallery = database.collection("gallery")
        self._records = records
        self.model_row: Callable[[str], Mapping[str, Any] | None] = self._record_row
        """The library's row of a model, None when there is none."""
        self.model_key: Callable[[str], str] = str.lower
        """The key by which a model is known by now: its hash as soon as that is there."""
        collections.known = self._known

    def close(self) -> None:
        """End what is under way."""

    def items(
        self,
        collection_id: str,
        *,
        kind: ItemKind | None = None,
        limit: int = 100,
        offset: int = 0,
        descending: bool = False,
    ) -> tuple[list[Json], int]:
        """Items of a collection as their cards show them, and how many there are."""
        items, total = self.collections.page(
            collection_id, kind=kind, limit=limit, offset=offset, descending=descending
        )
        return [self._shown(item) for item in items], total

    def _shown(self, item: Item) -> Json:
        if item.kind == "picture":
            record = find(self._gallery, item.id)
            return {**item._asdict(), "picture": shown_item(record) if record else None}
        return {**item._asdict(), "model": self.model_row(self.model_key(item.id))}

    def _known(self, item: Item) -> Item | None:
        if item.kind == "picture":
            record = find(self._gallery, item_key(item.id))
            return Item("picture", record["id"]) if record else None
        key = self.model_key(item.id.strip())
        known = key in self._records or self.model_row(key) is not None
        return Item("model", key) if known else None

    def _record_row(self, key: str) -> Json | None:
        record = self._records.get(key)
        if record is None:
            return None
        shown = {name: record[name] for name in ("name", "type", "base_model", "path")}
        return {"sha256": key if is_sha256(key) else "", **shown}
