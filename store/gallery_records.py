"""What the gallery keeps of a picture: its record, and how it grows by what comes to be known."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .engine import Collection, CollectionSpec, Index, Record
from .generation import Generation
from .json_values import mapping
from .media import Media

GALLERY = CollectionSpec(
    "gallery",
    key="id",
    indexes=(
        Index("newest", None, "added"),
        Index("by_alias", "aliases"),
        Index("by_model", "models", "created_at"),
        Index("by_version", "versions", "added"),
        Index("by_source", "source", "added"),
        Index("by_type", "type", "added"),
        Index("starred", "starred", "added"),
        Index("by_nsfw", "nsfw_level", "added"),
        Index("by_tag", "tag_ids", "added"),
        Index("by_card", "cards", "created_at"),
        Index("by_hash", "hashes", "added"),
        Index("by_made_with", "made_with_versions", "added"),
    ),
    words=("prompt", "username", "name"),
)

_OWN = uuid.UUID("5b0f2f0c-6d0a-4f6e-9a55-2f7a8a3f7c11")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ID = re.compile(r"(?:[0-9]{1,19}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.[a-z0-9]{1,5})?")


@dataclass(frozen=True)
class Facts:
    """What is known of a picture besides its file; everything but `id` may be unknown."""

    id: str
    name: str = ""
    """What the file was called, where a person chose that."""
    file_uuid: str = ""
    number: int | None = None
    """CivitAI's number of the picture."""
    page: str | None = None
    source: str = "community"
    search_mode: str = ""
    model_id: int = 0
    model_name: str = ""
    version_ids: tuple[int, ...] = ()
    username: str = ""
    post_id: int | None = None
    post_title: str = ""
    base_model: str = ""
    created_at: str = ""
    starred: bool = False
    adopted: bool = False
    """Whether it was taken over from another program."""
    has_workflow: bool = False
    """Whether a graph of ComfyUI is in the file or in what upstream says of it."""
    nsfw_level: int = 0
    """CivitAI's level as its bit: 1, 2, 4, 8, 16 or 32; 0 unknown."""
    tag_ids: tuple[int, ...] = ()
    stats: Mapping[str, Any] = field(default_factory=dict[str, Any])
    generation: Generation = field(default_factory=Generation)
    raw_item: Mapping[str, Any] | None = None
    generation_data: Mapping[str, Any] | None = None
    making_asked: bool = False
    """Whether CivitAI has told how it was made, or that it does not know."""


def own_id(sha256: str) -> str:
    """The id of a picture that CivitAI has no number for: of the same content, always the same."""
    return str(uuid.uuid5(_OWN, sha256))


def item_key(text: str) -> str:
    """The id in `text`, which may carry an extension; empty when it cannot be an id."""
    text = text.strip().lower()
    return text.partition(".")[0] if _ID.fullmatch(text) else ""


def find(records: Collection, key: str) -> Record | None:
    """The record with this id, or that knows it as another one of its own."""
    record = records.get(key) if key else None
    if record is None and key:
        found = records.page("by_alias", key, limit=1).records
        record = found[0] if found else None
    return record


def uuid_in(address: str) -> str:
    """The first UUID in an address or a bare UUID, lower case; empty when there is none."""
    found = _UUID.search(address)
    return found[0].lower() if found else ""


def utc(text: Any) -> str:
    """An ISO time as UTC with milliseconds and `Z`; empty when it is none."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        moment = moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """This moment, as `utc` writes it."""
    return utc(datetime.now(timezone.utc).isoformat(timespec="milliseconds"))


def written_at(path: Path) -> str:
    """When the file was last written, as `utc` writes it; empty when that cannot be told."""
    try:
        moment = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    except (OSError, OverflowError, ValueError):
        return ""
    return utc(moment.isoformat(timespec="milliseconds"))


class Clock:
    """Microseconds that never come twice: the order in which pictures were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        """A number above all before it."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return self._last


def new_record(
    facts: Facts, media: Media, *, stem: str, size: int, sha256: str, added: int
) -> Record:
    """The record of a picture whose files will lie at `stem` plus their extensions."""
    made = facts.generation
    told = facts.generation_data or {}
    record = {
        "id": facts.id,
        "civitai_id": facts.id,
        "file_uuid": facts.file_uuid or None,
        "type": media.format.kind,
        "ext": media.format.ext,
        "file_path": stem + media.format.ext,
        "thumb_path": stem + ".thumb.webp",
        "meta_path": stem + ".json",
        "model_id": facts.model_id,
        "post_id": facts.post_id,
        "post_title": facts.post_title or None,
        "username": facts.username or None,
        "base_model": facts.base_model or None,
        "width": media.width,
        "height": media.height,
        "duration": media.duration,
        "audio": int(media.audio),
        "file_size": size,
        "created_at": facts.created_at or now(),
        "downloaded_at": now(),
        "reactions": _reactions(facts.stats),
        "comments": _count(facts.stats, "commentCount"),
        "collected": _count(facts.stats, "collectedCount"),
        "has_meta": int(made.is_told),
        "has_gen_data": int(bool(told)),
        "making_asked": int(facts.making_asked),
        "source": facts.source,
        "search_mode": facts.search_mode,
        "starred": int(facts.starred),
        "thumb_size": 0,
        "page": facts.page,
        "aliases": aliases(facts),
        "models": [facts.model_id],
        "cards": [facts.model_id] if facts.source == "original" else [],
        "versions_of": _versions_of(facts),
        "model_name": facts.model_name,
        "versions": list(facts.version_ids),
        "sha256": sha256,
        "added": added,
        "name": facts.name,
        "adopted": int(facts.adopted),
        "has_workflow": int(facts.has_workflow),
        "nsfw_level": facts.nsfw_level,
        "tag_ids": list(facts.tag_ids),
        **made.as_dict(),
    }
    return with_places(record)


def with_places(record: Record) -> Record:
    """The record with what follows from its `models` and `cards`; call it after a change of them.

    `cards` are the models whose author shows the picture, `source` whether any does. Older records
    have but the source, which meant all of their models.
    """
    models: list[int] = record["models"]
    cards = record.get("cards")
    if cards is None:
        cards = models if record["source"] == "original" else []
    record["cards"] = [each for each in models if each in cards]
    if record["source"] != "own":
        record["source"] = "original" if record["cards"] else "community"
    if "versions_of" in record:
        told: dict[str, list[int]] = record["versions_of"]
        record["versions_of"] = {key: told[key] for key in map(str, models) if told.get(key)}
    return record


def source_in(record: Mapping[str, Any], model_id: int | None) -> str:
    """`original`, `community` or `own`, as this model's gallery has it; None: as any has it."""
    source: str = record["source"]
    if model_id is None or source != "original":
        return source
    return source if model_id in record.get("cards", record["models"]) else "community"


def lacks_making(record: Mapping[str, Any]) -> bool:
    """Whether CivitAI has not told how it was made, nor that it does not know."""
    return not record["has_gen_data"] and not record.get("making_asked")


def kept_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record lies beside its picture: all but its star and what follows from the rest."""
    left = ("starred", "file_path", "thumb_path", "meta_path")
    return {name: value for name, value in record.items() if name not in left}


def enriched(record: Record, facts: Facts) -> Record:
    """The record with what `facts` know and it does not; what it says already stays."""
    better = with_places(dict(record))
    news = {
        "page": facts.page,
        "post_id": facts.post_id,
        "post_title": facts.post_title,
        "username": facts.username,
        "base_model": facts.base_model,
        "tag_ids": list(facts.tag_ids),
        **facts.generation.as_dict(),
    }
    for name, value in news.items():
        if better.get(name) in (None, "", []) and value not in (None, "", []):
            better[name] = value
    better["nsfw_level"] = record.get("nsfw_level") or facts.nsfw_level
    better["aliases"] = sorted({*record["aliases"], *aliases(facts)})
    for name in ("hashes", "made_with_versions"):
        news_of = facts.generation.as_dict()[name]
        better[name] = list(dict.fromkeys([*(record.get(name) or []), *news_of]))
    better["has_meta"] = int(record["has_meta"] or facts.generation.is_told)
    better["has_gen_data"] = int(record["has_gen_data"] or bool(facts.generation_data))
    better["has_workflow"] = int(bool(record.get("has_workflow")) or facts.has_workflow)
    better["making_asked"] = int(bool(record.get("making_asked")) or facts.making_asked)
    better["reactions"] = max(record["reactions"], _reactions(facts.stats))
    better["comments"] = max(record["comments"], _count(facts.stats, "commentCount"))
    better["collected"] = max(record["collected"], _count(facts.stats, "collectedCount"))
    if facts.source == "original":
        better["cards"] = [*better["cards"], facts.model_id]
    if facts.model_id and facts.model_id not in record["models"]:
        better["models"] = [*(each for each in record["models"] if each), facts.model_id]
        better["model_id"] = better["models"][0]
    if better["model_id"] == facts.model_id:
        better["model_name"] = record["model_name"] or facts.model_name
    better["versions"] = sorted({*record["versions"], *facts.version_ids})
    better["versions_of"] = _joined(record.get("versions_of"), _versions_of(facts))
    return with_places(better)


def with_links(record: Record, old: Record) -> Record:
    """The record with the ids, models and versions of the one whose place it takes."""
    linked = dict(record)
    linked["aliases"] = sorted({*record["aliases"], *old["aliases"]})
    linked["versions"] = sorted({*record["versions"], *old["versions"]})
    models = dict.fromkeys([*old["models"], *record["models"]])
    linked["models"] = [each for each in models if each] or [0]
    linked["model_id"] = linked["models"][0]
    # The name is that of the first model, whoever of both knows it.
    first = linked["model_id"]
    named = [each["model_name"] for each in (old, record) if each["model_id"] == first]
    linked["model_name"] = next((each for each in named if each), "")
    linked["cards"] = [*record["cards"], *with_places(dict(old))["cards"]]
    linked["versions_of"] = _joined(old.get("versions_of"), record.get("versions_of"))
    return with_places(linked)


def aliases(facts: Facts) -> list[str]:
    """Every id under which this picture is found."""
    number = str(facts.number) if facts.number is not None else ""
    return sorted({each for each in (facts.id, facts.file_uuid, number) if each})


def _versions_of(facts: Facts) -> dict[str, list[int]]:
    """By model, as text: those of its versions that show the picture."""
    return {str(facts.model_id): sorted(facts.version_ids)} if facts.version_ids else {}


def _joined(old: Any, new: Any) -> dict[str, list[int]]:
    """What both say of versions by model."""
    joined = {**mapping(old)}
    for key, versions in mapping(new).items():
        joined[key] = sorted({*joined.get(key, ()), *versions})
    return joined


def _reactions(stats: Mapping[str, Any]) -> int:
    return _count(stats, "heartCount") + _count(stats, "likeCount")


def _count(stats: Mapping[str, Any], name: str) -> int:
    # REST and tRPC spell it differently.
    value = stats.get(name, stats.get(name + "AllTime", 0))
    return value if isinstance(value, int) else 0
