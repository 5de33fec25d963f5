"""What of a library is to be hashed: in which order, in which batches, and what is left out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .hashing_process import Hashed
from .hashing_worker import CHANGED, DATA, DONE, WHOLE
from .library_places import Places
from .library_shelf import Spot
from .library_walk import Facts

_BATCH_FILES = 512
_BATCH_BYTES = 64 << 20
_UNSETTLED_BYTES = 64 << 20
_UNSETTLED_SECONDS = 3.0
_RUSH_FILES = 1000
_RUSH_BYTES = 1 << 20
_AGAIN_SECONDS = 5.0
_FAILED_SECONDS = 60.0
"""A drive may be back by then; each time that it is not, twice as long is waited."""


class _Failure(NamedTuple):
    """A file that could not be hashed; as it was then it is left out until `again` (monotonic)."""

    path: str
    seen: Facts
    wait: float
    again: float


@dataclass
class Batch:
    """Files that a process is asked for at once."""

    spots: list[Spot]
    paths: list[str]
    """Where they lay when the batch was made: a spot moves with its file."""
    seen: list[Facts]
    """As they were listed by then."""
    what: bytes
    answers: Iterator[Hashed] | None = None
    """Of a process that was asked already."""


class Backlog:
    """The files in their order, and those that a process has now.

    Whoever calls holds one lock for all of it; only `lacking`, `failed`, `fail` and `forgive`
    need none.
    """

    def __init__(self, places: Places) -> None:
        """Knows no file until `refill`."""
        self.is_stale = False
        """Whether there may be files that are not known here."""
        self._places = places
        self._queue: deque[Spot] = deque()
        self._later: deque[Spot] = deque()
        self._busy: dict[str, Spot] = {}
        self._failed: dict[str, _Failure] = {}
        self._suspects: set[str] = set()
        """Places in batches of which a process has died; each is hashed alone from then on."""
        self._again = 0.0

    @property
    def has_queue(self) -> bool:
        """Whether files without a hash wait for their turn."""
        return bool(self._queue)

    @property
    def is_empty(self) -> bool:
        """Whether no file without a hash waits for its turn or has it."""
        return not self._queue and all(spot.is_hashed for spot in self._busy.values())

    @property
    def is_put_off(self) -> bool:
        """Whether files are left out for some seconds only."""
        return bool(self._again)

    @property
    def is_due(self) -> bool:
        """Whether to look for files again: others have come, or those put off may be ready."""
        if self.is_stale:
            return True
        return not self._queue and self.is_put_off and time.monotonic() >= self._again

    @property
    def failed(self) -> int:
        """How many files cannot be hashed as they are now."""
        return len(self._failed)

    def bytes_left(self) -> int:
        """Of all that waits or is being hashed."""
        return sum(spot.seen.size for spot in (*self._queue, *self._later, *self._busy.values()))

    def is_rush(self, begun: bool) -> bool:
        """Whether it is small files by the thousand; once `begun`, to the last of them."""
        # What was learned of the last ones is kept by then.
        left = len(self._queue) + len(self._busy)
        if left < (1 if begun else _RUSH_FILES):
            return False
        first = self._queue[0] if self._queue else next(iter(self._busy.values()))
        return first.seen.size < _RUSH_BYTES

    def lacking(self) -> list[Spot]:
        """The files whose hash is not known, but for those that cannot be hashed."""
        failed = self._failed
        return [
            spot
            for spot in self._places.present()
            if not spot.is_hashed and not (failed and self._has_failed(spot))
        ]

    def refill(self) -> None:
        """Look through all places for what is to be hashed."""
        self.is_stale = False
        self._again = 0.0
        present = self._places.present()
        lacking = [each for each in self.lacking() if each.place_id not in self._busy]
        settled = [each for each in lacking if not _is_growing(each)]
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

    def take(self) -> Batch | None:
        """The next files, which are given to nobody else until `let_go`; None: there are none."""
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
        return Batch(spots, [spot.path for spot in spots], [spot.seen for spot in spots], what)

    def let_go(
        self,
        batch: Batch,
        results: Iterable[tuple[Spot, str, Hashed]],
        left: Collection[tuple[Spot, str]],
    ) -> None:
        """A batch is over; a process has died over those that are `left`."""
        for spot in batch.spots:
            self._busy.pop(spot.place_id, None)
        if self._suspects:
            self._suspects.difference_update(spot.place_id for spot, _, _ in results)
        if self._failed:
            for spot, _, result in results:
                if result.state == DONE:
                    self.forgive(spot)
        for spot, path in left:
            # It gets another turn, alone, and then no more.
            if len(batch.spots) == 1 and spot.place_id in self._suspects:
                self.fail(spot, path)
            self._suspects.add(spot.place_id)
        changed = {spot.place_id for spot, _, result in results if result.state == CHANGED}
        if changed:
            self._again = time.monotonic() + _AGAIN_SECONDS
        # Whoever has looked meanwhile for what is lacking has left out what was busy.
        for spot in batch.spots:
            if spot.is_hashed and spot.auto_v3:
                continue
            if spot.place_id not in changed and not self._has_failed(spot):
                self.is_stale = True

    def fail(self, spot: Spot, path: str) -> None:
        """It cannot be hashed as it is now at this path; not tried again soon."""
        last = self._failed.get(spot.place_id)
        is_same = last is not None and last[:2] == (path, spot.seen)
        wait = last.wait * 2 if last and is_same else _FAILED_SECONDS
        self._failed[spot.place_id] = _Failure(path, spot.seen, wait, time.monotonic() + wait)

    def forgive(self, spot: Spot) -> None:
        """That it could not be hashed says nothing any more."""
        self._failed.pop(spot.place_id, None)

    def _lacks_data(self, spot: Spot) -> bool:
        return bool(spot.sha256) and not spot.auto_v3 and not self._has_failed(spot)

    def _has_failed(self, spot: Spot) -> bool:
        failed = self._failed.get(spot.place_id)
        if failed is None or failed[:2] != (spot.path, spot.seen):
            return False
        return time.monotonic() < failed.again


def _is_growing(spot: Spot) -> bool:
    """A large file that was written to just now is likely to be written on."""
    if spot.seen.size < _UNSETTLED_BYTES:
        return False
    return abs(time.time_ns() - spot.seen.mtime_ns) < _UNSETTLED_SECONDS * 1e9


def _magnitude(spot: Spot) -> int:
    return spot.seen.size.bit_length()
