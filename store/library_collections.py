"""Collections: models and pictures under a name, in an order of a person's own."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from .engine import CollectionSpec, Database, Index, Record
from .errors import BadInput, Conflict, NotFound
from .events import Events
from .library_records import is_sha256

COLLECTIONS = CollectionSpec("collections", key="id")
COLLECTION_ITEMS = CollectionSpec(
    "collection_items",
    key="key",
    indexes=(Index("by_collection", "collection", "position"), Index("by_item", "item")),
)

ItemKind = Literal["model", "picture"]
Json = dict[str, Any]

_ALL = 1 << 40


class Item(NamedTuple):
    """A member: a model by its key in the library (hash or place), or a picture by its id."""

    kind: ItemKind
    id: str


class Collections:
    """Every collection with its items. Thread-safe; a change is on the disk when a call returns."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._collections = database.collection("collections")
        self._items = database.collection("collection_items")
        self._events = events
        self._lock = threading.RLock()
        self.known: Callable[[Item], Item | None] = lambda item: item
        """The item as it is called here by now, None when there is none: whoever knows the models
        and pictures puts it here."""

    def listed(self, *, text: str = "", sort: str = "name", descending: bool = False) -> list[Json]:
        """Every collection: `{id, name, description, color, models, pictures, created, changed}`.

        By `name`, `created`, `changed` or number of `items`; with `text` those whose name has it.
        """
        wanted = text.strip().casefold()
        shown = [
            self._shown(record)
            for record in self._collections
            if wanted in record["name"].casefold()
        ]
        shown.sort(key=_SORTS[sort], reverse=descending)
        return shown

    def get(self, collection_id: str) -> Json:
        """One collection, as in the list. Raises NotFound."""
        return self._shown(self._get(collection_id))

    def named(self, name: str) -> Json:
        """The collection of this name, in any case. Raises NotFound."""
        record = self._by_name(name)
        if record is None:
            raise NotFound("There is no collection of this name.")
        return self._shown(record)

    def make(self, name: str, *, description: str = "", color: str = "") -> Json:
        """A collection of this name; the one that has it already, unchanged."""
        name = _checked(name)
        with self._lock:
            known = self._by_name(name)
            if known is not None:
                return self._shown(known)
            now = _now()
            record: Record = {
                "id": secrets.token_hex(6),
                "name": name,
                "description": description,
                "color": color,
                "created": now,
                "changed": now,
            }
            self._collections.put(record)
        self._tell(record["id"], "added")
        return self._shown(record)

    def change(self, collection_id: str, changes: Mapping[str, str]) -> Json:
        """Set `name`, `description`, `color`. Raises NotFound, BadInput, Conflict for the name."""
        with self._lock:
            record = self._get(collection_id)
            if "name" in changes:
                other = self._by_name(_checked(changes["name"]))
                if other is not None and other["id"] != collection_id:
                    raise Conflict("Another collection has this name.", field="name")
            changed = {**record, **changes}
            changed["name"] = _checked(changed["name"])
            if changed != record:
                changed["changed"] = _now()
                self._collections.put(changed)
                self._tell(collection_id, "changed")
        return self._shown(changed)

    def delete(self, collection_id: str) -> None:
        """Remove a collection, not what is in it. Raises NotFound."""
        with self._lock:
            self._get(collection_id)
            members = self._members(collection_id)
            with self._database.transaction():
                for record in members:
                    self._items.delete(record["key"])
                self._collections.delete(collection_id)
        self._tell(collection_id, "deleted")

    def page(
        self,
        collection_id: str,
        *,
        kind: ItemKind | None = None,
        limit: int = 100,
        offset: int = 0,
        descending: bool = False,
    ) -> tuple[list[Item], int]:
        """Some items in their order, and how many there are. Raises NotFound."""
        self._get(collection_id)
        found = self._items.page(
            "by_collection",
            collection_id,
            limit=limit,
            offset=offset,
            descending=descending,
            where=(lambda record: record["kind"] == kind) if kind else None,
        )
        return [_item(record) for record in found.records], found.total

    def members(self, collection_id: str, kind: ItemKind) -> list[str]:
        """The ids of all its items of a kind, in order. Raises NotFound."""
        items, _ = self.page(collection_id, kind=kind, limit=_ALL)
        return [item.id for item in items]

    def of(self, kind: ItemKind, item_id: str) -> list[Json]:
        """The collections that an item is in, by name."""
        item = self._known(Item(kind, item_id))
        found = self._items.page("by_item", name_of(item), limit=_ALL).records
        records = self._collections.get_many(record["collection"] for record in found)
        return sorted((self._shown(record) for record in records), key=_SORTS["name"])

    def add(self, collection_id: str, kind: ItemKind, item_id: str) -> bool:
        """Put one item at the end; False when it is in already. Raises NotFound."""
        return bool(self.add_many(collection_id, [Item(kind, item_id)])["added"])

    def add_many(
        self,
        collection_id: str,
        items: Iterable[Item],
        *,
        before: Item | None = None,
        absent: bool = False,
    ) -> Json:
        """Put items in, at the end or before another: `{added, already, unknown:[item], total}`.

        What is in already stays where it is. `absent`: contents of models that are not here are
        put in as well, they may come. Raises NotFound for the collection, BadInput when
        `before` is not in it.
        """
        with self._lock:
            self._get(collection_id)
            unknown: list[Item] = []
            wanted: dict[Item, None] = {}
            for each in items:
                item = self.known(each)
                if item is None and absent and each.kind == "model" and is_sha256(each.id):
                    item = each
                unknown += [each] if item is None else []
                wanted |= {} if item is None else {item: None}
            new = [item for item in wanted if _key(collection_id, item) not in self._items]
            self._place(collection_id, new, before)
        return {
            "added": len(new),
            "already": len(wanted) - len(new),
            "unknown": [item._asdict() for item in unknown],
            "total": self._items.count("by_collection", collection_id),
        }

    def move(self, collection_id: str, items: Iterable[Item], before: Item | None) -> None:
        """Put members, in this order, before another one or (None) at the end.

        Raises NotFound for the collection, BadInput for what is not in it.
        """
        with self._lock:
            self._get(collection_id)
            moved = list(dict.fromkeys(map(self._known, items)))
            if before is not None and self._known(before) in moved:
                raise BadInput("before is one of those to be moved.", field="before")
            if not all(_key(collection_id, item) in self._items for item in moved):
                raise BadInput("One of the items is not in this collection.", field="items")
            self._place(collection_id, moved, before)

    def remove(self, collection_id: str, items: Iterable[Item]) -> int:
        """Take items out; how many were in. Raises NotFound for the collection."""
        with self._lock:
            self._get(collection_id)
            keys = {
                _key(collection_id, each) for item in items for each in (item, self._known(item))
            }
            there = [key for key in keys if key in self._items]
            if there:
                with self._database.transaction():
                    for key in there:
                        self._items.delete(key)
                    self._touch(collection_id)
                self._tell(collection_id, "items")
        return len(there)

    def follow(self, kind: ItemKind, renamed: Iterable[tuple[str, str]]) -> None:
        """Items are called otherwise from now on: a file's hash is known, two are one."""
        for old, new in renamed if len(self._items) else ():
            self._follow(kind, old, new)

    def _follow(self, kind: ItemKind, old: str, new: str) -> None:
        name = name_of(Item(kind, old))
        if not self._items.count("by_item", name):
            return
        found = self._items.page("by_item", name, limit=_ALL).records
        with self._lock, self._database.transaction():
            for record in found:
                self._items.delete(record["key"])
                item = Item(kind, new)
                self._items.add(_record(record["collection"], item, record["position"]))

    def everything(self) -> Iterator[Json]:
        """Each collection with its items, for an export."""
        for record in self._collections:
            members = self._members(record["id"])
            yield {**record, "items": [_item(each)._asdict() for each in members]}

    def _place(self, collection_id: str, items: Sequence[Item], before: Item | None) -> None:
        """Put items, new ones or members, before another one or at the end."""
        if not items:
            return
        moved = {_key(collection_id, item) for item in items}
        others = [each for each in self._members(collection_id) if each["key"] not in moved]
        at = len(others) if before is None else self._index(others, collection_id, before)
        first = others[at - 1]["position"] + 1 if at else 0
        made = [_record(collection_id, item, first + n) for n, item in enumerate(items)]
        position = first + len(made)
        for each in others[at:]:
            # What lies far enough behind stays as it is.
            if each["position"] >= position:
                break
            made.append({**each, "position": position})
            position += 1
        with self._database.transaction():
            for record in made:
                self._items.put(record)
            self._touch(collection_id)
        self._tell(collection_id, "items")

    def _index(self, members: Sequence[Record], collection_id: str, before: Item) -> int:
        key = _key(collection_id, self._known(before))
        for at, record in enumerate(members):
            if record["key"] == key:
                return at
        raise BadInput("before is not in this collection.", field="before")

    def _members(self, collection_id: str) -> list[Record]:
        return self._items.page("by_collection", collection_id, limit=_ALL).records

    def _known(self, item: Item) -> Item:
        """The item as it is called by now; itself when it is unknown here."""
        return self.known(item) or item

    def _get(self, collection_id: str) -> Record:
        record = self._collections.get(collection_id)
        if record is None:
            raise NotFound("There is no such collection.")
        return record

    def _by_name(self, name: str) -> Record | None:
        wanted = name.casefold()
        for record in self._collections:
            if record["name"].casefold() == wanted:
                return record
        return None

    def _touch(self, collection_id: str) -> None:
        self._collections.update(collection_id, {"changed": _now()})

    def _shown(self, record: Record) -> Json:
        members = self._members(record["id"])
        models = sum(each["kind"] == "model" for each in members)
        cover = next((each["id"] for each in members if each["kind"] == "picture"), None)
        return {**record, "models": models, "pictures": len(members) - models, "cover": cover}

    def _tell(self, collection_id: str, change: str) -> None:
        self._events.publish("library", change="collections", collection=collection_id, what=change)


def _record(collection_id: str, item: Item, position: int) -> Record:
    return {
        "key": _key(collection_id, item),
        "collection": collection_id,
        "item": name_of(item),
        "kind": item.kind,
        "id": item.id,
        "position": position,
    }


def _item(record: Record) -> Item:
    return Item(record["kind"], record["id"])


def name_of(item: Item) -> str:
    """By which the index `by_item` of `COLLECTION_ITEMS` finds it."""
    return f"{item.kind}:{item.id}"


def _key(collection_id: str, item: Item) -> str:
    return f"{collection_id}:{name_of(item)}"


def _checked(name: str) -> str:
    name = name.strip()
    if not name:
        raise BadInput("A collection needs a name.", field="name")
    if len(name) > _LONGEST:
        raise BadInput(f"A collection's name has at most {_LONGEST} characters.", field="name")
    return name


def _now() -> int:
    return time.time_ns() // 1_000_000


_LONGEST = 200
_SORTS: Mapping[str, Callable[[Json], Any]] = {
    "name": lambda shown: (shown["name"].casefold(), shown["id"]),
    "created": lambda shown: (shown["created"], shown["id"]),
    "changed": lambda shown: (shown["changed"], shown["id"]),
    "items": lambda shown: (shown["models"] + shown["pictures"], shown["id"]),
}
