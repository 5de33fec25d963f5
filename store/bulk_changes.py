"""One change for a whole selection of models: all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .engine import Record
from .errors import BadInput
from .library_collections import Collections, Item
from .library_merging import united
from .library_records import Records
from .library_tags import Tags

Json = dict[str, Any]


class Wish(NamedTuple):
    """What is to be done with each: `set` replaces fields, the rest adds or takes away.

    Tags are numbers or names; words `{text, group}`; collections are ids.
    """

    set: Mapping[str, Any]
    add_tags: Sequence[int | str] = ()
    remove_tags: Sequence[int | str] = ()
    add_words: Sequence[Json] = ()
    remove_words: Sequence[Json] = ()
    add_to: Sequence[str] = ()
    remove_from: Sequence[str] = ()


class BulkChanges:
    """Changes many records with one line in the journal."""

    def __init__(self, records: Records, tags: Tags, collections: Collections) -> None:
        self._records = records
        self._tags = tags
        self._collections = collections
        self.known: Callable[[str], str | None] = lambda key: key
        """The key by which a model is known by now; None when there is no such model."""

    def change(self, keys: Sequence[str], wish: Wish) -> Json:
        """`{changed, unchanged, unknown:[key]}`. Raises BadInput for a tag that is none, NotFound.

        The second call of two equal ones changes nothing.
        """
        for collection_id in (*wish.add_to, *wish.remove_from):
            self._collections.get(collection_id)
        found = {key: self.known(key) for key in dict.fromkeys(keys)}
        known = list(dict.fromkeys(key for key in found.values() if key is not None))
        remove = self._numbers(wish.remove_tags, make=False)
        add = self._numbers(wish.add_tags, make=bool(known))
        changed = self._edit(known, wish, add, remove) if _edits(wish) else 0
        items = [Item("model", key) for key in known]
        for collection_id in wish.add_to:
            self._collections.add_many(collection_id, items)
        for collection_id in wish.remove_from:
            self._collections.remove(collection_id, items)
        unknown = [key for key, now in found.items() if now is None]
        return {"changed": changed, "unchanged": len(known) - changed, "unknown": unknown}

    def _edit(
        self, known: Sequence[str], wish: Wish, add: Sequence[int], remove: Sequence[int]
    ) -> int:
        changed = 0

        def edit(record: Record) -> None:
            nonlocal changed
            before = {name: record[name] for name in ("tags", "trigger_words", *wish.set)}
            record.update(wish.set)
            kept = [each for each in record["tags"] if each not in remove]
            record["tags"] = united(kept, list(add))
            words = [each for each in record["trigger_words"] if each not in wish.remove_words]
            record["trigger_words"] = united(words, list(wish.add_words))
            changed += any(record[name] != value for name, value in before.items())

        self._records.change_many(known, edit)
        return changed

    def _numbers(self, tags: Sequence[int | str], *, make: bool) -> list[int]:
        names = [tag for tag in tags if isinstance(tag, str)]
        if make and names:
            self._tags.add(names)
        numbers: list[int] = []
        for tag in tags:
            number = self._tags.named(tag.strip()) if isinstance(tag, str) else tag
            if isinstance(tag, int) and tag not in self._tags:
                raise BadInput(f"There is no tag {tag}.", field="add_tags")
            numbers += [] if number is None else [number]
        return numbers


def _edits(wish: Wish) -> bool:
    return bool(
        wish.set or wish.add_tags or wish.remove_tags or wish.add_words or wish.remove_words
    )
