"""What the world is made of: creators, models, versions, files, images, tags, repositories."""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

Json = dict[str, Any]


class Content:
    """Bytes that are made when somebody first asks for them, and kept."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._made: bytes | None = None
        # Not `cached_property`: before Python 3.12 that has one lock for all contents together.
        self._lock = threading.Lock()

    @property
    def data(self) -> bytes:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    @property
    def is_made(self) -> bool:
        return self._made is not None

    @cached_property
    def sha256(self) -> str:
        """Lower case."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def git_oid(self) -> str:
        """The id that git gives to these bytes."""
        header = b"blob %d\0" % len(self.data)
        return hashlib.sha1(header + self.data, usedforsecurity=False).hexdigest()

    @cached_property
    def hashes(self) -> dict[str, str]:
        """As CivitAI spells them: upper case. Without BLAKE3, which the standard library lacks."""
        sha256 = self.sha256.upper()
        hashes = {"SHA256": sha256, "AutoV2": sha256[:10], "CRC32": f"{zlib.crc32(self.data):08X}"}
        if len(self.data) > 0x100000:
            # Of smaller files every AutoV1 would be that of nothing.
            part = self.data[0x100000:0x110000]
            hashes["AutoV1"] = hashlib.sha256(part).hexdigest()[:8].upper()
        if self._is_safetensors:
            start = 8 + int.from_bytes(self.data[:8], "little")
            hashes["AutoV3"] = hashlib.sha256(self.data[start:]).hexdigest()[:12].upper()
        return hashes

    @property
    def _is_safetensors(self) -> bool:
        size = int.from_bytes(self.data[:8], "little")
        try:
            return size < len(self.data) and isinstance(json.loads(self.data[8 : 8 + size]), dict)
        except ValueError:
            return False


@dataclass(frozen=True)
class Creator:
    id: int
    name: str


@dataclass(frozen=True)
class Tag:
    id: int
    name: str
    kind: str


@dataclass(frozen=True, eq=False)
class File:
    id: int
    name: str
    content: Content
    kind: str = "Model"
    format: str = "SafeTensor"
    fp: str | None = "fp16"
    size: str | None = None
    primary: bool = True


@dataclass(frozen=True, eq=False)
class Image:
    id: int
    uuid: str
    content: Content
    kind: str
    """`image` or `video`."""
    content_type: str
    """What the CDN says; the bytes may be something else."""
    width: int
    height: int
    creator: Creator
    post_id: int
    post_title: str | None
    created: datetime
    level: int
    """Browsing level: 1 none, 2 soft, 4 mature, 8 and 16 X, 32 blocked."""
    base_model: str | None
    version_ids: tuple[int, ...]
    stats: Mapping[str, int]
    meta: Json | None
    """None: the creator hides it."""
    generation: Json
    """What `image.getGenerationData` adds to `meta`: resources, process, tools, techniques."""
    tag_ids: tuple[int, ...] = ()
    duration: float | None = None
    community: bool = True
    """Whether it shows in lists; some cards of versions do not."""
    is_card: bool = False
    is_lost: bool = False
    """Whether the CDN has no file for it."""
    redirected: bool = False
    """Whether the CDN redirects to the storage."""
    label: str = ""


@dataclass(frozen=True, eq=False)
class Version:
    id: int
    model_id: int
    name: str
    base_model: str
    created: datetime
    files: tuple[File, ...]
    words: tuple[str, ...] = ()
    usage: str = "Download"
    early_access: datetime | None = None
    gated: bool = False
    """Whether a download needs a login."""
    answers_no_file: bool = False
    """Whether the API says "Missing model file" for it."""
    cards: list[Image] = field(default_factory=list[Image])
    label: str = ""

    @property
    def primary(self) -> File | None:
        return next((file for file in self.files if file.primary), next(iter(self.files), None))


@dataclass(frozen=True, eq=False)
class Model:
    id: int
    name: str
    kind: str
    creator: Creator
    description: str
    tags: tuple[str, ...]
    versions: tuple[Version, ...]
    nsfw: bool = False
    mode: str | None = None
    """None, `Archived` or `TakenDown`."""
    removed: bool = False
    ends_with_an_empty_page: bool = False
    """Whether its last page of images still has a cursor, to a page with nothing."""
    label: str = ""


@dataclass(frozen=True, eq=False)
class RepositoryFile:
    path: str
    content: Content
    lfs: bool = True


@dataclass(frozen=True, eq=False)
class Repository:
    name: str
    commit: str
    modified: datetime
    files: tuple[RepositoryFile, ...]
    gated: str = ""
    """Empty, `auto` or `manual`."""
    private: bool = False
    tags: tuple[str, ...] = ()
    """Further revisions, all of them of the same commit."""
    moved_from: str = ""
    label: str = ""
