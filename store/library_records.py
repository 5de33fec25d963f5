"""What a person or an import has said of a model's content; it outlives the file.

A record's key is the SHA-256 of the content, or the place's id as long as the hash is not known.
"""

from __future__ import annotations

import copy
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .bursts import Bursts
from .engine import CollectionSpec, Database, Index, Record
from .events import Events
from .library_facts import shown_text
from .library_merging import filled, joined, mark_said

MODELS = CollectionSpec(
    "models",
    key="id",
    indexes=(
        Index("added", None, "added"),
        Index("by_path", "paths"),
        Index("by_place", "place_ids"),
        Index("by_tag", "tags"),
        Index("drafts", "draft"),
    ),
)

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")

Change = Callable[[Record], object]


def is_sha256(text: str) -> bool:
    """Whether it is 64 hex digits, in any case."""
    return _SHA256.fullmatch(text) is not None


def new_record(key: str) -> Record:
    """A record of which nothing is said; `key` is a lower-case SHA-256 or a place's id.

    `meta` is Hikaze's meta_json, whole; `paths` are the files that it has taken up, `place_ids` the
    places that were joined to it; `said` holds when (ms) a person has last set a field, of meta by
    `meta.<key>`; `rating` is 0 (none) to 5; times are ms.
    """
    return {
        "id": key,
        "sha256": key if is_sha256(key) else "",
        "name": "",
        "type": "",
        "base_model": "",
        "path": "",
        "paths": [],
        "place_ids": [] if is_sha256(key) else [key],
        "size_bytes": 0,
        "created_at": 0,
        "meta": {},
        "tags": [],
        "notes": "",
        "rating": 0,
        "favorite": False,
        "trigger_words": [],
        "presets": [],
        "said": {},
        "added": 0,
        "draft": None if is_sha256(key) else 1,
    }


class Records:
    """Every record by its key. Thread-safe; a change is on the disk when the call returns."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._records = database.collection("models")
        self._bursts = Bursts(
            lambda keys: events.publish(
                "library", change="edited", keys=keys[:100], count=len(keys)
            )
        )
        self._listeners: list[Callable[[list[str]], object]] = []
        self._last_added = 0
        self._order = threading.Lock()
        self.describe: Callable[[str], Mapping[str, Any]] = _know_nothing
        """What the disk tells of a key (path, size_bytes, created_at, place_ids): whoever knows
        the places puts it here; asked when a record is made."""

    def get(self, key: str) -> Record | None:
        """The record, the caller's own copy."""
        return self._records.get(key)

    def get_many(self, keys: Iterable[str]) -> list[Record]:
        """Those that there are of these keys, in their order."""
        return self._records.get_many(keys)

    def at_path(self, path: str) -> list[Record]:
        """The records that have taken up this file."""
        return self._records.page("by_path", path).records

    def of_place(self, place_id: str) -> Record | None:
        """The record that a place was joined to, also when the place is no more."""
        found = self._records.page("by_place", place_id, limit=1).records
        return found[0] if found else None

    def with_tag(self, tag_id: int) -> list[Record]:
        """The records that carry a tag."""
        return self._records.page("by_tag", tag_id, limit=1 << 40).records

    def tag_counts(self) -> dict[int, int]:
        """How many records carry each tag, by its id."""
        counts = self._records.values("by_tag")
        return {tag: count for tag, count in counts.items() if tag is not None}

    def drafts(self) -> list[Record]:
        """What is said of places whose hash is not known."""
        return self._records.page("drafts", 1, limit=1 << 40).records

    def has_path(self, path: str) -> bool:
        """Whether a record has taken up this file."""
        return self._records.count("by_path", path) > 0

    def make(self, sha256: str, **fields: Any) -> Record:
        """The record of this content, made if there is none; `fields` fill only what is empty."""

        def fill(record: Record) -> None:
            record.update(filled(record, fields))

        return self.change(sha256, fill, by_user=False, keep=True)

    def change(self, key: str, fn: Change, *, by_user: bool = True, keep: bool = False) -> Record:
        """Let `fn` alter the record, nobody in between; it is made if there is none.

        What it alters counts as said by a person unless `by_user` is off. A record of which nothing
        is said is not made, unless `keep`. `fn` must be short; when it raises, nothing changes.
        """
        return self.change_many([key], fn, by_user=by_user, keep=keep)[0]

    def change_many(
        self, keys: Iterable[str], fn: Change, *, by_user: bool = True, keep: bool = False
    ) -> list[Record]:
        """As `change` for each key, all of them or none."""
        changed: list[str] = []
        records: list[Record] = []
        with self._database.transaction():
            for key in keys:
                record = self._records.get(key)
                before = self.fresh(key) if record is None else copy.deepcopy(record)
                made = record is None
                record = self.fresh(key) if record is None else record
                fn(record)
                if by_user:
                    mark_said(record, before, _now())
                if record != before or (made and keep):
                    self.put(record)
                    changed.append(key)
                records.append(record)
        self.tell(changed)
        return records

    def join(self, place_id: str, sha256: str) -> bool:
        """What was said of a place is from now on said of its content; False if nothing was.

        What a person has said wins over the rest; of both the later, tags and words of both.
        """
        with self._database.transaction():
            draft = self._records.get(place_id)
            if draft is None:
                return False
            record = self._records.get(sha256)
            made = joined(record or self.fresh(sha256), draft)
            made["added"] = (record or draft)["added"]
            self._records.delete(place_id)
            self.put(made)
        self.tell([place_id, sha256])
        return True

    def follow(self, moved: Mapping[str, str]) -> None:
        """Files were moved, from path to path: the records that had taken them up go with them."""
        now = {shown_text(old): shown_text(new) for old, new in moved.items()}

        def move(record: Record) -> None:
            record["paths"] = [now.get(path, path) for path in record["paths"]]
            record["path"] = now.get(record["path"], record["path"])

        keys = {record["id"] for old in now for record in self.at_path(old)}
        if keys:
            self.change_many(keys, move, by_user=False)

    def forget(self, key: str) -> bool:
        """Remove a record; False when there is none."""
        gone = self._records.delete(key)
        if gone:
            self.tell([key])
        return gone

    def listen(self, listener: Callable[[list[str]], object]) -> None:
        """Call `listener` (from any thread; it must be quick) with the keys of changed records."""
        self._listeners.append(listener)

    def fresh(self, key: str) -> Record:
        """A new record with what the disk tells of it, not kept yet."""
        record = new_record(key)
        record.update(self.describe(key))
        record["path"] = shown_text(record["path"])
        record["paths"] = [record["path"]] if record["path"] else []
        return record

    def put(self, record: Record) -> None:
        """Keep the record as it is; for those who open the transaction and `tell` themselves."""
        if not record["added"]:
            with self._order:
                self._last_added = max(self._last_added + 1, time.time_ns() // 1000)
                record["added"] = self._last_added
        self._records.put(record)

    def tell(self, keys: list[str]) -> None:
        """These have changed."""
        if not keys:
            return
        for listener in self._listeners:
            listener(keys)
        self._bursts.add(keys)

    def __iter__(self) -> Iterator[Record]:
        """Every record, as it was when the loop began."""
        return iter(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def __len__(self) -> int:
        return len(self._records)


def _know_nothing(_: str) -> Mapping[str, Any]:
    return {}


def _now() -> int:
    return time.time_ns() // 1_000_000
