"""Gallery runs: what a person asked to fetch for each model, few models at a time."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from .engine import Database
from .errors import CuratorError, StoreClosed
from .events import Events
from .gallery import Gallery
from .gallery_records import now
from .gallery_run import Run
from .gallery_run_asking import Manners
from .gallery_run_records import Progress, Wish, empty_facts
from .jobs import Cancelled, Jobs
from .remote.addresses import Origin
from .remote.civitai import CivitAI
from .remote.limits import Slots
from .settings import Settings

log = logging.getLogger(__name__)

_AT_ONCE = 3
"""Models; the others wait."""
_PICTURES = Origin("", "pictures", 0)
_PAUSES = (0.5, 2.0, 4.0)


class GalleryRuns:
    """One run a model at most. All methods are thread-safe."""

    def __init__(
        self,
        database: Database,
        gallery: Gallery,
        civitai: CivitAI,
        settings: Settings,
        jobs: Jobs,
        events: Events,
    ) -> None:
        """Remembers what an earlier process left; `start_again` goes on with it."""
        self._records = database.collection("gallery_runs")
        self._gallery = gallery
        self._civitai = civitai
        self._jobs = jobs
        self._events = events
        self._lock = threading.Lock()
        self._runs: dict[int, Run] = {}
        self._waiting: deque[Run] = deque()
        self._busy: set[Run] = set()
        self._threads: set[threading.Thread] = set()
        """Of them, and for a moment of those that were stopped."""
        self._closing = False
        self._slots = Slots(lambda _: settings.values.gallery_in_flight)
        self.pauses: tuple[float, ...] = _PAUSES
        """Seconds before each further try of what has failed."""
        self.on_new: Callable[[Sequence[str]], None] = lambda _: None
        """Told after a run of the pictures that it has brought."""
        self._settings = settings

    def start_again(self) -> None:
        """Go on with the runs that the end of an earlier process broke off."""
        for record in list(self._records):
            try:
                progress = Progress.read(record)
            except (KeyError, TypeError, ValueError):
                self._records.delete(record["id"])
                continue
            with self._lock:
                if progress.model_id not in self._runs and not self._closing:
                    self._begin(progress, resumed=True)

    def start(self, model_id: int, wish: Wish) -> dict[str, Any]:
        """Begin, unless the model has a run: `{status, message?}`. Raises StoreClosed."""
        with self._lock:
            if self._closing:
                raise StoreClosed("Curator is closing.")
            run = self._runs.get(model_id)
            if run and run.status == "downloading":
                return {"status": "downloading", "message": "Already running"}
            progress = Progress(model_id, wish, now())
            self._records.put(progress.as_record())
            self._begin(progress, resumed=False)
        return {"status": "downloading"}

    def stop(self, model_id: int) -> dict[str, Any]:
        """End the model's run, if there is one; what is there stays. From the return on it adds
        nothing more.
        """
        run = self._runs.get(model_id)
        if run and not run.is_over:
            run.stop()
            with self._lock:
                if run in self._waiting:
                    self._waiting.remove(run)
                # Its thread may still be at its last answer; it comes to nothing.
                self._busy.discard(run)
                self._finish(run)
                self._start_next()
        return {"status": "stopping"}

    def delete(self, model_id: int, version_id: int | None = None) -> int:
        """Stop the model's run and empty its gallery: as `Gallery.remove`."""
        self.stop(model_id)
        return self._gallery.remove(model_id, version_id)

    def facts(self, model_id: int) -> dict[str, Any]:
        """The part of G that tells of the model's run."""
        run = self._runs.get(model_id)
        return run.facts() if run and run.is_shown else empty_facts()

    def close(self) -> None:
        """Let nothing more come in; the next start goes on with it. Twice is fine."""
        with self._lock:
            self._closing = True
            runs, threads = list(self._runs.values()), list(self._threads)
        for run in runs:
            run.stop()
        for thread in threads:
            # One that waits for an answer of CivitAI's goes when the process does.
            thread.join(2.0)

    def _begin(self, progress: Progress, *, resumed: bool) -> None:
        """Under the lock."""
        model_id = progress.model_id
        job = self._jobs.add(
            "gallery",
            title=f"Model {model_id}",
            unit="pictures",
            cancel=lambda: self.stop(model_id),
        )
        manners = Manners(
            lambda: self._settings.values.gallery_in_flight,
            lambda: self._slots.held(_PICTURES),
            self.pauses,
        )
        run = Run(progress, self._civitai, self._gallery.intake, job, manners, resumed=resumed)
        self._runs[model_id] = run
        self._waiting.append(run)
        self._tell(run)
        self._start_next()

    def _start_next(self) -> None:
        """Under the lock."""
        while self._waiting and len(self._busy) < _AT_ONCE and not self._closing:
            run = self._waiting.popleft()
            thread = threading.Thread(
                target=self._work, args=(run,), name="curator-gallery-run", daemon=True
            )
            self._busy.add(run)
            self._threads.add(thread)
            thread.start()

    def _work(self, run: Run) -> None:
        """Top of a thread."""
        error: str | None = None
        keep = False
        try:
            run.job.change("running")
            run.go(self._save)
        except Cancelled:
            keep = self._closing
        except StoreClosed:
            keep = True
        except CuratorError as failure:
            error = failure.text
        except Exception:
            # Top of a thread: its run has to end, and to say that it has.
            log.exception("a gallery run")
            error = "Something went wrong in Curator; its log says what."
        # After an error others may still be at their pictures; they come to nothing.
        run.gate.shut()
        if run.new_items:
            # Before its end is told: who waits for that finds the job of the thumbnails.
            self.on_new(run.new_items)
        with self._lock:
            self._threads.discard(threading.current_thread())
            self._busy.discard(run)
            self._finish(run, error, keep=keep)
            self._start_next()

    def _finish(self, run: Run, error: str | None = None, *, keep: bool = False) -> None:
        """Under the lock; once."""
        if run.is_over:
            return
        model_id = run.progress.model_id
        if not keep and self._runs.get(model_id) is run:
            # A full disk refuses this too; then the next start looks once more for what is new.
            with contextlib.suppress(CuratorError):
                self._records.delete(str(model_id))
        run.end(error)
        run.job.change("failed" if error else "cancelled" if run.was_stopped else "done", error)
        self._tell(run)

    def _save(self, run: Run) -> None:
        """Where a restart goes on; what has been replaced by another run is not kept."""
        with self._lock:
            if self._runs.get(run.progress.model_id) is run and not run.gate.is_shut:
                self._records.put(run.progress.as_record())
        self._gallery.known_models.add_versions(run.progress.model_id, run.versions)
        self._gallery.names.told(run.progress.model_id, run.name)

    def _tell(self, run: Run) -> None:
        self._events.publish(
            "gallery", model_id=run.progress.model_id, change="run", status=run.status
        )
