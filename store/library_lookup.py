"""What CivitAI knows of the files in the library: asked by hash, in batches, and remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .civitai_types import texts
from .engine import CollectionSpec, Database, Index, Record
from .errors import BadInput, NotFound, UpstreamBusy, UpstreamFailed
from .events import Events
from .jobs import Job
from .json_values import integer, mapping, mappings, text
from .library_records import is_sha256
from .remote.civitai import CivitAI

LOOKUPS = CollectionSpec(
    "lookups",
    key="sha256",
    indexes=(Index("by_version", "version_id"), Index("by_model", "model_id")),
    durable=False,
)
"""By content: when CivitAI was asked (`checked`, seconds), and what of its answer is kept."""

_A_BATCH = 100
_FAILURES = 3
_BETWEEN_BATCHES = 1.0
_BETWEEN_SINGLES = 0.2
_ABSENT_FOR = 7 * 86_400.0
"""How long it is remembered that CivitAI does not know a file; it may be published later."""
_MOST_WORDS = 200
_MOST_PICTURES = 8
_LONGEST = 20_000

Json = dict[str, Any]


class Lookup:
    """Asks CivitAI about contents that it has not been asked about. Thread-safe."""

    def __init__(self, database: Database, civitai: CivitAI, events: Events) -> None:
        self._database = database
        self._lookups = database.collection("lookups")
        self._civitai = civitai
        self._events = events
        self._closing = threading.Event()
        self._listeners: list[Callable[[list[str]], object]] = []

    def get(self, sha256: str) -> Json | None:
        """What CivitAI says of a content; None when it knows nothing, or was not asked.

        `{version_id, model_id, name, version_name, base_model, type, trained_words, nsfw, tags,
        description, file, pictures:[{url, type, nsfw_level, width, height}]}`.
        """
        record = self._lookups.get(sha256)
        return record["found"] if record else None

    def checked(self, sha256: str) -> float | None:
        """When CivitAI was asked about it, in seconds since 1970; None: never."""
        record = self._lookups.get(sha256)
        return record["checked"] if record else None

    def of_versions(self, version_ids: Iterable[int]) -> list[str]:
        """The contents that are files of these versions."""
        return [
            record["sha256"]
            for version_id in version_ids
            for record in self._lookups.page("by_version", version_id, limit=1000).records
        ]

    def listen(self, listener: Callable[[list[str]], object]) -> None:
        """Call `listener` (from any thread, must be quick) with the contents that are known now."""
        self._listeners.append(listener)

    def due(self, contents: Iterable[str], *, again: bool = False) -> list[str]:
        """Those that CivitAI is to be asked about; `again`: all of them."""
        limit = time.time() - _ABSENT_FOR
        return [
            sha256
            for sha256 in dict.fromkeys(contents)
            if is_sha256(sha256) and (again or self._is_due(sha256, limit))
        ]

    def ask(self, job: Job, report: Json, contents: Sequence[str], *, again: bool = False) -> None:
        """Ask about these, a hundred at once: the report counts `found`, `absent`, `failed`.

        What is known by then is kept when it is cancelled or CivitAI fails. Raises what CivitAI
        raises when it fails altogether.
        """
        wanted = self.due(contents, again=again)
        report.update(asked=0, found=0, absent=0, failed=0, known=len(contents) - len(wanted))
        job.progress(0, len(wanted))
        rest: list[str] = []
        for start in range(0, len(wanted), _A_BATCH):
            batch = wanted[start : start + _A_BATCH]
            if start:
                self._closing.wait(_BETWEEN_BATCHES)
            job.check()
            versions = self._civitai.versions_by_hash(batch)
            if versions is None:
                rest = list(wanted[start:])
                break
            self._keep(report, dict(_matched(batch, versions)), batch)
            job.advance(len(batch))
        self._ask_singly(job, report, rest)

    def take(self, sha256: str, version: Json) -> bool:
        """Remember what a file beside the model says of its version; False if more is known.

        What was asked of CivitAI itself is newer and stays.
        """
        known = self._lookups.get(sha256)
        if known is not None and known["found"]:
            return False
        found = _kept(sha256, version)
        self._put(sha256, found, checked=known["checked"] if known else 0.0)
        self._tell([sha256])
        return True

    def everything(self) -> Iterator[Record]:
        """Each answer as it is kept, for an export."""
        return iter(self._lookups)

    def restore(self, record: Record) -> bool:
        """Take an answer from an export (`sha256`, `checked`, `found`), unless a newer is here."""
        known = self._lookups.get(record["sha256"])
        if known is not None and known["checked"] >= record["checked"]:
            return False
        self._put(record["sha256"], record["found"], checked=record["checked"])
        self._tell([record["sha256"]])
        return True

    def close(self) -> None:
        """Wait no longer between batches."""
        self._closing.set()

    def _ask_singly(self, job: Job, report: Json, contents: Sequence[str]) -> None:
        failures = 0
        for count, sha256 in enumerate(contents):
            if count:
                self._closing.wait(_BETWEEN_SINGLES)
            job.check()
            try:
                version = self._civitai.version_by_hash(sha256)
            except NotFound:
                self._keep(report, {}, [sha256])
                failures = 0
            except BadInput:
                raise
            except (UpstreamBusy, UpstreamFailed):
                failures += 1
                report["failed"] += 1
                if failures == min(_FAILURES, len(contents)):
                    raise
            else:
                self._keep(report, {sha256: version}, [sha256])
                failures = 0
            job.advance()

    def _keep(self, report: Json, versions: dict[str, Json], batch: Sequence[str]) -> None:
        now = time.time()
        with self._database.transaction():
            for sha256 in batch:
                version = versions.get(sha256)
                self._put(sha256, _kept(sha256, version) if version else None, checked=now)
        report["asked"] += len(batch)
        report["found"] += len(versions)
        report["absent"] += len(batch) - len(versions)
        if versions:
            self._tell(list(versions))

    def _put(self, sha256: str, found: Json | None, *, checked: float) -> None:
        known = self._lookups.get(sha256)
        if found is None and known is not None:
            # It was there once: what was known then says more than nothing.
            found = known["found"] and {**known["found"], "removed": True}
        record: Record = {"sha256": sha256, "checked": checked, "found": found}
        record["version_id"] = found["version_id"] if found else None
        record["model_id"] = found["model_id"] if found else None
        self._lookups.put(record)

    def _is_due(self, sha256: str, limit: float) -> bool:
        record = self._lookups.get(sha256)
        return record is None or (not record["found"] and record["checked"] < limit)

    def _tell(self, contents: list[str]) -> None:
        for listener in self._listeners:
            listener(contents)
        self._events.publish("library", change="looked_up", keys=contents[:100])


def _matched(batch: Sequence[str], versions: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    wanted = set(batch)
    for version in versions:
        for file in mappings(version.get("files")):
            told = text(mapping(file.get("hashes")).get("SHA256")).lower()
            if told in wanted:
                wanted.discard(told)
                yield told, version


def _kept(sha256: str, version: Json) -> Json:
    """What of a version is kept: enough to show, small enough for ten thousand of them."""
    model = mapping(version.get("model"))
    files = [
        each
        for each in mappings(version.get("files"))
        if text(mapping(each.get("hashes")).get("SHA256")).lower() == sha256
    ]
    said = text(version.get("description")) or text(model.get("description"))
    return {
        "version_id": integer(version.get("id")),
        "model_id": integer(version.get("modelId")),
        "name": text(model.get("name")),
        "version_name": text(version.get("name")),
        "base_model": text(version.get("baseModel")),
        "type": text(model.get("type")),
        "trained_words": texts(version.get("trainedWords"))[:_MOST_WORDS],
        "tags": texts(model.get("tags"))[:_MOST_WORDS],
        "nsfw": model.get("nsfw") is True,
        "description": said[:_LONGEST],
        "creator": text(mapping(version.get("creator")).get("username")),
        "file": text(files[0].get("name")) if files else "",
        "pictures": [
            {
                "url": text(each.get("url")),
                "type": text(each.get("type")) or "image",
                "nsfw_level": integer(each.get("nsfwLevel")) or 0,
                "width": integer(each.get("width")),
                "height": integer(each.get("height")),
            }
            for each in mappings(version.get("images"))[:_MOST_PICTURES]
        ],
    }
