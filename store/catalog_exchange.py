"""Catalogs in and out: what a person has from elsewhere, and takes along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from . import catalog_entries
from .catalog import Catalog
from .catalog_entries import Found, Json, without_keys
from .catalog_index import Index
from .civitai_types import texts
from .documents import Broken, Unusable, dumped, parsed
from .errors import BadInput
from .json_values import is_object, text
from .names import is_safe_name, relative_folder

Name = Literal["models", "loras"]

_NAMES: tuple[Name, Name] = ("models", "loras")


class _Plan(NamedTuple):
    """What an import does to one catalog: what goes where, and a line for each entry."""

    added: dict[str, list[Json]]
    told: list[Json]


class Exchange:
    """Imports and exports catalogs in Studio's format."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def import_json(self, raw: bytes, *, catalog: Name = "models", dry_run: bool = False) -> Json:
        """Add the entries of a catalog that are not here yet, each to its category.

        `{added:[file], skipped:[file], total_added, dry_run, entries:[{file, dest, category,
        catalog, result, reason}]}`. What was exported as both goes to both. A dry run changes
        nothing. Raises BadInput naming line and column, Conflict, DiskFull.
        """
        parts = self._parts(raw, catalog)
        told: list[Json] = []
        for name, data in parts:
            told += self._plan(name, data) if dry_run else self._take(name, data)
        added = [each["file"] for each in told if each["result"] == "added"]
        return {
            "added": added,
            "skipped": [each["file"] for each in told if each["result"] == "skipped"],
            "total_added": len(added),
            "dry_run": dry_run,
            "entries": told,
        }

    def export(self, catalog: Literal["models", "loras", "both"]) -> bytes:
        """A catalog as its file is written; of both `{models, loras}`."""
        if catalog == "both":
            return dumped({name: self._shared(name) for name in _NAMES})
        return dumped(self._shared(catalog))

    def _parts(self, raw: bytes, catalog: Name) -> list[tuple[Name, Json]]:
        try:
            data = parsed(raw, _check)
        except Broken as broken:
            line, column = broken.place
            raise BadInput(
                f"Invalid JSON: line {line}, column {column}: {broken.text}.",
                field="file",
                facts={"line": line, "column": column},
            ) from broken
        if "categories" in data:
            return [(catalog, data)]
        return [(name, data[name]) for name in _NAMES if name in data]

    def _plan(self, name: Name, data: Json) -> list[Json]:
        file = self._catalog.files[name]
        file.document.ensure_usable()
        return self._planned(file.index, data).told

    def _take(self, name: Name, data: Json) -> list[Json]:
        names = {each["id"]: text(each.get("name")) for each in data["categories"]}

        def choose(index: Index) -> tuple[Mapping[str, list[Json]], list[Json]]:
            return self._planned(index, data)

        return self._catalog.files[name].add_all(choose, names)

    def _planned(self, index: Index, data: Json) -> _Plan:
        plan = _Plan({}, [])
        seen: set[tuple[str, str]] = set()
        for found in catalog_entries.entries(index.catalog, data):
            reason = _fault(found) or self._double(index, found, seen)
            if not reason:
                seen.add(found.slot)
                plan.added.setdefault(found.category, []).append(_imported(found))
            plan.told.append(
                {
                    "file": found.file,
                    "dest": found.dest,
                    "category": found.category,
                    "catalog": index.catalog,
                    "result": "skipped" if reason else "added",
                    "reason": reason,
                }
            )
        return plan

    def _double(self, index: Index, found: Found, seen: set[tuple[str, str]]) -> str | None:
        if found.slot in seen:
            return "It stands twice in what is imported."
        for each in self._catalog.indexes(index):
            if each.in_slot(found.slot) or each.twin(found):
                return f"It is in {each.catalog}.json already."
        return None

    def _shared(self, name: str) -> Json:
        data = self._catalog.files[name].document.state.data
        return {**data, "categories": [*_without_keys(data["categories"])]}


def _check(data: Json) -> None:
    """Raise Unusable unless it is a catalog, or `{models, loras}` with one or both of them."""
    parts = [name for name in _NAMES if is_object(data.get(name))]
    if "categories" in data or not parts:
        catalog_entries.check(data)
    for name in parts:
        try:
            catalog_entries.check(data[name])
        except Unusable as error:
            raise Unusable(str(error), (name, *error.path)) from error


def _fault(found: Found) -> str | None:
    """Why an entry cannot be kept on every file system."""
    if not found.file:
        return "It has no file name."
    if not is_safe_name(found.file):
        return "Its file name is not a plain one."
    try:
        relative_folder(found.dest, field="dest")
    except BadInput:
        return "Its folder is not a plain one below the models."
    return None


def _imported(found: Found) -> Json:
    tags = texts(found.entry.get("tags"))
    entry: dict[str, Any] = {
        **found.entry,
        "dest": found.dest,
        "tags": tags if "imported" in tags else [*tags, "imported"],
    }
    if isinstance(entry.get("url"), str):
        entry["url"] = without_keys(entry["url"])
    return entry


def _without_keys(categories: list[Json]) -> Iterator[Json]:
    for category in categories:
        models = [
            {**entry, "url": without_keys(entry["url"])}
            if isinstance(entry.get("url"), str)
            else entry
            for entry in category.get("models", ())
        ]
        yield {**category, "models": models}
