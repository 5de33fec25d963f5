"""How a run asks CivitAI: few at once, again where that fails, and no more once it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from .errors import CuratorError, UpstreamBusy, UpstreamFailed, UpstreamUnfit
from .gallery_run_crew import Gate
from .remote.endings import Ending

T = TypeVar("T")

_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Manners:
    """How politely pictures are fetched."""

    at_once: Callable[[], int]
    """Pictures of all runs together."""
    place: Callable[[], AbstractContextManager[None]]
    """Held by each of them while it is asked for."""
    pauses: tuple[float, ...]
    """Seconds before each further try."""


class Asking:
    """The questions of one run. Thread-safe; each raises Cancelled once the gate is shut."""

    def __init__(self, gate: Gate, manners: Manners, workers: int | None) -> None:
        """`workers`: so many pictures at once, if the manners allow it."""
        at_once = manners.at_once()
        self.at_once = min(at_once, workers or at_once)
        self._gate = gate
        self._manners = manners
        self._places = threading.Semaphore(self.at_once)
        self._ending = Ending()

    def stop(self) -> None:
        """What is waited for is closed."""
        self._ending.end()

    def once(self, ask: Callable[[], T]) -> T:
        """What upstream answers."""
        self._gate.check()
        with self._ending.covers():
            return ask()

    def patiently(self, ask: Callable[[], T]) -> T:
        """What upstream answers, asked again where it failed or was busy."""
        for pause in (*self._manners.pauses, None):
            try:
                return self.once(ask)
            except UpstreamUnfit:
                raise
            except (UpstreamBusy, UpstreamFailed) as error:
                self._pause(pause, error)
        raise AssertionError("the last try raises")

    @contextmanager
    def place(self) -> Generator[None, None, None]:
        """Held while something is asked: of this run so many as it may, of all as are set."""
        with self._places, self._manners.place():
            self._gate.check()
            yield

    def _pause(self, seconds: float | None, error: CuratorError) -> None:
        """Wait before the next try; raise the error when there is none."""
        self._gate.check()
        wait = max(seconds or 0.0, error.retry_after or 0.0)
        if seconds is None or wait > _LONGEST_WAIT:
            raise error
        self._gate.wait(wait)
