"""Long work on the library: one of a kind at a time, in a thread, with a report afterwards."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from .errors import Conflict, CuratorError, NotFound
from .jobs import Cancelled, Job, Jobs

log = logging.getLogger(__name__)

_KEPT = 20

Json = dict[str, Any]
Work = Callable[[Job, Json], object]
"""Fills the report as it goes, so that of cancelled work there is one too."""


class Tasks:
    """Starts work and keeps the reports of what was last done."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Job, object, threading.Thread]] = {}
        self._told: OrderedDict[str, tuple[Job, Json]] = OrderedDict()
        self._closing = False

    def start(
        self, kind: str, work: Work, *, wanted: object = None, title: str = "", unit: str = ""
    ) -> Json:
        """Begin, and show the job; the one that runs already when it does what is `wanted`.

        Raises Conflict while other work of this kind goes on.
        """
        with self._lock:
            running = self._running.get(kind)
            if running is not None and not running[0].is_over:
                if running[1] == wanted:
                    return running[0].shown()
                raise Conflict(
                    "Work of this kind is going on; cancel it or wait for its end.",
                    facts={"job": running[0].shown()},
                )
            if self._closing:
                raise Conflict("Curator is closing.")
            job = self._jobs.add(kind, title=title, unit=unit)
            report: Json = {}
            self._told[job.id] = (job, report)
            while len(self._told) > _KEPT:
                self._told.popitem(last=False)
            thread = threading.Thread(
                target=_run, args=(job, work, report), name=f"curator-{kind}", daemon=True
            )
            self._running[kind] = (job, wanted, thread)
            thread.start()
        return job.shown()

    def told(self, job_id: str) -> Json:
        """`{job, report}` of work that was begun here lately. Raises NotFound."""
        with self._lock:
            found = self._told.get(job_id)
        if found is None:
            raise NotFound("There is no report of such a job.")
        job, report = found
        return {"job": job.shown(), "report": dict(report)}

    def wait(self, kind: str) -> None:
        """Until work of this kind is over."""
        with self._lock:
            running = self._running.get(kind)
        if running is not None:
            running[2].join()

    def close(self) -> None:
        """End what is under way."""
        with self._lock:
            self._closing = True
            running = list(self._running.values())
        for job, _, _ in running:
            if not job.is_over:
                job.cancel()
        for _, _, thread in running:
            thread.join()


def _run(job: Job, work: Work, report: Json) -> None:
    """Top of a thread."""
    job.change("running")
    try:
        work(job, report)
    except Cancelled:
        job.change("cancelled")
    except CuratorError as error:
        job.change("failed", error.text)
    except Exception:
        log.exception("%s", job.kind)
        job.change("failed", "Something went wrong in Curator; its log says what.")
    else:
        job.change("done")


def summed(report: Mapping[str, Any]) -> str:
    """The numbers of a report in a line, for a terminal."""
    return ", ".join(f"{name} {value}" for name, value in report.items() if isinstance(value, int))
