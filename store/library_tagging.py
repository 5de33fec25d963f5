"""Tags as a person keeps them in order: renamed, merged, deleted, wherever they are used."""

from __future__ import annotations

import threading
from typing import Any

from .engine import Collection, Database, Record
from .errors import BadInput
from .library_records import Records
from .library_tags import Tags
from .staging import Staging

Json = dict[str, Any]


class Tagging:
    """Changes of tags that reach the models which carry them. Thread-safe."""

    def __init__(self, database: Database, tags: Tags, records: Records, staging: Staging) -> None:
        self._database = database
        self._tags = tags
        self._records = records
        self._staging = staging
        self._replacing = threading.Lock()
        self._migrated: Collection = database.collection("migrated")

    def listed(self) -> list[Json]:
        """Every tag with `color` and the number of `models` that carry it, by name."""
        counts = self._records.tag_counts()
        return [
            {"color": "", **tag, "models": counts.get(tag["id"], 0)} for tag in self._tags.listed()
        ]

    def merge(self, tag_id: int, into: int) -> Json:
        """What carries the one carries the other then; the one is gone. Raises NotFound.

        Again it does nothing.
        """
        # Two merged into each other at once would both be gone, and off everything.
        with self._replacing:
            target = self._tags.get(into)
            if not self._tags.was_given(tag_id):
                self._tags.get(tag_id)
            if tag_id == into:
                raise BadInput("A tag cannot be merged with itself.", field="into")
            moved = self._replace(tag_id, into)
        return {"status": "merged", "tag": target, "models": moved}

    def delete(self, tag_id: int) -> Json:
        """Take the tag off everything; it is gone. Deleted already: nothing. Raises NotFound."""
        if not self._tags.was_given(tag_id):
            self._tags.get(tag_id)
        with self._replacing:
            return {"status": "deleted", "models": self._replace(tag_id, None)}

    def _replace(self, tag_id: int, into: int | None) -> int:
        def change(record: Record) -> None:
            tags = [into if each == tag_id else each for each in record["tags"]]
            record["tags"] = [each for each in dict.fromkeys(tags) if each is not None]

        keys = [record["id"] for record in self._records.with_tag(tag_id)]
        self._records.change_many(keys, change)
        with self._database.transaction():
            for row in self._staging.with_tag(tag_id):
                change(row)
                self._staging.change(row)
            for known in self._migrated.page("by_tag", tag_id, limit=1 << 40).records:
                # So that a repeated migration brings the tag not back.
                self._migrated.put({**known, "tag": into or 0})
        self._tags.delete(tag_id)
        return len(keys)
