"""The bytes of one file, from upstream into its part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .engine import Collection
from .errors import UpstreamFailed, UpstreamUnfit
from .jobs import Job
from .remote.http import Http
from .remote.streams import Stream
from .transfer_answers import ChangedUpstream, Start, asking, is_page, understand
from .transfer_parts import Sink, check_room, digest_of
from .transfer_patience import Patience, Stop, patiently
from .transfer_records import Json, upload_of
from .transfer_sources import Offer, Sources

_CHANGES = 3
"""How often a file may change upstream within one run."""
_FIRST_TRIES = 3
"""Of an upload of which nothing has come yet."""
_LONGER = 4
"""So many times the usual patience for an upload of which something has come."""


@dataclass(frozen=True)
class Tools:
    """What every run works with."""

    http: Http
    sources: Sources
    first_seen: Collection
    parts: Path
    """The folder of parts, outside of all model folders."""
    save: Callable[[Json, Mapping[str, Any]], None]
    """Change a transfer's record."""
    told: Callable[[str], None]
    """There is progress worth showing, of the transfer with this id."""
    promised: Callable[[str, Path], int]
    """Bytes that others than this transfer will still put on the disk of a folder."""


class Fetching:
    """Fills the part of one transfer."""

    def __init__(
        self, record: Json, job: Job, tools: Tools, patience: Patience, stop: Stop
    ) -> None:
        self._record = record
        self._job = job
        self._tools = tools
        self._patience = patience
        self._stop = stop
        self._stream: Stream | None = None
        self._sink: Sink | None = None
        self._offer: Offer | None = None
        self._have = 0
        self._upload = upload_of(record)
        self.resumed = False
        """Whether the part was not filled in one go."""

    def interrupt(self) -> None:
        """End its waiting for bytes; for another thread."""
        stream = self._stream
        if stream is not None:
            stream.interrupt()

    def close(self) -> None:
        """Let go of the part; what has come is in it."""
        if self._sink is not None:
            self._sink.close()

    def fetch(self, part: Path) -> str:
        """The SHA-256 of the part, which holds the whole file then."""
        self._open(part)
        changes = 0
        while not self._is_complete():
            offer = self._offered()
            try:
                self._ask(lambda: self._receive_rest(part, offer))  # noqa: B023 - called at once
            except ChangedUpstream as error:
                changes += 1
                if changes > _CHANGES:
                    text = "The file upstream is never as long as it says, or always another one."
                    raise UpstreamUnfit(text) from error
                self._offer = None
                self.drop(part)
                self._open(part)
        assert self._sink is not None
        return self._sink.finish()

    def expected(self) -> str:
        """The SHA-256 that the catalog knows or the source announces; empty when neither does."""
        return self._record["sha256"] or self._offered().sha256

    def drop(self, part: Path) -> None:
        """Forget what has come; the part begins anew."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None
        part.write_bytes(b"")
        self._have = 0
        self.resumed = False
        self._save(total=None, validator="")

    def _open(self, part: Path) -> None:
        """Go on where the part ends; what it holds is read again."""
        total = self._record["total"]
        size = part.stat().st_size
        self._have = size if total and size <= total and self._may_go_on() else 0
        self._job.restart_from(self._have)
        digest = digest_of(part, self._stop.check, self._have)
        self.resumed = self._have > 0
        self._sink = Sink(part, digest, self._have)

    def _may_go_on(self) -> bool:
        """Whether something tells that the rest is of the same file as the beginning."""
        return bool(self._record["validator"] or self.expected())

    def _is_complete(self) -> bool:
        return self._record["total"] is not None and self._have == self._record["total"]

    def _receive_rest(self, part: Path, offer: Offer) -> None:
        """Bytes, until the file is complete. Raises UpstreamFailed when they end before."""
        record = self._record
        if self._have and not self._may_go_on():
            self.drop(part)
            self._open(part)
        self.resumed = self.resumed or self._have > 0
        headers = asking(self._have, record["validator"])
        self._stop.check()
        with self._tools.http.stream(offer.address, headers, missing=offer.missing) as stream:
            self._stream = stream
            try:
                self._stop.check()
                start = understand(stream, self._have, record["total"], record["validator"])
                self._begin(part, offer, start, stream)
                if stream.status != 416:
                    self._receive(stream, start.total)
            except UpstreamFailed:
                self._stop.check()
                raise
            finally:
                self._stream = None

    def _begin(self, part: Path, offer: Offer, start: Start, stream: Stream) -> None:
        total = start.total
        if offer.size and total is not None and total != offer.size:
            raise UpstreamUnfit(
                f"{stream.name} sends {total} bytes, but {offer.size} were announced."
            )
        if total == 0:
            raise UpstreamUnfit(f"{stream.name} sends an empty file.")
        self._check_limit(total or 0)
        if start.offset < self._have:
            # It cannot send a part: all from the beginning, of the same file.
            self.drop(part)
            self._open(part)
        if total is not None:
            others = self._tools.promised(self._record["id"], part.parent)
            spare = 0 if self._have else total // 20
            check_room(part.parent, total - self._have + others, spare=spare)
        told: Json = {"total": total, "validator": start.validator or self._record["validator"]}
        if self._upload:
            told["told_name"] = stream.told_name or self._record["told_name"]
        if any(self._record[key] != value for key, value in told.items()):
            # Before any byte of it lies in the part: after a kill it tells whose bytes those are.
            self._save(**told)
        self._job.progress(self._have, total)

    def _receive(self, stream: Stream, total: int | None) -> None:
        assert self._sink is not None
        while piece := stream.read():
            self._stop.check()
            if not self._have and self._is_page(stream, piece):
                raise self._tools.http.page_instead(self._offered().address)
            if total is not None and self._have + len(piece) > total:
                raise UpstreamUnfit(f"{stream.name} sends more bytes than it announced.")
            self._check_limit(self._have + len(piece))
            self._sink.put(piece)
            self._have += len(piece)
            if self._job.progress(self._have):
                self._tools.told(self._record["id"])
        self._stop.check()
        if total is None:
            self._save(total=self._have)
        elif self._have < total:
            raise UpstreamFailed(f"{stream.name} broke off in the middle of the file.")

    def _is_page(self, stream: Stream, piece: bytes) -> bool:
        if self._upload and self._upload.pages:
            return False
        return is_page(stream, piece, self._record["name"])

    def _check_limit(self, size: int) -> None:
        if self._upload and size > self._upload.limit:
            raise UpstreamUnfit(
                f"The file is larger than {self._upload.limit // 10**6:,} MB, which the setting "
                "upload_limit_mb allows."
            )

    def _offered(self) -> Offer:
        if self._offer is None:
            self._ask(self._ask_for_offer)
        assert self._offer is not None
        return self._offer

    def _ask_for_offer(self) -> None:
        source, sha256 = self._record["source"], self._record["sha256"]
        self._offer = self._tools.sources.offer(source, sha256)

    def _ask(self, question: Callable[[], None]) -> None:
        patiently(question, self._patience_now, self._stop, lambda: self._have)

    def _patience_now(self) -> Patience:
        patience = self._patience
        if self._upload is None:
            return patience
        # One that never answers is told soon; one that fails later loses all that has come.
        tries = patience.tries * _LONGER if self._have else min(patience.tries, _FIRST_TRIES)
        return replace(patience, tries=tries)

    def _save(self, **changes: Any) -> None:
        self._stop.check()
        self._tools.save(self._record, changes)
