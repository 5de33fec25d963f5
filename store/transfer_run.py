"""One run of a transfer: from its address, through the part, into its place."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .errors import Conflict, UpstreamUnfit
from .files import disk_error, place_new, same_content
from .jobs import Job
from .transfer_fetching import Fetching, Tools
from .transfer_parts import digest_of, place_of_part
from .transfer_patience import Patience, Stop
from .transfer_records import Json, source_key, upload_of


class Run:
    """Fetches one file. `go` returns when it lies in its place."""

    def __init__(
        self, record: Json, target: Path, job: Job, tools: Tools, patience: Patience
    ) -> None:
        """`target` is where the file belongs."""
        self._record = record
        self._target = target
        self._tools = tools
        self._stop = Stop()
        self._fetching = Fetching(record, job, tools, patience, self._stop)

    def stop(self) -> None:
        """Let it end at once: `go` raises Stopped. For any thread."""
        self._stop.set()
        self._fetching.interrupt()

    def go(self) -> None:
        """Fetch, verify, place.

        Raises Stopped, Later, Conflict for another file in its place, UpstreamUnfit for wrong
        bytes, DiskFull, and what the sources raise. The part stays, unless its bytes are wrong.
        """
        try:
            if self._is_there_already():
                return
            part = self._part()
            digest = self._fetching.fetch(part)
            if not self._is_right(digest) and self._fetching.resumed:
                # Perhaps the beginning was of another file, or did not survive a power cut.
                self._fetching.drop(part)
                digest = self._fetching.fetch(part)
            self._verify(part, digest)
            self._place(part, digest)
        except OSError as error:
            raise disk_error(error, self._record["name"]) from error
        finally:
            self._fetching.close()

    def recheck(self) -> bool:
        """After a crash: whether there is nothing more to do for a file that was being placed.

        What a power cut has torn is taken away; what somebody else put there stays.
        """
        mark = self._record["mark"]
        try:
            found = self._target.stat()
        except FileNotFoundError:
            return not Path(self._record["part"]).is_file()
        if digest_of(self._target, self._stop.check).hexdigest() == self._record["digest"]:
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
        expected = self._fetching.expected()
        if expected and digest_of(self._target, self._stop.check).hexdigest() != expected:
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

    def _is_right(self, digest: str) -> bool:
        return self._fetching.expected() in ("", digest)

    def _verify(self, part: Path, digest: str) -> None:
        """Raise UpstreamUnfit unless these are the bytes that were announced or seen before."""
        if not self._is_right(digest):
            self._fetching.drop(part)
            raise UpstreamUnfit(
                f"Wrong bytes: SHA-256 {self._fetching.expected()[:12]}… was announced, "
                f"{digest[:12]}… came. They were thrown away."
            )
        if self._fetching.expected() or upload_of(self._record):
            return
        key = source_key(self._record["source"])
        seen = self._tools.first_seen.get(key)
        if seen is None or self._record["accepted"] == digest:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._tools.first_seen.put(
                {"source": key, "sha256": digest, "size": part.stat().st_size, "seen_at": now}
            )
        elif seen["sha256"] != digest:
            # Nobody announces a hash, so only a person can say whether this is an update.
            self._save(accepted=digest)
            raise UpstreamUnfit(
                f"This is another file than that of {seen['seen_at'][:10]}: SHA-256 "
                f"{digest[:12]}… instead of {seen['sha256'][:12]}…. Try again to take it."
            )

    def _place(self, part: Path, digest: str) -> None:
        self._stop.check()
        found = part.stat()
        self._save(state="placed", digest=digest, mark=[found.st_ino, found.st_mtime_ns])
        if not place_new(part, self._target):
            if not same_content(part, self._target):
                raise _another(self._record)
            self._remove_part()

    def _remove_part(self) -> None:
        if self._record["part"]:
            Path(self._record["part"]).unlink(missing_ok=True)

    def _save(self, **changes: Any) -> None:
        self._stop.check()
        self._tools.save(self._record, changes)


def _another(record: Json) -> Conflict:
    return Conflict(
        f"There is another file {record['name']} in {record['folder']}; it was left as it is."
    )
