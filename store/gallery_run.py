"""One gallery run: the cards of all versions of a model, then pages of the community's pictures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .errors import (
    CuratorError,
    DiskFull,
    StoreClosed,
    Unwritable,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamUnfit,
)
from .gallery_intake import Intake
from .gallery_records import Facts, aliases, lacks_making, source_in
from .gallery_run_crew import Crew, Gate
from .gallery_run_items import Json, Listed, Lists
from .gallery_run_lists import Readings
from .gallery_run_makings import Makings
from .gallery_run_records import Progress
from .jobs import Job
from .remote.civitai import CivitAI
from .remote.endings import Ending

T = TypeVar("T")

log = logging.getLogger(__name__)

Status = Literal["downloading", "stopping", "stopped", "done"]

_SHOWN_SECONDS = 10.0
"""How long after its end a run is told of; one that failed until the next begins."""
_LONGEST_WAIT = 60.0
_WRITING = 4
"""So many more hands than requests: while some write to the disk, others ask."""
_TROUBLES = 24
"""Failures of the server in a row; who fails so often is not asked for the others."""


@dataclass(frozen=True)
class Manners:
    """How politely pictures are fetched."""

    at_once: Callable[[], int]
    """Pictures of all runs together."""
    place: Callable[[], AbstractContextManager[None]]
    """Held by each of them while it is asked for."""
    pauses: tuple[float, ...]
    """Seconds before each further try."""


class Run:
    """Fetches what is wanted for a model; `go` once, in a thread of its own."""

    def __init__(
        self,
        progress: Progress,
        civitai: CivitAI,
        intake: Intake,
        job: Job,
        manners: Manners,
        *,
        resumed: bool = False,
    ) -> None:
        """`resumed`: it began before a restart."""
        self.progress = progress
        self.job = job
        self.gate = Gate()
        self.error: str | None = None
        self.versions: list[int] = []
        self.name = ""
        """What CivitAI calls the model."""
        self.new_items: list[str] = []
        """Pictures that it has brought."""
        self.tally = progress.tally.copy()
        self._civitai = civitai
        self._intake = intake
        self._manners = manners
        self._resumed = resumed
        self._total: int | None = None
        self._ended: float | None = None
        self.was_stopped = False
        """Whether somebody has asked it to end."""
        self._counted = set(progress.counted)
        self._unasked = set(progress.unasked)
        self._readings = Readings(progress, self.tally, civitai, self._asked)
        self._ending = Ending()
        self._troubles = 0
        self._places = threading.Semaphore(1)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._ended is not None

    @property
    def is_shown(self) -> bool:
        """Whether G still tells of it."""
        if self._ended is None or self.error:
            return True
        return time.monotonic() - self._ended < _SHOWN_SECONDS

    @property
    def status(self) -> Status:
        """As G has it."""
        if self._ended is None:
            return "stopping" if self.was_stopped else "downloading"
        return "stopped" if self.was_stopped else "done"

    def facts(self) -> dict[str, Any]:
        """The part of G that tells of a run."""
        tally = self.tally
        facts: dict[str, Any] = {
            "status": self.status,
            "downloaded": tally.downloaded,
            "skipped": tally.skipped,
            "failed": tally.failed + tally.untold,
            "untold": tally.untold,
            "total": tally.seen if self.is_over else self._total,
            "pages_fetched": tally.pages,
            "counted": 0,
            "failures": list(tally.failures),
        }
        return {**facts, "error": self.error} if self.error else facts

    def stop(self) -> None:
        """From the return on it changes nothing any more, and what it waits for is closed."""
        self.was_stopped = True
        self.gate.shut()
        self._ending.end()

    def end(self, error: str | None = None) -> None:
        """It is over; whoever runs it says so."""
        self.error = error
        self._ended = time.monotonic()

    def go(self, save: Callable[[Run], None]) -> None:
        """Fetch everything; `save` is called where a restart can go on.

        Raises Cancelled when it was stopped, StoreClosed, and what makes going on senseless:
        what CivitAI says of the model or its lists, DiskFull.
        """
        model = self._asked(lambda: self._civitai.model(self.progress.model_id))
        lists = Lists(self._civitai, model, self.progress.wish.mode)
        self.versions, self.name = lists.version_ids, lists.name
        self._readings.start(lists)
        cards = list(lists.cards())
        self._total = len(cards) + self.progress.wish.count
        self.job.title, self.job.total = lists.name or self.job.title, self._total
        at_once = self._manners.at_once()
        at_once = min(at_once, self.progress.wish.workers or at_once)
        self._places = threading.Semaphore(at_once)
        try:
            with Crew[Listed](self.gate, at_once + _WRITING) as crew:
                self._fetch_all(crew, cards, lists, save)
        except CuratorError:
            self._leave_untold(self._unasked)
            raise
        self._ask_again()

    def _fetch_all(
        self,
        crew: Crew[Listed],
        cards: Sequence[Listed],
        lists: Lists,
        save: Callable[[Run], None],
    ) -> None:
        """The cards, and meanwhile already the first pages."""
        if not self.progress.has_cards:
            self._readings.read_ahead()
            self._begin(crew, cards)
        try:
            while self._readings.are_open and self.tally.kept < self.progress.wish.count:
                self._round(crew, cards, lists, save)
        finally:
            # Whatever the lists say, the cards come.
            crew.wait()
        if not self.progress.has_cards:
            self._checkpoint(save)

    def _round(
        self,
        crew: Crew[Listed],
        cards: Sequence[Listed],
        lists: Lists,
        save: Callable[[Run], None],
    ) -> None:
        """One page of each list."""
        pages = self._readings.next_pages(lists)
        shown = {alias for each in cards for alias in aliases(each.facts)}
        others = [each for each in pages.new if shown.isdisjoint(aliases(each.facts))]
        self._begin(crew, others, need=self.progress.wish.count - self.tally.kept)
        crew.wait()
        # Those that may be one of the cards, now that these are known.
        left = self.progress.wish.count - self.tally.kept
        again = [each for each in pages.new if not shown.isdisjoint(aliases(each.facts))]
        self._begin(crew, [each for each in again if left or self._intake.known(each.facts)])
        crew.wait()
        self._link_again(pages.again)
        pages.finish()
        self._checkpoint(save)

    def _link_again(self, listed: Iterable[Listed]) -> None:
        """What has come with another version's list belongs to this one's too."""
        for each in listed:
            known = self._intake.known(each.facts)
            if known and self.progress.model_id in known["models"]:
                with self.gate.entered():
                    self._intake.link(each.facts)

    def _ask_again(self) -> None:
        """How those pictures were made that could not be asked about when they came."""
        numbers = sorted(self._unasked)
        makings = self._makings_of(numbers, len(numbers))
        for number in numbers:
            told = makings.told(number)
            self.gate.check()
            if told is None:
                self._leave_untold([number])
            else:
                with self.gate.entered():
                    self._intake.tell_making(number, told)

    def _leave_untold(self, numbers: Iterable[int]) -> None:
        with self.gate.turn:
            for number in sorted(numbers):
                self.tally.leave_untold(str(number), self._civitai.image_page(number))

    def _checkpoint(self, save: Callable[[Run], None]) -> None:
        """Everything that was begun is done."""
        self.progress.has_cards = True
        with self.gate.turn:
            self.progress.tally = self.tally.copy()
            self.progress.counted = sorted(self._counted)
            self.progress.unasked = sorted(self._unasked)
        save(self)

    def _begin(self, crew: Crew[Listed], listed: Sequence[Listed], need: int | None = None) -> None:
        """Let them be fetched; enough when `need` of them count."""
        numbers = [
            each.facts.number
            for each in listed
            if each.facts.number is not None and self._is_to_be_told(each.facts)
        ]
        makings = self._makings_of(numbers, len(listed) if need is None else need)
        crew.add(listed, lambda each: self._take(each, makings), need=need)

    def _is_to_be_told(self, facts: Facts) -> bool:
        known = self._intake.known(facts)
        return known is None or lacks_making(known)

    def _makings_of(self, numbers: Sequence[int], need: int) -> Makings:
        def ask_one(number: int) -> Json:
            self.gate.check()
            with self._ending.covers():
                return self._civitai.generation(number)

        return Makings(
            numbers,
            need,
            lambda numbers: self._asked(lambda: self._civitai.generations(numbers)),
            ask_one,
        )

    def _asked(self, ask: Callable[[], T]) -> T:
        """What upstream answers, asked again where it failed or was busy."""
        for pause in (*self._manners.pauses, None):
            self.gate.check()
            try:
                with self._ending.covers():
                    return ask()
            except UpstreamUnfit:
                raise
            except (UpstreamBusy, UpstreamFailed) as error:
                self._pause(pause, error)
        raise AssertionError("the last try raises")

    def _pause(self, seconds: float | None, error: CuratorError) -> None:
        """Wait before the next try; raise the error when there is none."""
        self.gate.check()
        wait = max(seconds or 0.0, error.retry_after or 0.0)
        if seconds is None or wait > _LONGEST_WAIT:
            raise error
        self.gate.wait(wait)

    def _take(self, listed: Listed, makings: Makings) -> bool:
        """Whether the picture is in the gallery now and counts for what was asked for."""
        facts = listed.facts
        try:
            known = self._intake.known(facts)
            is_new = False
            if known is None:
                added = self._asked(lambda: self._fetch(listed, makings))
                if added is None:
                    return False
                is_new = added
            else:
                self._link(listed, known, makings)
                if not listed.is_card and self._is_card(known):
                    # One of the cards, which nobody has asked for again.
                    return False
            self._troubles = 0
            if is_new:
                self.new_items.append(facts.id)
        except (StoreClosed, DiskFull, Unwritable):
            raise
        except CuratorError as error:
            if type(error) is CuratorError:
                raise  # what the disk says; the next picture would hear the same
            self._fail(listed, error)
            return False
        return self._count(listed, is_new=is_new or self._came_before(known))

    def _fetch(self, listed: Listed, makings: Makings) -> bool | None:
        """Whether it was new; None when how it was made says that it is not wanted."""
        query = self.progress.wish.query(self.progress.model_id, None)
        told = self._told(listed.facts, makings)
        if not listed.is_card and not query.admits_making(told or {}):
            return None
        facts = listed.told(told)
        added = self._intake.fetch_listed(facts, listed.address, self._place, self.gate)
        self._remember_unasked(facts)
        return added

    def _told(self, facts: Facts, makings: Makings) -> Json | None:
        if facts.number is None:
            return None
        with self._place():
            return makings.told(facts.number)

    def _remember_unasked(self, facts: Facts) -> None:
        if facts.number is not None and not facts.making_asked:
            with self.gate.turn:
                self._unasked.add(facts.number)

    @contextmanager
    def _place(self) -> Generator[None, None, None]:
        """Held while something is asked: of this run so many as it may, of all as are set."""
        with self._places, self._manners.place():
            self.gate.check()
            yield

    def _link(self, listed: Listed, known: Mapping[str, Any], makings: Makings) -> None:
        facts = listed.told(None)
        if lacks_making(known):
            facts = listed.told(self._told(facts, makings))
            self._remember_unasked(facts)
        with self.gate.entered():
            self._intake.link(facts)

    def _is_card(self, known: Mapping[str, Any]) -> bool:
        model_id = self.progress.model_id
        return model_id in known["models"] and source_in(known, model_id) == "original"

    def _came_before(self, known: Mapping[str, Any] | None) -> bool:
        """Whether this very run has fetched it, before the restart."""
        return (
            self._resumed
            and known is not None
            and known["downloaded_at"] >= self.progress.started_at
            and self.progress.model_id in known["models"]
        )

    def _count(self, listed: Listed, *, is_new: bool) -> bool:
        """Whether it counts for what was asked for: one of the community's, and once."""
        record = self._intake.known(listed.facts)
        key = record["id"] if record else listed.facts.id
        with self.gate.turn:
            if is_new:
                self.tally.downloaded += 1
            else:
                self.tally.skipped += 1
            counts = not listed.is_card and key not in self._counted
            if counts:
                self.tally.kept += 1
                self._counted.add(key)
        self.job.progress(self.tally.seen)
        return counts

    def _fail(self, listed: Listed, error: CuratorError) -> None:
        """It costs only itself, unless the server fails again and again."""
        is_servers = isinstance(error, (UpstreamFailed, UpstreamBusy)) and not isinstance(
            error, UpstreamUnfit
        )
        with self.gate.turn:
            self.gate.check()
            self.tally.fail(listed.facts.id, listed.facts.page, error.text)
            self._troubles = self._troubles + 1 if is_servers else 0
            too_many = self._troubles >= _TROUBLES
        self.job.progress(self.tally.seen)
        if too_many:
            raise UpstreamFailed(f"It failed {_TROUBLES} times in a row. {error.text}")
