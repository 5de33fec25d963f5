"""The library: every model file that is there, joined with what a person has said of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from .engine import Database, Record
from .errors import CuratorError, NotFound, StoreClosed
from .events import Events
from .host import Host
from .jobs import Job, Jobs
from .library_hashing import Hashing
from .library_lists import Answer, Asked, Lists
from .library_place_changes import PlaceChange, moved, renamed
from .library_place_shown import shown_place
from .library_places import Place, Places
from .library_records import Records
from .library_rows import Json, Row, Rows
from .library_scan import scan
from .library_shelf import Spot
from .library_tags import Tags
from .library_watch import Closing, Watch
from .memory import give_back
from .model_headers import forget_layouts
from .settings import Settings
from .tasks import Tasks

__all__ = ["Answer", "Asked", "Library", "Place", "PlaceChange"]

log = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS = 10.0
_SECONDS_BETWEEN_EVENTS = 0.5


class Library:
    """Places, records and the list made of both. Thread-safe."""

    def __init__(
        self,
        database: Database,
        host: Host,
        settings: Settings,
        events: Events,
        jobs: Jobs,
        records: Records,
        tags: Tags,
    ) -> None:
        """Knows nothing until `start`."""
        self.places = Places(database, host)
        self.records = records
        self.hashing = Hashing(self.places, host, settings, jobs)
        self.tasks: Tasks | None = None
        """Where scans run as jobs."""
        self._host = host
        self._events = events
        self._told = 0.0
        self._untold = 0
        self._stamp = -1
        """That of the rows when we rested last."""
        self._rows = Rows(self.places, records, tags)
        self.lists = Lists(self._rows, tags, events.run, lambda: self.is_complete)
        self._watch = Watch(
            self.places,
            host,
            loaded=self._loaded,
            looked=self._looked,
            completed=self._completed,
            rested=self._rested,
            is_rushing=self.hashing.is_rushing,
        )
        self.places.rescan = self.scan
        self.hashing.began_rush = self._watch.give_way
        records.describe = self._describe
        records.listen(self._heed)
        tags.listen(self._rows.update_tagged)
        self.places.listen(self._follow)

    def start(self) -> None:
        """Look through the models folders in the background, and go on watching them."""
        self._watch.start()

    def close(self) -> None:
        """Stop looking and hashing."""
        self._watch.close()
        self.hashing.close()
        try:
            self.places.keep()
        except CuratorError as error:
            log.error("places were not kept: %s", error.text)

    @property
    def is_complete(self) -> bool:
        """Whether everything was looked through since the start."""
        return self._watch.done.is_set()

    def wait(self, seconds: float = _FIRST_WAIT_SECONDS) -> bool:
        """Until everything was looked through once; False when that takes longer."""
        return self._watch.done.wait(seconds)

    def scan(self, kind: str | None = None) -> list[Place]:
        """Look through everything now; the files that are there, all or of a type."""
        if not self._watch.done.wait(600):
            raise StoreClosed("The models folders are still being looked through.", retry_after=5)
        try:
            self._watch.look()
        except Closing:
            raise StoreClosed("The store is closing.") from None
        found = self.places.all()
        return found if kind is None else [place for place in found if kind in place.types]

    def start_scan(self, *, hashing: bool) -> Json:
        """Look through everything as a job, which is returned. Raises Conflict, StoreClosed."""
        if self.tasks is None:
            raise StoreClosed("The store is still opening.")

        def work(job: Job, report: Json) -> None:
            scan(self, job, report, hashing=hashing)

        return self.tasks.start("scan", work, wanted=hashing, title="Scanning models", unit="files")

    def types(self) -> list[str]:
        """The types that have a tab of their own, by name."""
        return self._host.model_types()

    def list(self, asked: Asked) -> Answer:
        """A page of the list; waits for the first look through the folders, but not for ever."""
        self.wait()
        return self.lists.answer(asked)

    def row(self, key: str) -> Json | None:
        """The list's row of a content or place."""
        row = self.find(key)
        return self._rows.shown(row) if row else None

    def find(self, key: str) -> Row | None:
        """The row of a hash or of a place's id, also of a place that is hashed by now."""
        row = self._rows.get(key)
        if row is None:
            place = self.places.get(key)
            row = self._rows.get(place.sha256) if place and place.sha256 else None
        return row

    def key_of(self, key: str) -> str:
        """The key that a hash or place's id is kept under now."""
        row = self.find(key)
        return row.key if row else key

    def status(self) -> Json:
        """`{complete, models, places, hashing}`."""
        return {
            "complete": self.is_complete,
            "models": len(self._rows),
            "places": len(self.places.present()),
            "hashing": self.hashing.status(),
        }

    def duplicates(self, *, limit: int, offset: int) -> Json:
        """`{groups: [{model, wasted_bytes}], total, wasted_bytes}`, most waste first."""
        rows = self.lists.find(Asked(duplicates=True))
        wasted = [(_wasted(row), row) for row in rows]
        wasted.sort(key=lambda each: -each[0])
        return {
            "groups": [
                {"model": self._rows.shown(row), "wasted_bytes": size}
                for size, row in wasted[offset : offset + limit]
            ],
            "total": len(wasted),
            "wasted_bytes": sum(size for size, _ in wasted),
        }

    def place(self, key: str) -> Json:
        """A place by its id, or the first of a hash; with its header. Raises NotFound."""
        found = self.places.get(key) or next(iter(self.places.of_hash(key.lower())), None)
        if found is None:
            raise NotFound("There is no such file.")
        return shown_place(found)

    def _loaded(self) -> None:
        self._rows.set_types(self._host.model_types())
        keys = [spot.key for spot in self.places.present()]
        self._rows.update([*keys, *(record["id"] for record in self.records)])

    def _looked(self) -> None:
        self._rows.set_types(self._host.model_types())
        self._rows.prepare()
        self.places.forget_old(self.records)
        self.hashing.wake()
        forget_layouts()
        if not self.is_complete:
            give_back()

    def _completed(self) -> None:
        """Who has seen a part of the list asks again."""
        self._events.publish("library", change="complete")

    def _rested(self) -> None:
        stamp, self._stamp = self._stamp, self._rows.stamp
        if stamp == self._stamp:
            # While files are hashed by the hundred it would be for nothing in a moment.
            self._rows.prepare()
            self._rows.prepare_texts()
        if self._untold:
            self._tell(0)

    def _describe(self, key: str) -> Mapping[str, Any]:
        spots = self.places.spots(key)
        if not spots:
            return {}
        return {
            "path": spots[0].path,
            "size_bytes": spots[0].seen.size,
            "created_at": max(0, spots[0].seen.mtime_ns // 1_000_000),
            "place_ids": [spot.place_id for spot in spots],
        }

    def _heed(self, keys: list[str]) -> None:
        """Records have changed: those with files that are not hashed yet take these up."""
        self._rows.update(keys)
        for record in self.records.get_many(keys) if self.places.ready.is_set() else ():
            key = record["id"]
            content = self.places.content_of(key) if record.get("draft") else ""
            if content:
                # It was hashed while somebody wrote what was to be said of the place.
                self.records.join(key, content)
            for path in record["paths"]:
                spot = self.places.spot_at(path)
                if spot and not spot.sha256 and not spot.gone:
                    self._believe(spot, record)
        self.places.publish(keep=False)

    def _believe(self, spot: Spot, record: Record) -> None:
        """A record that knows this path knows its content, if the size is the same."""
        if record["sha256"] and record["size_bytes"] in (0, spot.seen.size):
            with self.places.lock:
                # What is said of the place itself goes before what others suppose.
                if not spot.sha256 and spot.place_id not in self.records:
                    self.places.believe(spot, record["sha256"])

    def _follow(self, changes: list[PlaceChange]) -> None:
        """Records go where their files go; rows show it."""
        keys: list[str] = []
        has_records = len(self.records) > 0
        for kind, spot, old_key, _ in changes:
            if kind == "new" and has_records and not spot.sha256:
                for record in self.records.at_path(spot.path)[:1]:
                    self._believe(spot, record)
            elif kind == "back":
                self.hashing.forgive(spot)
            key = spot.key
            keys.append(key)
            if old_key != key:
                keys.append(old_key)
        try:
            if has_records:
                for place_id, sha256 in renamed(changes):
                    if place_id in self.records:
                        self.records.join(place_id, sha256)
                self.records.follow({old: spot.path for old, spot in moved(changes).items()})
        finally:
            self._rows.update(keys)
        if any(change.kind != "hashed" for change in changes):
            self.hashing.wake()
        self._tell(len(changes))

    def _tell(self, count: int) -> None:
        """Publish, but not for each of ten thousand."""
        self._untold += count
        now = time.monotonic()
        if now - self._told >= _SECONDS_BETWEEN_EVENTS:
            self._told, count, self._untold = now, self._untold, 0
            self._events.publish("library", change="places", count=count)


def _wasted(row: Row) -> int:
    """What the copies take; a further link to the same file takes nothing."""
    inodes = {spot.seen.inode or spot.place_id for spot in row.spots}
    return row.size * (len(inodes) - 1)
