"""What is remembered of an upload, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .engine import CollectionSpec, Index
from .upload_asked import utc

Json = dict[str, Any]
Status = Literal["pending", "validating", "validated", "imported", "complete", "failed"]

KINDS = ("3d", "asset", "audio", "avatar", "image", "model", "text", "video")
STATUSES = ("pending", "validating", "validated", "imported", "complete", "failed")
ENDED = ("complete", "failed")

UPLOADS = CollectionSpec(
    "uploads",
    key="id",
    indexes=(
        Index("newest", None, "order"),
        Index("by_status", "status", "order"),
        Index("open", "open_by", "order"),
        Index("by_body", "body", "order"),
        Index("by_idempotency", "idempotency", "order"),
    ),
)
"""`open_by` is the owner until it has ended and its bytes are gone, then None."""
UPLOAD_PARTS = CollectionSpec("upload_parts", key="id")
"""Which bytes of an open multipart upload are surely on the disk."""


@dataclass(frozen=True)
class Found:
    """What a source turns out to be. `fetch` is its own affair, kept in the record, without keys.

    Size and SHA-256 as announced, 0 and empty when they are not.
    """

    source: str
    provider: str
    fetch: Json
    file_name: str
    kind: str
    url: str = ""
    file_size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Fetched:
    """What has come: the SHA-256 of the part, and what is known only now."""

    sha256: str
    file_name: str = ""
    content_type: str = ""
    url: str = ""


Save = Callable[[Json], None]
"""Writes down a state of what is under way; raises DiskFull."""


def entered(record: Json, status: Status, **more: Any) -> Json:
    """The record, now of this status; the time of each is remembered."""
    now = utc()
    record.update(more)
    record.update(status=status, updated_at=now, times={**record["times"], status: now})
    if status == "complete":
        record["open_by"] = None
    return record


def shown(record: Json, parts: Json | None = None) -> Json:
    """The upload as its clients know it, without its part addresses; no path of this machine."""
    told: Json = {
        "id": record["id"],
        "authorId": record["owner"],
        "ownerId": record["owner"],
        "createdAt": record["created_at"],
        "updatedAt": max(record["updated_at"], parts["updated_at"] if parts else ""),
        "fileName": record["file_name"],
        "kind": record["kind"],
        "source": record["source"],
        "status": record["status"],
        "statusTimes": record["times"],
        "provider": record["provider"],
        "jobId": record["id"],
        "config": record["config"],
    }
    optional: Json = {
        "originalFileName": record["original_name"],
        "contentType": record["content_type"],
        "fileSize": record["file_size"],
        "partsCount": record["parts_count"],
        "url": record["url"],
        "assetOptions": record["asset_options"],
        "sha256": record["sha256"],
        "entityId": record["entity_id"],
        "errorMessage": record["error"],
        "place": record["place"],
    }
    return told | {name: value for name, value in optional.items() if value}
