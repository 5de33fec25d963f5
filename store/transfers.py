"""Transfers: a queue of files on their way into model folders, that survives restarts and kills."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from .engine import Database
from .errors import BadInput, Impossible, StoreClosed
from .events import Events
from .host import Host
from .jobs import Jobs
from .names import is_safe_name
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace
from .settings import Settings
from .transfer_book import JOB_STATES, Book
from .transfer_fetching import Tools
from .transfer_parts import check_room
from .transfer_patience import Patience
from .transfer_queue import Transfer
from .transfer_records import (
    FIRST_SEEN,
    TRANSFERS,
    Json,
    Slot,
    State,
    TransferFact,
    Wanted,
    id_of_upload,
    upload_of,
)
from .transfer_run import Run
from .transfer_sources import Sources
from .transfer_uploads import Deliveries, Receiver
from .transfer_workers import Workers

__all__ = ["FIRST_SEEN", "TRANSFERS", "TransferFact", "Transfers", "Wanted"]

_ACTIVE = ("queued", "downloading")
_SHOWN_SECONDS = 60.0
"""How long what has ended is still told of."""


class Transfers:
    """Fetches what is wanted, few at once; one transfer a place. All methods are thread-safe."""

    def __init__(
        self,
        database: Database,
        host: Host,
        civitai: CivitAI,
        settings: Settings,
        events: Events,
        jobs: Jobs,
    ) -> None:
        """Remembers the queue; `start` goes on with it."""
        self._host = host
        self.patience = Patience()
        sources = Sources(civitai, HuggingFace(settings, civitai.http))
        self._book = Book(
            database.collection("transfers"),
            jobs,
            events,
            host_of=sources.host,
            cancel=self.cancel,
        )
        self._tools = Tools(
            civitai.http,
            sources,
            database.collection("first_seen"),
            host.data / "transfers",
            self._book.save,
            self._book.tell_progress,
            self._book.promised,
        )
        self._deliveries = Deliveries(self._book)
        self._workers = Workers(
            self._book, settings, self._target_of, self._make_run, self._deliveries
        )
        self._book.remember(self._tools.parts)

    def deliver_to(self, receiver: Receiver) -> None:
        """Who is told of files for uploads; to be said before `start`."""
        self._deliveries.receiver = receiver

    def start(self) -> None:
        """Go on with what an earlier run left; paused ones stay paused."""
        self._deliveries.settle()
        self._workers.start()

    def close(self) -> None:
        """Stop what runs at once; the next start goes on with it. Twice is fine."""
        self._workers.close()

    def request(self, wanted: Wanted, *, sure_of_room: bool = False) -> State:
        """Queue it, unless it is on its way; what was paused or failed goes on.

        Whether there is room is looked at now too, unless the caller is `sure_of_room`.
        Raises Impossible for a place that no file can have, DiskFull with figures.
        """
        target = self._place(wanted.record(0))
        with self._book.changed:
            transfer = self._book.transfers.get(wanted.id)
            if transfer and transfer.state in (*_ACTIVE, "placed"):
                return "queued" if transfer.state == "queued" else "downloading"
            if self._workers.closing:
                raise StoreClosed("Curator is closing.")
            if wanted.size and not sure_of_room and not (transfer and transfer.record["total"]):
                check_room(target.parent, wanted.size, spare=wanted.size // 20)
            record = wanted.record(time.time_ns())
            if transfer:
                record.update(_kept(transfer.record, record))
            self._book.add(record)
            return "queued"

    def pause(self, key: str) -> bool:
        """Stop it, and keep what has come; False when there is nothing to pause."""
        with self._book.changed:
            transfer = self._book.transfers.get(key)
            if transfer is None or transfer.state not in (*_ACTIVE, "paused"):
                return False
            if transfer.state != "paused":
                self._workers.stop(transfer)
                self._book.change(transfer, state="paused", error=None, field=None)
            return True

    def resume(self, key: str) -> bool:
        """Go on with one that was paused or failed; False when there is none."""
        with self._book.changed:
            transfer = self._book.transfers.get(key)
            if transfer is None or transfer.state == "placed":
                return False
            if transfer.state not in _ACTIVE or transfer.record["not_before"]:
                self._book.change(transfer, state="queued", error=None, field=None, not_before=0.0)
            return True

    def cancel(self, key: str) -> bool:
        """End it and throw away what has come; False when there is nothing to cancel."""
        with self._book.changed:
            transfer = self._book.transfers.get(key)
            if transfer is None or transfer.state == "placed":
                ended = self._book.ended.get(key)
                return ended is not None and ended.job.state == "cancelled"
            self._workers.stop(transfer)
            self._book.change(transfer, state="cancelled", error=None)
            self._book.end(transfer, "cancelled")
            if not self._workers.is_working(key):
                self._book.clear(transfer)
            return True

    def of_upload(self, upload_id: str) -> TransferFact | None:
        """How the transfer for an upload stands; None when there is none (any more)."""
        transfer = self._book.transfers.get(id_of_upload(upload_id))
        return transfer.fact() if transfer else None

    def find(self, file: str, dest: str | None = None) -> list[str]:
        """The keys of the transfers of this file name, also of those that have just ended."""
        with self._book.changed:
            found = {**self._book.ended, **self._book.transfers}
        return [
            key
            for key, transfer in found.items()
            if transfer.record["file"] == file
            and dest in (None, transfer.record["dest"])
            and not upload_of(transfer.record)
        ]

    def facts(self) -> tuple[int, Mapping[Slot, TransferFact]]:
        """What is on its way or has failed, by its place, and a number that grows with changes."""
        stamp = self._book.stamp
        return stamp, {each.slot: each.fact() for each in self._going()}

    def shown(self) -> list[tuple[Json, TransferFact | None]]:
        """Record and fact of each, first those that ended a moment ago; they have no fact."""
        limit = time.monotonic() - _SHOWN_SECONDS
        with self._book.changed:
            ended = list(self._book.ended.values())
        found: list[tuple[Json, TransferFact | None]] = [
            (each.record, None)
            for each in ended
            if each.job.state == "done"
            and (each.job.ended or 0) > limit
            and not upload_of(each.record)
        ]
        return found + [(each.record, each.fact()) for each in self._going()]

    def _going(self) -> list[Transfer]:
        # Without the lock: who only looks does not wait for the disk.
        shown = (*JOB_STATES, "placed")
        found = list(self._book.transfers.values())
        return [each for each in found if each.state in shown and not upload_of(each.record)]

    def _make_run(self, transfer: Transfer, target: Path) -> Run:
        return Run(transfer.record, target, transfer.job, self._tools, self.patience)

    def _target_of(self, transfer: Transfer) -> Path:
        return self._place(transfer.record)

    def _place(self, record: Json) -> Path:
        """Where the file belongs. Raises Impossible for a place that no file can have."""
        upload = upload_of(record)
        if upload:
            return Path(upload.path)
        folder, name = record["folder"], record["name"]
        if not is_safe_name(name):
            raise Impossible(f"No file can be called {name!r} everywhere.", field="file")
        try:
            return self._host.places(folder)[0] / name
        except BadInput as error:
            raise Impossible(f"{folder!r} is no folder below the models.", field="dest") from error


def _kept(old: Json, new: Json) -> Json:
    """What a transfer that is asked for again goes on with, if it is of the same file."""
    if old["source"] != new["source"] or old["sha256"] != new["sha256"]:
        # The part is filled from the beginning.
        return {"part": old["part"]}
    return {key: old[key] for key in ("part", "total", "validator", "accepted")}
