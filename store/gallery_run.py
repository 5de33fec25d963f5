"""One gallery run: the cards of all versions of a model, then pages of the community's pictures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Literal, TypeVar

from .errors import (
    BadInput,
    CuratorError,
    DiskFull,
    NotFound,
    StoreClosed,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamUnfit,
)
from .gallery_intake import Intake
from .gallery_records import Facts
from .gallery_run_crew import Crew, Gate
from .gallery_run_items import Json, Listed, Lists
from .gallery_run_makings import Makings
from .gallery_run_records import Progress, Reading
from .jobs import Job
from .remote.civitai import CivitAI
from .remote.image_lists import ImageQuery, ListedPage

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
        self._seen: set[str] = set()
        self._troubles = 0
        self._makings = Makings([], 0, lambda _: {}, lambda _: {})
        self._places = threading.Semaphore(1)
        self._ahead: dict[int, Future[ListedPage]] = {}

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
            "failed": tally.failed,
            "total": tally.seen if self.is_over else self._total,
            "pages_fetched": tally.pages,
            "counted": 0,
            "failures": list(tally.failures),
        }
        return {**facts, "error": self.error} if self.error else facts

    def stop(self) -> None:
        """From the return on it changes nothing any more."""
        self.was_stopped = True
        self.gate.shut()

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
        self.versions = lists.version_ids
        self._start_reading(lists)
        cards = list(lists.cards())
        self._total = len(cards) + self.progress.wish.count
        self.job.title, self.job.total = lists.name or self.job.title, self._total
        if not self.progress.has_cards:
            self._read_ahead()
            self._work_off(cards)
            self._checkpoint(save, has_cards=True)
        while self._open_readings() and self.tally.kept < self.progress.wish.count:
            self._round(lists, save)

    def _start_reading(self, lists: Lists) -> None:
        wish = self.progress.wish
        if wish.version_id is not None and wish.version_id not in lists.version_ids:
            raise NotFound("CivitAI has no such version of this model.", field="version_id")
        if self.progress.readings is None:
            if wish.version_id is not None:
                lists_of: Iterable[int | None] = (wish.version_id,)
            else:
                lists_of = (None,) if wish.mode == "rest" else lists.version_ids
            self.progress.readings = [Reading(each) for each in lists_of]

    def _open_readings(self) -> list[Reading]:
        return [each for each in self.progress.readings or () if not each.is_over]

    def _round(self, lists: Lists, save: Callable[[Run], None]) -> None:
        """One page of each list, taken from in turn: no version's pictures crowd out another's."""
        pages: list[list[Listed]] = []
        after: list[tuple[Reading, Any, bool]] = []
        for reading in self._open_readings():
            query = self._query(reading)
            page = self._page(reading)
            new = [each for each in page.items if self._is_new(each)]
            # A page without anything new would come for ever.
            is_over = page.cursor in (None, reading.cursor) or not new
            after.append((reading, page.cursor, is_over))
            wanted = [each for each in new if query.admits(each)]
            listed = (lists.community(each, reading.version_id) for each in wanted)
            pages.append([each for each in listed if each])
        mixed = [each for each in chain.from_iterable(zip_longest(*pages)) if each]
        self._work_off(mixed, need=self.progress.wish.count - self.tally.kept)
        for reading, cursor, is_over in after:
            reading.cursor, reading.is_over = cursor, is_over
        self._checkpoint(save)

    def _query(self, reading: Reading) -> ImageQuery:
        wish = self.progress.wish
        return wish.query(self.progress.model_id, reading.version_id, rest=reading.rest)

    def _page(self, reading: Reading) -> ListedPage:
        """The next page of a list; an empty one where CivitAI has none."""
        ahead = self._ahead.pop(id(reading), None)
        try:
            page = ahead.result() if ahead else self._asked_page(reading)
        except NotFound:
            page = ListedPage([], None)
        self.tally.pages += 1
        return page

    def _asked_page(self, reading: Reading) -> ListedPage:
        try:
            return self._listed(reading)
        except (BadInput, NotFound, UpstreamFailed) as error:
            # Their cursors differ: a list that was begun one way does not go on the other.
            if reading.rest or self.progress.wish.mode == "rest" or reading.cursor is not None:
                raise
            log.info("CivitAI's lists by tRPC fail, so they are asked for by REST: %s", error.text)
            reading.rest = True
        try:
            return self._listed(reading)
        except BaseException:
            reading.rest = False
            raise

    def _listed(self, reading: Reading) -> ListedPage:
        return self._asked(lambda: self._civitai.listed(self._query(reading), reading.cursor))

    def _read_ahead(self) -> None:
        """Ask for the first page of each list while the cards are on their way."""
        readings = self._open_readings() if self.progress.wish.count else []
        self._ahead = {id(reading): Future[ListedPage]() for reading in readings}
        pages = list(zip(readings, self._ahead.values(), strict=True))

        def read() -> None:
            for reading, page in pages:
                try:
                    page.set_result(self._asked_page(reading))
                except BaseException as error:  # noqa: BLE001 - whoever takes the page hears of it
                    page.set_exception(error)

        if pages:
            threading.Thread(target=read, name="curator-gallery-lists", daemon=True).start()

    def _is_new(self, item: Json) -> bool:
        """Whether this run has not come across it, in its cards or on another page."""
        key = str(item.get("id"))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _checkpoint(self, save: Callable[[Run], None], *, has_cards: bool = False) -> None:
        self.progress.has_cards = self.progress.has_cards or has_cards
        self.progress.tally = self.tally.copy()
        save(self)

    def _work_off(self, listed: Sequence[Listed], need: int | None = None) -> None:
        numbers = [
            each.facts.number
            for each in listed
            if each.facts.number is not None and not self._intake.known(each.facts)
        ]
        self._makings = Makings(
            numbers,
            len(listed) if need is None else need,
            lambda numbers: self._asked(lambda: self._civitai.generations(numbers)),
            self._civitai.generation,
        )
        at_once = self._manners.at_once()
        at_once = min(at_once, self.progress.wish.workers or at_once)
        self._places = threading.Semaphore(at_once)
        Crew(listed, self._take, self.gate, need=need).run(at_once + _WRITING)

    def _asked(self, ask: Callable[[], T]) -> T:
        """What upstream answers, asked again where it failed or was busy."""
        for pause in (*self._manners.pauses, None):
            self.gate.check()
            try:
                return ask()
            except UpstreamUnfit:
                raise
            except (UpstreamBusy, UpstreamFailed) as error:
                self._pause(pause, error)
        raise AssertionError("the last try raises")

    def _pause(self, seconds: float | None, error: CuratorError) -> None:
        """Wait before the next try; raise the error when there is none."""
        wait = max(seconds or 0.0, error.retry_after or 0.0)
        if seconds is None or wait > _LONGEST_WAIT:
            raise error
        self.gate.wait(wait)

    def _take(self, listed: Listed) -> bool:
        """Whether the picture is in the gallery now and counts for what was asked for."""
        facts = listed.facts
        try:
            known = self._intake.known(facts)
            if known and not listed.is_card and known["source"] == "original":
                # One of the cards, which nobody has asked for again.
                self._link(facts)
                return False
            if known is None:
                added = self._asked(lambda: self._fetch(listed))
                if added is None:
                    return False
                is_new = added
            else:
                self._link(facts)
                is_new = False
            self._troubles = 0
            if is_new:
                self.new_items.append(facts.id)
        except (StoreClosed, DiskFull):
            raise
        except CuratorError as error:
            if type(error) is CuratorError:
                raise  # what the disk says; the next picture would hear the same
            self._fail(listed, error)
            return False
        self._count(is_new=is_new or self._came_before(known), counts=not listed.is_card)
        return not listed.is_card

    def _fetch(self, listed: Listed) -> bool | None:
        """Whether it was new; None when how it was made says that it is not wanted."""
        query = self.progress.wish.query(self.progress.model_id, None)
        told: Json = {}
        if listed.facts.number is not None:
            with self._place():
                told = self._makings.told(listed.facts.number)
        if not listed.is_card and not query.admits_making(told):
            return None
        return self._intake.fetch_listed(listed.told(told), listed.address, self._place, self.gate)

    @contextmanager
    def _place(self) -> Generator[None, None, None]:
        """Held while something is asked: of this run so many as it may, of all as are set."""
        with self._places, self._manners.place():
            self.gate.check()
            yield

    def _link(self, facts: Facts) -> None:
        with self.gate.entered():
            self._intake.link(facts)

    def _came_before(self, known: Mapping[str, Any] | None) -> bool:
        """Whether this very run has fetched it, before the restart."""
        return (
            self._resumed
            and known is not None
            and known["downloaded_at"] >= self.progress.started_at
            and self.progress.model_id in known["models"]
        )

    def _count(self, *, is_new: bool, counts: bool) -> None:
        with self.gate.turn:
            if is_new:
                self.tally.downloaded += 1
            else:
                self.tally.skipped += 1
            self.tally.kept += counts
        self.job.progress(self.tally.seen)

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


def empty_facts() -> dict[str, Any]:
    """The same part of G where no run is told of."""
    return {
        "status": "idle",
        "downloaded": 0,
        "skipped": 0,
        "failed": 0,
        "total": None,
        "pages_fetched": 0,
        "counted": 0,
        "failures": [],
    }
