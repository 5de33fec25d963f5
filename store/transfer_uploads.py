"""Files that are fetched for uploads: who wants them is told when they are there, or will not be.

What is told is written down there before the transfer is forgotten here, so that a kill in between
only makes it told again.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from .errors import CuratorError
from .names import safe_name
from .transfer_book import Book
from .transfer_parts import digest_of, sync
from .transfer_queue import Transfer
from .transfer_records import Upload, upload_of

log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Who keeps the uploads. Called from any thread; nothing that is held may be waited for."""

    def arrived(self, upload_id: str, path: Path, sha256: str, name: str) -> None:
        """The whole file lies at `path`, on the disk; told again after a kill."""
        ...

    def failed(self, upload_id: str, text: str) -> None:
        """It will not come; what came of it goes. Of an upload that is over this means nothing."""
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
        """Throw away what nobody waits for (any more), tell of what had failed."""
        for transfer, upload in self._for_uploads():
            if self.receiver is None or not self.receiver.knows(upload.id):
                self._book.drop(transfer)
            elif transfer.state == "error":
                self.failed(transfer, str(transfer.record["error"]))

    def arrived(self, transfer: Transfer, path: Path) -> None:
        """The file is in its place. Raises what the receiver raises; then it is told as failed."""
        upload = upload_of(transfer.record)
        if upload is None or self.receiver is None:
            return
        if not path.is_file():
            return  # told before a kill, and taken away since
        sync(path)
        sha256 = transfer.record["digest"] or digest_of(path, lambda: None).hexdigest()
        name = safe_name(transfer.record["told_name"] or transfer.record["name"])
        self.receiver.arrived(upload.id, path, sha256, name)

    def failed(self, transfer: Transfer, text: str) -> None:
        """It has failed; nothing stays of it."""
        upload = upload_of(transfer.record)
        if upload is None or self.receiver is None or transfer.state != "error":
            return
        try:
            self.receiver.failed(upload.id, text)
        except CuratorError as error:
            # The next start tells it again.
            log.error("upload %s: %s", upload.id, error.text)
            return
        self._book.drop(transfer)

    def cancelled(self, key: str) -> None:
        """Somebody ends its job."""
        transfer = self._book.transfers.get(key)
        upload = upload_of(transfer.record) if transfer else None
        if transfer and upload and self.receiver and transfer.state != "placed":
            self.receiver.failed(upload.id, "The upload was cancelled.")

    def _for_uploads(self) -> list[tuple[Transfer, Upload]]:
        with self._book.changed:
            found = [(each, upload_of(each.record)) for each in self._book.transfers.values()]
        return [(transfer, upload) for transfer, upload in found if upload]
