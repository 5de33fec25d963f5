"""The way of an upload from its last byte to its place."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import CuratorError, Impossible, StoreClosed
from .files import disk_error
from .settings import Settings
from .transfer_patience import Later, Stopped
from .upload_book import ABORTED, Book
from .upload_joining import gather
from .upload_live import Live, Lives
from .upload_records import ENDED, Fetched, Json

if TYPE_CHECKING:
    from .model_checks import Checked
    from .thumbnails import Decoder
    from .upload_landing import UploadLanding
    from .upload_sources import UploadSources

log = logging.getLogger(__name__)

_OPEN = ("pending", "validating", "validated", "imported")


class Runs:
    """Fetches, checks and places one upload after the other; `fetch` and `finish` raise nothing."""

    def __init__(
        self,
        book: Book,
        lives: Lives,
        settings: Settings,
        sources: UploadSources,
        landing: UploadLanding,
        decoder: Decoder,
        *,
        fetched: Callable[[str], None],
        later: Callable[[str, float], None],
    ) -> None:
        """`fetched` is told of an upload whose bytes are there, `later` of one to try again."""
        self._book = book
        self._lives = lives
        self._settings = settings
        self._sources = sources
        self._landing = landing
        self._decoder = decoder
        self._fetched = fetched
        self._later = later

    def fetch(self, upload_id: str) -> None:
        """Get the bytes of an upload by address."""
        self._guarded(upload_id, self._fetch)

    def finish(self, upload_id: str) -> None:
        """Check an upload whose bytes are there, and place it; after a kill too."""
        self._guarded(upload_id, self._finish)

    def fail(self, record: Json, text: str) -> None:
        """It ends here, without its bytes."""
        with contextlib.suppress(Stopped):
            self._book.enter(record["id"], "failed", after=_OPEN, error=text)
        self.clear(record)

    def clear(self, record: Json) -> None:
        """Remove the bytes of one that has failed; until they are gone it counts as open."""
        self._sources.cancel(record["id"])
        self._lives.end(record)
        # Ended already, it may have been forgotten by now.
        with contextlib.suppress(KeyError):
            self._book.change(record["id"], open_by=None, fetch={})
        self._lives.forget(record["id"])

    def _guarded(self, upload_id: str, work: Callable[[Json, Live], None]) -> None:
        record = self._book.records.get(upload_id)
        if record is None or record["status"] in ENDED:
            return
        live = self._lives.get(record)
        try:
            self._attempt(record, live, work)
        except StoreClosed:
            return  # the next start goes on with it
        except CuratorError as error:
            log.error("upload %s: %s", upload_id, error.text)
        except Exception:
            log.exception("upload %s", upload_id)

    def _attempt(self, record: Json, live: Live, work: Callable[[Json, Live], None]) -> None:
        """Raises what keeps a failure from being written down."""
        try:
            work(record, live)
        except (Stopped, StoreClosed):
            if live.aborted:
                self.fail(record, ABORTED)
        except Later as later:
            self._later(record["id"], later.seconds)
        except CuratorError as error:
            self.fail(record, error.text)
        except OSError as error:
            self.fail(record, disk_error(error, record["file_name"] or "The file").text)
        except Exception:
            log.exception("upload %s", record["id"])
            self.fail(record, "Something went wrong in Curator; its log says what.")

    def _fetch(self, record: Json, live: Live) -> None:
        upload_id = record["id"]

        def save(state: Json) -> None:
            live.stop.check()
            self._book.change(upload_id, fetch=state)

        job = self._book.job(record)
        job.change("running")
        came = self._sources.fetch(
            upload_id, record["fetch"], Path(record["path"]), job=job, stop=live.stop, save=save
        )
        self._book.enter(upload_id, "validating", after=("pending",), **_known(record, came))
        self._fetched(upload_id)

    def _finish(self, record: Json, live: Live) -> None:
        upload_id = record["id"]
        checked: Checked | None = None
        if record["status"] == "validating":
            digest = self._digest(record, live)
            live.stop.check()
            checked = self._check(record)
            record = self._book.enter(
                upload_id,
                "validated",
                after=("validating",),
                sha256=digest,
                content_type=checked.content_type or record["content_type"],
                file_size=Path(record["path"]).stat().st_size,
                checked={
                    "kind": checked.kind,
                    "content_type": checked.content_type,
                    "ext": checked.ext,
                },
            )
        if record["status"] == "validated":
            record = self._land(record, live, checked or self._checked_before(record))
        self._lives.end(record)
        self._book.enter(upload_id, "complete", after=("imported",), fetch={})
        self._lives.forget(upload_id)

    def _land(self, record: Json, live: Live, checked: Checked) -> Json:
        def remember(facts: Json) -> None:
            live.stop.check()
            self._book.change(record["id"], landing=facts)

        landed = self._landing.land(
            record,
            Path(record["path"]),
            record["sha256"],
            checked,
            remember=remember,
            check=live.stop.check,
        )
        return self._book.enter(
            record["id"],
            "imported",
            after=("validated",),
            entity_id=landed.entity_id,
            file_name=landed.file_name or record["file_name"],
            place=landed.place,
        )

    def _digest(self, record: Json, live: Live) -> str:
        """The SHA-256 of the whole file. Raises Impossible when it is not the announced one."""
        if live.parts and live.prefix:
            live.parts.close()
            digest = gather(live.parts, live.prefix, live.stop.check)
            size = Path(record["path"]).stat().st_size
            if size != record["file_size"]:
                raise Impossible(f"It has {size} bytes, but fileSize says {record['file_size']}.")
        else:
            digest = record["sha256"]
        wanted = record["wanted_sha256"]
        if wanted and digest != wanted:
            raise Impossible(
                f"Wrong bytes: SHA-256 {wanted[:12]}… was announced, {digest[:12]}… came. "
                "They were thrown away; upload the file again."
            )
        return digest

    def _check(self, record: Json) -> Checked:
        from .model_checks import validate

        return validate(
            Path(record["path"]),
            record["kind"],
            name=record["file_name"],
            settings=self._settings,
            decoder=self._decoder,
        )

    def _checked_before(self, record: Json) -> Checked:
        """What was found before a kill; the file may lie in its place already."""
        from .model_checks import Checked

        if Path(record["path"]).is_file():
            return self._check(record)
        return Checked(**record["checked"])


def _known(record: Json, came: Fetched) -> Json:
    from .names import safe_name

    name = record["file_name"] if record["named"] else safe_name(came.file_name, fallback="")
    return {
        "sha256": came.sha256,
        "file_name": name or record["file_name"] or "file",
        "original_name": record["original_name"] or came.file_name,
        "content_type": came.content_type or record["content_type"],
    }
