"""What a caller asks of the uploads, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class Asked:
    """What a caller wants uploaded: the parsed body of a create. Sizes are bytes, 0 unknown."""

    kind: str = ""
    file_name: str = ""
    content_type: str = ""
    file_size: int = 0
    parts: int = 0
    url: str = ""
    civitai_model_url: str = ""
    hugging_face_model_name: str = ""
    asset_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sha256: str = ""

    @property
    def is_multipart(self) -> bool:
        """Whether its bytes are sent here in parts."""
        return not (self.url or self.civitai_model_url or self.hugging_face_model_name)


@dataclass(frozen=True)
class Sender:
    """Who asks: `owner` for the limits, `caller` to know a repeat by; both tell nothing more.

    `attempt` counts what the client has sent before without an answer.
    """

    owner: str
    caller: str
    idempotency_key: str = ""
    attempt: int = 0


def utc(seconds: float | None = None) -> str:
    """A time, now unless given, as ISO 8601 with milliseconds."""
    zone = timezone.utc
    when = datetime.now(zone) if seconds is None else datetime.fromtimestamp(seconds, zone)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
