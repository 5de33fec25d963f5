"""The gallery's pictures and the library's models, each found from the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .catalog import Catalog
from .civitai_types import texts
from .engine import Database
from .errors import NotFound
from .gallery import Gallery
from .gallery_records import find, item_key
from .json_values import integer, mappings, text
from .library_lookup import Lookup
from .library_places import Places
from .library_records import is_sha256

Json = dict[str, Any]


class Names(NamedTuple):
    """How pictures name a model: hashes of any kind, and CivitAI's versions."""

    hashes: list[str]
    versions: list[int]


class Matching:
    """Matches by SHA-256, AutoV2, AutoV3, and by version where CivitAI or a catalog tells it."""

    def __init__(
        self, database: Database, gallery: Gallery, catalog: Catalog, lookup: Lookup, places: Places
    ) -> None:
        self._pictures = database.collection("gallery")
        self._gallery = gallery
        self._catalog = catalog
        self._lookup = lookup
        self._places = places

    def pictures_of(self, key: str, *, limit: int = 100, before: str | None = None) -> Json:
        """A page of the pictures made with a model, last added first: `{images, total, next}`."""
        names = self.names_of(key)
        return self._gallery.made_with(names.hashes, names.versions, limit=limit, before=before)

    def names_of(self, key: str) -> Names:
        """How pictures would name this model; a place without a hash has no names."""
        if not is_sha256(key):
            return Names([], [])
        short = sorted({each for spot in self._places.spots(key) for each in spot.short_hashes})
        found = self._lookup.get(key)
        versions = {integer(found["version_id"]) if found else None, *self._in_catalogs(key)}
        return Names(
            [key, *short],
            sorted(each for each in versions if each is not None),
        )

    def models_of(self, item_id: str, row: Callable[[str], Mapping[str, Any] | None]) -> Json:
        """`{models:[{key, by, name, weight, model}], unknown:[{hash|version_id, name, weight}]}`.

        `model` is what `row` shows of it, `by` is hash or version. Raises NotFound.
        """
        record = find(self._pictures, item_key(item_id))
        if record is None:
            raise NotFound("The gallery has no picture with this id.")
        used = _used(record)
        models: dict[str, Json] = {}
        unknown: list[Json] = []
        for name in used:
            keys = list(self._keys(name, row))
            for key, by in keys:
                said = {"key": key, "by": by, "name": name["name"], "weight": name["weight"]}
                models.setdefault(key, {**said, "model": row(key)})
            if not keys:
                unknown.append(name)
        return {"models": list(models.values()), "unknown": unknown}

    def _keys(
        self, name: Json, row: Callable[[str], Mapping[str, Any] | None]
    ) -> Iterator[tuple[str, str]]:
        told = name.get("hash")
        if told:
            if is_sha256(told) and row(told) is not None:
                yield told, "hash"
                return
            found = {place.sha256 for place in self._places.by_short_hash(told[:12])}
            found |= {place.sha256 for place in self._places.by_short_hash(told[:10])}
            if found:
                yield from ((key, "hash") for key in sorted(found))
                return
        if name.get("version_id"):
            version_id: int = name["version_id"]
            keys = {*self._lookup.of_versions([version_id]), *self._hashes_of(version_id)}
            yield from ((key, "version") for key in sorted(keys) if row(key) is not None)

    def _in_catalogs(self, sha256: str) -> Iterator[int]:
        for file in self._catalog.files.values():
            for found in file.index.found:
                if found.version_id and text(found.entry.get("hash")).lower() == sha256:
                    yield found.version_id

    def _hashes_of(self, version_id: int) -> Iterator[str]:
        for found in self._catalog.of_version(version_id):
            told = text(found.entry.get("hash")).lower()
            if is_sha256(told):
                yield told


def _used(record: Mapping[str, Any]) -> list[Json]:
    """Every model that a picture names, each once: `{hash?, version_id?, name, weight}`."""
    used: list[Json] = []
    main = {
        "hash": text(record.get("model_hash")),
        "version_id": integer(record.get("model_version_id")),
        "name": text(record.get("model")),
        "weight": None,
    }
    parts = [*mappings(record.get("loras")), *mappings(record.get("others"))]
    for each in [main, *parts]:
        named = {
            "hash": text(each.get("hash")).lower(),
            "version_id": integer(each.get("version_id")),
            "name": text(each.get("name")),
            "weight": each.get("weight"),
        }
        if named["hash"] or named["version_id"]:
            used.append(named)
    hashes = {each["hash"] for each in used}
    versions = {each["version_id"] for each in used}
    used += [_only(hash=each) for each in texts(record.get("hashes")) if each not in hashes]
    used += [
        _only(version_id=each)
        for each in record.get("made_with_versions") or ()
        if each not in versions
    ]
    return used


def _only(**named: Any) -> Json:
    return {"hash": "", "version_id": None, "name": "", "weight": None, **named}
