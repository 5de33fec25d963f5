"""Housekeeping of the uploads, in one thread: what a start finds, what waits, what is abandoned."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .errors import CuratorError
from .upload_book import Book
from .upload_lanes import Lane
from .upload_live import Lives
from .upload_records import ENDED, Json
from .upload_run import Runs

log = logging.getLogger(__name__)

_SECONDS_BETWEEN = 600.0


class Keeper:
    """Takes up what an earlier run left, then looks after the uploads from time to time."""

    def __init__(
        self,
        book: Book,
        lives: Lives,
        runs: Runs,
        folder: Path,
        fetching: Lane,
        finishing: Lane,
        *,
        tidy: Callable[[], None],
    ) -> None:
        """`folder` is where uploads gather their bytes; `tidy` is called from time to time."""
        self._book = book
        self._lives = lives
        self._runs = runs
        self._folder = folder
        self._fetching = fetching
        self._finishing = finishing
        self._tidy = tidy
        self._changed = threading.Condition()
        self._later: list[tuple[float, str]] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="curator-uploads", daemon=True)

    def start(self) -> None:
        """Begin, without letting anybody wait."""
        self._thread.start()

    def close(self) -> None:
        """End; twice is fine."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(5)

    def later(self, upload_id: str, seconds: float) -> None:
        """Let it be fetched again after so long."""
        with self._changed:
            heapq.heappush(self._later, (time.monotonic() + seconds, upload_id))
            self._changed.notify_all()

    def _run(self) -> None:
        self._guarded(self._take_up)
        while self._wait_for_turn():
            self._guarded(self._look)
            self._guarded(self._tidy)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Top of the thread: what fails once is tried again the next time."""
        try:
            work()
        except CuratorError as error:
            log.error("uploads: %s", error.text)
        except Exception:
            log.exception("uploads")

    def _wait_for_turn(self) -> bool:
        """Put back what has waited long enough, until it is time to tidy up; False at the end."""
        end = time.monotonic() + _SECONDS_BETWEEN
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._fetching.put(heapq.heappop(self._later)[1])
                if now >= end:
                    return True
                self._changed.wait(min([end, *(when for when, _ in self._later[:1])]) - now)
        return False

    def _look(self) -> None:
        """Go on with what is to be done; also with what a full disk had stopped."""
        for record in list(self._book.all_open()):
            if self._closing:
                return
            if record["status"] == "failed":
                self._runs.clear(record)
            elif record["status"] != "pending":
                self._finishing.put(record["id"])
            elif record["source"] != "multipart":
                self._fetching.put(record["id"])

    def _take_up(self) -> None:
        """What an earlier run has left."""
        for record in list(self._book.all_open()):
            if record["status"] in ENDED:
                continue
            self._book.job(record)
            if record["status"] == "pending" and record["source"] == "multipart":
                self._wait_for_parts(record)
        self._look()
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                # A new upload is in the book before its file is made.
                if path.is_file() and not self._is_open(path.name.partition(".")[0]):
                    path.unlink(missing_ok=True)

    def _wait_for_parts(self, record: Json) -> None:
        live = self._lives.get(record)
        if live.parts is None or not Path(record["path"]).is_file():
            self._runs.fail(record, "Its bytes are gone; upload the file again.")
            return
        live.parts.clear_leftovers()
        if not live.parts.is_untouched:
            self._book.progress(record["id"], live.parts.received())
            self._lives.follow(live)

    def _is_open(self, upload_id: str) -> bool:
        record = self._book.records.get(upload_id)
        return record is not None and record["open_by"] is not None
