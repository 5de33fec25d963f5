"""Several hands at a list of pictures, none of which anybody has to wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Generic, TypeVar

from .errors import GalleryFull
from .jobs import Cancelled

T = TypeVar("T")


class Gate:
    """Whether a run still may change the gallery; `shut` waits until nobody is at it."""

    def __init__(self) -> None:
        self.turn = threading.Condition()
        """Told of every change; those who wait within a run wait for it."""
        self.is_shut = False
        self._inside = 0

    @contextmanager
    def entered(self) -> Generator[None, None, None]:
        """For the block the gallery may be changed. Raises Cancelled once it is shut."""
        with self.turn:
            self.check()
            self._inside += 1
        try:
            yield
        finally:
            with self.turn:
                self._inside -= 1
                self.turn.notify_all()

    def check(self) -> None:
        """Raise Cancelled once it is shut."""
        if self.is_shut:
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Do nothing for so long. Raises Cancelled as soon as it is shut."""
        with self.turn:
            self.turn.wait_for(lambda: self.is_shut, seconds)
            self.check()

    def shut(self) -> None:
        """From the return on nothing is changed any more; downloads may still be on their way."""
        with self.turn:
            self.is_shut = True
            self.turn.notify_all()
            self.turn.wait_for(lambda: not self._inside)


class Crew(Generic[T]):
    """Threads that take one item after the other; an item's work says whether it counts."""

    def __init__(
        self, items: Iterable[T], work: Callable[[T], bool], gate: Gate, *, need: int | None
    ) -> None:
        """Ends when `need` items have counted (None: all are wanted), or none are left."""
        self._items = deque(items)
        self._work = work
        self._gate = gate
        self._need = need
        self._busy = 0
        self._error: BaseException | None = None

    def run(self, hands: int) -> None:
        """Return when it has ended.

        Raises the first error that an item's work raises, and Cancelled at once when the gate is
        shut: whoever still waits for an answer then is left alone, but where the gallery is full.
        """
        for number in range(min(hands, len(self._items))):
            threading.Thread(
                target=self._hand, name=f"curator-gallery-{number}", daemon=True
            ).start()
        with self._gate.turn:
            self._gate.turn.wait_for(lambda: self._is_over() and not self._busy or self._must_end())
            if self._error:
                raise self._error
            self._gate.check()

    def _is_over(self) -> bool:
        return not self._items or self._need == 0 or self._error is not None

    def _must_end(self) -> bool:
        # A full gallery has room for those that are on their way.
        is_full = isinstance(self._error, GalleryFull)
        return self._gate.is_shut or (self._error is not None and not is_full)

    def _hand(self) -> None:
        """Top of a thread."""
        while (item := self._take()) is not None:
            counts, failure = False, None
            try:
                counts = self._work(item)
            except BaseException as error:  # noqa: BLE001 - top of a thread: `run` raises it
                failure = error
            with self._gate.turn:
                self._busy -= 1
                if counts and self._need is not None:
                    self._need -= 1
                self._error = self._error or failure
                self._gate.turn.notify_all()

    def _take(self) -> T | None:
        with self._gate.turn:
            # Never more at a time than are wanted: what is fetched is kept.
            self._gate.turn.wait_for(
                lambda: (
                    self._is_over()
                    or self._must_end()
                    or self._need is None
                    or self._busy < self._need
                )
            )
            if self._is_over() or self._must_end():
                return None
            self._busy += 1
            return self._items.popleft()
