"""Everything out, and in again: exports, imports and backups as long work."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

from .backups import Backups
from .errors import BadInput
from .files import disk_error
from .gallery import Gallery
from .jobs import Job, Jobs
from .library import Library
from .library_export import Exports, Known
from .library_import import Import
from .names import local_path
from .settings import Settings
from .tasks import Tasks

Json = dict[str, Any]


class LibraryExchange:
    """Starts the work and knows the files. Thread-safe."""

    def __init__(
        self,
        data: Path,
        known: Known,
        gallery: Gallery,
        library: Library,
        settings: Settings,
        jobs: Jobs,
        tasks: Tasks,
    ) -> None:
        """Removes what a killed process left half written."""
        self.exports = Exports(data / "exports", known)
        self.backups = Backups(data, known.database, settings, jobs)
        self._import = Import(known, gallery, library.row)
        self._library = library
        self._tasks = tasks
        self._incoming = data / "exports" / "incoming"
        for folder in (data / "exports", data / "backups"):
            for leftover in folder.glob(".curator-*.tmp"):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
        for leftover in self._incoming.glob("*.zip"):
            leftover.unlink(missing_ok=True)

    def close(self) -> None:
        """End what is under way."""
        self.backups.close()

    def export(self, *, pictures: bool = True) -> Json:
        """Write an export: the job."""

        def work(job: Job, report: Json) -> None:
            self.exports.write(job, report, pictures=pictures)

        return self._tasks.start("export", work, wanted=pictures, unit="records")

    def take(self, path: str, *, dry_run: bool) -> Json:
        """Take an export of this machine's disk in: the job. Raises BadInput."""
        source = local_path(path, "path")
        if not source.is_file():
            raise BadInput("There is no such file.", field="path")

        def work(job: Job, report: Json) -> None:
            self._library.wait()
            self._import.run(job, report, source, dry_run=dry_run)

        return self._tasks.start("import", work, wanted=(path, dry_run), unit="records")

    @contextlib.contextmanager
    def receiving(self) -> Generator[tuple[IO[bytes], Path], None, None]:
        """A file for an export that comes in; gone when the block raises. Raises DiskFull."""
        path = self._incoming / f"{secrets.token_hex(8)}.zip"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                yield file, path
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise disk_error(error, "The export") from error
            raise

    def take_received(self, path: Path, *, dry_run: bool) -> Json:
        """Take what has come in; the file goes afterwards: the job."""

        def work(job: Job, report: Json) -> None:
            try:
                self._library.wait()
                self._import.run(job, report, path, dry_run=dry_run)
            finally:
                path.unlink(missing_ok=True)

        try:
            return self._tasks.start("import", work, wanted=path, unit="records")
        except BaseException:
            # Whatever kept the work from beginning: nobody else knows of the file.
            path.unlink(missing_ok=True)
            raise

    def back_up(self) -> Json:
        """Make a backup now: the job."""
        return self._tasks.start("backup", self.backups.make)
