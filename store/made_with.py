"""The models a picture was made with, each matched to the catalogs and to what is on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .catalog import Catalog
from .catalog_entries import Found
from .catalog_index import is_lora
from .json_values import mappings, text

if TYPE_CHECKING:
    from .library_place_index import PlaceIndex

Json = dict[str, Any]
_ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".sft", ".gguf")


class _Names(NamedTuple):
    """The entries of both catalogs by what pictures call them."""

    by_hash: dict[str, list[Found]]
    by_name: dict[str, list[Found]]


class OnDisk(NamedTuple):
    """A model's file that is there."""

    sha256: str
    file: str


def on_disk(places: PlaceIndex, told: str) -> Iterator[OnDisk]:
    """The library's files with this hash, whatever kind of hash it is."""
    found = places.of_hash(told) if len(told) == 64 else places.by_short_hash(told)
    return (OnDisk(place.sha256, place.file) for place in found)


class MadeWith:
    """Matches by hash, then by CivitAI's version, then by name."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._made_from: tuple[int, ...] = ()
        self._names = _Names({}, {})
        self.on_disk: Callable[[str], Iterable[OnDisk]] = lambda _: ()
        """The files that have this hash, of any kind; set by who knows the disk."""

    def show(self, record: Mapping[str, Any]) -> list[Json]:
        """One a model: `{type, name, weight, hash, version_id, status, file, dest, catalog, …}`.

        `status` is present, missing (a catalog has it, the disk has not) or unknown.
        """
        return [self._matched(named) for named in _models(record)]

    def _matched(self, named: Json) -> Json:
        found, by = self._find(named)
        here = next((each for each in found if self._catalog.is_present(each)), None)
        shown = here or next(iter(found), None)
        told = {
            **named,
            "status": "present" if here else "missing" if shown else "unknown",
            "by": by,
            "file": shown.file if shown else None,
            "dest": shown.dest if shown else None,
            "catalog": shown.catalog if shown else None,
            "catalog_name": text(shown.entry.get("name")) if shown else None,
            "civitai_model_id": shown.model_id if shown else named["model_id"],
            "civitai_version_id": (shown.version_id if shown else None) or named["version_id"],
        }
        if here is None and named["hash"]:
            for place in self.on_disk(named["hash"]):
                return {**told, "status": "present", "by": "hash", "file": place.file}
        return told

    def _find(self, named: Json) -> tuple[list[Found], str]:
        names = self._current()
        by_hash = names.by_hash.get(named["hash"], [])
        if named["hash"] and not by_hash:
            # An AutoV3 is told by the file alone.
            places = self.on_disk(named["hash"])
            by_hash = [each for place in places for each in names.by_hash.get(place.sha256, ())]
        if by_hash:
            return by_hash, "hash"
        if named["version_id"] is not None:
            by_version = self._catalog.of_version(named["version_id"])
            if by_version:
                return by_version, "version"
        by_name = [
            found
            for found in names.by_name.get(_stem(named["name"]), [])
            if named["type"] not in ("lora", "checkpoint")
            or is_lora(found) == (named["type"] == "lora")
        ]
        return by_name, "name" if by_name else ""

    def _current(self) -> _Names:
        """Of the catalogs as they are now; made anew only when one has changed."""
        files = self._catalog.files.values()
        for file in files:
            file.document.refresh()
        made_from = tuple(file.document.state.generation for file in files)
        if made_from != self._made_from:
            names = _Names({}, {})
            for found in (found for file in files for found in file.index.found):
                for hash_ in _hashes(found):
                    names.by_hash.setdefault(hash_, []).append(found)
                for name in {_stem(found.name), _stem(text(found.entry.get("civitai_model_name")))}:
                    if name:
                        names.by_name.setdefault(name, []).append(found)
            self._names, self._made_from = names, made_from
        return self._names


def _models(record: Mapping[str, Any]) -> Iterator[Json]:
    if record.get("model") or record.get("model_hash") or record.get("model_version_id"):
        yield {
            "type": "checkpoint",
            "name": text(record.get("model")),
            "weight": None,
            "hash": text(record.get("model_hash")),
            "version_id": record.get("model_version_id"),
            "model_id": None,
        }
    for each in mappings(record.get("loras")):
        yield {**_EMPTY, "type": "lora", **each}
    for each in mappings(record.get("others")):
        yield {**_EMPTY, "type": "other", **each}


_EMPTY: Json = {"name": "", "weight": None, "hash": "", "version_id": None, "model_id": None}


def _hashes(found: Found) -> Iterator[str]:
    """The SHA-256 and the beginnings of it that programs write."""
    whole = text(found.entry.get("hash")).lower()
    if len(whole) == 64:
        yield from (whole, whole[:10], whole[:12])


def _stem(name: str) -> str:
    """A file as prompts and graphs name it: without folders and ending, in any case."""
    base = name.replace("\\", "/").rpartition("/")[2].casefold()
    for ending in _ENDINGS:
        if base.endswith(ending):
            return base.removesuffix(ending)
    return base
