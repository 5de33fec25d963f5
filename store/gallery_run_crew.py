"""Several hands at a list of pictures, none of which anybody has to wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
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
                if self.is_shut:
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


@dataclass
class _Share(Generic[T]):
    """What a crew has been given in one go."""

    items: deque[T]
    work: Callable[[T], bool]
    need: int | None
    """So many of them have still to count; None: all are wanted."""
    busy: int = 0

    @property
    def is_through(self) -> bool:
        """Whether none of them has to be begun any more."""
        return not self.items or self.need == 0

    @property
    def has_next(self) -> bool:
        """Whether one may be begun: never more at a time than are wanted; all fetched is kept."""
        return not self.is_through and (self.need is None or self.busy < self.need)


class Crew(Generic[T]):
    """Threads that take one item after the other, until the block ends.

    An item's work says whether it counts.
    """

    def __init__(self, gate: Gate, hands: int) -> None:
        """`hands`: so many threads at most."""
        self._gate = gate
        self._hands = hands
        self._started = 0
        self._idle = 0
        self._shares: list[_Share[T]] = []
        self._error: BaseException | None = None
        self._is_dismissed = False

    def __enter__(self) -> Crew[T]:
        return self

    def __exit__(self, *_: object) -> None:
        with self._gate.turn:
            self._is_dismissed = True
            self._gate.turn.notify_all()

    def add(
        self, items: Iterable[T], work: Callable[[T], bool], *, need: int | None = None
    ) -> None:
        """Begin with these as soon as hands are free; enough when `need` of them have counted."""
        with self._gate.turn:
            self._shares = [share for share in self._shares if share.busy or share.has_next]
            self._shares.append(_Share(deque(items), work, need))
            self._gate.turn.notify_all()
            first = self._started
            self._started = max(first, min(self._hands, sum(len(e.items) for e in self._shares)))
        for number in range(first, self._started):
            threading.Thread(
                target=self._hand, name=f"curator-gallery-{number}", daemon=True
            ).start()

    def wait(self) -> None:
        """Return when everything that was added is done.

        Raises the first error that an item's work raises, and Cancelled at once when the gate is
        shut: whoever still waits for an answer then is left alone, but where the gallery is full.
        """
        with self._gate.turn:
            self._gate.turn.wait_for(lambda: self._is_done() or self._must_end())
            if self._error:
                raise self._error
            self._gate.check()

    def _is_done(self) -> bool:
        return not any(
            share.busy or not (share.is_through or self._error) for share in self._shares
        )

    def _must_end(self) -> bool:
        # A full gallery has room for those that are on their way.
        is_full = isinstance(self._error, GalleryFull)
        return self._gate.is_shut or (self._error is not None and not is_full)

    def _hand(self) -> None:
        """Top of a thread."""
        while (taken := self._take()) is not None:
            share, item = taken
            counts, failure = False, None
            try:
                counts = share.work(item)
            except BaseException as error:  # noqa: BLE001 - top of a thread: `wait` raises it
                failure = error
            with self._gate.turn:
                self._error = self._error or failure
                share.busy -= 1
                if counts and share.need:
                    share.need -= 1
                # Nobody waits for a single hand while there is more for it to do.
                if self._idle or self._error or self._is_done():
                    self._gate.turn.notify_all()

    def _take(self) -> tuple[_Share[T], T] | None:
        with self._gate.turn:
            self._idle += 1
            self._gate.turn.wait_for(lambda: self._is_free() or self._next() is not None)
            self._idle -= 1
            share = None if self._is_free() else self._next()
            if share is None:
                return None
            share.busy += 1
            return share, share.items.popleft()

    def _next(self) -> _Share[T] | None:
        return next((share for share in self._shares if share.has_next), None)

    def _is_free(self) -> bool:
        """Whether the hands have nothing to do here any more."""
        return self._is_dismissed or self._gate.is_shut or self._error is not None
