"""Pages of an index: all of a value, or those among them that hold some words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, compress, islice
from operator import itemgetter, not_
from typing import Any, NamedTuple, TypeAlias

from .cursors import Entry, read_cursor, write_cursor
from .indexes import SortedIndex
from .records import decode
from .rows import Rows
from .spec import Page, Record
from .words import Matches

# To look a match up and sort it costs about as much as this many steps along the index.
_STEPS = 20
_ID = itemgetter(2)


Listed: TypeAlias = tuple[SortedIndex, Any]


class Narrowing(NamedTuple):
    """Entries of other indexes: of each group in one of them, and in none of `without`."""

    among: list[list[list[Entry]]]
    without: list[list[Entry]]

    def of(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those that are left; no record is looked at for it, and no lock is held."""
        for group in self.among:
            ids = _ids(group)
            entries = list(compress(entries, map(ids.__contains__, map(_ID, entries))))
        ids = _ids(self.without)
        if ids:
            entries = list(compress(entries, map(not_, map(ids.__contains__, map(_ID, entries)))))
        return entries


@dataclass(frozen=True)
class Asked:
    """What a caller wants to see of an index."""

    index: SortedIndex
    value: Any
    descending: bool
    limit: int
    offset: int
    after: str | None
    where: Callable[[Record], bool] | None
    among: Sequence[Sequence[Listed]] = ()
    without: Sequence[Listed] = ()

    @property
    def is_plain(self) -> bool:
        """Whether everything in the index is wanted."""
        return self.where is None and not self.among and not self.without

    def narrowing(self) -> Narrowing:
        """The entries to narrow by, as they are now; under the lock."""
        return Narrowing(
            [[list(index.entries(value)) for index, value in group] for group in self.among],
            [list(index.entries(value)) for index, value in self.without],
        )

    def rest(self, entries: Sequence[Entry], *, offset: int | None = None) -> range:
        """The positions after the cursor and the offset, in the order asked for."""
        skip = max(self.offset, 0) if offset is None else offset
        place = read_cursor(self.after) if self.after is not None else None
        if self.descending:
            end = len(entries) if place is None else bisect_left(entries, place)
            return range(end - 1 - skip, -1, -1)
        start = 0 if place is None else bisect_right(entries, place)
        return range(start + skip, len(entries))

    def page(self, found: Sequence[tuple[Entry, bytes]], total: int, more: bool) -> Page:
        """The page of these records."""
        cursor = write_cursor(found[-1][0]) if more and found else None
        return Page([decode(raw) for _, raw in found], total, cursor)


def _ids(lists: Sequence[Sequence[Entry]]) -> set[int]:
    # Without a step of Python: a list may hold the whole collection.
    return set(map(_ID, chain.from_iterable(lists)))


def list_page(rows: Rows, asked: Asked) -> Page:
    """A page of all records of a value."""
    with rows.lock:
        entries = asked.index.entries(asked.value)
        if asked.is_plain:
            return _cut(rows, asked, entries, len(entries))
        entries, narrowing = list(entries), asked.narrowing()
    return _filtered(rows, asked, narrowing.of(entries))


def union_page(rows: Rows, places: Sequence[Asked]) -> Page:
    """A page of the records of any of these values, each once; their indexes have one order."""
    asked = places[0]
    with rows.lock:
        found = {each for one in places for each in one.index.entries(one.value)}
        entries = sorted(found)
    return _filtered(rows, asked, entries)


def search_page(rows: Rows, asked: Asked, text: str, also: Sequence[Sequence[Listed]] = ()) -> Page:
    """A page of the records of a value that hold the words of a text.

    `also`: for each word, where those are listed that count as holding it.
    """
    words = rows.words()
    with rows.lock:
        counted = [[index.documents(value) for index, value in group] for group in also]
        matches = words.match(text, rows.next_id, counted)
        entries = asked.index.entries(asked.value)
        if matches is None:
            entries = list(entries)
        elif len(matches) * _STEPS < len(entries):
            entries = _sorted_matches(rows, asked, matches)
        elif asked.index.whole and asked.is_plain:
            return _walk(rows, asked, entries, matches)
        else:
            entries = matches.among(entries)
        narrowing = asked.narrowing()
    return _filtered(rows, asked, narrowing.of(entries))


def _walk(rows: Rows, asked: Asked, entries: Sequence[Entry], matches: Matches) -> Page:
    """Along the list of all records until the page is full: all that match are in it."""
    flags = matches.flags
    wanted = asked.offset + asked.limit + 1
    along = (entries[at] for at in asked.rest(entries, offset=0))
    found = list(islice((each for each in along if flags[each[2]]), asked.offset, wanted))
    shown = [(each, rows.raws[each[2]]) for each in found[: asked.limit]]
    return asked.page(shown, len(matches), len(found) > asked.limit)


def _cut(rows: Rows, asked: Asked, entries: Sequence[Entry], total: int) -> Page:
    rest = asked.rest(entries)
    chosen = [(entries[at], rows.raws.get(entries[at][2])) for at in rest[: asked.limit]]
    # Without the lock one may have gone meanwhile.
    found = [(each, raw) for each, raw in chosen if raw is not None]
    return asked.page(found, total, len(rest) > asked.limit)


def _sorted_matches(rows: Rows, asked: Asked, doc_ids: Iterable[int]) -> list[Entry]:
    found: list[Entry] = []
    for doc_id in doc_ids:
        record = decode(rows.raws[doc_id])
        if asked.index.holds(asked.value, record):
            found.append(asked.index.place(doc_id, record))
    found.sort()
    return found


def _filtered(rows: Rows, asked: Asked, entries: Sequence[Entry]) -> Page:
    """Those that `where` agrees to; every one is looked at, for the total."""
    where = asked.where
    if where is None:
        return _cut(rows, asked, entries, len(entries))
    agreed: list[tuple[Entry, bytes]] = []
    for each in entries:
        raw = rows.raws.get(each[2])
        if raw is not None and where(decode(raw)):
            agreed.append((each, raw))
    rest = asked.rest([each for each, _ in agreed])
    found = [agreed[at] for at in rest[: asked.limit]]
    return asked.page(found, len(agreed), len(rest) > asked.limit)
