"""Thumbnails for all pictures that have none, and sizes as they are on the disk: one job."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from .errors import CuratorError
from .gallery import Gallery
from .jobs import Cancelled, Job, Jobs, State

log = logging.getLogger(__name__)

_BETWEEN = 0.25
"""Seconds between two tellings of how far it is."""

Hear = Callable[[str, Any], None]
"""Called with `log`, `progress` or `done`, and what there is to say; from any thread."""


class Backfill:
    """One at a time; who asks for it while it runs hears of that one."""

    def __init__(self, gallery: Gallery, jobs: Jobs) -> None:
        self._gallery = gallery
        self._jobs = jobs
        self._lock = threading.Lock()
        self._hearers: list[Hear] = []
        self._job: Job | None = None
        self._thread: threading.Thread | None = None
        self._waiting: deque[str] = deque()
        self._maker: threading.Thread | None = None
        self._closing = False

    def start(self, hear: Hear | None = None) -> tuple[str, Callable[[], None]]:
        """Begin, unless it goes on already: the job's id, and how to hear no more of it."""
        with self._lock:
            if hear:
                self._hearers.append(hear)
            if self._thread is None and not self._closing:
                self._job = self._jobs.add("thumbs", title="Thumbnails", unit="pictures")
                self._thread = threading.Thread(
                    target=self._work, args=(self._job,), name="curator-thumbs", daemon=True
                )
                self._thread.start()
            job_id = self._job.id if self._job else ""

        def forget() -> None:
            with self._lock:
                self._hearers = [each for each in self._hearers if each is not hear]

        return job_id, forget

    def later(self, item_ids: Iterable[str]) -> None:
        """Make the thumbnails of these pictures soon, as a job; what cannot be made is none."""
        with self._lock:
            self._waiting.extend(item_ids)
            if self._waiting and self._maker is None and not self._closing:
                # The job at once: between it and what has brought the pictures there is no gap.
                job = self._jobs.add("thumbs", title="Thumbnails", unit="pictures")
                self._maker = threading.Thread(
                    target=self._make, args=(job,), name="curator-thumbs-later", daemon=True
                )
                self._maker.start()

    @property
    def is_busy(self) -> bool:
        """Whether thumbnails of a run are being made."""
        return self._maker is not None

    def cancel(self) -> dict[str, str]:
        """Ask it to end, if it goes on."""
        if self._job and not self._job.is_over:
            self._job.cancel()
        return {"status": "cancelling"}

    def close(self) -> None:
        """End it; what is made stays."""
        with self._lock:
            self._closing = True
            self._waiting.clear()
            threads = [self._thread, self._maker]
        self.cancel()
        for thread in threads:
            if thread:
                thread.join()

    def _make(self, job: Job) -> None:
        """Top of a thread."""
        state: State = "done"
        job.change("running")
        try:
            while (key := self._next()) is not None:
                job.total = job.done + len(self._waiting) + 1
                try:
                    self._gallery.ensure_thumbnail(key)
                except CuratorError as failure:
                    log.info("no thumbnail of picture %s: %s", key, failure.text)
                except Exception:
                    # It costs only itself: the others are waited for.
                    log.exception("making the thumbnail of picture %s", key)
                job.advance()
        except Cancelled:
            state = "cancelled"
        with self._lock:
            if self._maker is threading.current_thread():
                # Those that are left are made when somebody looks at them.
                self._waiting.clear()
                self._maker = None
        job.change(state)

    def _next(self) -> str | None:
        with self._lock:
            if not self._waiting:
                # Said under the lock: who comes later begins anew.
                self._maker = None
                return None
            return self._waiting.popleft()

    def _work(self, job: Job) -> None:
        """Top of a thread."""
        told: dict[str, Any] = {"thumbs_generated": 0, "sizes_fixed": 0, "failed": 0}
        job.change("running")
        state: State = "done"
        error = None
        try:
            self._go(job, told)
        except Cancelled:
            state = "cancelled"
        except Exception:
            # Top of a thread: the job has to end, and to say how.
            log.exception("making thumbnails")
            state, error = "failed", "Something went wrong in Curator; its log says what."
        with self._lock:
            self._thread = None
            hearers, self._hearers = self._hearers, []
        job.change(state, error)
        over = {"total": job.total or 0, **told}
        for hear in hearers:
            hear("done", {**over, "cancelled": True} if state == "cancelled" else over)

    def _go(self, job: Job, told: dict[str, Any]) -> None:
        keys = self._gallery.keys()
        self._tell("log", f"{len(keys)} pictures are looked at.")
        job.total = 2 * len(keys)
        for phase, look in (("thumbs", self._thumb), ("sizes", self._size)):
            began, said = time.monotonic(), 0.0
            for count, key in enumerate(keys, 1):
                job.advance()
                try:
                    look(key, told)
                except (CuratorError, OSError) as error:
                    told["failed"] += phase == "thumbs"
                    is_ours = isinstance(error, CuratorError)
                    text = error.text if is_ours else error.strerror or "It cannot be read."
                    self._tell("log", f"{key}: {text}")
                now = time.monotonic()
                if now - said >= _BETWEEN or count == len(keys):
                    said = now
                    rate = count / max(now - began, 0.001)
                    self._tell(
                        "progress",
                        {
                            "current": count,
                            "total": len(keys),
                            **told,
                            "rate": round(rate, 1),
                            "eta_seconds": round((len(keys) - count) / rate),
                            "phase": phase,
                        },
                    )

    def _thumb(self, key: str, told: dict[str, Any]) -> None:
        made = self._gallery.ensure_thumbnail(key)
        if made is not None:
            told["thumbs_generated" if made else "failed"] += 1

    def _size(self, key: str, told: dict[str, Any]) -> None:
        told["sizes_fixed"] += self._gallery.fix_sizes(key)

    def _tell(self, event: str, data: Any) -> None:
        with self._lock:
            hearers = list(self._hearers)
        for hear in hearers:
            hear(event, data)
