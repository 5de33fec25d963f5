"""Every transfer with its record and its job, kept in step and told to everybody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .engine import Collection
from .errors import DiskFull
from .events import Events
from .jobs import Jobs
from .jobs import State as JobState
from .transfer_queue import Transfer
from .transfer_records import Json, upload_of

log = logging.getLogger(__name__)

JOB_STATES: Mapping[str, JobState] = {
    "queued": "queued",
    "downloading": "running",
    "paused": "paused",
    "error": "failed",
}
"""How the job of a transfer that is shown stands."""
_KEPT = 100
"""How many that have ended are remembered."""


class Book:
    """The transfers by their key. Whoever changes something holds `changed`."""

    def __init__(
        self,
        records: Collection,
        jobs: Jobs,
        events: Events,
        *,
        host_of: Callable[[Mapping[str, Any]], str],
        cancel: Callable[[str], object],
    ) -> None:
        """`cancel` is called for a job that somebody cancels."""
        self._records = records
        self._jobs = jobs
        self._unseen = Jobs(Events())
        """An upload has a job of its own, which shows how far it is."""
        self._events = events
        self._host_of = host_of
        self._cancel = cancel
        self.changed = threading.Condition(threading.RLock())
        self.transfers: dict[str, Transfer] = {}
        self.ended: dict[str, Transfer] = {}
        self.stamp = 0
        """Grows with each change worth showing."""

    def remember(self, parts: Path) -> None:
        """Take up what an earlier run left, and throw away parts that belong to nothing."""
        with self.changed:
            for record in sorted(self._records, key=lambda each: each["order"]):
                if record["state"] == "cancelled":
                    remove_part(record)
                    self._records.delete(record["id"])
                    continue
                if record["state"] == "downloading":
                    record["state"] = "queued"
                self._enter(record)
            known = {Path(each.record["part"]).name for each in self.transfers.values()}
        for part in parts.glob("*.part"):
            if part.name not in known:
                part.unlink(missing_ok=True)

    def add(self, record: Json) -> None:
        """A new transfer, or a new life of one. Raises DiskFull: then it is not queued."""
        self._records.put(record)
        self._enter(record)

    def save(self, record: Json, changes: Mapping[str, Any]) -> None:
        """Change a record. Raises DiskFull."""
        with self.changed:
            record.update(changes)
            self._records.put(record)

    def change(self, transfer: Transfer, **changes: Any) -> None:
        """A new state, told to everybody, even if there is no room to write it down."""
        try:
            self.save(transfer.record, changes)
        except DiskFull as error:
            log.warning("transfer of %s: %s", transfer.record["file"], error.text)
        state = JOB_STATES.get(transfer.state)
        if state and transfer.job.is_over:
            self._enter(transfer.record)
        elif state:
            transfer.job.change(state, transfer.record["error"])
            self._tell(transfer)
        self.changed.notify_all()

    def tell_progress(self, key: str) -> None:
        """More bytes have come."""
        with self.changed:
            transfer = self.transfers.get(key)
            if transfer:
                self._tell(transfer)

    def begin(self, transfer: Transfer) -> None:
        """It runs; of no interest for the next start."""
        transfer.record.update(state="downloading", error=None)
        transfer.job.change("running")
        self._tell(transfer)

    def end(self, transfer: Transfer, state: JobState) -> None:
        """It is over: nothing is to be done for it any more but to clear up."""
        key = transfer.record["id"]
        if self.transfers.get(key) is transfer:
            del self.transfers[key]
            self.ended[key] = transfer
        while len(self.ended) > _KEPT:
            del self.ended[next(iter(self.ended))]
        transfer.job.change(state)
        self._tell(transfer)
        self.changed.notify_all()

    def drop(self, transfer: Transfer) -> None:
        """It will not be gone on with; its job stands as it is."""
        key = transfer.record["id"]
        with self.changed:
            if self.transfers.get(key) is transfer:
                del self.transfers[key]
            self.clear(transfer)

    def clear(self, transfer: Transfer) -> None:
        """Remove the part, then the record: a kill in between leaves no part that nobody knows."""
        remove_part(transfer.record)
        self.forget(transfer)

    def forget(self, transfer: Transfer) -> None:
        """Remove the record, unless its file has been asked for anew meanwhile."""
        key = transfer.record["id"]
        if key not in self.transfers:
            self._records.delete(key)

    def promised(self, key: str, folder: Path) -> int:
        """Bytes that the other transfers which run will still put on the folder's disk."""
        with self.changed:
            running = [
                each
                for each in self.transfers.values()
                if each.state == "downloading" and each.record["id"] != key and each.record["part"]
            ]
        device = _device(folder)
        return sum(
            max(0, (each.job.total or 0) - each.job.done)
            for each in running
            if _device(Path(each.record["part"]).parent) == device
        )

    def _enter(self, record: Json) -> None:
        """Make it one of ours, with a job of its own."""
        key = record["id"]
        jobs = self._unseen if upload_of(record) else self._jobs
        job = jobs.add(
            "transfer",
            title=record["file"],
            unit="bytes",
            job_id=key,
            cancel=lambda: self._cancel(key),
        )
        job.done, job.total = _size_of(record["part"]), record["total"] or record["size"] or None
        transfer = Transfer(record, job, self._host_of(record["source"]))
        self.transfers[key] = transfer
        self.ended.pop(key, None)
        state = JOB_STATES.get(transfer.state)
        if state:
            job.change(state, record["error"])
            self._tell(transfer)
        self.changed.notify_all()

    def _tell(self, transfer: Transfer) -> None:
        self.stamp += 1
        record, job = transfer.record, transfer.job
        if upload_of(record):
            return
        self._events.publish(
            "transfers",
            id=record["id"],
            file=record["file"],
            dest=record["dest"],
            state=job.state if job.state in ("done", "cancelled") else transfer.state,
            done=job.done,
            total=job.total,
            rate=round(job.rate),
            eta_s=job.eta_s,
            error=record["error"],
        )


def remove_part(record: Json) -> None:
    """Throw away what has come."""
    if record["part"]:
        Path(record["part"]).unlink(missing_ok=True)


def _size_of(part: str) -> int:
    try:
        return Path(part).stat().st_size if part else 0
    except OSError:
        return 0


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None
