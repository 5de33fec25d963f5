"""How the pictures of a list were made: asked for twenty at a time, before it is wanted.

What cannot be asked is no answer: a picture of which nothing is told is another thing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from .errors import CuratorError, DiskFull, StoreClosed, UpstreamBusy, UpstreamFailed

log = logging.getLogger(__name__)

Json = dict[str, Any]

_A_BATCH = 20
_BATCHES_IN_VAIN = 2
_SINGLES_IN_VAIN = 3
"""After so many in a row no more are asked for."""


class Makings:
    """Thread-safe; each batch is asked for once, by whoever first wants something of it."""

    def __init__(
        self,
        numbers: Sequence[int],
        need: int,
        ask: Callable[[Sequence[int]], dict[int, Json]],
        ask_one: Callable[[int], Json],
    ) -> None:
        """`need`: about so many of them will be wanted; `ask` and `ask_one` may raise.

        `ask` may leave out those of which it has heard nothing.
        """
        size = max(1, min(_A_BATCH, need))
        self._batches = [numbers[at : at + size] for at in range(0, len(numbers), size)]
        self._place = {each: at for at, batch in enumerate(self._batches) for each in batch}
        self._futures: dict[int, Future[dict[int, Json]]] = {}
        self._wanted = -(-need // size)
        self._lock = threading.Lock()
        self._ask = ask
        self._ask_one = ask_one
        self._batches_in_vain = 0
        self._singles_in_vain = 0

    def told(self, number: int) -> Json | None:
        """What CivitAI says of one, `{}` for nothing; None: it could not be asked.

        Raises StoreClosed.
        """
        place = self._place.get(number)
        try:
            batch: dict[int, Json] = {}
            if place is not None:
                try:
                    batch = self._batch(place)
                except (StoreClosed, DiskFull, UpstreamBusy):
                    raise
                except CuratorError as error:
                    log.debug("several at once are not told of: %s", error.text)
            return batch[number] if number in batch else self._alone(number)
        except (StoreClosed, DiskFull):
            raise
        except CuratorError as error:
            log.info("how picture %s was made could not be asked: %s", number, error.text)
            return None

    def _alone(self, number: int) -> Json:
        if self._singles_in_vain >= _SINGLES_IN_VAIN:
            raise UpstreamFailed("CivitAI has not told of the others either.")
        try:
            told = self._ask_one(number)
        except CuratorError:
            self._singles_in_vain += 1
            raise
        self._singles_in_vain = 0
        return told

    def _batch(self, place: int) -> dict[int, Json]:
        with self._lock:
            future = self._futures.get(place)
            is_mine = future is None
            if future is None:
                future = self._futures[place] = Future()
        if is_mine:
            self._fill(place, future)
        self._look_ahead(place + 1)
        return future.result()

    def _fill(self, place: int, future: Future[dict[int, Json]]) -> None:
        try:
            if self._batches_in_vain >= _BATCHES_IN_VAIN:
                raise UpstreamBusy("CivitAI has not told of the others either.")
            told = self._ask(self._batches[place])
        except BaseException as error:  # noqa: BLE001 - whoever waits for it hears of it
            self._batches_in_vain += 1
            future.set_exception(error)
        else:
            self._batches_in_vain = 0
            future.set_result(told)

    def _look_ahead(self, place: int) -> None:
        """Ask for the next batch while the pictures of this one are on their way."""
        with self._lock:
            if place >= min(len(self._batches), self._wanted) or place in self._futures:
                return
            future = self._futures[place] = Future()
        threading.Thread(
            target=self._fill, args=(place, future), name="curator-gallery-ahead", daemon=True
        ).start()
