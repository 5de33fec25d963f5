"""Which transfers may run now."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Iterable

from .jobs import Job
from .transfer_records import Json, Slot, TransferFact
from .transfer_run import Run

_LOOK = 5.0
"""Seconds after which a changed setting counts at the latest."""


class Transfer:
    """One file on its way: its record, its job, and its run while it has one."""

    def __init__(self, record: Json, job: Job, host: str) -> None:
        self.record = record
        self.job = job
        self.host = host
        self.slot: Slot = (record["folder"].casefold(), record["name"].casefold())
        self.run: Run | None = None

    @property
    def state(self) -> str:
        """As in its record."""
        return str(self.record["state"])

    def fact(self) -> TransferFact:
        """How it stands."""
        job = self.job
        state = self.record["state"]
        return TransferFact(
            # Being placed it is not there yet, and not to look lost.
            "downloading" if state == "placed" else state,
            job.done,
            job.total,
            job.rate,
            job.eta_s,
            self.record["error"],
            self.record["id"],
            self.record["field"],
        )


def due(
    transfers: Iterable[Transfer], working: Container[str], *, at_once: int, per_host: int
) -> tuple[list[Transfer], float]:
    """Those to start now, the longest waiting first, and else the seconds until the next look.

    `working` holds the keys of runs that have not ended, even if their transfer has.
    """
    waiting = sorted(
        (each for each in transfers if each.state in ("queued", "placed")),
        key=lambda each: each.record["order"],
    )
    running = [each for each in transfers if each.state == "downloading"]
    hosts = Counter(each.host for each in running)
    count, now, wait = len(running), time.time(), _LOOK
    chosen: list[Transfer] = []
    for each in waiting:
        if each.record["id"] in working:
            continue
        later = each.record["not_before"] - now
        if later > 0:
            wait = min(wait, later)
        elif each.state == "placed":
            chosen.append(each)
        elif count < at_once and hosts[each.host] < per_host:
            chosen.append(each)
            count += 1
            hosts[each.host] += 1
    return chosen, wait
