"""What upstream tells of a model, put into its entry: richer replaces poorer, never the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .catalog_entries import Json
from .civitai_types import chosen_file, new_entry, texts
from .errors import Impossible, NotFound
from .json_values import integer, mapping, mappings, text

REMOVED = "removed_upstream"
"""The mark of an entry whose model upstream no longer has; everything else in it stays."""

_REPLACED = (
    "civitai_model_id civitai_model_name civitai_version civitai_base_model civitai_type "
    "civitai_fp downloads"
).split()
_FILLED = ("civitai_version_id", "civitai_file_id", "base_model", "hash", "size_gb")
_LISTS = ("trainedWords", "civitai_tags")


def merged(entry: Json, version: Mapping[str, Any]) -> Json:
    """The entry with what CivitAI's answer about its version says; itself when that is nothing."""
    version_id = integer(version.get("id")) or integer(entry.get("civitai_version_id"))
    if version_id is None:
        return entry
    file, is_ours = _file(entry, version)
    fresh = new_entry(version_id, version, file, text(entry.get("dest")))
    if not is_ours:
        # Of another file these would be wrong.
        for key in ("civitai_file_id", "hash", "size_gb", "civitai_fp"):
            fresh.pop(key, None)
    changed = {key: fresh[key] for key in _REPLACED if fresh.get(key) not in (None, "")}
    changed |= {
        key: fresh[key] for key in _FILLED if fresh.get(key) and entry.get(key) in (None, "", 0)
    }
    changed |= {
        key: fresh[key] for key in _LISTS if not set(fresh[key]) <= set(texts(entry.get(key)))
    }
    model = mapping(version.get("model"))
    if text(model.get("name")) and entry.get("name_locked") is not True:
        changed["name"] = fresh["name"]
    if isinstance(model.get("nsfw"), bool):
        changed |= _with_tag(entry, "nsfw", there=model["nsfw"])
    return _without_mark({**entry, **changed}, entry)


def merged_repository(entry: Json, repository: Mapping[str, Any]) -> Json:
    """The entry with what Hugging Face says of its repository."""
    modified = text(repository.get("lastModified"))
    changed = {"lastModified": modified} if modified else {}
    return _without_mark({**entry, **changed}, entry)


def marked_removed(entry: Json) -> Json:
    """The entry of what upstream no longer has."""
    return entry if entry.get(REMOVED) is True else {**entry, REMOVED: True}


def _file(entry: Json, version: Mapping[str, Any]) -> tuple[Json, bool]:
    """The entry's file in the answer, and whether it is surely that one."""
    sha256, file_id = text(entry.get("hash")).lower(), integer(entry.get("civitai_file_id"))
    for file in mappings(version.get("files")):
        told = text(mapping(file.get("hashes")).get("SHA256")).lower()
        if (sha256 and told == sha256) or (file_id is not None and file.get("id") == file_id):
            return file, True
    try:
        file = chosen_file(version, None)
    except (Impossible, NotFound):
        return {}, False
    return file, not sha256 and file_id is None and file.get("name") == entry.get("file")


def _with_tag(entry: Json, tag: str, *, there: bool) -> Json:
    tags = texts(entry.get("tags"))
    if there == (tag in tags):
        return {}
    return {"tags": [*tags, tag] if there else [each for each in tags if each != tag]}


def _without_mark(made: Json, entry: Json) -> Json:
    made.pop(REMOVED, None)
    return entry if made == entry else made
