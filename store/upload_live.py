"""Open uploads as they are worked on: their parts, what of them is hashed, how to stop them."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from .transfer_parts import hidden_part
from .transfer_patience import Stop
from .upload_book import Book
from .upload_hashing import Follower, Prefix
from .upload_parts import Parts
from .upload_records import ENDED, Json

log = logging.getLogger(__name__)


class Live:
    """The parts of one upload with their digest (None when its bytes are fetched), and its stop."""

    def __init__(self, parts: Parts | None) -> None:
        self.parts = parts
        self.prefix = Prefix(parts) if parts else None
        self.stop = Stop()
        self.aborted = False
        """Whether a person has asked it to end, for good."""


class Lives:
    """Every upload that is worked on, made from its record when it is asked for first."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._lock = threading.Lock()
        self._lives: dict[str, Live] = {}
        self._follower = Follower(fail=self._complain)

    def get(self, record: Json) -> Live:
        """The one of this record."""
        if record["status"] in ENDED:
            return Live(None)
        with self._lock:
            live = self._lives.get(record["id"])
            if live is None:
                live = self._lives[record["id"]] = Live(self._parts(record))
            return live

    def follow(self, live: Live) -> None:
        """Hash what has come of it."""
        if live.parts and live.prefix:
            self._follower.follow(live.parts, live.prefix)

    def forget(self, upload_id: str) -> None:
        """It has ended, and whoever has looked at it meanwhile keeps it no more."""
        with self._lock:
            self._lives.pop(upload_id, None)

    def end(self, record: Json) -> None:
        """Throw away its bytes; nobody writes to them any more. Twice is fine."""
        with self._lock:
            live = self._lives.pop(record["id"], None)
        if live and live.parts:
            live.parts.close()
        remove_bytes(record)
        self._book.forget_parts(record["id"])

    def close(self) -> None:
        """Stop everything; what has come stays."""
        with self._lock:
            lives = list(self._lives.values())
        for live in lives:
            live.stop.set()
            if live.parts:
                live.parts.close()
        self._follower.close()

    def _parts(self, record: Json) -> Parts | None:
        state = self._book.parts_of(record)
        if state is None or not record["path"]:
            return None
        size, count = record["file_size"], record["parts_count"]
        return Parts(Path(record["path"]), state, self._book.save_parts, size=size, count=count)

    @staticmethod
    def _complain(parts: Parts, error: OSError) -> None:
        # It is read again when it is complete, and then the upload says what is wrong.
        log.warning("upload %s cannot be hashed yet: %s", parts.id, error.strerror)


def remove_bytes(record: Json) -> None:
    """Throw away the file of an upload, and the parts that lie beside it."""
    path = Path(record["path"])
    # A kill between the making of a file and its record leaves it where it was tried first.
    tried = hidden_part(Path(record["folder"]), record["id"])
    with contextlib.suppress(OSError):
        for each in [path, tried, *path.parent.glob(f"{path.name}.*")]:
            each.unlink(missing_ok=True)
