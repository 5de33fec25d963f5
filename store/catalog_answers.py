"""The catalog as clients read it: the list of studio.md §3 and the map by CivitAI version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from .catalog_entries import Found, Json
from .documents import State
from .presence import Sight

GalleryFacts = Callable[[int], Mapping[str, Any]]


class Answer(NamedTuple):
    """Serialised JSON, and a tag that changes with it."""

    body: bytes
    etag: str


class Answers:
    """The last answer of each kind, as long as what it was made from is the same."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[int, ...], Answer]] = {}

    def get(self, name: str, made_from: tuple[int, ...], build: Callable[[], Json]) -> Answer:
        """The kept answer, or a new one."""
        kept = self._kept.get(name)
        if kept and kept[0] == made_from:
            return kept[1]
        answer = _serialised(build())
        self._kept[name] = (made_from, answer)
        return answer


_UNKNOWN: Json = {
    "name": "",
    "file": "",
    "dest": "",
    "url": None,
    "source": None,
    "size_gb": None,
    "hf_repo": None,
    "hf_file": None,
    "civitai_model_id": None,
    "civitai_version_id": None,
    "civitai_file_id": None,
    "civitai_model_name": None,
    "civitai_base_model": None,
    "civitai_version": None,
    "civitai_tags": [],
    "trainedWords": [],
    "base_model": "",
    "tags": [],
    "trigger_words": [],
    "author": None,
    "images": [],
    "quant": None,
    "params": None,
    "context_length": None,
    "context_default": None,
    "context_max": None,
    "companions": None,
    "pair_id": None,
    "pair_role": None,
}
_NO_GALLERY: Json = {
    "gallery_count": 0,
    "gallery_thumb": None,
    "gallery_thumb_default": None,
    "gallery_thumb_custom": None,
    "gallery_orig_count": 0,
    "gallery_orig_bytes": 0,
    "gallery_comm_count": 0,
    "gallery_comm_bytes": 0,
    "gallery_dl": None,
}


def catalog_list(
    catalog: str, state: State, sight: Sight, free_bytes: int, facts: GalleryFacts | None
) -> Json:
    """Every category with its entries and their state; LoRAs with what their gallery holds.

    An entry's own keys are all there; `problem` says why a newer state of the file is not read.
    """
    items: list[Json] = []
    categories: list[Json] = []
    for category in state.data["categories"]:
        models = [
            _item(Found(catalog, category["id"], entry), sight)
            for entry in category.get("models", ())
        ]
        items.extend(models)
        categories.append({**category, "models": models})
    if catalog == "loras":
        for item in items:
            model_id = item["civitai_model_id"]
            item.update(_NO_GALLERY)
            if facts and isinstance(model_id, int):
                item.update(facts(model_id))
    return {
        "version": state.data.get("version", 0),
        "date": state.data.get("date", ""),
        "stats": _stats(catalog, items, free_bytes),
        "categories": categories,
        "problem": state.fault.shown() if state.fault else None,
    }


def civitai_map(found: Iterable[Found], sight: Sight) -> Json:
    """`by_version` and `by_model` over both catalogs; of several files of a version the best."""
    versions: dict[str, list[Json]] = {}
    models: dict[str, dict[int, None]] = {}
    for each in found:
        version_id = each.version_id
        if version_id is None:
            continue
        versions.setdefault(str(version_id), []).append(_map_value(each, sight))
        model_id = each.model_id
        if model_id is not None:
            models.setdefault(str(model_id), {})[version_id] = None
    return {
        "by_version": {version: _best(values) for version, values in versions.items()},
        "by_model": {model: list(ids) for model, ids in models.items()},
    }


def _item(found: Found, sight: Sight) -> Json:
    entry = found.entry
    size = _size_on_disk(found, sight)
    return {
        **_UNKNOWN,
        **entry,
        "base_model": _base_model(entry),
        "status": "missing" if size is None else "present",
        "progress": 0.0 if size is None else 100.0,
        "on_disk_bytes": size or 0,
        "expected_bytes": _expected_bytes(entry) if size is None else size,
        # One page reads the first spelling, another the second.
        "speed": 0,
        "speed_bytes": 0,
        "error": None,
    }


def _map_value(found: Found, sight: Sight) -> Json:
    size = _size_on_disk(found, sight)
    value: Json = {
        "file": found.file,
        "dest": found.entry.get("dest", ""),
        "name": found.entry.get("name", ""),
        "base_model": _base_model(found.entry),
        "status": "missing" if size is None else "present",
        "civitai_model_id": found.model_id,
        "civitai_file_id": found.file_id,
        "catalog": found.catalog,
        "size_expected": _expected_bytes(found.entry),
    }
    if size is not None:
        value["size_disk"] = size
    return value


def _best(values: list[Json]) -> Json:
    best = next((value for value in values if value["status"] == "present"), values[0])
    return {**best, "files": values} if len(values) > 1 else best


def _stats(catalog: str, items: Iterable[Json], free_bytes: int) -> Json:
    total = present = 0
    # Two entries may mean one file.
    on_disk: dict[tuple[Any, Any], int] = {}
    for item in items:
        total += 1
        if item["status"] == "present":
            present += 1
            on_disk[str(item["dest"]), str(item["file"])] = item["on_disk_bytes"]
    stats: Json = {"queued_count": 0, "downloading_count": 0}
    if catalog == "models":
        stats["fetching_count"] = 0
    return {
        **stats,
        "present_count": present,
        "total_count": total,
        "global_speed": 0,
        "total_speed_bytes": 0,
        "models_bytes": sum(on_disk.values()),
        "free_bytes": free_bytes,
    }


def _size_on_disk(found: Found, sight: Sight) -> int | None:
    return sight.sizes[found.folder].get(found.name)


def _base_model(entry: Mapping[str, Any]) -> Any:
    return entry.get("base_model") or entry.get("civitai_base_model") or ""


def _expected_bytes(entry: Mapping[str, Any]) -> int:
    size = entry.get("size_gb")
    if not isinstance(size, (int, float)) or not 0 < size < 1e9:
        return 0
    return int(size * 1e9)


def _serialised(data: Json) -> Answer:
    """The answer; integers beyond 64 bits stay what they are."""
    try:
        body = orjson.dumps(data)
    except TypeError:
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(body, hashlib.blake2b(body, digest_size=12).hexdigest())
