"""What is remembered of a transfer, and what is told of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from .engine import CollectionSpec
from .json_values import integer, number, text

Json = dict[str, Any]
Slot = tuple[str, str]
State = Literal["queued", "downloading", "paused", "error"]

TRANSFERS = CollectionSpec("transfers", key="id")
"""The queue. `state` is one of State, or `placed`: in its place, not yet surely on the disk."""
FIRST_SEEN = CollectionSpec("first_seen", key="source")
"""SHA-256 of files of which nobody says what it should be, by the key of their source."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class Upload(NamedTuple):
    """The upload that wants a file at `path`, of `limit` bytes at most; may it be a web page?"""

    id: str
    path: str
    limit: int
    pages: bool = False


@dataclass(frozen=True)
class Wanted:
    """A file that is to lie in a model folder.

    `file` and `dest` as the catalog has them, `folder` and `name` its place below the models;
    `sha256` is empty and `size` 0 when nobody knows.
    """

    file: str
    dest: str
    folder: str
    name: str
    source: Mapping[str, Any]
    sha256: str = ""
    size: int = 0
    upload: Upload | None = None
    """Whose content it is to be, instead of a file in a model folder."""

    @property
    def slot(self) -> Slot:
        """Its place for a file system that does not tell case apart."""
        return (self.folder.casefold(), self.name.casefold())

    @property
    def id(self) -> str:
        """Of the transfer: one for each place."""
        if self.upload:
            return id_of_upload(self.upload.id)
        return _short_digest(list(self.slot))

    def record(self, order: int) -> Json:
        """A new transfer of it."""
        return {
            "id": self.id,
            "file": self.file,
            "dest": self.dest,
            "folder": self.folder,
            "name": self.name,
            "source": dict(self.source),
            "sha256": self.sha256,
            "size": self.size,
            "order": order,
            "state": "queued",
            "total": None,
            "validator": "",
            "part": "",
            "digest": "",
            "mark": None,
            "error": None,
            "field": None,
            "not_before": 0.0,
            "accepted": "",
            "upload": self.upload._asdict() if self.upload else None,
            "told_name": "",
        }


class TransferFact(NamedTuple):
    """How a transfer stands: bytes, bytes a second, seconds."""

    state: State
    done: int
    total: int | None
    rate: float
    eta_s: int | None
    error: str | None
    id: str
    field: str | None = None
    """The setting to blame for the error."""


def upload_of(record: Mapping[str, Any]) -> Upload | None:
    """The upload that a transfer is for; None for one into a model folder."""
    told = record.get("upload")
    return Upload(**told) if told else None


def id_of_upload(upload_id: str) -> str:
    """The id of the transfer that fetches for an upload."""
    return _short_digest(["upload", upload_id])


def source_of(entry: Mapping[str, Any]) -> Json | None:
    """Where a catalog entry's file comes from: CivitAI, else Hugging Face, else its address."""
    version_id = integer(entry.get("civitai_version_id"))
    if version_id:
        file_id = integer(entry.get("civitai_file_id"))
        return {"kind": "civitai", "version_id": version_id, "file_id": file_id}
    repository = text(entry.get("hf_repo")).strip().strip("/")
    path = (text(entry.get("hf_file")) or text(entry.get("file"))).strip().strip("/")
    if repository and path:
        source = {"kind": "huggingface", "repository": repository, "path": path}
        revision = text(entry.get("hf_revision")).strip()
        return {**source, "revision": revision} if revision else source
    address = text(entry.get("url")).strip()
    return {"kind": "url", "url": address} if address else None


def wanted_of(
    entry: Mapping[str, Any], *, folder: str, name: str, source: Mapping[str, Any]
) -> Wanted:
    """What a catalog entry wants in its place."""
    sha256 = text(entry.get("hash"))
    gigabytes = number(entry.get("size_gb")) or 0
    return Wanted(
        text(entry.get("file")),
        text(entry.get("dest")),
        folder,
        name,
        source,
        sha256.lower() if _SHA256.fullmatch(sha256) else "",
        int(gigabytes * 1e9) if 0 < gigabytes < 1e9 else 0,
    )


def source_key(source: Mapping[str, Any]) -> str:
    """The key of a source, which tells nothing of its address."""
    return _short_digest(dict(source))


def _short_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]
