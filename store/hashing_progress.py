"""How far the hashing is, as others see it: a job from the first file to the last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .jobs import Job, Jobs, State


class Progress:
    """The job, and the bytes done in it. Whoever calls holds one lock for all of it."""

    def __init__(self, jobs: Jobs, left: Callable[[], int], cancel: Callable[[], object]) -> None:
        """No job until `begin`; `left` tells the bytes left, `cancel` is for who cancels a job."""
        self._jobs = jobs
        self._left = left
        self._cancel = cancel
        self._job: Job | None = None
        self._done = 0
        self._under_way: dict[int, int] = {}
        """Bytes done of the large file that each thread has."""

    @property
    def job(self) -> Job | None:
        """The job, unless it is over."""
        job = self._job
        return None if job is None or job.is_over else job

    def begin(self) -> bool:
        """A job, unless there is one; whether it is new."""
        if self.job:
            return False
        self._done = 0
        title = "Hashing models"
        self._job = self._jobs.add("hash", title=title, unit="bytes", cancel=self._cancel)
        self._job.change("running")
        self.count()
        return True

    def count(self) -> None:
        """Other files than before are to be hashed: the job has another total."""
        if self.job:
            self.job.total = self._done + self._left()

    def change(self, state: State) -> None:
        """The job, if there is one, is now in this state."""
        if self.job:
            self.job.change(state)

    def step(self, done: int) -> None:
        """So many bytes are done of the large file that this thread has."""
        self._under_way[threading.get_ident()] = done
        if self.job and self.job.state == "running":
            self._tell(self.job)

    def add(self, size: int) -> None:
        """The files that this thread had are done, so many bytes."""
        self._under_way.pop(threading.get_ident(), None)
        self._done += size
        if self.job:
            self._tell(self.job)

    def shown(self) -> dict[str, Any]:
        """`{rate, eta_s}`."""
        job = self.job
        return {"rate": round(job.rate, 1) if job else 0, "eta_s": job.eta_s if job else None}

    def _tell(self, job: Job) -> None:
        job.progress(self._done + sum(self._under_way.values()))
