"""Which creates mean an upload that is there already: no twins, and no false ones."""

from __future__ import annotations

import time
from typing import Any

from .errors import Impossible
from .upload_asked import Asked, Sender
from .upload_asking import idempotency
from .upload_book import Book
from .upload_live import Lives
from .upload_records import Json

_SECONDS = 600
"""How long a fetch that is complete is still what a repeat of its create means."""


class Repeats:
    """Finds the upload that a create repeats; the caller sees to it that nobody makes one then."""

    def __init__(self, book: Book, lives: Lives) -> None:
        self._records = book.records
        self._lives = lives

    def find(self, asked: Asked, sender: Sender, body: str) -> Json | None:
        """The record, or None: then it is a new one.

        Raises Impossible for an Idempotency-Key that was used with another body.
        """
        key = idempotency(sender)
        if key:
            return self._of_key(key, body)
        page = self._records.page("by_body", body, descending=True, limit=100)
        return next((each for each in page.records if self._is_meant(each, asked, sender)), None)

    def _of_key(self, key: str, body: str) -> Json | None:
        found = self._records.page("by_idempotency", key, limit=1).records
        if found and found[0]["body"] != body:
            raise Impossible("This Idempotency-Key was used for another upload.")
        return found[0] if found else None

    def _is_meant(self, record: dict[str, Any], asked: Asked, sender: Sender) -> bool:
        """Whether a create of the very body of this upload means this upload."""
        if record["owner"] != sender.owner or record["status"] == "failed":
            return False
        again = sender.attempt > 0 and record["caller"] == sender.caller
        if not asked.is_multipart:
            # Fetched twice it would be the same: one that runs is joined by everybody.
            recent = record["order"] > time.time_ns() - _SECONDS * 10**9
            return record["status"] != "complete" or (again and recent)
        # Two files may well have one name and size: only what is said to be a repeat is one.
        if not again or record["status"] != "pending":
            return False
        parts = self._lives.get(record).parts
        return parts is not None and parts.is_untouched
