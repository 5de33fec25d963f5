"""The catalog as clients read it: the list of studio.md §3 and the map by CivitAI version."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from .catalog_entries import Found, Json, without_keys
from .documents import State
from .presence import Sight
from .transfer_records import Slot, TransferFact

GalleryFacts = Callable[[int], Mapping[str, Any]]
TransferFacts = Callable[[], tuple[int, Mapping[Slot, TransferFact]]]


class Outlook(NamedTuple):
    """What is known of entries beside what the files say."""

    sight: Sight
    transfers: Mapping[Slot, TransferFact]
    updates: Mapping[int, Json] = MappingProxyType({})
    """By CivitAI model the version that is newer than ours."""

    def size(self, found: Found) -> int | None:
        """Bytes of the file, None when it is not on disk."""
        return self.sight.sizes[found.folder].get(found.name)

    def status(self, found: Found) -> str:
        """`downloading`, `error`, `queued`, `paused`, `present` or `missing`."""
        fact = self.transfers.get(found.slot)
        if fact:
            return fact.state
        return "missing" if self.size(found) is None else "present"


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
    catalog: str, state: State, outlook: Outlook, free_bytes: int, facts: GalleryFacts | None
) -> Json:
    """Every category with its entries and their state; LoRAs with what their gallery holds.

    An entry's own keys are all there; `problem` says why a newer state of the file is not read.
    """
    items: list[Json] = []
    categories: list[Json] = []
    for category in state.data["categories"]:
        models = [
            _item(Found(catalog, category["id"], entry), outlook)
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


def civitai_map(found: Iterable[Found], outlook: Outlook) -> Json:
    """`by_version` and `by_model` over both catalogs; of several files of a version the best."""
    versions: dict[str, list[Json]] = {}
    models: dict[str, dict[int, None]] = {}
    for each in found:
        version_id = each.version_id
        if version_id is None:
            continue
        versions.setdefault(str(version_id), []).append(_map_value(each, outlook))
        model_id = each.model_id
        if model_id is not None:
            models.setdefault(str(model_id), {})[version_id] = None
    return {
        "by_version": {version: _best(values) for version, values in versions.items()},
        "by_model": {model: list(ids) for model, ids in models.items()},
    }


def _item(found: Found, outlook: Outlook) -> Json:
    entry = found.entry
    size = outlook.size(found)
    expected = _expected_bytes(entry) if size is None else size
    item: Json = {
        **_UNKNOWN,
        **entry,
        "base_model": _base_model(entry),
        "status": outlook.status(found),
        "progress": 0.0 if size is None else 100.0,
        "on_disk_bytes": size or 0,
        "expected_bytes": expected,
        # One page reads the first spelling, another the second.
        "speed": 0,
        "speed_bytes": 0,
        "eta_s": None,
        "error": None,
        "error_field": None,
        "update": None if found.model_id is None else outlook.updates.get(found.model_id),
    }
    if isinstance(item["url"], str):
        item["url"] = without_keys(item["url"])
    fact = outlook.transfers.get(found.slot)
    if fact:
        speed = round(fact.rate)
        item |= {
            "progress": _progress(fact, expected),
            "on_disk_bytes": fact.done,
            "expected_bytes": fact.total or expected,
            "speed": speed,
            "speed_bytes": speed,
            "eta_s": fact.eta_s,
            "error": fact.error,
            "error_field": fact.field,
            "transfer": fact.id,
        }
    return item


def _progress(fact: TransferFact, expected: int) -> float | None:
    """Per cent; None when there is nothing to measure by."""
    total = fact.total or expected
    if not total:
        return None if fact.done else 0.0
    return round(min(100.0, 100.0 * fact.done / total), 1)


def _map_value(found: Found, outlook: Outlook) -> Json:
    size = outlook.size(found)
    value: Json = {
        "file": found.file,
        "dest": found.entry.get("dest", ""),
        "name": found.entry.get("name", ""),
        "base_model": _base_model(found.entry),
        "status": outlook.status(found),
        "civitai_model_id": found.model_id,
        "civitai_file_id": found.file_id,
        "catalog": found.catalog,
        "size_expected": _expected_bytes(found.entry),
    }
    if size is not None:
        value["size_disk"] = size
    fact = outlook.transfers.get(found.slot)
    if fact:
        value |= {
            "dl_bytes": fact.done,
            "dl_total": fact.total or value["size_expected"],
            "dl_speed": round(fact.rate),
            "error": fact.error,
            "error_field": fact.field,
        }
    return value


_BEST_FIRST = ("present", "downloading", "queued", "paused", "error", "missing")


def _best(values: list[Json]) -> Json:
    best = min(values, key=lambda value: _BEST_FIRST.index(value["status"]))
    return {**best, "files": values} if len(values) > 1 else best


def _stats(catalog: str, items: Iterable[Json], free_bytes: int) -> Json:
    states = Counter[str]()
    # Two entries may mean one file.
    on_disk: dict[tuple[Any, Any], int] = {}
    speeds: dict[tuple[Any, Any], int] = {}
    for item in items:
        states[item["status"]] += 1
        place = (str(item["dest"]), str(item["file"]))
        if item["status"] == "present":
            on_disk[place] = item["on_disk_bytes"]
        speeds[place] = item["speed"]
    stats: Json = {
        "queued_count": states["queued"],
        "downloading_count": states["downloading"],
    }
    if catalog == "models":
        stats["fetching_count"] = 0
    return {
        **stats,
        "present_count": states["present"],
        "total_count": states.total(),
        "global_speed": sum(speeds.values()),
        "total_speed_bytes": sum(speeds.values()),
        "models_bytes": sum(on_disk.values()),
        "free_bytes": free_bytes,
    }


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
