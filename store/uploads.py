"""Uploads: anything in, from anywhere, resumable and checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .engine import Database
from .errors import Conflict, Impossible
from .events import Events
from .host import Host
from .jobs import Jobs
from .locks import KeyedLock
from .settings import Settings
from .thumbnails import Decoder
from .transfer_parts import check_room
from .upload_asked import Asked, Sender, utc
from .upload_asking import check_asked, check_limits
from .upload_book import ABORTED, Book
from .upload_joining import needs_copy
from .upload_keeping import Keeper
from .upload_lanes import Lane
from .upload_live import Lives
from .upload_making import Maker
from .upload_parts import Parts
from .upload_records import ENDED, UPLOAD_PARTS, UPLOADS, Found, Json, shown
from .upload_repeats import Repeats
from .upload_run import Runs
from .upload_signing import Signer
from .upload_writing import PartWriter

if TYPE_CHECKING:
    from .upload_landing import UploadLanding
    from .upload_sources import UploadSources

__all__ = ["UPLOADS", "UPLOAD_PARTS", "Uploads"]

_FINISHING = 2
"""Uploads hashed and checked at once; each takes a core."""
_FETCHING = 16
"""Threads that wait for a fetch; how many run at once is the transfers' affair."""
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
        folder = host.data / "uploads"
        self.signer = Signer(host.data / "upload-secret", key)
        self._settings = settings
        self._sources = sources
        self._landing = landing
        self._book = Book(database, jobs, events, cancel=self.abort)
        self._lives = Lives(self._book)
        self._runs = Runs(
            self._book,
            self._lives,
            settings,
            sources,
            landing,
            decoder,
            fetched=self._go_on,
            later=self._try_later,
        )
        self._finishing = Lane("curator-upload", self._runs.finish, _FINISHING)
        self._fetching = Lane("curator-upload-fetch", self._runs.fetch, _FETCHING)
        lanes = (self._fetching, self._finishing)
        self._keeper = Keeper(self._book, self._lives, self._runs, folder, *lanes, tidy=self.tidy)
        self._maker = Maker(host, settings, self._book, self._runs, folder, self._received)
        self._repeats = Repeats(self._book, self._lives)
        self._locks = KeyedLock()

    def start(self) -> None:
        """Go on with what an earlier run left, in a thread."""
        self._keeper.start()

    def close(self) -> None:
        """Stop what runs at once; the next start goes on with it. Twice is fine."""
        self._lives.close()
        self._finishing.close()
        self._fetching.close()
        self._keeper.close()

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
            repeated = self._repeats.find(asked, sender, body)
        if repeated:
            return self._shown(repeated, whole=True)
        found = Found("multipart", "other", {}, "", asked.kind)
        if not asked.is_multipart:
            found = self._sources.resolve(asked)
        with self._locks.hold(sender.owner):
            # Asking has taken its time: meanwhile the repeat may have been here.
            record = self._repeats.find(asked, sender, body)
            if record is None:
                record = self._maker.make(asked, found, sender, body)
                if not asked.is_multipart:
                    self._fetching.put(record["id"])
        return self._shown(record, whole=True)

    def get(self, upload_id: str) -> Json:
        """The upload as it is shown. Raises NotFound."""
        return self._shown(self._book.get(upload_id), whole=True)

    def listed(self, *, status: str = "", limit: int = 100, offset: int = 0) -> Json:
        """`{uploads, total}`, the newest first; of one status only, if one is given."""
        index, value = ("by_status", status) if status else ("newest", None)
        page = self._book.records.page(index, value, descending=True, limit=limit, offset=offset)
        uploads = [self._shown(record, whole=False) for record in page.records]
        return {"uploads": uploads, "total": page.total}

    def begin_part(
        self, upload_id: str, number: int, length: int | None, expires: int, signature: str
    ) -> PartWriter:
        """A writer of one part, for who has its signed address.

        Raises NotLetIn, NotFound, TooLarge, DiskFull, Conflict when no parts are taken any more.
        """
        self.signer.check(upload_id, number, expires, signature)
        parts = self._lives.get(self._book.get(upload_id)).parts
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
            self._lives.follow(self._lives.get(record))
        return tag

    def complete(self, upload_id: str) -> Json:
        """All parts are sent: check and place it. Of one that is past that, its state.

        Raises NotFound, Conflict with the missing parts, Impossible when its size is another one.
        """
        with self._locks.hold(upload_id):
            record = self._book.get(upload_id)
            parts = self._lives.get(record).parts
            if record["status"] == "pending" and parts:
                # Whoever sends a part just now is too late, or is counted.
                with parts.lock:
                    _check_parts(parts)
                    record = self._book.enter(upload_id, "validating", after=("pending",))
                    parts.closed = True
                self._finishing.put(upload_id)
        return self._shown(record, whole=True)

    def abort(self, upload_id: str, why: str = ABORTED) -> Json:
        """End one that is open, its bytes go at once; of one that has ended, its state."""
        with self._locks.hold(upload_id):
            record = self._book.get(upload_id)
            if record["status"] not in ENDED:
                live = self._lives.get(record)
                live.aborted = True
                live.stop.set()
                lanes = (self._fetching, self._finishing)
                gone = [lane.stop(upload_id, _ABORT_SECONDS) for lane in lanes]
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

    def _go_on(self, upload_id: str) -> None:
        self._finishing.put(upload_id)

    def _try_later(self, upload_id: str, seconds: float) -> None:
        self._keeper.later(upload_id, seconds)

    def _received(self, record: Json) -> int:
        if record["status"] != "pending":
            return record["file_size"]
        parts = self._lives.get(record).parts
        return parts.received() if parts else self._book.done_of(record["id"])

    def _shown(self, record: Json, *, whole: bool) -> Json:
        if record["status"] in ENDED:
            return shown(record)
        told = shown(record, self._book.parts_of(record))
        told["receivedBytes"] = self._received(record)
        parts = self._lives.get(record).parts if record["status"] == "pending" else None
        if whole and parts:
            there = parts.there()
            numbers = range(1, parts.count + 1)
            told["parts"] = [{"number": each, "received": each in there} for each in numbers]
        return told


def _check_parts(parts: Parts) -> None:
    """Raise Conflict, Impossible or DiskFull unless the parts can be made the file."""
    missing = parts.missing()
    if missing:
        told = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        raise Conflict(
            f"{len(missing)} of {parts.count} parts are missing: {told}.",
            facts={"missing": missing[:_MISSING_SHOWN], "missing_count": len(missing)},
        )
    there = sum(parts.there().values())
    if there != parts.size:
        raise Impossible(
            f"The parts have {there} bytes together, but fileSize says {parts.size}. "
            "Send the wrong ones again.",
            field="fileSize",
        )
    if needs_copy(parts):
        check_room(parts.path.parent, parts.size, spare=0)
