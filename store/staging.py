"""Files that wait to become part of the library: staged by a scan or a migration, then imported."""

from __future__ import annotations

import contextlib
import ntpath
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .bursts import Bursts
from .engine import CollectionSpec, Database, Index, Record
from .errors import BadInput, NotFound
from .events import Events
from .gallery import ServedFile
from .importing import Importing, sample_key
from .jobs import Jobs
from .json_values import mapping, text
from .library_facts import shown_text
from .library_place_changes import PlaceChange, moved
from .library_records import Records
from .library_tags import HIGHEST_GIVEN, Tags, next_number, raise_number
from .samples import Samples

if TYPE_CHECKING:
    from .library_places import Place, Places

PENDING = CollectionSpec(
    "pending",
    key="key",
    indexes=(
        Index("in_order", None, "created_at"),
        Index("by_path", "path"),
        Index("by_image", "image_names"),
        Index("by_tag", "tags"),
    ),
)
FINISHED = CollectionSpec("pending_finished", key="key")
"""What has become of a pending row, so that its id is not given again and a repeat is known."""

Json = dict[str, Any]
Check = Callable[[], object]

_AT_ONCE = 1000


class Staging:
    """Pending rows. Thread-safe; importing reads whole files."""

    def __init__(
        self,
        database: Database,
        records: Records,
        tags: Tags,
        samples: Samples,
        places: Places,
        jobs: Jobs,
        events: Events,
        *,
        look: Callable[[], list[Place]],
    ) -> None:
        """`look` looks through the models folders now, and gives the files that are there."""
        self._database = database
        self._pending = database.collection("pending")
        self._finished = database.collection("pending_finished")
        self._records = records
        self._tags = tags
        self._samples = samples
        self._places = places
        self._bursts = Bursts(lambda _: events.publish("library", change="staging"))
        self._look = look
        self._scanning = threading.Lock()
        self.importing = Importing(database, records, samples, places, jobs, self)
        places.listen(self._places_changed)

    def listed(self, *, limit: int | None = None, offset: int = 0) -> Json:
        """`{models, total}`, the oldest file first."""
        page = self._pending.page("in_order", limit=limit or 1 << 40, offset=offset)
        models = [
            {
                "id": row["id"],
                "name": row["name"],
                "image": next(iter(row["meta"].get("images") or []), ""),
                "type": row["type"],
                "tags": self._tags.shown(row["tags"]),
            }
            for row in page.records
        ]
        return {"models": models, "total": page.total}

    def show(self, pending_id: int) -> Json:
        """One row, whole. Raises NotFound."""
        row = self._pending.get(str(pending_id))
        if row is None:
            raise NotFound("Pending model not found")
        meta: Json = row["meta"]
        prompts = mapping(meta.get("prompts"))
        return {
            **{name: row[name] for name in ("id", "path", "sha256", "name", "type")},
            "size_bytes": row["size_bytes"],
            "created_at": row["created_at"],
            "meta_json": {
                "description": text(meta.get("description")),
                "community_links": text(meta.get("community_links")),
                "images": meta.get("images") or [],
                "prompts": {
                    "positive": text(prompts.get("positive")),
                    "negative": text(prompts.get("negative")),
                },
            },
            "tags": self._tags.shown(row["tags"]),
        }

    def picture(self, name: str, quality: str) -> ServedFile:
        """The staged picture by the row's id or by its own name, with or without an extension.

        Raises NotFound.
        """
        for each in (name, name.removesuffix(".webp")):
            key = each if each in self._pending else ""
            if not key:
                found = self._pending.page("by_image", each, limit=1).records
                key = found[0]["key"] if found else ""
            if key and self._samples.count(sample_key(key)):
                return self._samples.file(sample_key(key), 0, quality)
        raise NotFound("Pending image not found")

    def close(self) -> None:
        """Imports end before the next file."""
        self.importing.close()

    def get(self, key: str) -> Record | None:
        """The row."""
        return self._pending.get(key)

    def scan(self, kind: str = "", types: Sequence[str] = ()) -> Json:
        """Stage every file that no record has taken up: `{scanned, pending_added, …}`.

        Of one type only, if `kind` is given, which must be among `types`. Raises BadInput.
        """
        if kind and kind not in types and kind != "others":
            raise BadInput("There is no such type of models.", field="type")
        found = [place for place in self._look() if _is_of(place, kind, types)]
        added: list[int] = []
        with self._scanning:
            self._hash_moved(found)
            for place in found:
                self._take_up_moved(self._places.get(place.place_id) or place)
            for start in range(0, len(found), _AT_ONCE):
                with self._database.transaction():
                    for place in found[start : start + _AT_ONCE]:
                        if not self._is_known(place):
                            added.append(self._stage(place, kind)["id"])
        if added:
            self.tell()
        return {
            "status": "success",
            "scanned": len(found),
            "pending_added": len(added),
            "skipped": len(found) - len(added),
            "pending_ids": added,
        }

    def add(self, fields: Json, *, wanted_id: int = 0) -> Record:
        """A new row, with `wanted_id` if that was never given; inside of a transaction."""
        if 0 < wanted_id < HIGHEST_GIVEN and not self.was_given(wanted_id):
            raise_number(self._database, "pending", wanted_id)
            number = wanted_id
        else:
            number = next_number(self._database, "pending")
        row: Record = {"key": str(number), "id": number, **_EMPTY, **fields}
        images: list[Any] = row["meta"].get("images") or []
        names = {ntpath.basename(text(each)) for each in images[:1]}
        row["image_names"] = sorted(names | {ntpath.splitext(name)[0] for name in names} - {""})
        self._pending.put(row)
        return row

    def at_path(self, path: str) -> Record | None:
        """The row of this file."""
        found = self._pending.page("by_path", path, limit=1).records
        return found[0] if found else None

    def change(self, row: Record) -> None:
        """Keep a changed row; inside of a transaction."""
        self._pending.put(row)

    def has(self, key: str) -> bool:
        """Whether the row is there still."""
        return key in self._pending

    def finish(self, row: Record, outcome: str, sha256: str) -> None:
        """The row goes, and it is remembered what has become of it; inside of a transaction."""
        self._pending.delete(row["key"])
        self._finished.put({"key": row["key"], "outcome": outcome, "sha256": sha256})

    def finished(self, key: str) -> Record | None:
        """What has become of a row: `outcome` (success or deleted) and `sha256`."""
        return self._finished.get(key)

    def was_given(self, number: int) -> bool:
        """Whether a row has, or ever had, this id."""
        return str(number) in self._pending or str(number) in self._finished

    def with_tag(self, tag_id: int) -> list[Record]:
        """The rows that carry a tag."""
        return self._pending.page("by_tag", tag_id, limit=1 << 40).records

    def _stage(self, place: Place, kind: str) -> Record:
        path = shown_text(place.path)
        return self.add(
            {
                "path": path,
                "place_id": place.place_id,
                "name": ntpath.basename(path),
                "type": kind if kind in place.types else min(place.types, default=""),
                "size_bytes": place.size,
                "created_at": max(0, place.mtime_ns // 1_000_000),
            }
        )

    def _is_known(self, place: Place) -> bool:
        path = shown_text(place.path)
        if self._records.has_path(path):
            return True
        rows = self._rows_at(path) if self._pending.count("by_path", path) else ()
        return any(_is_about(row, place.place_id) for row in rows)

    def _rows_at(self, path: str) -> list[Record]:
        return self._pending.page("by_path", path, limit=1 << 40).records

    def _hash_moved(self, found: Sequence[Place]) -> None:
        """Hash what looks like a recorded file that was moved to another drive."""
        unknown = [place for place in found if not place.sha256 and not self._is_known(place)]
        if not unknown:
            return
        lost = {
            (record["size_bytes"], ntpath.basename(path))
            for record in self._records
            for path in record["paths"][:1]
            if record["sha256"] and not self._places.at_path(path)
        }
        for place in unknown:
            if (place.size, ntpath.basename(shown_text(place.path))) in lost:
                with contextlib.suppress(OSError):
                    self._places.hash_now(place.path)

    def _take_up_moved(self, place: Place) -> None:
        """A file whose record has lost the one that it had: it was moved."""
        record = self._records.get(place.sha256) if place.sha256 else None
        path = shown_text(place.path)
        if record is None or path in record["paths"]:
            return
        if not any(self._places.at_path(each) for each in record["paths"]):

            def take_up(record: Record) -> None:
                record["path"], record["paths"] = path, [*record["paths"], path]

            self._records.change(place.sha256, take_up, by_user=False)

    def _places_changed(self, changes: list[PlaceChange]) -> None:
        found = [
            (row, shown_text(spot.path))
            for old, spot in moved(changes).items()
            for row in self._rows_at(shown_text(old))
            if _is_about(row, spot.place_id)
        ]
        for row, new in found:
            changed = {"path": new, "name": row["name"]}
            if row["name"] == ntpath.basename(row["path"]):
                changed["name"] = ntpath.basename(new)
            with contextlib.suppress(KeyError):  # imported in this very moment
                self._pending.update(row["key"], changed)

    def tell(self) -> None:
        """Rows have come or gone."""
        self._bursts.add(["staging"])


_EMPTY: Record = {
    "path": "",
    "place_id": "",
    "sha256": "",
    "name": "",
    "type": "",
    "size_bytes": 0,
    "created_at": 0,
    "meta": {},
    "tags": [],
    "image_names": [],
}


def _is_about(row: Record, place_id: str) -> bool:
    """Whether it is not the row of a file that another has taken the place of."""
    return row["place_id"] in ("", place_id)


def _is_of(place: Place, kind: str, types: Sequence[str]) -> bool:
    if kind == "others":
        return not any(each in types for each in place.types)
    return kind in place.types if kind else bool(place.types)
