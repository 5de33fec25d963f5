"""Pending rows become records, or go: each on its own, by one of four strategies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .engine import Database, Record
from .errors import CuratorError, NotFound, StoreClosed
from .jobs import Cancelled, Jobs
from .json_values import whole
from .library_records import Records
from .locks import KeyedLock
from .names import local_path
from .samples import Samples
from .staging_merging import merged, promoted

if TYPE_CHECKING:
    from .library_places import Places
    from .staging import Staging

Json = dict[str, Any]
Check = Callable[[], object]


@dataclass
class Outcome:
    """What has become of one pending row: `status` is success, conflict, ignored, deleted or
    failed; `error` and `kind` (unknown, unreadable, cancelled) say why it failed.
    """

    status: str
    id: Any
    error: str = ""
    kind: str = ""
    pending: Json = field(default_factory=dict[str, Any])
    existing: Json = field(default_factory=dict[str, Any])
    sha256: str = ""


class Importing:
    """Imports; what is under way for a row is waited for. Thread-safe; reads whole files."""

    def __init__(
        self,
        database: Database,
        records: Records,
        samples: Samples,
        places: Places,
        jobs: Jobs,
        staging: Staging,
    ) -> None:
        self._database = database
        self._records = records
        self._samples = samples
        self._places = places
        self._jobs = jobs
        self._staging = staging
        self._locks = KeyedLock()
        self._closing = threading.Event()

    def close(self) -> None:
        """What is under way ends soon."""
        self._closing.set()

    def many(self, ids: Sequence[Any], strategy: str | None) -> list[Outcome]:
        """Import each of these in turn, whatever becomes of the others."""
        outcomes: list[Outcome] = []
        with self._jobs.running("import", unit="models", total=len(ids)) as job:

            def check() -> None:
                job.check()
                self._check()

            try:
                for each in ids:
                    check()
                    outcomes.append(self.one(each, strategy, check))
                    job.progress(len(outcomes))
            except (Cancelled, StoreClosed):
                rest = ids[len(outcomes) :]
                text = "The import was cancelled"
                outcomes += [Outcome("failed", each, text, "cancelled") for each in rest]
                raise
        return outcomes

    def one(self, given: Any, strategy: str | None, check: Check | None = None) -> Outcome:
        """Make a record of a pending row, as the strategy says where there is one already.

        None: a conflict, and nothing changes; `ignore`: nothing at all; `delete`: the row goes;
        `merge`: the record is filled where it is empty; anything else: the row's texts win.
        """
        number = whole(given)
        if number is None:
            return Outcome("failed", given, "Invalid id", "unknown")
        with self._locks.hold(str(number)):
            return self._import(number, strategy, check or self._check)

    def _import(self, number: int, strategy: str | None, check: Check) -> Outcome:
        row = self._staging.get(str(number))
        if row is None:
            return self._again(number, strategy)
        if strategy == "ignore":
            return Outcome("ignored", number)
        if strategy == "delete":
            self._delete(row)
            return Outcome("deleted", number)
        if not row["path"]:
            return Outcome("failed", number, "Pending model missing path", "unreadable")
        try:
            sha256 = self._places.hash_now(self._path_of(row), check)
        except StoreClosed:
            raise
        except (CuratorError, OSError, ValueError):
            return Outcome("failed", number, "SHA256 calculation failed", "unreadable")
        return self._promote(row, sha256, strategy)

    def _promote(self, row: Record, sha256: str, strategy: str | None) -> Outcome:
        key = sample_key(row["key"])
        with self._samples.holding(key, sha256), self._database.transaction():
            # It may have moved while it was hashed.
            row = self._staging.get(row["key"]) or row
            known = self._records.get(sha256)
            if known is not None and strategy is None:
                return Outcome(
                    "conflict",
                    row["id"],
                    pending={"id": row["id"], "path": row["path"]},
                    existing={"id": sha256, "path": known["path"]},
                )
            pictures = self._samples.join(key, sha256)
            if known is None:
                # A further copy of this content stays in staging.
                fresh = self._records.fresh(sha256)
                fresh["paths"] = []
                record = promoted(fresh, row, pictures)
            elif strategy == "merge":
                record = merged(known, row)
            else:
                record = promoted(known, row, pictures)
            self._records.put(record)
            self._staging.finish(row, "success", sha256)
        self._samples.tidy(sha256)
        self._records.tell([sha256])
        self._staging.tell()
        return Outcome("success", row["id"], sha256=sha256)

    def _delete(self, row: Record) -> None:
        key = sample_key(row["key"])
        with self._samples.holding(key), self._database.transaction():
            self._samples.drop(key)
            self._staging.finish(row, "deleted", "")
        self._samples.tidy(key)
        self._staging.tell()

    def _again(self, number: int, strategy: str | None) -> Outcome:
        """The same request after a lost answer has the same outcome."""
        finished = self._staging.finished(str(number))
        outcome = finished["outcome"] if finished else ""
        if finished and outcome == "deleted" and strategy == "delete":
            return Outcome("deleted", number)
        if finished and outcome == "success" and strategy not in ("delete", "ignore"):
            return Outcome("success", number, sha256=finished["sha256"])
        return Outcome("failed", number, "Pending model not found", "unknown")

    def _path_of(self, row: Record) -> str:
        """Where the file lies now; its name need not be UTF-8. Raises BadInput, NotFound."""
        place = self._places.get(row["place_id"]) if row["place_id"] else None
        if place and not place.gone:
            return place.path
        other = self._places.at_path(row["path"])
        if place and other:
            raise NotFound("Another file has its name by now.")
        if other is None:
            # Somebody else's database may name anything; the models folders are the host's.
            local_path(row["path"], "path")
        return row["path"]

    def _check(self) -> None:
        if self._closing.is_set():
            raise StoreClosed("Curator is closing.")


def sample_key(key: str) -> str:
    """Under which key the pictures of a pending row are kept."""
    return f"pending-{key}"


def report(outcomes: Iterable[Outcome], total: int) -> Json:
    """The report of many imports, as Hikaze shapes it."""
    listed = list(outcomes)

    def ids(status: str) -> list[Any]:
        return [each.id for each in listed if each.status == status]

    def conflicts() -> Iterator[Json]:
        for each in listed:
            if each.status == "conflict":
                yield {"pending": each.pending, "existing": each.existing}

    return {
        "total": total,
        "success": ids("success"),
        "conflict": list(conflicts()),
        "ignored": ids("ignored"),
        "deleted": ids("deleted"),
        "failed": [
            {"id": each.id, "error": each.error} for each in listed if each.status == "failed"
        ],
    }
