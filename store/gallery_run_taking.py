"""What a run does with each picture that CivitAI lists: fetch it or link it, and count it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import (
    CuratorError,
    DiskFull,
    StoreClosed,
    Unwritable,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamUnfit,
)
from .gallery_intake import Fetched, Intake
from .gallery_records import Facts, lacks_making, source_in
from .gallery_run_asking import Asking
from .gallery_run_crew import Gate
from .gallery_run_items import Json, Listed
from .gallery_run_makings import Makings
from .gallery_run_records import Progress, Tally
from .jobs import Job

_TROUBLES = 24
"""Failures of the server in a row; who fails so often is not asked for the others."""


class Taking:
    """Takes pictures into the gallery; thread-safe. What it counts changes in the gate's turn."""

    def __init__(
        self,
        progress: Progress,
        tally: Tally,
        intake: Intake,
        asking: Asking,
        gate: Gate,
        job: Job,
        *,
        resumed: bool,
    ) -> None:
        """`resumed`: the run began before a restart."""
        self.counted = set(progress.counted)
        """Ids of the community's pictures that count for what was asked for."""
        self.unasked = set(progress.unasked)
        """Numbers of pictures that are here, but how they were made could not be asked."""
        self.new_items: list[str] = []
        """Pictures that the run has brought."""
        self._progress = progress
        self._tally = tally
        self._intake = intake
        self._asking = asking
        self._gate = gate
        self._job = job
        self._resumed = resumed
        self._troubles = 0

    def take(self, listed: Listed, makings: Makings) -> bool:
        """Whether the picture is in the gallery now and counts for what was asked for.

        One that fails costs only itself. Raises what the next one would hear too.
        """
        facts = listed.facts
        try:
            known = self._intake.known(facts)
            if known is None:
                fetched = self._asking.patiently(lambda: self._fetch(listed, makings))
                if fetched is None:
                    return False
                record, is_new = fetched
                if is_new:
                    self.new_items.append(record["id"])
            else:
                record, is_new = known, self._came_before(known)
                self._link(listed, known, makings)
                if not listed.is_card and self._is_card(known):
                    # One of the cards, which nobody has asked for again.
                    return False
            self._troubles = 0
        except (StoreClosed, DiskFull, Unwritable):
            raise
        except CuratorError as error:
            if type(error) is CuratorError:
                raise  # what the disk says; the next picture would hear the same
            self._fail(listed, error)
            return False
        return self._count(listed, record["id"], is_new=is_new)

    def _fetch(self, listed: Listed, makings: Makings) -> Fetched | None:
        """None when how it was made says that it is not wanted."""
        query = self._progress.wish.query(self._progress.model_id, None)
        told = self._told(listed.facts, makings)
        if not listed.is_card and not query.admits_making(told or {}):
            return None
        facts = listed.told(told)
        fetched = self._intake.fetch_listed(facts, listed.address, self._asking.place, self._gate)
        self._remember_unasked(facts)
        return fetched

    def _told(self, facts: Facts, makings: Makings) -> Json | None:
        if facts.number is None:
            return None
        with self._asking.place():
            return makings.told(facts.number)

    def _remember_unasked(self, facts: Facts) -> None:
        if facts.number is not None and not facts.making_asked:
            with self._gate.turn:
                self.unasked.add(facts.number)

    def _link(self, listed: Listed, known: Mapping[str, Any], makings: Makings) -> None:
        facts = listed.told(None)
        if lacks_making(known):
            facts = listed.told(self._told(facts, makings))
            self._remember_unasked(facts)
        with self._gate.entered():
            self._intake.link(facts)

    def _is_card(self, known: Mapping[str, Any]) -> bool:
        model_id = self._progress.model_id
        return model_id in known["models"] and source_in(known, model_id) == "original"

    def _came_before(self, known: Mapping[str, Any]) -> bool:
        """Whether this very run has fetched it, before the restart."""
        return (
            self._resumed
            and known["downloaded_at"] >= self._progress.started_at
            and self._progress.model_id in known["models"]
        )

    def _count(self, listed: Listed, key: str, *, is_new: bool) -> bool:
        """Whether it counts for what was asked for: one of the community's, and once."""
        with self._gate.turn:
            if is_new:
                self._tally.downloaded += 1
            else:
                self._tally.skipped += 1
            counts = not listed.is_card and key not in self.counted
            if counts:
                self._tally.kept += 1
                self.counted.add(key)
        self._job.progress(self._tally.seen)
        return counts

    def _fail(self, listed: Listed, error: CuratorError) -> None:
        """It costs only itself, unless the server fails again and again."""
        is_servers = isinstance(error, (UpstreamFailed, UpstreamBusy)) and not isinstance(
            error, UpstreamUnfit
        )
        with self._gate.turn:
            self._gate.check()
            self._tally.fail(listed.facts.id, listed.facts.page, error.text)
            self._troubles = self._troubles + 1 if is_servers else 0
            too_many = self._troubles >= _TROUBLES
        self._job.progress(self._tally.seen)
        if too_many:
            raise UpstreamFailed(f"It failed {_TROUBLES} times in a row. {error.text}")
