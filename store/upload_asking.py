"""What may be asked of the uploads: checked before anything is made."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterable

from .errors import BadInput, TooLarge, TooMany
from .names import safe_name
from .settings import Values
from .upload_asked import Asked, Sender, utc
from .upload_records import KINDS, Found, Json

_MOST_PARTS = 10_000
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_BY_ADDRESS = {
    "url": "url",
    "civitai_model_url": "civitaiModelUrl",
    "hugging_face_model_name": "huggingFaceModelName",
}


class TooManyOpen(TooMany):
    """This caller has as many uploads open as the settings allow; only ending some helps."""

    retry = False


def check_asked(asked: Asked) -> None:
    """Raise BadInput naming the field unless this is one upload, of one mode."""
    named = [shown for name, shown in _BY_ADDRESS.items() if getattr(asked, name)]
    if len(named) > 1:
        raise BadInput(f"An upload has one source: {' or '.join(named)}?", field=named[1])
    if named and asked.parts:
        raise BadInput(f"What is fetched from {named[0]} is not sent in parts.", field="parts")
    if asked.kind and asked.kind not in KINDS:
        raise BadInput(f"kind is one of {', '.join(KINDS)}.", field="kind")
    if asked.sha256 and not _SHA256.fullmatch(asked.sha256):
        raise BadInput("sha256 is 64 hex digits.", field="sha256")
    if asked.url and not asked.kind:
        raise BadInput("An upload from a url must say its kind.", field="kind")
    if not named:
        _check_multipart(asked)


def _check_multipart(asked: Asked) -> None:
    if not (asked.kind or asked.file_name or asked.file_size or asked.parts):
        raise BadInput(
            "Say what to upload: url, civitaiModelUrl, huggingFaceModelName, "
            "or kind, fileName, fileSize and parts."
        )
    needed = {
        "kind": asked.kind,
        "fileName": asked.file_name,
        "fileSize": asked.file_size,
        "parts": asked.parts,
    }
    for name, value in needed.items():
        if not value:
            raise BadInput(f"{name} is needed for an upload in parts.", field=name)
    if asked.parts > _MOST_PARTS:
        raise BadInput(f"An upload has at most {_MOST_PARTS} parts.", field="parts")
    if asked.parts > asked.file_size:
        raise BadInput("There are more parts than bytes.", field="parts")


def check_limits(asked: Asked, values: Values, others: Iterable[Json]) -> None:
    """Raise TooLarge or TooManyOpen when the settings are against one more beside these."""
    if asked.file_size > values.upload_limit_mb * 10**6:
        text = (
            f"A file may have {values.upload_limit_mb:,} MB; the setting upload_limit_mb says so."
        )
        raise TooLarge(text, field="fileSize")
    most = values.uploads_gb * 10**9
    sizes = [record["file_size"] for record in others]
    if len(sizes) >= values.uploads_open:
        raise TooManyOpen(
            f"{len(sizes)} uploads are open; complete or delete some.", retry_after=60
        )
    if sum(sizes) + asked.file_size > most:
        raise TooManyOpen(
            f"The open uploads and this one have more than {values.uploads_gb} GB together.",
            field="fileSize",
            retry_after=60,
        )


def new_record(asked: Asked, found: Found, sender: Sender, body: str) -> Json:
    """A new upload, pending; its path is to be filled in."""
    now = utc()
    name = asked.file_name or found.file_name
    kind = asked.kind or found.kind
    return {
        "id": f"upload_{secrets.token_hex(12)}",
        "order": time.time_ns(),
        "owner": sender.owner,
        "open_by": sender.owner,
        "caller": sender.caller,
        "body": body,
        "idempotency": idempotency(sender),
        "created_at": now,
        "updated_at": now,
        "times": {"pending": now},
        "status": "pending",
        "error": "",
        "kind": kind,
        "source": found.source,
        "provider": found.provider,
        "url": found.url,
        "fetch": found.fetch,
        "file_name": safe_name(name) if name else "",
        "named": bool(asked.file_name),
        "original_name": name,
        "content_type": asked.content_type,
        "file_size": asked.file_size or found.file_size,
        "parts_count": asked.parts,
        "wanted_sha256": (asked.sha256 or found.sha256).lower(),
        "sha256": "",
        # Models make no asset: what is asked of one is ignored.
        "asset_options": {} if kind == "model" else dict(asked.asset_options),
        "config": dict(asked.config),
        "folder": "",
        "path": "",
        "checked": {},
        "landing": {},
        "place": {},
        "entity_id": "",
    }


def idempotency(sender: Sender) -> str | None:
    """What an Idempotency-Key is remembered by; each owner has keys of their own."""
    if not sender.idempotency_key:
        return None
    return hashlib.sha256(f"{sender.owner}\n{sender.idempotency_key}".encode()).hexdigest()
