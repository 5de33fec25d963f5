"""Catalog entries of what comes from Hugging Face or from a plain address."""

from __future__ import annotations

from collections.abc import Sequence

from .catalog_entries import Found, Json
from .catalog_index import Index
from .model_addresses import OfAddress, OfHuggingFace
from .names import safe_name


def hub_entry(meant: OfHuggingFace, dest: str | None, size: int, sha256: str) -> Json:
    """The entry of one file of a repository; size 0 and SHA-256 empty when not announced."""
    name = meant.path.rpartition("/")[2]
    entry: Json = {
        "name": f"{name.rpartition('.')[0] or name} [{meant.repository.rpartition('/')[2]}]",
        "file": safe_name(name, fallback="model"),
        "dest": dest,
        "source": "huggingface",
        "size_gb": round(size / 1e9, 9),
        "tags": [],
        "hf_repo": meant.repository,
        "hf_file": meant.path,
        "base_model": "",
    }
    if meant.revision != "main":
        entry["hf_revision"] = meant.revision
    return {**entry, "hash": sha256} if sha256 else entry


def address_entry(meant: OfAddress, dest: str | None) -> Json:
    """The entry of a file that is had at a plain address."""
    file = safe_name(meant.name, fallback="model")
    return {
        "name": file.rpartition(".")[0] or file,
        "file": file,
        "dest": dest,
        "source": "url",
        "size_gb": 0.0,
        "tags": [],
        "url": meant.url,
        "base_model": "",
    }


def same_source(new: Found, indexes: Sequence[Index]) -> Found | None:
    """The entry that comes from the very same place."""
    for index in indexes:
        twin = index.twin(new)
        if twin:
            return twin
        for found in (*index.in_slot(new.slot), *index.of_name(new.file)):
            for keys in (("hf_repo", "hf_file"), ("url",)):
                mine = [new.entry.get(key) for key in keys]
                if all(mine) and mine == [found.entry.get(key) for key in keys]:
                    return found
    return None
