"""Collections as workflow nodes use them: ids of pictures, files of models, in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .engine import read_snapshot
from .errors import NotFound, StoreClosed
from .json_values import mappings, number, text
from .library_collections import COLLECTION_ITEMS, COLLECTIONS

if TYPE_CHECKING:
    from .library import Library
    from .library_collections import Collections


class Member(NamedTuple):
    """A model that is there: its file relative to its root, as ComfyUI's nodes name it.

    `words` are its trigger words in one text, `strength` the recommended one (1 when none is set).
    """

    file: str
    type: str
    words: str
    strength: float


class LiveMembers:
    """Of the store of this process."""

    def __init__(self, collections: Collections, library: Library) -> None:
        self._collections = collections
        self._library = library

    def pictures(self, name: str) -> list[str]:
        """The ids of a collection's pictures. Raises NotFound."""
        return self._collections.members(self._id(name), "picture")

    def models(self, name: str, type_: str = "") -> list[Member]:
        """Its models that are there, of a type or all. Raises NotFound."""
        self._library.wait()
        found = map(self._member, self._collections.members(self._id(name), "model"))
        return [each for each in found if each and type_ in ("", each.type)]

    def _id(self, name: str) -> str:
        return self._collections.named(name.strip())["id"]

    def _member(self, key: str) -> Member | None:
        row = self._library.row(key)
        if row is None or row["status"] != "present":
            return None
        record = self._library.records.get(key) or {}
        words = [text(each.get("text")) for each in mappings(record.get("trigger_words"))]
        told = [number(each.get("recommended")) for each in mappings(record.get("presets"))]
        strengths = [each for each in told if each is not None]
        kinds: list[str] = row["types"]
        return Member(
            # As ComfyUI lists it: with the system's own separators.
            str(Path(row["file"])),
            kinds[0] if kinds else "",
            ", ".join(words),
            strengths[0] if strengths else 1.0,
        )


class SnapshotMembers:
    """Of a store that another process owns: it knows where the models lie, we do not."""

    def __init__(self, data: Path) -> None:
        """`data` is the data folder of that store."""
        self._folder = data / "database"

    def pictures(self, name: str) -> list[str]:
        """The ids of a collection's pictures, as of now. Raises NotFound."""
        wanted = name.strip().casefold()
        for record in read_snapshot(self._folder, COLLECTIONS.name):
            if record["name"].casefold() == wanted:
                items = [
                    each
                    for each in read_snapshot(self._folder, COLLECTION_ITEMS.name)
                    if each["collection"] == record["id"] and each["kind"] == "picture"
                ]
                return [each["id"] for each in sorted(items, key=lambda each: each["position"])]
        raise NotFound("There is no collection of this name.")

    def models(self, name: str, type_: str = "") -> list[Member]:
        """Raises StoreClosed."""
        raise StoreClosed("Another process has Curator's store; run this node there.")
