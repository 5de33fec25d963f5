"""Every upload with its record and its job, kept in step and told to everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from .engine import Database
from .errors import NotFound
from .events import Events
from .jobs import Job, Jobs
from .jobs import State as JobState
from .transfer_patience import Stopped
from .upload_parts import no_parts
from .upload_records import ENDED, Json, Status, entered

ABORTED = "aborted"


class Book:
    """Records of uploads, each with a job as long as it has not ended."""

    def __init__(
        self, database: Database, jobs: Jobs, events: Events, *, cancel: Callable[[str], object]
    ) -> None:
        """`cancel` is called for a job that somebody cancels."""
        self.records = database.collection("uploads")
        self._parts = database.collection("upload_parts")
        self._jobs = jobs
        self._events = events
        self._cancel = cancel
        self._lock = threading.Lock()
        self._running: dict[str, Job] = {}

    def get(self, upload_id: str) -> Json:
        """The record. Raises NotFound."""
        record = self.records.get(upload_id)
        if record is None:
            raise NotFound("There is no such upload.")
        return record

    def parts_of(self, record: Json) -> Json | None:
        """What is there of its parts; None when it has none, or has them no more."""
        if record["source"] != "multipart" or record["status"] in ENDED:
            return None
        found = self._parts.get(record["id"])
        return found or no_parts(record["id"], record["file_size"], record["parts_count"])

    def save_parts(self, state: Json) -> None:
        """What is there of its parts now. Raises DiskFull."""
        self._parts.put(state)

    def forget_parts(self, upload_id: str) -> None:
        """Its parts are gone."""
        self._parts.delete(upload_id)

    def open_of(self, owner: str) -> list[Json]:
        """Every upload of this owner that has not ended, the oldest first."""
        return self.records.page("open", owner, limit=1_000_000).records

    def all_open(self) -> Iterable[Json]:
        """Every upload that has not ended."""
        for owner in [each for each in self.records.values("open") if each is not None]:
            yield from self.open_of(owner)

    def add(self, record: Json) -> None:
        """A new one. Raises DiskFull: then there is none."""
        self.records.put(record)
        self.job(record)
        self._tell(record)

    def change(self, upload_id: str, **changes: Any) -> Json:
        """Change its record, whatever its status."""
        return self.records.update(upload_id, changes)

    def enter(
        self, upload_id: str, status: Status, *, after: tuple[str, ...], **changes: Any
    ) -> Json:
        """Let it enter a status from one of those before; the record.

        Raises Stopped when it is in none of those: somebody has aborted it. DiskFull.
        """

        def step(record: Json) -> Json:
            if record["status"] not in after:
                raise Stopped
            return entered(record, status, **changes)

        try:
            record = self.records.update(upload_id, step)
        except KeyError:
            raise Stopped from None
        job = self.job(record)
        state = _job_state(record)
        if state != job.state:
            job.change(state, record["error"] or None)
        if record["status"] in ENDED:
            with self._lock:
                self._running.pop(upload_id, None)
        self._tell(record)
        return record

    def remove(self, record: Json) -> None:
        """Forget one that has ended."""
        self.records.delete(record["id"])
        self._events.publish("uploads", id=record["id"], status="deleted")

    def job(self, record: Json) -> Job:
        """Its job."""
        upload_id: str = record["id"]
        with self._lock:
            job = self._running.get(upload_id)
            if job is None:
                title = record["file_name"] or record["url"]
                job = self._jobs.add(
                    "upload",
                    title=title,
                    unit="bytes",
                    job_id=upload_id,
                    cancel=lambda: self._cancel(upload_id),
                )
                job.total = record["file_size"] or None
                self._running[upload_id] = job
            return job

    def progress(self, upload_id: str, done: int) -> None:
        """So many of its bytes have come."""
        with self._lock:
            job = self._running.get(upload_id)
        if job is None:
            return
        if job.state == "queued":
            job.change("running")
        if job.progress(done):
            record = self.records.get(upload_id)
            if record:
                self._tell(record)

    def done_of(self, upload_id: str) -> int:
        """How many bytes of a fetch have come."""
        with self._lock:
            job = self._running.get(upload_id)
        return job.done if job else 0

    def _tell(self, record: Json) -> None:
        self._events.publish(
            "uploads",
            id=record["id"],
            status=record["status"],
            file=record["file_name"],
            kind=record["kind"],
            source=record["source"],
            received=self.done_of(record["id"]),
            total=record["file_size"] or None,
            error=record["error"] or None,
        )


def _job_state(record: Json) -> JobState:
    if record["status"] == "complete":
        return "done"
    if record["status"] == "failed":
        return "cancelled" if record["error"] == ABORTED else "failed"
    return "queued" if record["status"] == "pending" else "running"
