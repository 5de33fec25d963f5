"""Uploads: anything in, from anywhere, resumable and checked."""

from __future__ import annotations

import heapq
import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .engine import Database
from .errors import BadInput, Conflict, CuratorError, Impossible
from .events import Events
from .files import disk_error
from .host import Host
from .jobs import Jobs
from .locks import KeyedLock
from .model_landing import check_type
from .settings import Settings
from .thumbnails import Decoder
from .transfer_parts import check_room, place_of_part
from .upload_asking import check_asked, check_limits, idempotency, new_record
from .upload_book import ABORTED, Book
from .upload_joining import needs_copy
from .upload_lanes import Lane
from .upload_live import Live, Lives
from .upload_parts import PartWriter
from .upload_records import (
    ENDED,
    UPLOAD_PARTS,
    UPLOADS,
    Asked,
    Found,
    Json,
    Sender,
    shown,
    utc,
)
from .upload_run import Runs
from .upload_signing import Signer

if TYPE_CHECKING:
    from .upload_landing import UploadLanding
    from .upload_sources import UploadSources

__all__ = ["UPLOADS", "UPLOAD_PARTS", "Uploads"]

log = logging.getLogger(__name__)

_FINISHING = 2
"""Uploads hashed and checked at once; each takes a core."""
_FETCHING = 16
"""Threads that wait for a fetch; how many run at once is the transfers' affair."""
_LOOK_SECONDS = 600.0
_REPEAT_SECONDS = 600.0
"""How long a fetch that has begun is what a repeat of its create means."""
_MISSING_SHOWN = 1000
_ABORT_SECONDS = 10.0


class Uploads:
    """Every upload. All methods are thread-safe; those that change something touch the disk."""

    def __init__(
        self,
        database: Database,
        host: Host,
        settings: Settings,
        events: Events,
        jobs: Jobs,
        sources: UploadSources,
        landing: UploadLanding,
        decoder: Decoder,
        *,
        key: str,
    ) -> None:
        """Remembers the uploads; `start` goes on with them. `key` is that of the door."""
        self._host = host
        self._settings = settings
        self._folder = host.data / "uploads"
        self._sources = sources
        self._landing = landing
        self.signer = Signer(host.data / "upload-secret", key)
        self._book = Book(database, jobs, events, cancel=self.abort)
        self._lives = Lives(self._book)
        self._runs = Runs(
            self._book,
            self._lives,
            settings,
            sources,
            landing,
            decoder,
            fetched=lambda upload_id: self._finishing.put(upload_id),
            later=self._wake_later,
        )
        self._finishing = Lane("curator-upload", self._runs.finish, lambda: _FINISHING)
        self._fetching = Lane(
            "curator-upload-fetch",
            self._runs.fetch,
            lambda: _FETCHING,
        )
        self._locks = KeyedLock()
        self._wake = threading.Condition()
        self._later: list[tuple[float, str]] = []
        self._closing = False
        self._keeper = threading.Thread(target=self._keep, name="curator-uploads", daemon=True)

    def start(self) -> None:
        """Go on with what an earlier run left, in a thread."""
        self._keeper.start()

    def close(self) -> None:
        """Stop what runs at once; the next start goes on with it. Twice is fine."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._lives.close()
        self._finishing.close()
        self._fetching.close()
        if self._keeper.is_alive():
            self._keeper.join(5)

    def check(self, asked: Asked) -> None:
        """What `create` would refuse without asking anybody: BadInput, TooLarge."""
        check_asked(asked)
        check_limits(asked, self._settings.values, ())
        self._landing.check(asked)

    def create(self, asked: Asked, sender: Sender, body: str) -> Json:
        """The new upload, or the one that this create repeats (`body` tells equal ones).

        Raises BadInput, TooLarge, TooMany, DiskFull, Impossible, and what its source raises.
        """
        self.check(asked)
        with self._locks.hold(sender.owner):
            repeated = self._repeated(asked, sender, body)
            if repeated:
                return repeated
        found = Found("multipart", "other", {}, "", asked.kind)
        if not asked.is_multipart:
            found = self._sources.resolve(asked)
        with self._locks.hold(sender.owner):
            # Asking has taken its time: meanwhile the repeat may have been here.
            repeated = self._repeated(asked, sender, body)
            return repeated or self._made(asked, found, sender, body)

    def get(self, upload_id: str) -> Json:
        """The upload as it is shown. Raises NotFound."""
        return self._shown(self._book.get(upload_id), whole=True)

    def listed(self, *, status: str = "", limit: int = 100, offset: int = 0) -> Json:
        """`{uploads, total}`, the newest first; of one status only, if one is given."""
        index, value = ("by_status", status) if status else ("newest", None)
        page = self._book.records.page(index, value, descending=True, limit=limit, offset=offset)
        return {
            "uploads": [self._shown(record, whole=False) for record in page.records],
            "total": page.total,
        }

    def begin_part(
        self, upload_id: str, number: int, length: int | None, expires: int, signature: str
    ) -> PartWriter:
        """A writer of one part, for who has its signed address.

        Raises NotLetIn, NotFound, TooLarge, DiskFull, Conflict when no parts are taken any more.
        """
        self.signer.check(upload_id, number, expires, signature)
        record = self._book.get(upload_id)
        parts = self._live(record).parts
        if parts is None:
            raise Conflict("This upload takes no parts any more.")
        return parts.begin(number, length)

    def write_part(self, writer: PartWriter, pieces: Sequence[bytes]) -> None:
        """More bytes of it. Raises as the writer does."""
        writer.write(pieces)
        self._book.progress(writer.upload_id, writer.received())

    def finish_part(self, writer: PartWriter) -> str:
        """It is whole and surely there: its ETag. Raises as the writer does."""
        tag = writer.finish()
        record = self._book.records.get(writer.upload_id)
        if record:
            self._lives.follow(self._live(record))
        return tag

    def complete(self, upload_id: str) -> Json:
        """All parts are sent: check and place it. Of one that is past that, its state.

        Raises NotFound, Conflict with the missing parts, Impossible when its size is another one.
        """
        with self._locks.hold(upload_id):
            record = self._book.get(upload_id)
            live = self._live(record)
            if record["status"] == "pending" and live.parts:
                self._check_parts(live)
                record = self._book.enter(upload_id, "validating", after=("pending",))
                live.parts.closed = True
                self._finishing.put(upload_id)
        return self._shown(record, whole=True)

    def abort(self, upload_id: str, why: str = ABORTED) -> Json:
        """End one that is open, its bytes go at once; of one that has ended, its state."""
        with self._locks.hold(upload_id):
            record = self._book.get(upload_id)
            if record["status"] not in ENDED:
                live = self._live(record)
                live.aborted = True
                live.stop.set()
                self._fetching.drop(upload_id)
                self._finishing.drop(upload_id)
                gone = [
                    lane.wait(upload_id, _ABORT_SECONDS)
                    for lane in (self._fetching, self._finishing)
                ]
                record = self._book.get(upload_id)
                # Where it runs still, the run itself ends it as soon as it can.
                if record["status"] not in ENDED and all(gone):
                    self._runs.fail(record, why)
                    record = self._book.get(upload_id)
        return self._shown(record, whole=True)

    def delete(self, upload_id: str) -> Json | None:
        """Abort it if it is open, and show it; forget it if it has ended: None. Raises NotFound."""
        record = self._book.get(upload_id)
        if record["status"] not in ENDED:
            return self.abort(upload_id)
        self._book.remove(record)
        return None

    def tidy(self, now: float | None = None) -> None:
        """End uploads to which nothing has come for as long as the settings keep them."""
        hours = self._settings.values.uploads_keep_hours
        limit = utc((now or time.time()) - hours * 3600)
        for record in list(self._book.all_open()):
            if record["status"] != "pending" or record["source"] != "multipart":
                continue
            if self._shown(record, whole=False)["updatedAt"] < limit:
                self.abort(record["id"], f"Abandoned: nothing has come for {hours} hours.")

    def _made(self, asked: Asked, found: Found, sender: Sender, body: str) -> Json:
        check_limits(asked, self._settings.values, self._book.open_of(sender.owner))
        record = new_record(asked, found, sender, body)
        folder = _likely_folder(self._host, record)
        size = record["file_size"]
        if size:
            check_room(self._folder, size + self._promised(), spare=0)
        record["folder"] = str(folder)
        record["path"] = str(self._folder / f"{record['id']}.part")
        self._book.add(record)
        try:
            path = place_of_part(self._folder, folder, record["id"])
            if asked.is_multipart:
                _make_sparse(path, size)
            if str(path) != record["path"]:
                record = self._book.change(record["id"], path=str(path))
        except CuratorError:
            self._runs.fail(record, "There was no room for it.")
            self._book.remove(self._book.get(record["id"]))
            raise
        if not asked.is_multipart:
            self._fetching.put(record["id"])
        return self._shown(record, whole=True)

    def _repeated(self, asked: Asked, sender: Sender, body: str) -> Json | None:
        """The upload that this create means, if it has been made already."""
        key = idempotency(sender)
        if key:
            found = self._book.records.page("by_idempotency", key, limit=1).records
            if found and found[0]["body"] != body:
                raise Impossible("This Idempotency-Key was used for another upload.")
            return self._shown(found[0], whole=True) if found else None
        same = self._book.records.page("by_body", body, descending=True, limit=100).records
        for record in same:
            if self._is_meant(record, asked, sender):
                return self._shown(record, whole=True)
        return None

    def _is_meant(self, record: Json, asked: Asked, sender: Sender) -> bool:
        """Whether a create of the very body of this upload means this upload."""
        if record["owner"] != sender.owner or record["status"] == "failed":
            return False
        again = sender.attempt > 0 and record["caller"] == sender.caller
        if asked.is_multipart:
            if not again or record["status"] != "pending":
                return False
            parts = self._live(record).parts
            return parts is not None and parts.is_untouched
        if record["status"] != "complete":
            return True
        return again and record["order"] > time.time_ns() - _REPEAT_SECONDS * 1e9

    def _check_parts(self, live: Live) -> None:
        assert live.parts is not None
        missing = live.parts.missing()
        if missing:
            told = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
            raise Conflict(
                f"{len(missing)} of {live.parts.count} parts are missing: {told}.",
                facts={"missing": missing[:_MISSING_SHOWN], "missing_count": len(missing)},
            )
        there = sum(live.parts.there().values())
        if there != live.parts.size:
            raise Impossible(
                f"The parts have {there} bytes together, but fileSize says {live.parts.size}. "
                "Send the wrong ones again.",
                field="fileSize",
            )
        if needs_copy(live.parts):
            check_room(live.parts.path.parent, live.parts.size, spare=0)

    def _promised(self) -> int:
        """Bytes that open uploads will still put on the disk."""
        pending = [each for each in self._book.all_open() if each["status"] == "pending"]
        return sum(max(0, each["file_size"] - self._received(each)) for each in pending)

    def _received(self, record: Json) -> int:
        if record["status"] != "pending":
            return record["file_size"]
        parts = self._live(record).parts
        return parts.received() if parts else self._book.done_of(record["id"])

    def _live(self, record: Json) -> Live:
        return self._lives.get(record)

    def _shown(self, record: Json, *, whole: bool) -> Json:
        if record["status"] in ENDED:
            return shown(record)
        told = shown(record, self._book.parts_of(record))
        told["receivedBytes"] = self._received(record)
        parts = self._live(record).parts if record["status"] == "pending" else None
        if whole and parts:
            there = parts.there()
            told["parts"] = [
                {"number": number, "received": number in there}
                for number in range(1, parts.count + 1)
            ]
        return told

    def _wake_later(self, upload_id: str, seconds: float) -> None:
        with self._wake:
            heapq.heappush(self._later, (time.monotonic() + seconds, upload_id))
            self._wake.notify_all()

    def _keep(self) -> None:
        """Top of the keeper's thread."""
        try:
            self._take_up()
            while self._wait_for_turn():
                self.tidy()
        except CuratorError as error:
            log.error("uploads: %s", error.text)
        except Exception:
            log.exception("uploads")

    def _wait_for_turn(self) -> bool:
        """Put back what has waited long enough; whether it is time to tidy up: False at close."""
        end = time.monotonic() + _LOOK_SECONDS
        with self._wake:
            while not self._closing:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._fetching.put(heapq.heappop(self._later)[1])
                if now >= end:
                    return True
                self._wake.wait(min([end, *(when for when, _ in self._later[:1])]) - now)
        return False

    def _take_up(self) -> None:
        """What an earlier run left: go on with it, or clear it up."""
        known: set[str] = set()
        for record in list(self._book.all_open()):
            if self._closing:
                return
            if record["status"] == "failed":
                self._runs.clear(record)
                continue
            known.add(record["id"])
            self._go_on(record)
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                upload_id = path.name.partition(".")[0]
                # One that has begun meanwhile is known to the book by now.
                if upload_id not in known and not self._is_open(upload_id):
                    path.unlink(missing_ok=True)

    def _go_on(self, record: Json) -> None:
        self._book.job(record)
        if record["status"] != "pending":
            self._finishing.put(record["id"])
        elif record["source"] != "multipart":
            self._fetching.put(record["id"])
        elif not Path(record["path"]).is_file():
            self._runs.fail(record, "Its bytes are gone; upload the file again.")
        else:
            live = self._live(record)
            assert live.parts is not None
            live.parts.clear_leftovers()
            self._book.progress(record["id"], live.parts.received())
            self._lives.follow(live)

    def _is_open(self, upload_id: str) -> bool:
        record = self._book.records.get(upload_id)
        return record is not None and record["open_by"] is not None


def _likely_folder(host: Host, record: Json) -> Path:
    """A folder on the disk where the file is going to lie, so that it need not be copied there."""
    if record["kind"] != "model":
        return host.data
    try:
        return host.places(check_type(host, record["config"]) or "checkpoints")[0]
    except BadInput:
        return host.models


def _make_sparse(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise disk_error(error, "the upload") from error
