"""Hashing of every model in the background: small files first, nothing twice, others go first."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import CuratorError
from .hashing_process import Ended, Hashed, HashingProcess
from .hashing_worker import CHANGED, DATA, DONE, WHOLE
from .host import Host
from .jobs import Job, Jobs
from .library_facts import read_facts
from .library_places import Places, auto_v3_of, is_same
from .library_shelf import Spot
from .library_walk import Facts
from .memory import Stillness, give_back, no_collection
from .settings import Settings

log = logging.getLogger(__name__)

_BATCH_FILES = 512
_BATCH_BYTES = 64 << 20
_UNSETTLED_BYTES = 64 << 20
_UNSETTLED_SECONDS = 3.0
_KEEP_SECONDS = 0.05
"""Of small files: written while others are hashed, no place twice."""
_LOOK_SECONDS = 0.5
_RUSH_FILES = 1000
_RUSH_BYTES = 1 << 20
_SECONDS_STILL = 3.0
"""Of a rush: what is learned stays, so there is no garbage to search for."""
_AGAIN_SECONDS = 5.0


class Stopped(Exception):
    """The store is closing."""


@dataclass
class _Batch:
    spots: list[Spot]
    paths: list[str]
    """Where they lay when the batch was made: a spot moves with its file."""
    what: bytes
    answers: Iterator[Hashed] | None = None
    """Of a process that was asked already."""


class Hashing:
    """Threads that each lead a process; they end when there is nothing left to hash."""

    def __init__(self, places: Places, host: Host, settings: Settings, jobs: Jobs) -> None:
        self._places = places
        self._host = host
        self._settings = settings
        self._jobs = jobs
        self._lock = threading.Condition()
        self._queue: deque[Spot] = deque()
        self._later: deque[Spot] = deque()
        self._busy: dict[str, Spot] = {}
        self._failed: dict[str, tuple[str, Facts]] = {}
        self._suspects: set[str] = set()
        """Places in batches of which a process has died; each is hashed alone from then on."""
        self._stale = False
        self._again = 0.0
        self._closing = False
        self._paused = False
        self._threads: list[threading.Thread] = []
        self._active = 0
        self._processes: set[HashingProcess] = set()
        self._job: Job | None = None
        self._done_bytes = 0
        self._under_way: dict[int, int] = {}
        self._kept = 0.0
        self._stillness = Stillness(_SECONDS_STILL)
        self._rushes = False

    def wake(self) -> None:
        """There may be files to hash."""
        with self._lock:
            self._stale = True
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
            if self._job and not self._job.is_over:
                self._job.change("paused")
        return self.status()

    def resume(self) -> dict[str, Any]:
        """Go on."""
        with self._lock:
            self._paused = False
            if self._job and not self._job.is_over:
                self._job.change("running")
        self.wake()
        return self.status()

    def is_rushing(self) -> bool:
        """Whether small files by the thousand are being hashed."""
        with self._lock:
            return self._is_rush()

    def _is_rush(self) -> bool:
        if self._paused or self._closing:
            return False
        # Once it is one, to its last file: it ends when what was learned of that is kept.
        left = len(self._queue) + len(self._busy)
        if left < (1 if self._rushes else _RUSH_FILES):
            return False
        first = self._queue[0] if self._queue else next(iter(self._busy.values()))
        return first.seen.size < _RUSH_BYTES

    def status(self) -> dict[str, Any]:
        """`{state, files_left, bytes_left, failed, rate, eta_s}`."""
        left = self._lacking()
        job = self._job
        job = None if job is None or job.is_over else job
        state = "paused" if self._paused else "running" if left and job else "idle"
        if state == "running" and self._waits():
            state = "waiting"
        return {
            "state": state,
            "files_left": len(left),
            "bytes_left": sum(spot.seen.size for spot in left),
            "failed": len(self._failed),
            "rate": round(job.rate, 1) if job else 0,
            "eta_s": job.eta_s if job else None,
        }

    def wait(self, seconds: float) -> bool:
        """Until everything is hashed; False when that takes longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            may_be = self._paused or not self._queue
            if may_be and not self._lacking():
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

    def _lacking(self) -> list[Spot]:
        failed = self._failed
        return [
            spot
            for spot in self._places.present()
            if (not spot.sha256 or spot.unsure) and not (failed and self._has_failed(spot))
        ]

    def _lacks_data(self, spot: Spot) -> bool:
        return bool(spot.sha256) and not spot.auto_v3 and not self._has_failed(spot)

    def _has_failed(self, spot: Spot) -> bool:
        failed = self._failed.get(spot.place_id)
        return failed is not None and failed == (spot.path, spot.seen)

    def _run(self) -> None:
        """Top of a thread."""
        process = HashingProcess(self._go_on)
        with self._lock:
            self._processes.add(process)
        batch: _Batch | None = None
        try:
            batch = self._next()
            while batch:
                results, left = self._read(process, batch)
                ahead = None if left else self._ahead(process)
                try:
                    self._learn(results, batch.what)
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

    def _next(self) -> _Batch | None:
        """What to hash next; None when there is nothing. Waits while it is not its time."""
        with self._lock:
            while True:
                if self._closing:
                    raise Stopped
                if self._paused or self._waits():
                    self._rest()
                    continue
                if self._stale or (not self._queue and self._again and self._is_time()):
                    self._refill()
                batch = self._taken()
                if batch:
                    self._rush()
                    return batch
                if not self._again:
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
        else:
            self._stillness.__exit__()

    def _waits(self) -> bool:
        return not self._settings.values.hash_while_generating and self._host.is_generating()

    def _is_time(self) -> bool:
        return time.monotonic() >= self._again

    def _refill(self) -> None:
        self._stale = False
        self._again = 0.0
        present = self._places.present()
        lacking = [each for each in self._lacking() if each.place_id not in self._busy]
        settled = [each for each in lacking if not self._is_growing(each)]
        if len(settled) < len(lacking):
            self._again = time.monotonic() + _UNSETTLED_SECONDS
        # Smaller ones first, but among those of like size as they lie together in folders and in
        # what is kept of them.
        settled.sort(key=_magnitude)
        self._queue = deque(settled)
        late = [
            each for each in present if self._lacks_data(each) and each.place_id not in self._busy
        ]
        self._later = deque(sorted(late, key=_magnitude))
        self._tell_total()

    def _is_growing(self, spot: Spot) -> bool:
        """A large file that was written to just now is likely to be written on."""
        if spot.seen.size < _UNSETTLED_BYTES:
            return False
        return abs(time.time_ns() - spot.seen.mtime_ns) < _UNSETTLED_SECONDS * 1e9

    def _taken(self) -> _Batch | None:
        what = WHOLE if self._queue else DATA
        queue = self._queue or self._later
        spots: list[Spot] = []
        size = 0
        while queue and len(spots) < _BATCH_FILES:
            # A large file is hashed by itself, so that it can be waited with.
            spot = queue[0]
            size += spot.seen.size
            alone = spot.place_id in self._suspects
            if spots and (alone or size > _BATCH_BYTES):
                break
            queue.popleft()
            if spot.gone:
                continue
            spots.append(spot)
            self._busy[spot.place_id] = spot
            if alone:
                break
        if not spots:
            return None
        if self._job is None or self._job.is_over:
            self._begin()
        return _Batch(spots, [spot.path for spot in spots], what)

    def _read(
        self, process: HashingProcess, batch: _Batch
    ) -> tuple[list[tuple[Spot, str, Hashed]], Collection[tuple[Spot, str]]]:
        """The results of a batch, and the files that were left when the process died."""
        left = deque(zip(batch.spots, batch.paths, strict=True))
        results: list[tuple[Spot, str, Hashed]] = []
        try:
            for result in batch.answers or process.hash(batch.paths, batch.what):
                results.append((*left.popleft(), result))
        except Ended:
            process.close()
            if self._closing:
                raise Stopped from None
        return results, left

    def _ahead(self, process: HashingProcess) -> _Batch | None:
        """What the process hashes while we learn what it has told, if there is much to hash."""
        with self._lock:
            goes_on = self._queue and self._is_rush() and not self._waits()
            batch = self._taken() if goes_on else None
        if batch:
            batch.answers = process.hash(batch.paths, batch.what)
        return batch

    def _learn(self, results: Sequence[tuple[Spot, str, Hashed]], what: bytes) -> None:
        places = self._places
        with no_collection(), places.lock:
            for spot, path, result in results:
                if spot.gone or spot.path != path:
                    # It was moved meanwhile: what was read may be what took its place.
                    continue
                if result.state == DONE:
                    self._take(spot, result, what)
                elif result.state != CHANGED:
                    self._failed[spot.place_id] = (path, spot.seen)
        late = time.monotonic() - self._kept > _KEEP_SECONDS
        if late:
            self._kept = time.monotonic()
        try:
            places.publish(keep=late)
        except CuratorError as error:
            log.error("hashes were not kept: %s", error.text)

    def _let_go(
        self,
        batch: _Batch,
        results: Sequence[tuple[Spot, str, Hashed]],
        left: Collection[tuple[Spot, str]],
    ) -> None:
        """A batch is over; a process has died over those that are `left`."""
        with self._lock:
            for spot in batch.spots:
                self._busy.pop(spot.place_id, None)
            self._under_way.pop(threading.get_ident(), None)
            if self._suspects:
                self._suspects.difference_update(spot.place_id for spot, _, _ in results)
            for spot, path in left:
                # It gets another turn, alone, and then no more.
                if len(batch.spots) == 1 and spot.place_id in self._suspects:
                    self._failed[spot.place_id] = (path, spot.seen)
                self._suspects.add(spot.place_id)
            changed = {spot.place_id for spot, _, result in results if result.state == CHANGED}
            if changed:
                self._again = time.monotonic() + _AGAIN_SECONDS
            # Whoever has looked meanwhile for what is lacking has left out what was busy.
            for spot in batch.spots:
                if spot.sha256 and spot.auto_v3 and not spot.unsure:
                    continue
                if spot.place_id not in changed and not self._has_failed(spot):
                    self._stale = True
            self._done_bytes += sum(spot.seen.size for spot, _, _ in results)
            if self._job and not self._job.is_over:
                self._job.progress(self._progress())
            self._lock.notify_all()

    def _take(self, spot: Spot, result: Hashed, what: bytes) -> None:
        places = self._places
        seen = result.seen
        if spot.seen != seen and not is_same(spot.seen, seen):
            # It is another file than the one that was listed.
            places.see(spot, seen, read_facts(spot.path, spot.name))
            if what == DATA:
                return
        places.learn(spot, result.sha256 or spot.sha256, auto_v3_of(result))

    def _go_on(self, done: int) -> None:
        """Called between the parts of a large file; waits while it is not its time."""
        with self._lock:
            self._under_way[threading.get_ident()] = done
            if self._job and not self._job.is_over and self._job.state == "running":
                self._job.progress(self._progress())
            while not self._closing and (self._paused or self._waits()):
                self._lock.wait(_LOOK_SECONDS)
            if self._closing:
                raise Stopped

    def _begin(self) -> None:
        self._done_bytes = 0
        self._kept = time.monotonic()
        self._job = self._jobs.add("hash", title="Hashing models", unit="bytes", cancel=self.pause)
        self._job.change("running")
        self._tell_total()

    def _tell_total(self) -> None:
        if self._job and not self._job.is_over:
            left = (*self._queue, *self._later, *self._busy.values())
            self._job.total = self._done_bytes + sum(spot.seen.size for spot in left)

    def _progress(self) -> int:
        return self._done_bytes + sum(self._under_way.values())

    def _finish(self) -> None:
        """The last thread keeps what is known and says that everything is hashed."""
        if self._active:
            return
        try:
            self._places.keep()
        except CuratorError as error:
            log.error("hashes were not kept: %s", error.text)
        with self._lock:
            if self._job and not self._job.is_over and not self._active:
                self._job.change("done")
            self._lock.notify_all()
        give_back()


def _magnitude(spot: Spot) -> int:
    return spot.seen.size.bit_length()
