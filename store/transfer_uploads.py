"""Files that are fetched for uploads, whose keeper is told when one is there or will not be.

What has come is written down there before the transfer is forgotten here, so that a kill in between
only makes it told again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from .names import safe_name
from .transfer_book import Book
from .transfer_parts import digest_of, sync
from .transfer_queue import Transfer
from .transfer_records import upload_of


class Receiver(Protocol):
    """Who keeps the uploads. Called from any thread."""

    def arrived(self, upload_id: str, sha256: str, name: str) -> None:
        """The whole file lies at its path, on the disk; told again after a kill."""
        ...

    def failed(self, upload_id: str, text: str, field: str | None) -> None:
        """It will not come; nothing is left of it."""
        ...

    def knows(self, upload_id: str) -> bool:
        """Whether this upload still waits for its file."""
        ...


class Deliveries:
    """Hands what transfers bring to the uploads that asked for it."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.receiver: Receiver | None = None

    def settle(self) -> None:
        """After a start: throw away what nobody waits for any more, and what had failed."""
        with self._book.changed:
            transfers = list(self._book.transfers.values())
        for transfer in transfers:
            upload = upload_of(transfer.record)
            if upload is None:
                continue
            waits = self.receiver is not None and self.receiver.knows(upload.id)
            if not waits or transfer.state == "error":
                self._book.drop(transfer)

    def arrived(self, transfer: Transfer, path: Path) -> None:
        """The file is in its place. Raises what the receiver raises; then it is told as failed."""
        upload = upload_of(transfer.record)
        if upload is None or self.receiver is None:
            return
        if not path.is_file():
            return  # told before a kill, and taken away since
        sync(path)
        sha256 = transfer.record["digest"] or digest_of(path, lambda: None).hexdigest()
        told = transfer.record["told_name"]
        self.receiver.arrived(upload.id, sha256, safe_name(told) if told else "")

    def failed(self, transfer: Transfer, text: str, field: str | None) -> None:
        """It has failed for good; nothing stays of it."""
        upload = upload_of(transfer.record)
        if upload is None or transfer.state != "error":
            return
        self._book.drop(transfer)
        if self.receiver is not None:
            self.receiver.failed(upload.id, text, field)
