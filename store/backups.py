"""Backups of the database and the catalogs: made by themselves, checked when made, a few kept."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
import zipfile
import zlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .engine import BrokenStore, Database, count_records
from .engine.lock import Ownership
from .errors import BadInput, CuratorError
from .files import disk_error, replacing, sync_folder
from .jobs import Job, Jobs
from .library_export import copy, listed_files, named_file
from .settings import Settings

log = logging.getLogger(__name__)

_PREFIX = "curator-backup-"
_SNAPSHOT = "curator.json"
_CATALOGS = ("models.json", "loras.json")
_FIRST_LOOK_SECONDS = 300.0
_BETWEEN_LOOKS_SECONDS = 900.0

Json = dict[str, Any]


class Backups:
    """Zips of what a person has said; pictures and models are not in them."""

    def __init__(self, data: Path, database: Database, settings: Settings, jobs: Jobs) -> None:
        """Starts to look now and then whether one is due."""
        self._data = data
        self._folder = data / "backups"
        self._database = database
        self._settings = settings
        self._jobs = jobs
        self._making = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="curator-backups", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Make no more."""
        self._closing.set()
        self._thread.join()

    def make(self, job: Job, report: Json) -> None:
        """Make one and check it: `{name, size_bytes, records, removed:[name]}`.

        Raises DiskFull, CuratorError when what was written is not what was to be; then there is
        none, and the older ones stay.
        """
        with self._making:
            self._database.compact()
            stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
            path = self._folder / f"{_PREFIX}{stamp}.zip"
            temporary = path.with_name(f".{path.name}.tmp")
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with temporary.open("wb") as file:
                    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
                        self._fill(packed, job)
                    file.flush()
                    os.fsync(file.fileno())
                records = check(temporary)
                temporary.replace(path)
                sync_folder(self._folder)
            except OSError as error:
                raise disk_error(error, "The backup") from error
            finally:
                temporary.unlink(missing_ok=True)
            removed = self._forget_old(path.name)
        report.update(name=path.name, size_bytes=path.stat().st_size, records=records)
        report.update(removed=removed)

    def listed(self) -> list[Json]:
        """Those that are there, newest first: `{name, size_bytes, created}`."""
        return listed_files(self._folder, _PREFIX)

    def path(self, name: str) -> Path:
        """The file of one. Raises NotFound."""
        return named_file(self._folder, name, _PREFIX)

    def _fill(self, packed: zipfile.ZipFile, job: Job) -> None:
        sources = [(self._data / "database" / _SNAPSHOT, f"database/{_SNAPSHOT}")]
        sources += [(self._data / name, name) for name in _CATALOGS]
        for path, name in sources:
            with contextlib.suppress(FileNotFoundError), path.open("rb") as source:

                def read(size: int, source: Any = source) -> bytes:
                    job.check()
                    return source.read(size)

                info = zipfile.ZipInfo(name, time.localtime()[:6])
                info.compress_type = zipfile.ZIP_DEFLATED
                with packed.open(info, "w", force_zip64=True) as target:
                    copy(read, target.write)

    def _forget_old(self, newest: str) -> list[str]:
        """The new one stays, also where an earlier clock was ahead of ours."""
        keep = max(1, self._settings.values.backups_kept)
        removed: list[str] = []
        others = [each for each in self.listed() if each["name"] != newest]
        for each in others[keep - 1 :]:
            with contextlib.suppress(OSError):
                (self._folder / each["name"]).unlink()
                removed.append(each["name"])
        return removed

    def _watch(self) -> None:
        """Top of a thread."""
        wait = _FIRST_LOOK_SECONDS
        while not self._closing.wait(wait):
            wait = _BETWEEN_LOOKS_SECONDS
            try:
                if self.is_due():
                    with self._jobs.running("backup", title="Backup") as job:
                        self.make(job, {})
            except CuratorError as error:
                log.error("No backup was made: %s", error.text)
            except Exception:
                # One that failed must not be the last: tomorrow's is made all the same.
                log.exception("making a backup")

    def is_due(self) -> bool:
        """Whether the newest one is older than the setting says, and backups are wanted."""
        values = self._settings.values
        if not values.backups_kept or not values.backup_hours:
            return False
        newest = max((each["created"] for each in self.listed()), default=0)
        age = time.time_ns() // 1_000_000 - newest
        # A time in the future is of a clock that was wrong.
        return age > values.backup_hours * 3_600_000 or age < 0


def check(path: Path) -> int:
    """Read a backup as a whole: the number of records in it. Raises CuratorError when it is bad."""
    try:
        room = tempfile.TemporaryDirectory(prefix=".curator-", suffix=".tmp", dir=path.parent)
        with room as folder, zipfile.ZipFile(path) as packed:
            if packed.testzip() is not None:
                raise CuratorError("The backup cannot be read back.")
            packed.extract(f"database/{_SNAPSHOT}", folder)
            return count_records(Path(folder) / "database")
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, BrokenStore) as error:
        raise CuratorError("The backup cannot be read back.") from error


def restore(data: Path, backup: Path) -> Json:
    """Put a backup in the place of the database and the catalogs of a store that nobody has open.

    What was there is kept in `before-restore-<time>` beside it: `{records, kept}`. Raises BadInput
    for what is no backup, StoreHeld.
    """
    if not backup.is_file():
        raise BadInput("There is no such backup.", field="name")
    records = check(backup)
    database = data / "database"
    database.mkdir(parents=True, exist_ok=True)
    ownership = Ownership(database)
    ownership.take("")
    try:
        kept = data / f"before-restore-{time.time_ns() // 1_000_000}"
        _exchange(data, backup, kept)
    except OSError as error:
        raise disk_error(error, "The restored store") from error
    finally:
        ownership.release()
    return {"records": records, "kept": kept.name}


def _exchange(data: Path, backup: Path, kept: Path) -> None:
    """Everything is written beside first; then names change, the old ones first."""
    fresh = kept / "new"
    names = (f"database/{_SNAPSHOT}", *_CATALOGS)
    with zipfile.ZipFile(backup) as packed:
        for name in set(names) & set(packed.namelist()):
            with packed.open(name) as source, replacing(fresh / name) as target:
                copy(source.read, target.write)
    (kept / "database").mkdir()
    for path in (data / "database").iterdir():
        if not path.name.startswith("curator.lock"):
            path.rename(kept / "database" / path.name)
    for name in names:
        if (fresh / name).exists():
            if (data / name).exists():
                (data / name).rename(kept / name)
            (fresh / name).rename(data / name)
    (fresh / "database").rmdir()
    fresh.rmdir()
