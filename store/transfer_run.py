"""One run of a transfer: from its address, through the part, into its place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .engine import Collection
from .errors import Conflict, UpstreamBusy, UpstreamFailed, UpstreamUnfit
from .files import disk_error, place_new, same_content
from .jobs import Job
from .remote.http import Http
from .remote.streams import Stream
from .transfer_answers import ChangedUpstream, Start, asking, is_page, understand
from .transfer_parts import Sink, check_room, digest_of, place_of_part
from .transfer_records import Json, source_key
from .transfer_sources import Offer, Sources

_CHANGES = 3
"""How often a file may change upstream within one run."""


@dataclass(frozen=True)
class Patience:
    """How often a cut or an outage is sat out, and for how many seconds."""

    tries: int = 8
    """In a row, without a byte in between."""
    first: float = 1.0
    longest: float = 15.0
    busy_tries: int = 30
    """For a host that asks to come back later."""

    def wait(self, failures: int) -> float:
        """Seconds before the next try."""
        return min(self.first * 2 ** (failures - 1), self.longest)


class Stopped(Exception):
    """Somebody has paused or cancelled the transfer, or the store closes."""


class Later(Exception):
    """The host asks to come back after so many seconds, longer than a run sits still."""

    def __init__(self, seconds: float, text: str) -> None:
        super().__init__(text)
        self.seconds = seconds
        self.text = text


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


class Run:
    """Fetches one file. `go` returns when it lies in its place."""

    def __init__(
        self, record: Json, target: Path, job: Job, tools: Tools, patience: Patience
    ) -> None:
        """`target` is where the file belongs."""
        self._record = record
        self._target = target
        self._job = job
        self._tools = tools
        self._patience = patience
        self._stopped = threading.Event()
        self._stream: Stream | None = None
        self._sink: Sink | None = None
        self._offer: Offer | None = None
        self._have = 0
        self._resumed = False

    def stop(self) -> None:
        """Let it end at once: `go` raises Stopped. For any thread."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.interrupt()

    def go(self) -> None:
        """Fetch, verify, place.

        Raises Stopped, Later, Conflict for another file in its place, UpstreamUnfit for wrong
        bytes, DiskFull, and what the sources raise. The part stays, unless its bytes are wrong.
        """
        try:
            if self._is_there_already():
                return
            part = self._part()
            digest = self._fetched(part)
            if not self._is_right(digest) and self._resumed:
                # Perhaps the beginning was of another file, or did not survive a power cut.
                self._drop(part)
                digest = self._fetched(part)
            self._verify(part, digest)
            self._place(part, digest)
        except OSError as error:
            raise disk_error(error, self._record["name"]) from error
        finally:
            if self._sink is not None:
                self._sink.close()

    def recheck(self) -> bool:
        """After a crash: whether there is nothing more to do for a file that was being placed.

        What a power cut has torn is taken away; what somebody else put there stays.
        """
        mark = self._record["mark"]
        try:
            found = self._target.stat()
        except FileNotFoundError:
            return not Path(self._record["part"]).is_file()
        if digest_of(self._target, self._check).hexdigest() == self._record["digest"]:
            self._remove_part()
        elif found.st_ino == mark[0] and found.st_mtime_ns <= mark[1]:
            self._remove_part()
            self._target.unlink()
            return False
        return True

    def _is_there_already(self) -> bool:
        """Whether the very file lies there. Raises Conflict when it is another one."""
        if not self._target.is_file():
            return False
        expected = self._expected()
        if expected and digest_of(self._target, self._check).hexdigest() != expected:
            raise _another(self._record)
        # Without a hash a person knows best what was put there.
        self._remove_part()
        return True

    def _part(self) -> Path:
        text = self._record["part"]
        part = Path(text) if text else None
        if part is None or not part.is_file():
            part = place_of_part(self._tools.parts, self._target.parent, self._record["id"])
            self._save(part=str(part), total=None, validator="")
        return part

    def _fetched(self, part: Path) -> str:
        """The SHA-256 of the part, which holds the whole file then."""
        self._open(part)
        changes = 0
        while not self._is_complete():
            offer = self._offered()
            try:
                self._patiently(lambda: self._fetch(part, offer))  # noqa: B023 - called at once
            except ChangedUpstream as error:
                changes += 1
                if changes > _CHANGES:
                    text = "The file upstream is never as long as it says, or always another one."
                    raise UpstreamUnfit(text) from error
                self._offer = None
                self._drop(part)
                self._open(part)
        assert self._sink is not None
        return self._sink.finish()

    def _patiently(self, ask: Callable[[], None]) -> None:
        """Ask upstream, and again after a cut or an outage; what has come meanwhile counts."""
        failures = busy = 0
        while True:
            before = self._have
            try:
                return ask()
            except UpstreamUnfit:
                raise
            except UpstreamFailed:
                self._check()
                failures = 1 if self._have > before else failures + 1
                if failures > self._patience.tries:
                    raise
                self._resumed = self._resumed or self._have > 0
                self._wait(self._patience.wait(failures))
            except UpstreamBusy as error:
                self._check()
                busy = 1 if self._have > before else busy + 1
                if busy > self._patience.busy_tries:
                    raise
                self._wait_as_told(error, busy)

    def _open(self, part: Path) -> None:
        """Go on where the part ends; what it holds is read again."""
        total = self._record["total"]
        size = part.stat().st_size
        # Without validator and hash nothing would tell whether the rest is of the same file.
        goes_on = total and size <= total and (self._record["validator"] or self._expected())
        self._have = size if goes_on else 0
        self._job.restart_from(self._have)
        digest = digest_of(part, self._check, self._have)
        self._resumed = self._have > 0
        self._sink = Sink(part, digest, self._have)

    def _expected(self) -> str:
        """The SHA-256 that the catalog knows or the source announces; empty when neither does."""
        return self._record["sha256"] or self._offered().sha256

    def _is_complete(self) -> bool:
        return self._record["total"] is not None and self._have == self._record["total"]

    def _fetch(self, part: Path, offer: Offer) -> None:
        """Bytes, until the file is complete. Raises UpstreamFailed when they end before."""
        record = self._record
        headers = asking(self._have, record["validator"])
        self._check()
        with self._tools.http.stream(offer.address, headers, missing=offer.missing) as stream:
            self._stream = stream
            try:
                self._check()
                start = understand(stream, self._have, record["total"], record["validator"])
                self._begin(part, offer, start, stream)
                self._receive(stream, start.total)
            except UpstreamFailed:
                self._check()
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
        if start.offset < self._have:
            # It cannot send a part: all from the beginning, of the same file.
            self._drop(part)
            self._open(part)
        if total is not None:
            others = self._tools.promised(self._record["id"], part.parent)
            spare = 0 if self._have else total // 20
            check_room(part.parent, total - self._have + others, spare=spare)
        told = {"total": total, "validator": start.validator or self._record["validator"]}
        if any(self._record[key] != value for key, value in told.items()):
            # Before any byte of it lies in the part: after a kill it tells whose bytes those are.
            self._save(**told)
        self._job.progress(self._have, total)

    def _receive(self, stream: Stream, total: int | None) -> None:
        assert self._sink is not None
        while piece := stream.read():
            self._check()
            if not self._have and is_page(stream, piece, self._record["name"]):
                raise self._tools.http.page_instead(self._offered().address)
            if total is not None and self._have + len(piece) > total:
                raise UpstreamUnfit(f"{stream.name} sends more bytes than it announced.")
            self._sink.put(piece)
            self._have += len(piece)
            if self._job.progress(self._have):
                self._tools.told(self._record["id"])
        self._check()
        if total is None:
            self._save(total=self._have)
        elif self._have < total:
            raise UpstreamFailed(f"{stream.name} broke off in the middle of the file.")

    def _offered(self) -> Offer:
        if self._offer is None:
            self._patiently(self._ask_for_offer)
        assert self._offer is not None
        return self._offer

    def _ask_for_offer(self) -> None:
        source, sha256 = self._record["source"], self._record["sha256"]
        self._offer = self._tools.sources.offer(source, sha256)

    def _is_right(self, digest: str) -> bool:
        return self._expected() in ("", digest)

    def _verify(self, part: Path, digest: str) -> None:
        """Raise UpstreamUnfit unless these are the bytes that were announced or seen before."""
        if not self._is_right(digest):
            self._drop(part)
            raise UpstreamUnfit(
                f"Wrong bytes: SHA-256 {self._expected()[:12]}… was announced, "
                f"{digest[:12]}… came. They were thrown away."
            )
        if self._expected():
            return
        key = source_key(self._record["source"])
        seen = self._tools.first_seen.get(key)
        if seen is None or self._record["accepted"] == digest:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._tools.first_seen.put(
                {"source": key, "sha256": digest, "size": self._have, "seen_at": now}
            )
        elif seen["sha256"] != digest:
            # Nobody announces a hash, so only a person can say whether this is an update.
            self._save(accepted=digest)
            raise UpstreamUnfit(
                f"This is another file than that of {seen['seen_at'][:10]}: SHA-256 "
                f"{digest[:12]}… instead of {seen['sha256'][:12]}…. Try again to take it."
            )

    def _place(self, part: Path, digest: str) -> None:
        self._check()
        found = part.stat()
        self._save(state="placed", digest=digest, mark=[found.st_ino, found.st_mtime_ns])
        if not place_new(part, self._target):
            if not same_content(part, self._target):
                raise _another(self._record)
            self._remove_part()

    def _drop(self, part: Path) -> None:
        """Forget what has come; the part begins anew."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None
        part.write_bytes(b"")
        self._have = 0
        self._resumed = False
        self._save(total=None, validator="")

    def _remove_part(self) -> None:
        if self._record["part"]:
            Path(self._record["part"]).unlink(missing_ok=True)

    def _save(self, **changes: Any) -> None:
        self._check()
        self._tools.save(self._record, changes)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Stopped

    def _wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise Stopped

    def _wait_as_told(self, busy: UpstreamBusy, times: int) -> None:
        seconds = max(busy.retry_after or 0, self._patience.wait(times))
        if seconds > self._patience.longest:
            raise Later(seconds, busy.text)
        self._wait(seconds)


def _another(record: Json) -> Conflict:
    return Conflict(
        f"There is another file {record['name']} in {record['folder']}; it was left as it is."
    )
