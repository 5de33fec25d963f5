"""The library's tags: a number, a name that no other has, perhaps a colour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from .engine import CollectionSpec, Database, Record
from .errors import BadInput, Conflict, NotFound
from .events import Events

TAGS = CollectionSpec("model_tags", key="key")
COUNTERS = CollectionSpec("library_counters", key="name")
"""The highest number ever given, of `tags` and of `pending` rows: none comes twice."""

LONGEST = 200
HIGHEST_GIVEN = 1 << 40
"""Numbers from elsewhere above this are not taken: every later one must be exact in JavaScript."""

Json = dict[str, Any]


def next_number(database: Database, name: str, at_least: int = 0) -> int:
    """A number above all before it and not below `at_least`; inside of a transaction."""
    counters = database.collection("library_counters")
    known = counters.get(name)
    number = max(known["last"] + 1 if known else 1, at_least)
    counters.put({"name": name, "last": number})
    return number


def raise_number(database: Database, name: str, used: int) -> None:
    """This number was used: later ones are above it; inside of a transaction."""
    counters = database.collection("library_counters")
    known = counters.get(name)
    if known is None or known["last"] < used:
        counters.put({"name": name, "last": used})


class Tags:
    """All tags, in memory too. Thread-safe. Renaming and the like is `tag_changes`."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._tags = database.collection("model_tags")
        self._events = events
        self._lock = threading.RLock()
        self._by_id: dict[int, Record] = {}
        self._by_name: dict[str, int] = {}
        self._listeners: list[Callable[[], object]] = []
        for tag in self._tags:
            if tag["name"]:
                self._remember(tag)

    def listed(self) -> list[Json]:
        """Every tag as it is shown, by name as bytes sort."""
        with self._lock:
            tags = sorted(self._by_id.values(), key=lambda tag: tag["name"].encode())
        return [shown_tag(tag) for tag in tags]

    def shown(self, ids: Iterable[int]) -> list[Json]:
        """`[{id, name}]` of these, by name; with `color` where it has one."""
        by_id = self._by_id
        tags = [by_id[each] for each in ids if each in by_id]
        if len(tags) > 1:
            tags.sort(key=lambda tag: tag["name"])
        return [shown_tag(tag) for tag in tags]

    def get(self, tag_id: int) -> Json:
        """The tag. Raises NotFound."""
        tag = self._by_id.get(tag_id)
        if tag is None:
            raise NotFound("There is no such tag.")
        return shown_tag(tag)

    def named(self, name: str) -> int | None:
        """The number of the tag with this very name."""
        return self._by_name.get(name)

    def was_given(self, tag_id: int) -> bool:
        """Whether a tag has, or had, this number."""
        return str(tag_id) in self._tags

    def __contains__(self, tag_id: object) -> bool:
        return tag_id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, names: Iterable[str]) -> list[Json]:
        """One tag for each name, new where there is none yet. Raises BadInput for a long name."""
        wanted = [checked_name(name, "newtags") for name in names]
        with self._lock:
            new = [name for name in dict.fromkeys(wanted) if name not in self._by_name]
            if new:
                with self._database.transaction():
                    made = [self._new(name) for name in new]
                for tag in made:
                    self._remember(tag)
            tags = [shown_tag(self._by_id[self._by_name[name]]) for name in wanted]
        if new:
            self.tell()
        return tags

    def take(self, tag_id: int, name: str) -> int:
        """The number of the tag with this name; a new one gets `tag_id` if it was never used."""
        with self._lock:
            known = self._by_name.get(name)
            if known is not None:
                return known
            with self._database.transaction():
                if 0 < tag_id < HIGHEST_GIVEN and str(tag_id) not in self._tags:
                    raise_number(self._database, "tags", tag_id)
                    tag: Record = {"key": str(tag_id), "id": tag_id, "name": name, "color": ""}
                    self._tags.put(tag)
                else:
                    tag = self._new(name)
            self._remember(tag)
            return tag["id"]

    def change(self, tag_id: int, *, name: str | None = None, color: str | None = None) -> Json:
        """Rename or colour a tag. Raises NotFound, Conflict when another has the name."""
        with self._lock:
            tag = self._by_id.get(tag_id)
            if tag is None:
                raise NotFound("There is no such tag.")
            changed = dict(tag)
            if name is not None:
                changed["name"] = checked_name(name, "name")
                other = self._by_name.get(changed["name"], tag_id)
                if other != tag_id:
                    raise Conflict(
                        "Another tag has this name; the two can be merged.",
                        facts={"existing": self.get(other)},
                    )
            if color is not None:
                changed["color"] = color
            if changed != tag:
                self._tags.put(changed)
                del self._by_name[tag["name"]]
                self._remember(changed)
        self.tell()
        return shown_tag(changed)

    def delete(self, tag_id: int) -> None:
        """Remove a tag from here; its number is not given again. Whoever calls takes it off."""
        with self._lock:
            tag = self._by_id.get(tag_id)
            if tag is None:
                return
            # An empty name stays behind, so that the number is known as used.
            self._tags.put({**tag, "name": "", "color": ""})
            del self._by_id[tag_id]
            del self._by_name[tag["name"]]
        self.tell()

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener` whenever a tag was added, changed or removed."""
        self._listeners.append(listener)

    def tell(self) -> None:
        """The tags have changed."""
        for listener in self._listeners:
            listener()
        self._events.publish("library", change="tags")

    def _new(self, name: str) -> Record:
        number = next_number(self._database, "tags")
        tag: Record = {"key": str(number), "id": number, "name": name, "color": ""}
        self._tags.put(tag)
        return tag

    def _remember(self, tag: Record) -> None:
        self._by_id[tag["id"]] = tag
        self._by_name[tag["name"]] = tag["id"]


def shown_tag(tag: Record) -> Json:
    """`{id, name}`, and `color` where it has one: Hikaze's client knows the first two."""
    shown: Json = {"id": tag["id"], "name": tag["name"]}
    if tag["color"]:
        shown["color"] = tag["color"]
    return shown


def checked_name(name: str, field: str) -> str:
    """The name without blanks at its ends. Raises BadInput when it is empty or too long."""
    name = name.strip()
    if not name:
        raise BadInput(f"{field}: a tag needs a name.", field=field)
    if len(name) > LONGEST:
        raise BadInput(f"{field}: a tag is at most {LONGEST} characters.", field=field)
    return name
