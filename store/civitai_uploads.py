"""Uploads from CivitAI: which file an address means, and what is announced of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .civitai_types import chosen_file, filing, new_entry, restriction, texts
from .errors import CuratorError, Impossible, NotFound
from .json_values import integer, mapping, mappings, number, text
from .model_addresses import OfCivitAI
from .remote.civitai import CivitAI
from .upload_asked import Asked
from .upload_records import Found, Json


class CivitAIUploads:
    """Asks CivitAI what is meant."""

    def __init__(self, civitai: CivitAI) -> None:
        self._civitai = civitai

    def found(self, meant: OfCivitAI, asked: Asked, field: str, *, source: str) -> Found:
        """The file of a version; of a model without one the version that its page shows first.

        Raises NotFound, Impossible for what CivitAI does not hand out or what is no model.
        """
        version_id = meant.version_id or self._newest(meant.model_id or 0, field)
        version = self._civitai.version(version_id)
        reason = restriction(version)
        if reason:
            raise Impossible(reason, field=field)
        file = _file(version, meant.file)
        dest = _dest(version, asked, field)
        entry = new_entry(version_id, version, file, dest)
        entry["civitai_tags"] = entry["civitai_tags"] or self._tags(entry["civitai_model_id"])
        size = round(max(number(file.get("sizeKB")) or 0, 0) * 1024)
        sha256 = text(mapping(file.get("hashes")).get("SHA256")).lower()
        file_id = integer(file.get("id"))
        return Found(
            source=source,
            provider="civitai",
            fetch={
                "source": {"kind": "civitai", "version_id": version_id, "file_id": file_id},
                "name": entry["file"],
                "sha256": sha256,
                "size": size,
                "pages": False,
                "origin": {"entry": entry},
            },
            file_name=entry["file"],
            kind="model",
            url=self._civitai.model_page(entry["civitai_model_id"] or 0, version_id),
            file_size=size,
            sha256=sha256,
        )

    def _newest(self, model_id: int, field: str) -> int:
        for version in mappings(self._civitai.model(model_id).get("modelVersions")):
            version_id = integer(version.get("id"))
            if version_id:
                return version_id
        raise Impossible("This model has no published version.", field=field)

    def _tags(self, model_id: int | None) -> list[str]:
        """A model's tags, which the answer about a version leaves out; none if CivitAI fails."""
        try:
            return texts(self._civitai.model(model_id).get("tags")) if model_id else []
        except CuratorError:
            return []


def _file(version: Mapping[str, Any], wanted: Mapping[str, str]) -> Json:
    """The file that a download's address asks for, else the primary one."""
    for file in mappings(version.get("files")) if wanted else ():
        told = {"type": file.get("type"), **mapping(file.get("metadata"))}
        if all(text(told.get(name)).lower() == value for name, value in wanted.items()):
            return file
    if wanted:
        raise NotFound(f"Version {version.get('id')} has no such file.")
    return chosen_file(version, None)


def _dest(version: Mapping[str, Any], asked: Asked, field: str) -> str:
    """The folder by CivitAI's type. Raises Impossible for what is no model."""
    wished = text(asked.config.get("type"))
    try:
        return filing(version, wished or None).dest
    except Impossible as error:
        kind = text(mapping(version.get("model")).get("type")) or "nothing"
        raise Impossible(
            f"CivitAI calls this {kind}, which is no model. If it is one all the same, say with "
            "config.type where it belongs.",
            field=field,
        ) from error
