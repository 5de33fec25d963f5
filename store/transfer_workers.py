"""The threads of the transfers: one that starts runs when there is a turn, and one for each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .errors import CuratorError, StoreClosed
from .files import disk_error
from .settings import Settings
from .transfer_book import Book
from .transfer_parts import sync
from .transfer_patience import Later, Stopped
from .transfer_queue import Transfer, due
from .transfer_run import Run
from .transfer_uploads import Deliveries

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0


class Workers:
    """Lets transfers run, few at once, and does what their end asks for."""

    def __init__(
        self,
        book: Book,
        settings: Settings,
        target_of: Callable[[Transfer], Path],
        make_run: Callable[[Transfer, Path], Run],
        deliveries: Deliveries,
    ) -> None:
        """`target_of` may raise, as a run may."""
        self._book = book
        self._settings = settings
        self._target_of = target_of
        self._make_run = make_run
        self._deliveries = deliveries
        self._working: dict[str, threading.Thread] = {}
        self._closing = False
        self._scheduler = threading.Thread(
            target=self._schedule, name="curator-transfers", daemon=True
        )

    def start(self) -> None:
        """Begin to look whose turn it is."""
        self._scheduler.start()

    def close(self) -> None:
        """Stop what runs, and wait for it a little; nothing is written any more. Twice is fine."""
        with self._book.changed:
            self._closing = True
            for transfer in self._book.transfers.values():
                self.stop(transfer)
            threads = list(self._working.values())
            self._book.changed.notify_all()
        if self._scheduler.is_alive():
            threads.append(self._scheduler)
        end = time.monotonic() + _CLOSE_SECONDS
        for thread in threads:
            # One that still waits for an answer finds the store closed when it comes.
            thread.join(max(0.0, end - time.monotonic()))

    @property
    def closing(self) -> bool:
        """Whether no run begins any more."""
        return self._closing

    def is_working(self, key: str) -> bool:
        """Whether a run of this transfer has not ended yet, even if it is asked to."""
        return key in self._working

    def stop(self, transfer: Transfer) -> None:
        """Ask its run to end."""
        if transfer.run:
            transfer.run.stop()

    def _schedule(self) -> None:
        with self._book.changed:
            while not self._closing:
                values = self._settings.values
                chosen, wait = due(
                    self._book.transfers.values(),
                    self._working.keys(),
                    at_once=values.transfers_at_once,
                    per_host=values.transfers_per_host,
                )
                for transfer in chosen:
                    self._begin(transfer)
                if not chosen:
                    self._book.changed.wait(wait)

    def _begin(self, transfer: Transfer) -> None:
        thread = threading.Thread(
            target=self._work, args=(transfer,), name="curator-transfer", daemon=True
        )
        self._working[transfer.record["id"]] = thread
        if transfer.state != "placed":
            self._book.begin(transfer)
        thread.start()

    def _work(self, transfer: Transfer) -> None:
        """Top of a run's thread."""
        try:
            self._outcome(transfer)()
        except StoreClosed:
            pass  # the next start goes on with it
        except CuratorError as error:
            log.error("transfer of %s: %s", transfer.record["file"], error.text)
        except Exception:
            log.exception("transfer of %s", transfer.record["file"])
        finally:
            with self._book.changed:
                transfer.run = None
                del self._working[transfer.record["id"]]
                self._book.changed.notify_all()

    def _outcome(self, transfer: Transfer) -> Callable[[], None]:
        """Let it run; what is to be done then."""
        try:
            target = self._target_of(transfer)
            run = self._make_run(transfer, target)
            with self._book.changed:
                transfer.run = run
                if self._closing or transfer.state not in ("downloading", "placed"):
                    run.stop()
            if transfer.state != "placed" or not run.recheck():
                run.go()
            self._deliveries.arrived(transfer, target)
            return lambda: self._finish(transfer, target)
        except (Stopped, StoreClosed):
            return lambda: self._leave(transfer)
        except Later as later:
            text, until = later.text, time.time() + later.seconds
            return lambda: self._put_back(transfer, text, until)
        except OSError as error:
            text = disk_error(error, transfer.record["name"]).text
            return lambda: self._fail(transfer, text, None)
        except CuratorError as error:
            text, field = error.text, error.field
            return lambda: self._fail(transfer, text, field)
        except Exception:
            log.exception("transfer of %s", transfer.record["file"])
            text = "Something went wrong in Curator; its log says what."
            return lambda: self._fail(transfer, text, None)

    def _finish(self, transfer: Transfer, target: Path) -> None:
        with self._book.changed:
            transfer.job.progress(transfer.job.total or transfer.job.done)
            self._book.end(transfer, "done")
        # The bytes are right, and there for everyone. The record goes when no power cut can take
        # them any more; until then the next start looks at the file again.
        sync(target)
        with self._book.changed:
            self._book.forget(transfer)

    def _leave(self, transfer: Transfer) -> None:
        with self._book.changed:
            if transfer.state == "cancelled":
                self._book.clear(transfer)

    def _put_back(self, transfer: Transfer, text: str, until: float) -> None:
        with self._book.changed:
            if transfer.state == "downloading":
                self._book.change(transfer, state="queued", error=text, not_before=until)
            self._leave(transfer)

    def _fail(self, transfer: Transfer, text: str, field: str | None) -> None:
        with self._book.changed:
            if transfer.state in ("downloading", "placed"):
                self._book.change(transfer, state="error", error=text, field=field)
            self._leave(transfer)
        self._deliveries.failed(transfer, text, field)
