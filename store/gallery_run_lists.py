"""The lists of the community's pictures that a run reads, a page of each in turn."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from .errors import BadInput, NotFound, UpstreamFailed
from .gallery_run_items import Json, Listed, Lists
from .gallery_run_records import Progress, Reading, Tally
from .remote.civitai import CivitAI
from .remote.image_lists import ImageQuery, ListedPage

log = logging.getLogger(__name__)


@dataclass
class Pages:
    """One page of each list."""

    new: list[Listed]
    """One of each list in turn: no version's pictures crowd out another's."""
    again: list[Listed]
    """What other lists, or earlier pages of them, have told of already."""
    after: list[tuple[Reading, Any, bool]]

    def finish(self) -> None:
        """They are done with: the lists go on behind them."""
        for reading, cursor, is_over in self.after:
            reading.cursor, reading.is_over = cursor, is_over


class Readings:
    """How far the lists are read; kept in the run's progress."""

    def __init__(
        self,
        progress: Progress,
        tally: Tally,
        civitai: CivitAI,
        asked: Callable[[Callable[[], ListedPage]], ListedPage],
    ) -> None:
        """`asked` asks patiently, and not any more when the run is stopped."""
        self._progress = progress
        self._tally = tally
        self._civitai = civitai
        self._asked = asked
        self._seen = set(progress.counted)
        """What any of the lists has told of."""
        self._told: dict[int | None, set[str]] = defaultdict(set)
        """What each list has told of, by its version."""
        self._ahead: dict[int, Future[ListedPage]] = {}

    @property
    def are_open(self) -> bool:
        """Whether any of them goes on."""
        return bool(self._open())

    def start(self, lists: Lists) -> None:
        """Which lists there are, unless that is known. Raises NotFound for a foreign version."""
        wish = self._progress.wish
        if wish.version_id is not None and wish.version_id not in lists.version_ids:
            raise NotFound("CivitAI has no such version of this model.", field="version_id")
        if self._progress.readings is None:
            if wish.version_id is not None:
                lists_of: Iterable[int | None] = (wish.version_id,)
            else:
                lists_of = (None,) if wish.mode == "rest" else lists.version_ids
            self._progress.readings = [Reading(each) for each in lists_of]

    def read_ahead(self) -> None:
        """Ask for the first page of each list while the cards are on their way."""
        readings = self._open() if self._progress.wish.count else []
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

    def next_pages(self, lists: Lists) -> Pages:
        """The next page of each list that goes on. Raises what CivitAI raises."""
        pages: list[list[Listed]] = []
        old: list[Listed] = []
        after: list[tuple[Reading, Any, bool]] = []
        for reading in self._open():
            page = self._page(reading)
            fresh = self._fresh(reading, page)
            # A page without anything new would come for ever.
            is_over = page.cursor in (None, reading.cursor) or not fresh
            after.append((reading, page.cursor, is_over))
            admits = self._query(reading).admits
            new = [each for key, each in fresh.items() if key not in self._seen and admits(each)]
            pages.append(_listed(lists, new, reading))
            known = [each for key, each in fresh.items() if key in self._seen]
            old += _listed(lists, known, reading)
            self._seen.update(fresh)
        versions: dict[str, list[int]] = defaultdict(list)
        for each in old:
            versions[each.facts.id] += each.facts.version_ids
        mixed = [
            each.also_in(versions.pop(each.facts.id, ()))
            for each in chain.from_iterable(zip_longest(*pages))
            if each
        ]
        return Pages(mixed, [each for each in old if each.facts.id in versions], after)

    def _open(self) -> list[Reading]:
        return [each for each in self._progress.readings or () if not each.is_over]

    def _fresh(self, reading: Reading, page: ListedPage) -> dict[str, Json]:
        """By id what this list has not told of before, each once, in its order."""
        told = self._told[reading.version_id]
        fresh: dict[str, Json] = {}
        for item in page.items:
            key = str(item.get("id"))
            if key not in told:
                fresh.setdefault(key, item)
        told.update(fresh)
        return fresh

    def _query(self, reading: Reading) -> ImageQuery:
        wish = self._progress.wish
        return wish.query(self._progress.model_id, reading.version_id, rest=reading.rest)

    def _page(self, reading: Reading) -> ListedPage:
        """The next page of a list; an empty one where CivitAI has none."""
        ahead = self._ahead.pop(id(reading), None)
        try:
            page = ahead.result() if ahead else self._asked_page(reading)
        except NotFound:
            page = ListedPage([], None)
        self._tally.pages += 1
        return page

    def _asked_page(self, reading: Reading) -> ListedPage:
        try:
            return self._ask(reading)
        except (BadInput, NotFound, UpstreamFailed) as error:
            # Their cursors differ: a list that was begun one way does not go on the other.
            if reading.rest or self._progress.wish.mode == "rest" or reading.cursor is not None:
                raise
            log.info("CivitAI's lists by tRPC fail, so they are asked for by REST: %s", error.text)
            reading.rest = True
        try:
            return self._ask(reading)
        except BaseException:
            # Whatever ends it, a stop too: nothing is known in favour of this way yet.
            reading.rest = False
            raise

    def _ask(self, reading: Reading) -> ListedPage:
        return self._asked(lambda: self._civitai.listed(self._query(reading), reading.cursor))


def _listed(lists: Lists, items: Iterable[Json], reading: Reading) -> list[Listed]:
    found = (lists.community(each, reading.version_id) for each in items)
    return [each for each in found if each]
