"""Answers of the library's list: filtered, searched, sorted, by pages."""

from __future__ import annotations

import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from .library_rows import ALL, OTHERS, Row, Rows, Sort
from .library_tags import Tags

_ANSWERS_KEPT = 64
_QUICK_ROWS = 500
_LARGEST_KEPT = 256 << 10


class Asked(NamedTuple):
    """Which rows, in which order, from where on. Several words, tags: all of them."""

    kind: str | None = None
    """A type, `others`; None: every type."""
    q: str = ""
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    """One of them."""
    favorite: bool | None = None
    status: Literal["present", "missing", ""] = ""
    duplicates: bool = False
    limit: int | None = None
    offset: int = 0
    sort: Sort = "name"
    descending: bool = False
    among: frozenset[str] | None = None
    """Only rows with these keys."""


_PLAIN = Asked()


class Answer(NamedTuple):
    """JSON `{models, total, complete}` and its ETag; no body when the caller has it already."""

    body: bytes
    etag: str


class Lists:
    """Finds rows; what was asked before and has not changed is answered at once."""

    def __init__(self, rows: Rows, tags: Tags, run: str, is_complete: Callable[[], bool]) -> None:
        """`run` tells this run's ETags from those of others; `is_complete` stays so once it is."""
        self._rows = rows
        self._tags = tags
        self._run = run
        self._is_complete = is_complete
        self._answers: OrderedDict[Asked, tuple[int, bytes]] = OrderedDict()
        self._recalled: OrderedDict[str, tuple[int, Answer]] = OrderedDict()

    def etag(self, asked: Asked) -> str:
        """Of what is answered now."""
        return self._etag(asked, self._is_complete())

    def _etag(self, asked: Asked, complete: bool) -> str:
        part = "" if complete else "partial-"
        return f"{part}{self._run}-{self._rows.stamp}-{zlib.crc32(repr(asked).encode()):x}"

    def recall(self, question: str) -> Answer | None:
        """What was answered to this very text, if nothing has changed since."""
        kept = self._recalled.get(question)
        return kept[1] if kept and kept[0] == self._rows.stamp else None

    def remember(self, question: str, answer: Answer) -> None:
        """It was answered just now."""
        stamp = self._rows.stamp
        if answer.etag.startswith(f"{self._run}-{stamp}-") and len(answer.body) <= _LARGEST_KEPT:
            self._recalled[question] = (stamp, answer)
            while len(self._recalled) > _ANSWERS_KEPT:
                self._recalled.popitem(last=False)

    def known(self, asked: Asked) -> Answer | None:
        """The answer, if it takes no work."""
        stamp = self._rows.stamp
        kept = self._answers.get(asked)
        return Answer(kept[1], self.etag(asked)) if kept and kept[0] == stamp else None

    def is_quick(self, asked: Asked) -> bool:
        """Whether the answer takes no more than a page to put together."""
        small = asked.limit is not None and asked.limit <= _QUICK_ROWS
        return (
            small and _is_plain(asked) and self._rows.is_ordered(_list_of(asked.kind), asked.sort)
        )

    def answer(self, asked: Asked) -> Answer:
        """The page that is asked for; of what is there so far, it says so and is not kept."""
        known = self.known(asked)
        if known:
            return known
        complete = self._is_complete()
        stamp, etag = self._rows.stamp, self._etag(asked, complete)
        page, total = self._page(asked)
        models = b",".join([row.json or self._rows.body(row) for row in page])
        said = b',"complete":true}' if complete else b',"complete":false}'
        body = b'{"models":[' + models + b'],"total":' + str(total).encode() + said
        if complete and len(body) <= _LARGEST_KEPT:
            self._answers[asked] = (stamp, body)
            while len(self._answers) > _ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return Answer(body, etag)

    def _page(self, asked: Asked) -> tuple[Sequence[Row], int]:
        if asked.limit is not None and _is_plain(asked):
            return self._rows.page(
                _list_of(asked.kind),
                asked.sort,
                descending=asked.descending,
                offset=asked.offset,
                limit=asked.limit,
            )
        found = self.find(asked)
        end = None if asked.limit is None else asked.offset + asked.limit
        return found[asked.offset : end], len(found)

    def find(self, asked: Asked) -> Sequence[Row]:
        """Every row that is asked for, in order."""
        rows = self._rows
        found = rows.ordered(_list_of(asked.kind), asked.sort)
        for agrees in self._filters(asked):
            found = [row for row in found if agrees(row)]
        for word in asked.q.casefold().split():
            found = [row for row in found if word in (row.text or rows.text(row))]
        return found[::-1] if asked.descending else found

    def facets(self, asked: Asked) -> dict[str, Any]:
        """What there is to filter by: base models and tags with the number of their rows."""
        found = self.find(asked)
        bases = Counter(row.base_model for row in found)
        tags = Counter(tag for row in found for tag in row.tags)
        types = Counter(name for row in found for name in row.lists if name != ALL)
        return {
            "total": len(found),
            "base_models": [{"name": name, "count": n} for name, n in _by_name(bases)],
            "tags": [{**tag, "count": tags[tag["id"]]} for tag in self._tags.shown(tags)],
            "types": [{"name": name, "count": count} for name, count in _by_name(types)],
            "favorites": sum(row.favorite for row in found),
            "missing": sum(row.is_missing for row in found),
            "duplicates": sum(len(row.spots) > 1 for row in found),
        }

    def _filters(self, asked: Asked) -> list[Callable[[Row], bool]]:
        chosen: list[Callable[[Row], bool]] = []
        among, bases = asked.among, frozenset(asked.base_models)
        if among is not None:
            chosen.append(lambda row: row.key in among)
        if bases:
            chosen.append(lambda row: row.base_model in bases)
        if asked.tags:
            wanted = self._ids(asked.tags)
            # A tag that there is not is on no row.
            chosen.append((lambda row: row.tags >= wanted) if None not in wanted else _never)
        if asked.exclude_tags:
            unwanted = self._ids(asked.exclude_tags)
            chosen.append(lambda row: row.tags.isdisjoint(unwanted))
        if asked.favorite is not None:
            chosen.append(lambda row: row.favorite is asked.favorite)
        if asked.status:
            chosen.append(lambda row: row.is_missing is (asked.status == "missing"))
        if asked.duplicates:
            chosen.append(lambda row: len(row.spots) > 1)
        return chosen

    def _ids(self, names: Sequence[str]) -> frozenset[int | None]:
        """The tags' ids; None among them for one that there is not."""
        found: set[int | None] = set()
        for name in names:
            by_name = self._tags.named(name)
            if by_name is None and name.isascii() and name.isdigit() and int(name) in self._tags:
                by_name = int(name)
            found.add(by_name)
        return frozenset(found)


def _is_plain(asked: Asked) -> bool:
    """Whether it is a part of a whole list, with nothing to look for."""
    return _PLAIN == asked._replace(kind=None, limit=None, offset=0, sort="name", descending=False)


def _list_of(kind: str | None) -> str:
    if kind is None:
        return ALL
    return OTHERS if kind.lower() == OTHERS else kind


def _never(row: Row) -> bool:
    return False


def _by_name(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: each[0].casefold())
