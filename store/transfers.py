"""Transfers: a queue of files on their way into model folders, that survives restarts and kills."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .engine import Database
from .errors import BadInput, CuratorError, Impossible, StoreClosed
from .events import Events
from .host import Host
from .jobs import Jobs
from .jobs import State as JobState
from .names import is_safe_name
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace
from .settings import Settings
from .transfer_parts import check_room, sync
from .transfer_queue import Transfer, due
from .transfer_records import (
    FIRST_SEEN,
    TRANSFERS,
    Json,
    Slot,
    State,
    TransferFact,
    Wanted,
)
from .transfer_run import Later, Patience, Run, Stopped, Tools
from .transfer_sources import Sources

__all__ = ["FIRST_SEEN", "TRANSFERS", "TransferFact", "Transfers", "Wanted"]

log = logging.getLogger(__name__)

_ACTIVE = ("queued", "downloading")
_JOB_STATES: Mapping[str, JobState] = {
    "queued": "queued",
    "downloading": "running",
    "paused": "paused",
    "error": "failed",
}
_SHOWN_SECONDS = 60.0
"""How long what has ended is still told of."""
_CLOSE_SECONDS = 10.0


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
        self._settings = settings
        self._events = events
        self._jobs = jobs
        self._records = database.collection("transfers")
        self._sources = Sources(civitai, HuggingFace(settings, civitai.http))
        self._tools = Tools(
            civitai.http,
            self._sources,
            database.collection("first_seen"),
            host.data / "transfers",
            self._save,
            self._tell_progress,
        )
        self.patience = Patience()
        self._changed = threading.Condition(threading.RLock())
        self._transfers: dict[str, Transfer] = {}
        self._ended: dict[str, Transfer] = {}
        self._working: dict[str, threading.Thread] = {}
        self._closing = False
        self._stamp = 0
        self._scheduler = threading.Thread(
            target=self._schedule, name="curator-transfers", daemon=True
        )
        with self._changed:
            self._remember()

    def start(self) -> None:
        """Go on with what an earlier run left; paused ones stay paused."""
        self._scheduler.start()

    def close(self) -> None:
        """Stop what runs at once; the next start goes on with it. Twice is fine."""
        with self._changed:
            self._closing = True
            for transfer in self._transfers.values():
                if transfer.run:
                    transfer.run.stop()
            working = list(self._working.values())
            self._changed.notify_all()
        end = time.monotonic() + _CLOSE_SECONDS
        if self._scheduler.is_alive():
            working.append(self._scheduler)
        for thread in working:
            thread.join(max(0.0, end - time.monotonic()))

    def request(self, wanted: Wanted, *, sure_of_room: bool = False) -> State:
        """Queue it, unless it is on its way; what was paused or failed goes on.

        Whether there is room is looked at now too, unless the caller is `sure_of_room`.
        Raises Impossible for a place that no file can have, DiskFull with figures.
        """
        target = self._target(wanted.folder, wanted.name)
        with self._changed:
            transfer = self._transfers.get(wanted.id)
            if transfer and transfer.state in (*_ACTIVE, "placed"):
                return "queued" if transfer.state == "queued" else "downloading"
            if self._closing:
                raise StoreClosed("Curator is closing.")
            if wanted.size and not sure_of_room and not (transfer and transfer.record["total"]):
                check_room(target.parent, wanted.size, spare=wanted.size // 20)
            record = wanted.record(time.time_ns())
            if transfer:
                record.update(_kept(transfer.record, record))
            self._records.put(record)
            self._enter(record)
            return "queued"

    def pause(self, key: str) -> bool:
        """Stop it, and keep what has come; False when there is nothing to pause."""
        with self._changed:
            transfer = self._transfers.get(key)
            if transfer is None or transfer.state not in (*_ACTIVE, "paused"):
                return False
            if transfer.state != "paused":
                self._change(transfer, state="paused", error=None, field=None)
                self._stop(transfer)
            return True

    def resume(self, key: str) -> bool:
        """Go on with one that was paused or failed; False when there is none."""
        with self._changed:
            transfer = self._transfers.get(key)
            if transfer is None or transfer.state == "placed":
                return False
            if transfer.state not in _ACTIVE:
                self._requeue(transfer)
            return True

    def cancel(self, key: str) -> bool:
        """End it and throw away what has come; False when there is nothing to cancel."""
        with self._changed:
            transfer = self._transfers.get(key)
            if transfer is None or transfer.state == "placed":
                ended = self._ended.get(key)
                return ended is not None and ended.job.state == "cancelled"
            self._change(transfer, state="cancelled")
            self._end(transfer, "cancelled")
            if key in self._working:
                self._stop(transfer)
            else:
                self._clear(transfer)
            return True

    def find(self, file: str, dest: str | None = None) -> list[str]:
        """The keys of the transfers of this file name, also of those that have just ended."""
        with self._changed:
            found = {**self._ended, **self._transfers}
        return [
            key
            for key, transfer in found.items()
            if transfer.record["file"] == file and dest in (None, transfer.record["dest"])
        ]

    def facts(self) -> tuple[int, Mapping[Slot, TransferFact]]:
        """What is on its way or has failed, by its place, and a number that grows with changes."""
        stamp = self._stamp
        shown = [each for each in list(self._transfers.values()) if each.state in _JOB_STATES]
        return stamp, {each.slot: each.fact() for each in shown}

    def shown(self) -> Iterable[tuple[Json, TransferFact | None]]:
        """Record and fact of each, first those that ended a moment ago; they have no fact."""
        limit = time.monotonic() - _SHOWN_SECONDS
        with self._changed:
            ended = [each for each in self._ended.values() if (each.job.ended or 0) > limit]
            going = [each for each in self._transfers.values() if each.state in _JOB_STATES]
        found: list[tuple[Json, TransferFact | None]] = [(each.record, None) for each in ended]
        return found + [(each.record, each.fact()) for each in going]

    # What the runs call, and what keeps record, job and listeners in step.

    def _save(self, record: Json, changes: Mapping[str, Any]) -> None:
        with self._changed:
            record.update(changes)
            self._records.put(record)

    def _change(self, transfer: Transfer, **changes: Any) -> None:
        """A new state, told to everybody, even if there is no room to write it down."""
        transfer.record.update(changes)
        try:
            self._records.put(transfer.record)
        finally:
            state = _JOB_STATES.get(transfer.state)
            if state:
                transfer.job.change(state, transfer.record["error"])
                self._tell(transfer)

    def _tell(self, transfer: Transfer) -> None:
        self._stamp += 1
        record, job = transfer.record, transfer.job
        self._events.publish(
            "transfers",
            id=record["id"],
            file=record["file"],
            dest=record["dest"],
            state=job.state if job.state in ("done", "cancelled") else transfer.state,
            done=job.done,
            total=job.total,
            rate=round(job.rate),
            eta_s=job.eta_s,
            error=record["error"],
        )

    def _tell_progress(self, key: str) -> None:
        transfer = self._transfers.get(key)
        if transfer:
            self._tell(transfer)

    def _requeue(self, transfer: Transfer) -> None:
        if transfer.job.is_over:
            self._enter(transfer.record)
        transfer = self._transfers[transfer.record["id"]]
        self._change(transfer, state="queued", error=None, field=None, not_before=0.0)
        self._changed.notify_all()

    def _enter(self, record: Json) -> None:
        """Make it one of ours, with a job of its own."""
        key = record["id"]
        job = self._jobs.add(
            "transfer",
            title=record["file"],
            unit="bytes",
            job_id=key,
            cancel=lambda: self.cancel(key),
        )
        job.done, job.total = _size_of(record["part"]), record["total"] or record["size"] or None
        transfer = Transfer(record, job, self._sources.host(record["source"]))
        self._transfers[key] = transfer
        self._ended.pop(key, None)
        state = _JOB_STATES.get(transfer.state)
        if state:
            job.change(state, record["error"])
            self._tell(transfer)
        self._changed.notify_all()

    def _end(self, transfer: Transfer, state: JobState) -> None:
        """It is over: nothing is to be done for it any more but to clear up."""
        key = transfer.record["id"]
        self._transfers.pop(key, None)
        self._ended[key] = transfer
        while len(self._ended) > 100:
            del self._ended[next(iter(self._ended))]
        transfer.job.change(state)
        self._tell(transfer)

    def _stop(self, transfer: Transfer) -> None:
        if transfer.run:
            transfer.run.stop()

    def _clear(self, transfer: Transfer) -> None:
        """Remove the part, then the record: a kill in between leaves no part that nobody knows."""
        _remove(transfer.record["part"])
        self._forget(transfer)

    def _forget(self, transfer: Transfer) -> None:
        key = transfer.record["id"]
        # It may have been asked for anew meanwhile.
        if key not in self._transfers:
            self._records.delete(key)

    def _remember(self) -> None:
        for record in sorted(self._records, key=lambda each: each["order"]):
            if record["state"] == "cancelled":
                _remove(record["part"])
                self._records.delete(record["id"])
                continue
            if record["state"] == "downloading":
                record["state"] = "queued"
            self._enter(record)
        known = {Path(each.record["part"]).name for each in self._transfers.values()}
        for part in self._tools.parts.glob("*.part"):
            if part.name not in known:
                part.unlink(missing_ok=True)

    # The scheduler's thread, and those of the runs.

    def _schedule(self) -> None:
        with self._changed:
            while not self._closing:
                values = self._settings.values
                chosen, wait = due(
                    self._transfers.values(),
                    self._working.keys(),
                    at_once=values.transfers_at_once,
                    per_host=values.transfers_per_host,
                )
                for transfer in chosen:
                    self._begin(transfer)
                if not chosen:
                    self._changed.wait(wait)

    def _begin(self, transfer: Transfer) -> None:
        key = transfer.record["id"]
        thread = threading.Thread(
            target=self._work, args=(transfer,), name="curator-transfer", daemon=True
        )
        self._working[key] = thread
        if transfer.state != "placed":
            transfer.record["state"] = "downloading"
            transfer.record["error"] = None
            transfer.job.change("running")
            self._tell(transfer)
        thread.start()

    def _work(self, transfer: Transfer) -> None:
        """Top of a run's thread."""
        try:
            self._outcome(transfer)()
        except CuratorError as error:
            # The record could not be written; in memory it is as it should be.
            log.error("transfer of %s: %s", transfer.record["file"], error.text)
        except Exception:
            log.exception("transfer of %s", transfer.record["file"])
        finally:
            with self._changed:
                transfer.run = None
                self._working.pop(transfer.record["id"], None)
                self._changed.notify_all()

    def _outcome(self, transfer: Transfer) -> Callable[[], None]:
        """Let it run; what is to be done then."""
        record = transfer.record
        try:
            target = self._target(record["folder"], record["name"])
            run = Run(record, target, transfer.job, self._tools, self.patience)
            with self._changed:
                transfer.run = run
                if self._closing or transfer.state not in ("downloading", "placed"):
                    run.stop()
            if transfer.state != "placed" or not run.recheck():
                run.go()
            return lambda: self._finish(transfer, target)
        except (Stopped, StoreClosed):
            return lambda: self._leave(transfer)
        except Later as later:
            text, until = later.text, time.time() + later.seconds
            return lambda: self._put_back(transfer, text, until)
        except CuratorError as error:
            text, field = error.text, error.field
            return lambda: self._fail(transfer, text, field)
        except Exception:
            log.exception("transfer of %s", record["file"])
            text = "Something went wrong in Curator; its log says what."
            return lambda: self._fail(transfer, text, None)

    def _finish(self, transfer: Transfer, target: Path) -> None:
        with self._changed:
            transfer.run = None
            transfer.job.progress(transfer.job.total or transfer.job.done)
            self._end(transfer, "done")
            self._changed.notify_all()
        # The bytes are right and there for everyone. The record goes when a power cut can no
        # longer take them; until then the next start looks at the file again.
        sync(target)
        with self._changed:
            self._forget(transfer)

    def _leave(self, transfer: Transfer) -> None:
        with self._changed:
            if transfer.state == "cancelled":
                self._clear(transfer)

    def _put_back(self, transfer: Transfer, text: str, until: float) -> None:
        with self._changed:
            if transfer.state == "downloading":
                self._change(transfer, state="queued", error=text, not_before=until)
            self._leave(transfer)

    def _fail(self, transfer: Transfer, text: str, field: str | None) -> None:
        with self._changed:
            if transfer.state in ("downloading", "placed"):
                self._change(transfer, state="error", error=text, field=field)
            self._leave(transfer)

    def _target(self, folder: str, name: str) -> Path:
        """Where the file belongs. Raises Impossible for a place that no file can have."""
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


def _size_of(part: str) -> int:
    try:
        return Path(part).stat().st_size if part else 0
    except OSError:
        return 0


def _remove(part: str) -> None:
    if part:
        Path(part).unlink(missing_ok=True)
