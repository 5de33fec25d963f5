"""CivitAI's tags: the names behind the numbers that pictures carry."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .engine import Collection, CollectionSpec, Database, Index, Record
from .errors import CuratorError
from .json_values import text
from .remote.civitai import CivitAI

CIVITAI_TAGS = CollectionSpec("civitai_tags", key="id", indexes=(Index("by_name", "folded"),))
"""By number: `name` (empty: CivitAI does not know it), `type`, `synced_at`, `asked` in seconds."""

_A_BATCH = 50
_DAY = 86_400.0


class CivitaiTags:
    """Names are asked for once; numbers that CivitAI does not know again after a day."""

    def __init__(self, database: Database, civitai: CivitAI, pictures: Collection) -> None:
        """`pictures` have an index `by_tag`."""
        self._database = database
        self._records = database.collection("civitai_tags")
        self._pictures = pictures
        self._civitai = civitai
        self._syncing = threading.Lock()

    def sync(self) -> dict[str, Any]:
        """Ask for the names that are missing: `{synced, total_known, unknown_remaining}`.

        Raises what CivitAI raises, unless some names have come before.
        """
        with self._syncing:
            carried = {each for each in self._pictures.values("by_tag") if isinstance(each, int)}
            limit = time.time() - _DAY
            due = sorted(each for each in carried if self._is_due(each, limit))
            synced = 0
            for batch in _batches(due):
                try:
                    synced += self._ask(batch)
                except CuratorError:
                    if not synced:
                        raise
                    break
        known = {record["id"] for record in self._records if record["name"]}
        told = {
            "synced": synced,
            "total_known": len(known),
            "unknown_remaining": sum(str(each) not in known for each in carried),
        }
        return told if due else {**told, "message": "All tags already cached"}

    def take(self, tags: Mapping[int, tuple[str, str, str]], dry_run: bool = False) -> int:
        """Names, types and times that another program knows; how many had no name here."""
        new = {
            tag_id: told
            for tag_id, told in tags.items()
            if not (self._records.get(str(tag_id)) or {}).get("name")
        }
        if new and not dry_run:
            with self._database.transaction():
                for tag_id, (name, kind, when) in new.items():
                    self._records.put(_named(tag_id, name, kind, when or _now()))
        return len(new)

    def listed(self, *, limit: int | None = None, offset: int = 0) -> dict[str, Any]:
        """`{tags: [{id, name, type, synced_at}], count, total}` by name."""
        found = sorted(
            (record for record in self._records if record["name"]),
            key=lambda record: (record["folded"], int(record["id"])),
        )
        tags = [
            {
                "id": int(record["id"]),
                "name": record["name"],
                "type": record["type"],
                "synced_at": record["synced_at"],
            }
            for record in found[offset : None if limit is None else offset + limit]
        ]
        return {"tags": tags, "count": len(tags), "total": len(found)}

    def numbers(self, name: str) -> frozenset[int]:
        """The numbers of the tags of this name, or with this number; case does not matter."""
        folded = name.strip().casefold()
        found = self._records.page("by_name", folded, limit=1000).records
        numbers = {int(record["id"]) for record in found}
        if not numbers and folded.isascii() and folded.isdigit() and len(folded) < 16:
            numbers.add(int(folded))
        return frozenset(numbers)

    def _is_due(self, tag_id: int, limit: float) -> bool:
        record = self._records.get(str(tag_id))
        return record is None or (not record["name"] and record["asked"] < limit)

    def _ask(self, batch: Sequence[int]) -> int:
        """How many of these have a name now."""
        now = _now()
        found = self._civitai.tags(batch)
        with self._database.transaction():
            for tag_id, tag in found.items():
                name = text(tag["name"]) if tag else ""
                kind = text(tag.get("type")) if tag else ""
                self._records.put(_named(tag_id, name, kind, now))
        return sum(tag is not None for tag in found.values())


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _named(tag_id: int, name: str, kind: str, synced_at: str) -> Record:
    return {
        "id": str(tag_id),
        "name": name,
        "folded": name.strip().casefold() if name else None,
        "type": kind,
        "synced_at": synced_at,
        "asked": time.time(),
    }


def _batches(tag_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(tag_ids), _A_BATCH):
        yield tag_ids[start : start + _A_BATCH]
