"""Hashing of every model in the background: small files first, nothing twice, others go first."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .errors import CuratorError
from .hashing_backlog import Backlog, Batch
from .hashing_process import Ended, Hashed, HashingProcess
from .hashing_progress import Progress
from .hashing_worker import CHANGED, DATA, DONE
from .host import Host
from .jobs import Jobs
from .library_places import Places, is_same
from .library_shelf import Spot
from .library_walk import Facts
from .memory import Stillness, give_back, no_collection
from .settings import Settings

log = logging.getLogger(__name__)

_KEEP_SECONDS = 0.05
"""Of small files: written while others are hashed, no place twice."""
_LOOK_SECONDS = 0.5
_SECONDS_STILL = 3.0
"""Of a rush: what is learned stays, so there is no garbage to search for."""


class Stopped(Exception):
    """The store is closing."""


class Hashing:
    """Threads that each lead a process; they end when there is nothing left to hash."""

    def __init__(self, places: Places, host: Host, settings: Settings, jobs: Jobs) -> None:
        self.began_rush: Callable[[], object] = bool
        """Called when `is_rushing` begins to hold; whoever watches the files puts it here."""
        self._places = places
        self._host = host
        self._settings = settings
        self._lock = threading.Condition()
        self._backlog = Backlog(places)
        self._progress = Progress(jobs, self._backlog.bytes_left, self.pause)
        self._closing = False
        self._paused = False
        self._threads: list[threading.Thread] = []
        self._active = 0
        self._processes: set[HashingProcess] = set()
        self._kept = 0.0
        self._stillness = Stillness(_SECONDS_STILL)
        self._rushes = False

    def wake(self) -> None:
        """There may be files to hash."""
        with self._lock:
            self._backlog.is_stale = True
            self._lock.notify_all()
            if self._closing or self._paused:
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            while self._active < self._wanted_threads():
                self._active += 1
                name = f"curator-hashing-{self._active}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def pause(self) -> dict[str, Any]:
        """Hash nothing until `resume`; what is under way waits where it is."""
        with self._lock:
            self._paused = True
            self._progress.change("paused")
        return self.status()

    def resume(self) -> dict[str, Any]:
        """Go on."""
        with self._lock:
            self._paused = False
            self._progress.change("running")
        self.wake()
        return self.status()

    def forgive(self, spot: Spot) -> None:
        """It is there again: that it could not be hashed says nothing any more."""
        self._backlog.forgive(spot)

    def is_rushing(self) -> bool:
        """Whether small files by the thousand are being hashed."""
        with self._lock:
            return self._is_rush()

    def _is_rush(self) -> bool:
        if self._paused or self._closing:
            return False
        return self._backlog.is_rush(self._rushes)

    def status(self) -> dict[str, Any]:
        """`{state, files_left, bytes_left, failed, rate, eta_s}`."""
        left = self._backlog.lacking()
        state = "paused" if self._paused else "running" if left and self._progress.job else "idle"
        if state == "running" and self._waits():
            state = "waiting"
        return {
            "state": state,
            "files_left": len(left),
            "bytes_left": sum(spot.seen.size for spot in left),
            "failed": self._backlog.failed,
            **self._progress.shown(),
        }

    def wait(self, seconds: float) -> bool:
        """Until everything is hashed; False when that takes longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._lock:
                may_be = self._paused or self._backlog.is_empty
            if may_be and not self._backlog.lacking():
                self._places.publish(keep=False)
                return True
            with self._lock:
                self._lock.wait(0.05)
        return False

    def close(self) -> None:
        """Stop at once; what is known is kept."""
        with self._lock:
            self._closing = True
            self._rush()
            self._lock.notify_all()
            processes = list(self._processes)
        for process in processes:
            process.close()
        for thread in self._threads:
            thread.join(10)

    def _wanted_threads(self) -> int:
        said = self._settings.values.hash_workers
        return said or min(8, os.cpu_count() or 1)

    def _run(self) -> None:
        """Top of a thread."""
        process = HashingProcess(self._go_on)
        with self._lock:
            self._processes.add(process)
        batch: Batch | None = None
        try:
            batch = self._next()
            while batch:
                results, left = self._read(process, batch)
                ahead = None if left else self._ahead(process)
                try:
                    self._learn(results, batch)
                finally:
                    self._let_go(batch, results, left)
                    batch = ahead
                batch = batch or self._next()
            self._finish()
        except Stopped:
            self._leave()
        except Exception:
            # Top of a thread: the next `wake` has to know that it is gone.
            log.exception("hashing models")
            self._leave()
        finally:
            process.close()
            if batch:
                self._let_go(batch, (), ())
            with self._lock:
                self._processes.discard(process)
                if not self._active:
                    self._rushes = False
                    self._stillness.__exit__()

    def _leave(self) -> None:
        with self._lock:
            self._active -= 1

    def _next(self) -> Batch | None:
        """What to hash next; None when there is nothing. Waits while it is not its time."""
        with self._lock:
            while True:
                if self._closing:
                    raise Stopped
                if self._paused or self._waits():
                    self._rest()
                    continue
                if self._backlog.is_due:
                    self._backlog.refill()
                    self._progress.count()
                batch = self._taken()
                if batch:
                    self._rush()
                    return batch
                if not self._backlog.is_put_off:
                    # Told at once, so that whoever wakes us now starts another thread.
                    self._active -= 1
                    return None
                self._rest()

    def _rest(self) -> None:
        self._rush()
        self._lock.wait(_LOOK_SECONDS)

    def _rush(self) -> None:
        """Hold the garbage collector still while small files by the thousand are learned."""
        rushes = self._is_rush()
        if rushes == self._rushes:
            self._stillness.check()
            return
        self._rushes = rushes
        if rushes:
            self._stillness.__enter__()
            self.began_rush()
        else:
            self._stillness.__exit__()

    def _waits(self) -> bool:
        return not self._settings.values.hash_while_generating and self._host.is_generating()

    def _taken(self) -> Batch | None:
        batch = self._backlog.take()
        if batch and self._progress.begin():
            self._kept = time.monotonic()
        return batch

    def _read(
        self, process: HashingProcess, batch: Batch
    ) -> tuple[list[tuple[Spot, str, Hashed]], Collection[tuple[Spot, str]]]:
        """The results of a batch, and the files that were left when the process died."""
        told: list[Hashed] = []
        try:
            for result in batch.answers or process.hash(batch.paths, batch.what):
                told.append(result)
        except Ended:
            process.close()
            if self._closing:
                raise Stopped from None
        count = len(told)
        left = list(zip(batch.spots[count:], batch.paths[count:], strict=True))
        return list(zip(batch.spots, batch.paths, told, strict=False)), left

    def _ahead(self, process: HashingProcess) -> Batch | None:
        """What the process hashes while we learn what it has told, if there is much to hash."""
        with self._lock:
            goes_on = self._backlog.has_queue and self._is_rush() and not self._waits()
            batch = self._taken() if goes_on else None
        if batch:
            batch.answers = process.hash(batch.paths, batch.what)
        return batch

    def _learn(self, results: Sequence[tuple[Spot, str, Hashed]], batch: Batch) -> None:
        places = self._places
        with no_collection(), places.lock:
            for (spot, path, result), listed in zip(results, batch.seen, strict=False):
                if spot.gone or spot.is_forgotten or spot.path != path:
                    # It was moved meanwhile: what was read may be what took its place.
                    continue
                if result.state == DONE:
                    self._take(spot, listed, result, batch.what)
                elif result.state != CHANGED:
                    self._backlog.fail(spot, path)
        late = time.monotonic() - self._kept > _KEEP_SECONDS
        if late:
            self._kept = time.monotonic()
        try:
            places.publish(keep=late)
        except CuratorError as error:
            log.error("hashes were not kept: %s", error.text)

    def _let_go(
        self,
        batch: Batch,
        results: Sequence[tuple[Spot, str, Hashed]],
        left: Collection[tuple[Spot, str]],
    ) -> None:
        """A batch is over; a process has died over those that are `left`."""
        with self._lock:
            self._backlog.let_go(batch, results, left)
            self._progress.add(sum(spot.seen.size for spot, _, _ in results))
            self._lock.notify_all()

    def _take(self, spot: Spot, listed: Facts, result: Hashed, what: bytes) -> None:
        places = self._places
        seen = result.seen
        if not result.sha256 and not spot.is_hashed:
            # Of its data alone, and other content has taken its place since.
            return
        if spot.seen != seen and not is_same(spot.seen, seen):
            if spot.seen != listed:
                # Another file has taken its place since, and was seen there.
                return
            # It is another file than the one that was listed.
            spot = places.meet(spot, seen)
            if what == DATA:
                return
        places.learn(spot, result.sha256 or spot.sha256, result.auto_v3)

    def _go_on(self, done: int) -> None:
        """Called between the parts of a large file; waits while it is not its time."""
        with self._lock:
            self._progress.step(done)
            while not self._closing and (self._paused or self._waits()):
                self._lock.wait(_LOOK_SECONDS)
            if self._closing:
                raise Stopped

    def _finish(self) -> None:
        """The last thread keeps what is known and says that everything is hashed."""
        if self._active:
            return
        try:
            self._places.keep()
        except CuratorError as error:
            log.error("hashes were not kept: %s", error.text)
        with self._lock:
            if not self._active:
                self._progress.change("done")
            self._lock.notify_all()
        give_back()
