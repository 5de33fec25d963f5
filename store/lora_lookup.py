"""A LoRA's page on CivitAI looked up, and what a person picks from it added to `loras.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .catalog import Catalog
from .catalog_entries import Found, Json
from .catalog_index import Index, free_name
from .civitai_types import lora_category, new_entry, texts
from .downloads import Downloads
from .errors import BadInput, CuratorError
from .gallery_records import uuid_in
from .json_values import integer, mapping, mappings, number, text
from .model_addresses import OfCivitAI, understand
from .remote.civitai import CivitAI
from .settings import Settings

_LONGEST_DESCRIPTION = 500
_SAFE_LEVELS = ("", "none", "false")
_PAIR_WORDS = (" High Noise", " Low Noise", " LoRA", " (Kijai)", " (WAN 2.1 I2V 14B)")


class LoraLookup:
    """What Studio's page of LoRAs asks for: look up, add, and pairs that fit a base model."""

    def __init__(
        self, catalog: Catalog, civitai: CivitAI, downloads: Downloads, settings: Settings
    ) -> None:
        self._catalog = catalog
        self._civitai = civitai
        self._downloads = downloads
        self._options = settings.options
        self.on_added: Callable[[Mapping[str, Any]], None] = lambda _: None
        """Told of each model that a person has added."""

    def look_up(self, address: str) -> Json:
        """The model behind an address of CivitAI, in the shape of studio.md §4.

        Raises BadInput for another address, NotFound, upstream's errors.
        """
        meant = understand(address, self._options)
        if not isinstance(meant, OfCivitAI):
            raise BadInput("This is no address of a model on CivitAI.", field="url")
        model_id, version_id = meant.model_id, meant.version_id
        if model_id is None:
            model_id = integer(self._civitai.version(version_id or 0).get("modelId")) or 0
        model = self._civitai.model(model_id)
        stats = mapping(model.get("stats"))
        return {
            "model_id": model_id,
            "name": text(model.get("name")),
            "author": text(mapping(model.get("creator")).get("username")),
            "description": text(model.get("description")),
            "type": text(model.get("type")),
            "tags": texts(model.get("tags")),
            "nsfw": model.get("nsfw") is True,
            "stats": {
                "rating": number(stats.get("rating")) or 0,
                "rating_count": integer(stats.get("ratingCount")) or 0,
                "download_count": integer(stats.get("downloadCount")) or 0,
                "favorite_count": integer(stats.get("favoriteCount")) or 0,
            },
            "versions": [_version(each) for each in mappings(model.get("modelVersions"))],
            "preview_images": self._previews(model_id),
            "selected_version_id": version_id,
        }

    def add(self, model: Mapping[str, Any]) -> Json:
        """Add the first file of each version and queue its download: `{added:[file], skipped:[…]}`.

        `model` has the keys of studio.md §4. What a catalog has already is skipped, and queued too
        where it is missing. `not_queued` tells why a download could not be queued.
        """
        entries = [_entry(model, version) for version in mappings(model.get("versions"))]

        def choose(index: Index) -> tuple[Mapping[str, Sequence[Json]], tuple[list[Found], ...]]:
            new: dict[str, list[Json]] = {}
            added: list[Found] = []
            known: list[Found] = []
            for entry in entries:
                category = lora_category(entry["base_model"])
                found = Found("loras", category, entry)
                indexes = [*self._catalog.indexes(index), Index.of(index.catalog, added)]
                twin = next((t for each in indexes if (t := each.twin(found))), None)
                if twin:
                    known.append(twin)
                    continue
                named = {**entry, "file": free_name(found, indexes)}
                new.setdefault(category, []).append(named)
                added.append(Found("loras", category, named))
            return new, (added, known)

        added, known = self._catalog.files["loras"].add_all(choose)
        self.on_added(model)
        return {
            "added": [each.file for each in added],
            "skipped": [each.file for each in known],
            "not_queued": [*self._queue([*added, *known])],
        }

    def compatible(self, base_model: str) -> list[Json]:
        """Pairs for the two passes of video models: `{pair_id, name, high, low, both}`.

        Of both catalogs, with exactly this base model, or with any for `all`.
        """
        pairs: dict[str, Json] = {}
        for file in self._catalog.files.values():
            for found in file.index.found:
                entry = found.entry
                base = text(entry.get("base_model")) or text(entry.get("civitai_base_model"))
                pair_id, role = text(entry.get("pair_id")), text(entry.get("pair_role"))
                if pair_id and role in ("high", "low", "both") and base_model in ("all", base):
                    empty: Json = {"pair_id": pair_id, "name": _pair_name(text(entry.get("name")))}
                    empty |= {"high": None, "low": None, "both": None}
                    pair = pairs.setdefault(pair_id, empty)
                    pair[role] = pair[role] or found.file
        return list(pairs.values())

    def _previews(self, model_id: int) -> list[Json]:
        """The newest pictures of others; none when CivitAI does not list them."""
        try:
            found = self._civitai.images_of(model_id)
        except CuratorError:
            return []
        return [
            {
                "id": integer(each.get("id")),
                "url": text(each.get("url")),
                "width": integer(each.get("width")),
                "height": integer(each.get("height")),
                "nsfw": _is_nsfw(each.get("nsfwLevel")),
                "meta": _meta(each.get("meta")),
            }
            for each in found
        ]

    def _queue(self, wanted: Sequence[Found]) -> Iterator[Json]:
        for found in wanted:
            try:
                self._downloads.request(found.file, found.dest)
            except CuratorError as error:
                yield {"file": found.file, "error": error.text}


def _version(version: Json) -> Json:
    return {
        "version_id": integer(version.get("id")),
        "name": text(version.get("name")),
        "base_model": text(version.get("baseModel")),
        "trigger_words": texts(version.get("trainedWords")),
        "files": [
            {
                "id": integer(file.get("id")),
                "name": text(file.get("name")),
                "size_kb": number(file.get("sizeKB")) or 0,
                "fp": text(mapping(file.get("metadata")).get("fp")),
                "format": text(mapping(file.get("metadata")).get("format")),
                "sha256": text(mapping(file.get("hashes")).get("SHA256")).lower(),
            }
            for file in _primary_first(mappings(version.get("files")))
        ],
        "images": [
            {
                "id": card_id(image),
                "url": text(image.get("url")),
                "width": integer(image.get("width")),
                "height": integer(image.get("height")),
                "type": text(image.get("type")) or "image",
                "nsfw": _is_nsfw(image.get("nsfwLevel")),
            }
            for image in mappings(version.get("images"))
        ],
        "created_at": text(version.get("createdAt")),
        "download_count": integer(mapping(version.get("stats")).get("downloadCount")) or 0,
    }


def card_id(image: Mapping[str, Any]) -> str:
    """A card's number where CivitAI tells it, else the UUID in its address."""
    said = integer(image.get("id"))
    if said is not None:
        return str(said)
    address = text(image.get("url"))
    name = address.rpartition("/")[2].partition(".")[0]
    return name if name.isascii() and name.isdigit() else uuid_in(address)


def _entry(model: Mapping[str, Any], picked: Json) -> Json:
    """The entry of a picked version, from what the page has of it."""
    files = mappings(picked.get("files"))
    version_id = integer(picked.get("version_id"))
    if version_id is None or not files:
        raise BadInput("Each version needs a version_id and a file.", field="versions")
    file = files[0]
    told: Json = {
        "modelId": model.get("model_id"),
        "name": picked.get("name"),
        "baseModel": picked.get("base_model"),
        "trainedWords": picked.get("trigger_words"),
        "model": {"name": model.get("model_name"), "type": "LORA", "tags": model.get("tags")},
    }
    entry = new_entry(
        version_id,
        told,
        {
            "id": file.get("id"),
            "name": file.get("name"),
            "sizeKB": file.get("size_kb"),
            "metadata": {"fp": file.get("fp")},
            "hashes": {"SHA256": file.get("sha256")},
        },
        "loras",
    )
    images = [card_id(each) for each in mappings(picked.get("images"))]
    entry |= {
        "trigger_words": entry["trainedWords"],
        "description": text(model.get("description"))[:_LONGEST_DESCRIPTION],
        "author": text(model.get("author")),
        "rating": number(model.get("rating")) or 0,
        "images": [f"{image}.jpeg" for image in images if image],
    }
    downloads = integer(model.get("downloads"))
    return entry if downloads is None else {**entry, "downloads": downloads}


def _primary_first(files: list[Json]) -> list[Json]:
    return sorted(files, key=lambda file: file.get("primary") is not True)


def _is_nsfw(level: Any) -> bool:
    """REST says it in words, or in bits of which the first is harmless."""
    bits = integer(level)
    return bits > 1 if bits is not None else text(level).lower() not in _SAFE_LEVELS


def _meta(meta: Any) -> Json:
    """The meta, out of the second envelope that some answers have."""
    found = mapping(meta)
    inner = found.get("meta")
    return mapping(inner) if "meta" in found and set(found) <= {"id", "meta"} else found


def _pair_name(name: str) -> str:
    for word in _PAIR_WORDS:
        name = name.replace(word, "")
    return name
