"""Finding entries, and telling which of them mean the same file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .catalog_entries import Found, Json, entries
from .names import name_with

_LORA_TYPES = ("lora", "locon", "dora")


class Index:
    """The entries of one state of a catalog, by everything they are looked up by."""

    def __init__(self, catalog: str, data: Json) -> None:
        self.catalog = catalog
        self.data = data
        self.found: list[Found] = []
        self.folders: set[str] = set()
        self._by: dict[tuple[str, Any], tuple[Found, ...]] = {}
        self._add(entries(catalog, data))

    @classmethod
    def of(cls, catalog: str, found: Iterable[Found]) -> Index:
        """The index of some entries alone."""
        index = cls(catalog, {"categories": []})
        index._add(found)
        return index

    def plus(self, data: Json, added: Iterable[Found]) -> Index:
        """The index of `data`, which has these entries more: no need to go through all of them."""
        index = Index.__new__(Index)
        index.catalog = self.catalog
        index.data = data
        index.found = self.found.copy()
        index.folders = self.folders.copy()
        index._by = self._by.copy()
        index._add(added)
        return index

    def of_version(self, version_id: int) -> Sequence[Found]:
        """The entries of a CivitAI version."""
        return self._by.get(("version", version_id), ())

    def of_name(self, file: str) -> Sequence[Found]:
        """The entries with exactly this `file`."""
        return self._by.get(("file", file), ())

    def in_slot(self, slot: tuple[str, str]) -> Sequence[Found]:
        """The entries whose file would lie in this place."""
        return self._by.get(("slot", slot), ())

    def twin(self, new: Found) -> Found | None:
        """The entry that means the very file that `new` means."""
        near = [*self.in_slot(new.slot), *self._by.get(("file id", new.file_id), ())]
        if new.version_id is not None:
            near.extend(self.of_version(new.version_id))
        return next((found for found in near if _is_twin(found, new)), None)

    def _add(self, added: Iterable[Found]) -> None:
        by = self._by
        for found in added:
            self.found.append(found)
            self.folders.add(found.folder)
            keys: list[tuple[str, Any]] = [("file", found.file), ("slot", found.slot)]
            if found.version_id is not None:
                keys.append(("version", found.version_id))
            if found.file_id is not None:
                keys.append(("file id", found.file_id))
            for key in keys:
                by[key] = (*by.get(key, ()), found)


def is_lora(found: Found) -> bool:
    """Whether an entry is a LoRA, as far as it says."""
    kind = found.entry.get("civitai_type")
    return (
        found.catalog == "loras"
        or found.dest.split("/")[0] == "loras"
        or (isinstance(kind, str) and kind.lower() in _LORA_TYPES)
    )


def free_name(new: Found, indexes: Sequence[Index]) -> str:
    """The entry's file name, with ids in it when another file has that name in that folder."""

    def is_free(name: str) -> bool:
        slot = (new.slot[0], name.casefold())
        return not any(index.in_slot(slot) for index in indexes)

    names = [new.file, name_with(new.file, f"_{new.version_id}")]
    names.append(name_with(new.file, f"_{new.version_id}_{new.file_id}"))
    for name in names:
        if is_free(name):
            return name
    count = 2
    while not is_free(name_with(names[-1], f"_{count}")):
        count += 1
    return name_with(names[-1], f"_{count}")


def _is_twin(found: Found, new: Found) -> bool:
    if found.file_id is not None and new.file_id is not None:
        if found.file_id == new.file_id:
            return True
    elif found.version_id is not None and found.version_id == new.version_id:
        return True
    hashes = (found.entry.get("hash"), new.entry.get("hash"))
    return found.slot == new.slot and _same_hash(*hashes)


def _same_hash(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one.lower() == other.lower() != ""
