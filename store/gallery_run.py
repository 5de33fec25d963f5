"""One gallery run: the cards of all versions of a model, then pages of the community's pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from .errors import CuratorError
from .gallery_intake import Intake
from .gallery_records import Facts, aliases, lacks_making
from .gallery_run_asking import Asking, Manners
from .gallery_run_crew import Crew, Gate
from .gallery_run_items import Listed, Lists
from .gallery_run_lists import Readings
from .gallery_run_makings import Makings
from .gallery_run_records import Progress
from .gallery_run_taking import Taking
from .jobs import Job
from .remote.civitai import CivitAI

Status = Literal["downloading", "stopping", "stopped", "done"]

_SHOWN_SECONDS = 10.0
"""How long after its end a run is told of; one that failed until the next begins."""
_WRITING = 4
"""So many more hands than requests: while some write to the disk, others ask."""


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
        self.tally = progress.tally.copy()
        self._civitai = civitai
        self._intake = intake
        self._total: int | None = None
        self._ended: float | None = None
        self.was_stopped = False
        """Whether somebody has asked it to end."""
        self._asking = Asking(self.gate, manners, progress.wish.workers)
        self._readings = Readings(progress, self.tally, civitai, self._asking.patiently)
        self._taking = Taking(
            progress, self.tally, intake, self._asking, self.gate, job, resumed=resumed
        )

    @property
    def new_items(self) -> list[str]:
        """Pictures that it has brought."""
        return self._taking.new_items

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
        self._asking.stop()

    def end(self, error: str | None = None) -> None:
        """It is over; whoever runs it says so."""
        self.error = error
        self._ended = time.monotonic()

    def go(self, save: Callable[[Run], None]) -> None:
        """Fetch everything; `save` is called where a restart can go on.

        Raises Cancelled when it was stopped, StoreClosed, and what makes going on senseless:
        what CivitAI says of the model or its lists, DiskFull.
        """
        model = self._asking.patiently(lambda: self._civitai.model(self.progress.model_id))
        lists = Lists(self._civitai, model, self.progress.wish.mode)
        self.versions, self.name = lists.version_ids, lists.name
        self._readings.start(lists)
        cards = list(lists.cards())
        self._total = len(cards) + self.progress.wish.count
        self.job.title, self.job.total = lists.name or self.job.title, self._total
        try:
            with Crew[Listed](self.gate, self._asking.at_once + _WRITING) as crew:
                self._fetch_all(crew, cards, lists, save)
        except CuratorError:
            self._leave_untold(self._taking.unasked)
            raise
        self._ask_again()

    def _fetch_all(
        self, crew: Crew[Listed], cards: list[Listed], lists: Lists, save: Callable[[Run], None]
    ) -> None:
        """The cards, and meanwhile already the first pages."""
        shown = {alias for each in cards for alias in aliases(each.facts)}
        if not self.progress.has_cards:
            self._readings.read_ahead()
            self._begin(crew, cards)
        try:
            while self._readings.are_open and self.tally.kept < self.progress.wish.count:
                self._round(crew, lists, shown)
                self._checkpoint(save)
        finally:
            # Whatever the lists say, the cards come.
            crew.wait()
        if not self.progress.has_cards:
            self._checkpoint(save)

    def _round(self, crew: Crew[Listed], lists: Lists, shown: set[str]) -> None:
        """One page of each list; `shown` are the ids of the cards."""
        pages = self._readings.next_pages(lists)
        cards: list[Listed] = []
        others: list[Listed] = []
        for each in pages.new:
            (others if shown.isdisjoint(aliases(each.facts)) else cards).append(each)
        self._begin(crew, others, need=self.progress.wish.count - self.tally.kept)
        crew.wait()
        # Those that are cards as well, now that these are known.
        left = self.progress.wish.count - self.tally.kept
        self._begin(crew, [each for each in cards if left or self._intake.known(each.facts)])
        crew.wait()
        self._link_again(pages.again)
        pages.finish()

    def _link_again(self, listed: Iterable[Listed]) -> None:
        """What has come with another version's list belongs to this one's too."""
        for each in listed:
            known = self._intake.known(each.facts)
            if known and self.progress.model_id in known["models"]:
                with self.gate.entered():
                    self._intake.link(each.facts)

    def _ask_again(self) -> None:
        """How those pictures were made that could not be asked about when they came."""
        numbers = sorted(self._taking.unasked)
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
            self.progress.counted = sorted(self._taking.counted)
            self.progress.unasked = sorted(self._taking.unasked)
        save(self)

    def _begin(self, crew: Crew[Listed], listed: Sequence[Listed], need: int | None = None) -> None:
        """Let them be fetched; enough when `need` of them count."""
        numbers = [
            each.facts.number
            for each in listed
            if each.facts.number is not None and self._is_to_be_told(each.facts)
        ]
        makings = self._makings_of(numbers, len(listed) if need is None else need)
        crew.add(listed, lambda each: self._taking.take(each, makings), need=need)

    def _is_to_be_told(self, facts: Facts) -> bool:
        known = self._intake.known(facts)
        return known is None or lacks_making(known)

    def _makings_of(self, numbers: Sequence[int], need: int) -> Makings:
        asking, civitai = self._asking, self._civitai
        return Makings(
            numbers,
            need,
            lambda numbers: asking.patiently(lambda: civitai.generations(numbers)),
            lambda number: asking.once(lambda: civitai.generation(number)),
        )
