"""What upstream knows of the catalog's models, asked again: few requests, one change a batch."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from .catalog import Catalog
from .catalog_entries import Found, Json, with_changed
from .catalog_index import Index
from .errors import CuratorError, NotFound, UpstreamBusy, UpstreamFailed
from .jobs import Job, Jobs
from .json_values import mapping, mappings, text
from .metadata_merge import marked_removed, merged, merged_repository
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace

log = logging.getLogger(__name__)

T = TypeVar("T")

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_HASHES_A_BATCH = 100
_SINGLES_A_BATCH = 20
_FAILURES = 3
"""In a row; who fails so often is not asked for the others."""

Change = Callable[[Json], Json]


class _Key(NamedTuple):
    """By what an entry is found again after a person may have edited the file."""

    catalog: str
    slot: tuple[str, str]
    version_id: int | None


class Metadata:
    """Asks CivitAI and Hugging Face about every entry, in a thread of its own."""

    def __init__(
        self, catalog: Catalog, civitai: CivitAI, huggingface: HuggingFace, jobs: Jobs
    ) -> None:
        self._catalog = catalog
        self._civitai = civitai
        self._huggingface = huggingface
        self._jobs = jobs
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._job: Job | None = None
        self._status: dict[str, Json] = {}
        self._failures = 0

    def fetch(self) -> Json:
        """Begin, unless it goes on already: `{queued, files}` of what is still to be asked."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                targets = [found for found in self._all() if _has_source(found)]
                self._status = {found.file: {"status": "queued_metadata"} for found in targets}
                self._failures = 0
                self._thread = threading.Thread(
                    target=self._run, args=(targets,), name="curator-metadata", daemon=True
                )
                self._thread.start()
        files = [file for file, told in list(self._status.items()) if told["status"] in _UNDER_WAY]
        return {"queued": len(files), "files": files}

    def status(self) -> dict[str, Json]:
        """By file name `{status: queued_metadata|fetching_metadata|done|error, error?}`."""
        return dict(self._status)

    @property
    def fetching_count(self) -> int:
        """How many are still to be asked."""
        return sum(told["status"] in _UNDER_WAY for told in list(self._status.values()))

    def close(self) -> None:
        """End what is under way; what is known by then is kept."""
        with self._lock:
            thread, job = self._thread, self._job
        if job:
            job.cancel()
        if thread:
            thread.join()

    def _all(self) -> Iterator[Found]:
        for file in self._catalog.files.values():
            file.document.refresh()
            yield from file.index.found

    def _run(self, targets: Sequence[Found]) -> None:
        """Top of the thread."""
        try:
            with self._jobs.running("metadata", unit="models", total=len(targets)) as job:
                self._job = job
                self._ask(job, targets)
        except CuratorError as error:
            log.warning("The metadata cannot be fetched: %s", error.text)
        except Exception:
            # Whatever it was, what was under way is told as ended below.
            log.exception("fetching metadata")
        for file, told in list(self._status.items()):
            if told["status"] in _UNDER_WAY:
                self._status[file] = {"status": "error", "error": "It was ended before."}

    def _ask(self, job: Job, targets: Sequence[Found]) -> None:
        hashed = [found for found in targets if _sha256(found) and not _is_of_hub(found)]
        known: set[int] = set()
        for batch in _batches(hashed, _HASHES_A_BATCH):
            versions = self._by_hashes(batch)
            if versions is None:
                break
            changes = {id(found): change for found, change in self._matched(batch, versions)}
            self._apply(job, [(each, changes[id(each)]) for each in batch if id(each) in changes])
            known |= changes.keys()
        rest = [found for found in targets if id(found) not in known]
        for batch in _batches(rest, _SINGLES_A_BATCH):
            changes_: list[tuple[Found, Change | None]] = []
            try:
                for found in batch:
                    job.check()
                    changes_.append((found, self._single(found)))
            finally:
                self._apply(job, changes_)

    def _by_hashes(self, batch: Sequence[Found]) -> list[Json] | None:
        """What CivitAI has of these; None when it is to be asked one by one."""
        self._begin(batch)
        try:
            return self._civitai.versions_by_hash([_sha256(found) for found in batch])
        except (UpstreamFailed, UpstreamBusy):
            return None

    def _matched(
        self, batch: Sequence[Found], versions: Iterable[Json]
    ) -> Iterator[tuple[Found, Change]]:
        by_hash: dict[str, list[Json]] = {}
        for version in versions:
            for file in mappings(version.get("files")):
                told = text(mapping(file.get("hashes")).get("SHA256")).lower()
                by_hash.setdefault(told, []).append(version)
        for found in batch:
            # The same file may have been published as another version too.
            for version in by_hash.get(_sha256(found), ()):
                if found.version_id in (None, version.get("id")):
                    yield found, _merging(version)
                    break

    def _single(self, found: Found) -> Change | None:
        """What is to be made of an entry; None when there is nothing to know or asking failed."""
        self._begin([found])
        if self._failures >= _FAILURES:
            self._fail(found, "Upstream has failed several times; try again later.")
            return None
        try:
            change = self._asked(found)
        except NotFound:
            self._failures = 0
            return marked_removed
        except (UpstreamFailed, UpstreamBusy) as error:
            self._failures += 1
            self._fail(found, error.text)
        except CuratorError as error:
            self._fail(found, error.text)
        else:
            self._failures = 0
            return change
        return None

    def _asked(self, found: Found) -> Change | None:
        if found.version_id is not None:
            return _merging(self._civitai.version(found.version_id))
        if _is_of_hub(found):
            repository = self._huggingface.repository(text(found.entry.get("hf_repo")))
            return lambda entry: merged_repository(entry, repository)
        try:
            return _merging(self._civitai.version_by_hash(_sha256(found)))
        except NotFound:
            return None  # it need not come from there

    def _apply(self, job: Job, changes: Sequence[tuple[Found, Change | None]]) -> None:
        """Write what is new into the entries as they are by now, each catalog once."""
        wanted: dict[_Key, Change] = {
            _Key(found.catalog, found.slot, found.version_id): change
            for found, change in changes
            if change
        }
        for name, file in self._catalog.files.items():
            if any(key.catalog == name for key in wanted):
                file.change("edited", lambda index: (_edited(index, wanted), None))
        for found, _ in changes:
            if self._status[found.file]["status"] in _UNDER_WAY:
                self._status[found.file] = {"status": "done"}
        job.progress(job.done + len(changes))

    def _begin(self, batch: Iterable[Found]) -> None:
        for found in batch:
            self._status[found.file] = {"status": "fetching_metadata"}

    def _fail(self, found: Found, error: str) -> None:
        self._status[found.file] = {"status": "error", "error": error}


_UNDER_WAY = ("queued_metadata", "fetching_metadata")


def _edited(index: Index, wanted: Mapping[_Key, Change]) -> Json | None:
    def change(entry: Json) -> Json:
        found = Found(index.catalog, "", entry)
        made = wanted.get(_Key(index.catalog, found.slot, found.version_id))
        return made(entry) if made else entry

    return with_changed(index.data, change)


def _merging(version: Json) -> Change:
    return lambda entry: merged(entry, version)


def _sha256(found: Found) -> str:
    told = text(found.entry.get("hash"))
    return told.lower() if _SHA256.fullmatch(told) else ""


def _is_of_hub(found: Found) -> bool:
    return found.version_id is None and bool(text(found.entry.get("hf_repo")))


def _has_source(found: Found) -> bool:
    return found.version_id is not None or _is_of_hub(found) or bool(_sha256(found))


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
