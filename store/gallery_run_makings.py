"""How the pictures of a list were made: asked for twenty at a time, before it is wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from .errors import CuratorError, DiskFull, StoreClosed, UpstreamBusy

log = logging.getLogger(__name__)

Json = dict[str, Any]

_A_BATCH = 20


class Makings:
    """Thread-safe; each batch is asked for once, by whoever first wants something of it."""

    def __init__(
        self,
        numbers: Sequence[int],
        need: int,
        ask: Callable[[Sequence[int]], dict[int, Json]],
        ask_one: Callable[[int], Json],
    ) -> None:
        """`need`: about so many of them will be wanted; `ask` and `ask_one` may raise."""
        size = max(1, min(_A_BATCH, need))
        self._batches = [numbers[at : at + size] for at in range(0, len(numbers), size)]
        self._place = {each: at for at, batch in enumerate(self._batches) for each in batch}
        self._futures: dict[int, Future[dict[int, Json]]] = {}
        self._wanted = -(-need // size)
        self._lock = threading.Lock()
        self._ask = ask
        self._ask_one = ask_one

    def told(self, number: int) -> Json:
        """What CivitAI says of one; `{}` where nobody knows. Raises StoreClosed."""
        place = self._place.get(number)
        try:
            if place is None:
                return self._ask_one(number)
            try:
                return self._batch(place).get(number, {})
            except UpstreamBusy:
                raise
            except (StoreClosed, DiskFull):
                raise
            except CuratorError:
                # Perhaps it does not take several at once.
                return self._ask_one(number)
        except (StoreClosed, DiskFull):
            raise
        except CuratorError as error:
            log.info("how picture %s was made is not told: %s", number, error.text)
            return {}

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
            future.set_result(self._ask(self._batches[place]))
        except BaseException as error:  # noqa: BLE001 - whoever waits for it hears of it
            future.set_exception(error)

    def _look_ahead(self, place: int) -> None:
        """Ask for the next batch while the pictures of this one are on their way."""
        with self._lock:
            if place >= min(len(self._batches), self._wanted) or place in self._futures:
                return
            future = self._futures[place] = Future()
        threading.Thread(
            target=self._fill, args=(place, future), name="curator-gallery-ahead", daemon=True
        ).start()
