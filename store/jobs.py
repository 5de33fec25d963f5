"""Long work as others see it: how far it is, how fast it goes, and a way to end it."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from typing import Any, Literal

from .errors import Conflict, CuratorError, NotFound
from .events import Events
from .pace import Pace

State = Literal["queued", "running", "paused", "done", "failed", "cancelled"]

_OVER = ("done", "failed", "cancelled")
_KEPT = 100
_KEPT_SECONDS = 3600.0
_SECONDS_BETWEEN_EVENTS = 0.5


class Cancelled(Exception):
    """Raised inside of the work when somebody has cancelled its job."""


class Job:
    """One piece of long work. Whoever does the work tells its progress; thread-safe."""

    def __init__(
        self,
        jobs: Jobs,
        job_id: str,
        kind: str,
        title: str,
        unit: str,
        cancel: Callable[[], object] | None,
    ) -> None:
        self.id = job_id
        self.kind = kind
        self.title = title
        self.unit = unit
        self.state: State = "queued"
        self.done = 0
        self.total: int | None = None
        self.error: str | None = None
        self.ended: float | None = None
        """When it was over, by the monotonic clock."""
        self.on_cancel = cancel
        self._jobs = jobs
        self._pace = Pace()
        self._told = 0.0
        self._cancelled = threading.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in _OVER

    @property
    def is_cancelled(self) -> bool:
        """Whether the work is asked to end."""
        return self._cancelled.is_set()

    @property
    def rate(self) -> float:
        """Units a second, 0 unless it runs."""
        return self._pace.rate() if self.state == "running" else 0.0

    @property
    def eta_s(self) -> int | None:
        """Seconds that it will still take; None when that cannot be told."""
        return self._pace.eta(self.total) if self.state == "running" else None

    def check(self) -> None:
        """Raise Cancelled when the work is asked to end."""
        if self._cancelled.is_set():
            raise Cancelled

    def advance(self, count: int = 1) -> None:
        """So much more is done. Raises Cancelled when the work is asked to end."""
        self.check()
        self.progress(self.done + count)

    def progress(self, done: int, total: int | None = None) -> bool:
        """So much is done in all; whether it was worth an event."""
        self.done = done
        if total is not None:
            self.total = total
        self._pace.mark(done)
        if time.monotonic() - self._told < _SECONDS_BETWEEN_EVENTS:
            return False
        self.tell()
        return True

    def restart_from(self, done: int) -> None:
        """The work goes on from here: what was done before does not count for the rate."""
        self.done = done
        self._pace.restart(done)

    def change(self, state: State, error: str | None = None) -> None:
        """It is now in this state."""
        if state == "running" and self.state != "running":
            self._pace.restart(self.done)
        self.state = state
        self.error = error
        self.ended = time.monotonic() if self.is_over else None
        self.tell()

    def cancel(self) -> None:
        """Ask the work to end; whoever does it says when that has happened."""
        self._cancelled.set()
        if self.on_cancel:
            self.on_cancel()

    def tell(self) -> None:
        """Publish how it stands."""
        self._told = time.monotonic()
        self._jobs.events.publish("jobs", **self.shown())

    def shown(self) -> dict[str, Any]:
        """As it is shown to a person."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "rate": round(self.rate, 1),
            "eta_s": self.eta_s,
            "error": self.error,
        }


class Jobs:
    """Every job that is not over, and for an hour the last hundred that are."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def add(
        self,
        kind: str,
        *,
        title: str = "",
        unit: str = "",
        job_id: str = "",
        cancel: Callable[[], object] | None = None,
    ) -> Job:
        """A new job, queued; one of the same id that is there gives way to it.

        `cancel` is called when somebody cancels it, besides setting its flag.
        """
        job = Job(self, job_id or secrets.token_hex(8), kind, title, unit, cancel)
        with self._lock:
            self._jobs.pop(job.id, None)
            self._jobs[job.id] = job
            self._drop_old()
        return job

    @contextlib.contextmanager
    def running(
        self, kind: str, *, title: str = "", unit: str = "", total: int | None = None
    ) -> Generator[Job, None, None]:
        """A job that runs as long as the block; a block that is cancelled ends without an error."""
        job = self.add(kind, title=title, unit=unit)
        job.total = total
        job.change("running")
        try:
            yield job
        except Cancelled:
            job.change("cancelled")
        except CuratorError as error:
            job.change("failed", error.text)
            raise
        except BaseException:
            # Whatever ends it, a job that goes on for ever would be told of.
            job.change("failed", "Something went wrong in Curator; its log says what.")
            raise
        else:
            job.change("done")

    def listed(self) -> list[dict[str, Any]]:
        """Every job as it is shown, the newest first."""
        with self._lock:
            self._drop_old()
            return [job.shown() for job in reversed(self._jobs.values())]

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask a job to end, and show it. Raises NotFound, Conflict when it is over."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NotFound("There is no such job.")
        if job.state == "cancelled":
            return job.shown()
        if job.is_over:
            raise Conflict(f"This job is over: {job.state}.")
        job.cancel()
        return job.shown()

    def forget(self, job: Job) -> None:
        """It is shown no more."""
        with self._lock:
            if self._jobs.get(job.id) is job:
                del self._jobs[job.id]

    def _drop_old(self) -> None:
        over = [job for job in self._jobs.values() if job.ended is not None]
        limit = time.monotonic() - _KEPT_SECONDS
        old = {job.id for job in over if job.ended is not None and job.ended < limit}
        old |= {job.id for job in over[: max(0, len(over) - _KEPT)]}
        for job_id in old:
            del self._jobs[job_id]
