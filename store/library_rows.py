"""The rows of the library's list: one a content, one a place not hashed yet; always in order."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from itertools import islice
from typing import Any, Literal, cast

import orjson

from .engine import Record
from .json_values import integer
from .library_facts import shown_value, told_base_model
from .library_places import Places
from .library_records import Records
from .library_shelf import Spot
from .library_tags import Tags
from .memory import no_collection

Json = dict[str, Any]
Sort = Literal["name", "created_at", "size_bytes", "rating"]
OTHERS = "others"
ALL = ""
"""The name of the list that holds every row."""

_BODIES_KEPT = 2000
_MANY = 100
"""When so many rows change at once, the lists are sorted anew when they are next asked for."""


class Row:
    """One row; but for what is made of it when it is shown, a new one takes its place."""

    __slots__ = (
        "base_model",
        "created",
        "favorite",
        "is_missing",
        "json",
        "key",
        "kinds",
        "lists",
        "name",
        "path",
        "rating",
        "size",
        "spots",
        "tags",
        "text",
    )

    def __init__(
        self, key: str, spots: tuple[Spot, ...], places: Places, record: Record | None
    ) -> None:
        self.key = key
        self.spots = spots
        self.is_missing = not spots
        self.json: bytes | None = None
        self.text: str | None = None
        self.lists: tuple[str, ...] = ()
        self.path, self.size, self.created = "", 0, 0
        if spots:
            seen = spots[0].seen
            self.path, self.size = spots[0].path, seen.size
            self.created = max(0, seen.mtime_ns // 1_000_000)
        last = places.last_spot(key) if not spots else None
        known = (last,) if last else spots
        self.base_model = told_base_model(known[0].facts) if known else ""
        self.kinds = _kinds(known, places)
        self.name, self.rating, self.favorite, self.tags = "", 0, False, _NO_TAGS
        if record:
            self._take(record)
        if not self.name:
            self.name = file_name(self.path)

    def _take(self, said: Record) -> None:
        """What was said goes before what the file tells."""
        if not self.spots:
            self.path, self.size = str(said["path"]), int(said["size_bytes"])
        self.created = int(said["created_at"]) or self.created
        self.name = str(said["name"])
        self.rating = said["rating"] or 0
        self.favorite = bool(said["favorite"])
        self.tags = frozenset[int](said["tags"]) if said["tags"] else _NO_TAGS
        self.base_model = str(said["base_model"]) or self.base_model
        label = str(said["type"])
        if label and label not in self.kinds:
            self.kinds = (label,)


_NO_TAGS = frozenset[int]()
_ORDERS: dict[str, Callable[[Row], tuple[Any, ...]]] = {
    "name": lambda row: (row.name.casefold(), row.path, row.key),
    "created_at": lambda row: (row.created, row.path, row.key),
    "size_bytes": lambda row: (row.size, row.path, row.key),
    "rating": lambda row: (row.rating, row.path, row.key),
}


class Rows:
    """Every row by its key, and sorted lists of them. Thread-safe.

    What changes is only noted; rows are made when somebody next asks for any.
    """

    def __init__(self, places: Places, records: Records, tags: Tags) -> None:
        self.stamp = 0
        """Grows with each change of any row, whether it is made yet or not."""
        self._places = places
        self._records = records
        self._tags = tags
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._types: frozenset[str] = frozenset()
        self._stale: set[str] = set()
        """The keys whose rows are to be made anew."""
        self._with_json: deque[Row] = deque()
        self._texted = -1
        self._members: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        self._rows = self._members[ALL]
        self._listing = lru_cache(1000)(_listing)
        self._sorted: dict[tuple[str, str], list[Row]] = {}

    def get(self, key: str) -> Row | None:
        """The row of a hash or place."""
        self._settle()
        return self._rows.get(key)

    def __len__(self) -> int:
        self._settle()
        return len(self._rows)

    def set_types(self, types: Iterable[str]) -> None:
        """The types that have lists of their own; all else is among the others."""
        now = frozenset(types)
        if now != self._types:
            self._types = now
            # Also what somebody is making just now with the types of before.
            self._settle()
            self.update(list(self._rows))

    def update(self, keys: Iterable[str]) -> None:
        """These rows may have changed, come or gone."""
        with self._lock:
            self._stale.update(keys)
            self.stamp += 1

    def update_tagged(self) -> None:
        """Tags have other names now."""
        with self._lock:
            self.stamp += 1
            for row in self._rows.values():
                if row.tags:
                    row.json = row.text = None

    def prepare(self) -> None:
        """Sort every list by name, so that nobody has to wait for it."""
        self._settle()
        for name in sorted(self._members):  # ALL first: most of the others are made from it
            if not self.is_ordered(name, "name"):
                self.ordered(name, "name")

    def prepare_texts(self, most: int = 2000) -> None:
        """Make some of the texts that a search looks through, until all are made."""
        stamp = self.stamp
        if self._texted == stamp:
            return
        lacking = (row for row in list(self._rows.values()) if row.text is None)
        if sum(bool(self.text(row)) for row in islice(lacking, most)) < most:
            self._texted = stamp

    def is_ordered(self, name: str, sort: str) -> bool:
        """Whether `ordered` has little to make and nothing to sort."""
        few = len(self._stale) <= _MANY and not self._writing.locked()
        return few and (name, sort) in self._sorted

    def ordered(self, name: str, sort: str) -> Sequence[Row]:
        """The rows of a list (a type, OTHERS or ALL), ascending."""
        self._settle()
        with self._lock:
            # A copy: what is being read must not move.
            return self._listed(name, sort).copy()

    def page(
        self, name: str, sort: str, *, descending: bool, offset: int, limit: int
    ) -> tuple[Sequence[Row], int]:
        """A part of `ordered`, which of a long list is found much sooner; how many there are."""
        self._settle()
        with self._lock:
            known = self._listed(name, sort)
            total = len(known)
            if not descending:
                return known[offset : offset + limit], total
            end = max(0, total - offset)
            return known[max(0, end - limit) : end][::-1], total

    def shown(self, row: Row) -> Json:
        """The row as the list has it."""
        return orjson.loads(self.body(row))

    def body(self, row: Row) -> bytes:
        """The same as JSON; that of the rows last asked for is kept."""
        found = row.json
        if found is None:
            shown = self._shown(row)
            try:
                made = orjson.dumps(shown)
            except TypeError:
                made = orjson.dumps(shown_value(shown))
            # A copy: what orjson hands out keeps up to ten times its size of memory.
            row.json = found = bytes(memoryview(made))
            self._with_json.append(row)
            while len(self._with_json) > _BODIES_KEPT:
                self._with_json.popleft().json = None
        return found

    def text(self, row: Row) -> str:
        """What a search looks through, in lower case."""
        if row.text is None:
            row.text = self._text(row)
        return row.text

    def _settle(self) -> None:
        """Make the rows that have changed; what was told before this is called shows after it."""
        with self._writing:
            if not self._stale:
                return
            with self._lock:
                stale, self._stale = self._stale, set()
            # Made before the lock is taken: who tells of changes need not wait for it.
            with no_collection() if len(stale) > _MANY else nullcontext():
                has_records = len(self._records) > 0
                built = {key: self._build(key, has_records) for key in stale}
                for key, spot in self._untold(stale):
                    record = self._records.get(key) if has_records else None
                    if record and record["draft"]:
                        # What was said of the place is not joined to its content yet.
                        built[key] = self._row(key, (spot,), record)
                    else:
                        built[spot.key] = self._build(spot.key, has_records)
            with self._lock:
                if len(built) > _MANY:
                    self._sorted.clear()
                for key, row in built.items():
                    self._replace(key, row)

    def _untold(self, stale: set[str]) -> list[tuple[str, Spot]]:
        """Files that have left the rows of these keys for another of which we are told only in a
        moment (they were hashed just now): until then they would be in none.
        """
        rows = [row for key in stale if (row := self._rows.get(key))]
        with self._places.lock:
            return [
                (row.key, spot)
                for row in rows
                for spot in row.spots
                if spot.key not in stale and not spot.gone
            ]

    def _listed(self, name: str, sort: str) -> list[Row]:
        """The sorted list itself; under the lock."""
        known = self._sorted.get((name, sort))
        if known is None:
            members = self._members.get(name)
            if members is None:
                return []
            known = self._sorted[name, sort] = self._sort(members, sort)
        return known

    def _sort(self, members: Mapping[str, Row], sort: str) -> list[Row]:
        every = self._sorted.get((ALL, sort))
        if every is None or len(members) < len(every) // 8:
            return sorted(members.values(), key=_ORDERS[sort])
        return [row for row in every if row.key in members]

    def _build(self, key: str, has_records: bool) -> Row | None:
        spots = self._places.spots(key)
        record = self._records.get(key) if has_records else None
        if not spots and record is None:
            return None
        return self._row(key, spots, record)

    def _row(self, key: str, spots: tuple[Spot, ...], record: Record | None) -> Row:
        row = Row(key, spots, self._places, record)
        row.lists = self._listing(row.kinds, self._types)
        return row

    def _replace(self, key: str, row: Row | None) -> None:
        old = self._rows.get(key)
        if old and not (row and row.lists == old.lists):
            for name in old.lists:
                del self._members[name][key]
        if row:
            for name in row.lists:
                self._members[name][key] = row
        for (name, sort), known in self._sorted.items():
            order = _ORDERS[sort]
            if old and name in old.lists:
                del known[_position(known, old, order)]
            if row and name in row.lists:
                known.insert(_position(known, row, order), row)

    def _shown(self, row: Row) -> Json:
        record = self._records.get(row.key)
        meta: Json = record["meta"] if record else {}
        spots = row.spots
        shown: Json = {
            "sha256": (spots[0].sha256 if spots else "") or (record or _UNHASHED)["sha256"],
            "name": row.name,
            "images_count": integer(meta.get("images_count")) or 0,
            "type": (record["type"] if record else "") or (row.kinds[0] if row.kinds else ""),
            "path": row.path,
            "size_bytes": row.size,
            "created_at": row.created,
            "tags": self._tags.shown(record["tags"]) if record else [],
            "base_model": row.base_model,
            "status": "missing" if row.is_missing else "present",
            "rating": row.rating,
            "favorite": row.favorite,
            "place_id": spots[0].place_id if spots else "",
            "file": _file(spots[0]) if spots else file_name(row.path),
            "types": list(row.kinds),
        }
        if len(spots) > 1:
            shown["duplicate"] = True
            shown["places"] = [self._shown_place(spot) for spot in spots]
        return shown

    def _shown_place(self, spot: Spot) -> Json:
        return {
            "place_id": spot.place_id,
            "path": spot.path,
            "file": _file(spot),
            "types": list(self._places.types_of(spot)),
        }

    def _text(self, row: Row) -> str:
        parts = [row.name, row.base_model, *(_file(spot) for spot in row.spots)]
        if not row.spots:
            parts.append(row.path)
        record = self._records.get(row.key)
        if record:
            parts += [tag["name"] for tag in self._tags.shown(record["tags"])]
            parts += [str(record["notes"]), *_words(record["trigger_words"])]
            parts += [str(record["meta"].get("description") or "")]
        for spot in row.spots[:1]:
            if spot.facts:
                facts = orjson.loads(spot.facts)
                parts += [facts.get("title") or "", facts.get("author") or ""]
        return "\n".join(parts).casefold()


_UNHASHED: Record = {"sha256": ""}


def _listing(kinds: tuple[str, ...], types: frozenset[str]) -> tuple[str, ...]:
    """The lists in which a row of these types is; a label that is no type of ours has one too."""
    own = [kind for kind in kinds if kind in types]
    return (ALL, *own) if own else (ALL, *dict.fromkeys((OTHERS, *kinds)))


def file_name(path: str) -> str:
    """The last part of a path, of either system."""
    return path.replace("\\", "/").rpartition("/")[2]


def _position(known: list[Row], row: Row, order: Callable[[Row], tuple[Any, ...]]) -> int:
    return bisect_left(known, order(row), key=order)


def _file(spot: Spot) -> str:
    area = spot.area
    folder = area.path[len(area.root) :].replace("\\", "/").strip("/")
    return f"{folder}/{spot.name}" if folder else spot.name


def _kinds(spots: Sequence[Spot], places: Places) -> tuple[str, ...]:
    """The types of the folders in which it lies."""
    if len(spots) == 1:
        return places.types_of(spots[0])
    return tuple(sorted({kind for spot in spots for kind in places.types_of(spot)}))


def _words(value: Any) -> list[str]:
    """Every text in trigger words, however they are grouped."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [each for part in cast("Json", value).values() for each in _words(part)]
    if isinstance(value, list):
        return [each for part in cast("list[Any]", value) for each in _words(part)]
    return []
