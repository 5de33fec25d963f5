"""How long a run goes on trying, and how it is told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import UpstreamBusy, UpstreamFailed, UpstreamUnfit


@dataclass(frozen=True)
class Patience:
    """How often a cut or an outage is sat out, and for how many seconds."""

    tries: int = 8
    """In a row, without a byte in between."""
    first: float = 1.0
    longest: float = 15.0
    busy_tries: int = 30
    """For a host that asks to come back later."""
    enough: int = 1 << 15
    """Bytes that a try must bring to count for something: who only drips is not waited for."""

    def wait(self, failures: int) -> float:
        """Seconds before the next try."""
        return min(self.first * 2 ** (failures - 1), self.longest)


class Stopped(Exception):
    """Somebody has paused or cancelled the transfer, or the store closes."""


class Later(Exception):
    """The host asks to come back after so many seconds, longer than a run sits still."""

    def __init__(self, seconds: float, text: str) -> None:
        super().__init__(text)
        self.seconds = seconds
        self.text = text


class Stop:
    """Tells a run that it is to end; for any thread."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def set(self) -> None:
        """From now on `check` and `wait` raise Stopped."""
        self._set.set()

    def check(self) -> None:
        """Raise Stopped when the run is to end."""
        if self._set.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Sit still so long. Raises Stopped as soon as the run is to end."""
        if self._set.wait(seconds):
            raise Stopped


def patiently(
    ask: Callable[[], None], patient: Callable[[], Patience], stop: Stop, have: Callable[[], int]
) -> None:
    """Ask upstream, and again after a cut or an outage; what has come meanwhile counts.

    `have` tells how much that is, `patient` how long to go on. Raises Later, and the last error
    when patience is at its end.
    """
    failures = busy = 0
    while True:
        before = have()
        try:
            return ask()
        except UpstreamUnfit:
            raise
        except UpstreamFailed:
            stop.check()
            patience = patient()
            failures = 1 if have() - before >= patience.enough else failures + 1
            if failures > patience.tries:
                raise
            stop.wait(patience.wait(failures))
        except UpstreamBusy as error:
            stop.check()
            patience = patient()
            busy = 1 if have() > before else busy + 1
            if busy > patience.busy_tries:
                raise
            seconds = max(error.retry_after or 0, patience.wait(busy))
            if seconds > patience.longest:
                raise Later(seconds, error.text) from error
            stop.wait(seconds)
