"""Long work on the whole gallery: its index made anew, a Studio folder taken over, clearing up."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .catalog import Catalog
from .errors import BadInput
from .gallery import Gallery
from .jobs import Job
from .json_values import text
from .library_collections import Collections
from .model_addresses import OfCivitAI, understand
from .tasks import Tasks

if TYPE_CHECKING:
    from .catalog_entries import Found
    from .engine import Record
    from .settings import Options

REBUILD, ADOPTION, CLEANUP = "gallery-rebuild", "gallery-adoption", "gallery-cleanup"


class GalleryUpkeep:
    """Starts it; each kind goes on once at a time. How it went is told by `told`."""

    def __init__(
        self,
        gallery: Gallery,
        catalog: Catalog,
        collections: Collections,
        tasks: Tasks,
        options: Options,
    ) -> None:
        """`tasks` are closed by whoever made them."""
        self._gallery = gallery
        self._catalog = catalog
        self._options = options
        self._tasks = tasks
        gallery.cleaning.known_models = self._known_models
        self._collections = collections
        gallery.cleaning.keepers += [self._is_collected, self._is_preview]

    def rebuild(self, *, dry_run: bool = False) -> dict[str, Any]:
        """Make the index agree with the files; the job, as lists show it."""

        def work(job: Job, report: dict[str, Any]) -> None:
            try:
                self._gallery.rebuilding.run(job, report, dry_run=dry_run)
            finally:
                if not dry_run:
                    self._gallery.tell_all("rebuilt")

        return self._tasks.start(REBUILD, work, wanted=dry_run, unit="files")

    def adopt(self, path: str, *, dry_run: bool = True, copy: bool = False) -> dict[str, Any]:
        """Take over a folder of ComfyUI Studio's pictures; the job, as lists show it.

        Raises BadInput, NotFound for a path that is no such folder.
        """
        from .studio_folder import StudioFolder, check_folder

        check_folder(path)

        def work(job: Job, report: dict[str, Any]) -> None:
            folder = StudioFolder(path)
            try:
                self._gallery.adoption.run(job, report, folder, dry_run=dry_run, copy=copy)
            finally:
                if not dry_run:
                    self._gallery.tell_all("adopted")

        return self._tasks.start(ADOPTION, work, wanted=(path, dry_run, copy), unit="pictures")

    def clean_up(self, *, dry_run: bool = True) -> dict[str, Any]:
        """Remove what nothing refers to; the job, as lists show it."""

        def work(job: Job, report: dict[str, Any]) -> None:
            try:
                self._gallery.cleaning.run(job, report, dry_run=dry_run)
            finally:
                if not dry_run:
                    self._gallery.tell_all("removed")

        return self._tasks.start(CLEANUP, work, wanted=dry_run, unit="pictures")

    def told(self, job_id: str) -> dict[str, Any]:
        """`{job, report}` of work that was begun here. Raises NotFound."""
        return self._tasks.told(job_id)

    def wait(self, kind: str) -> None:
        """Until work of this kind is over."""
        self._tasks.wait(kind)

    def _known_models(self) -> set[int]:
        """Of both catalogs, and 0, whose pictures belong to no model that is known."""
        found, versions = {0}, set[int]()
        for file in self._catalog.files.values():
            file.document.refresh()
            for entry in file.index.found:
                model_id, version_id = self._ids(entry)
                if model_id is not None:
                    found.add(model_id)
                elif version_id is not None:
                    versions.add(version_id)
        return found | self._gallery.models_of(versions)

    def _ids(self, found: Found) -> tuple[int | None, int | None]:
        """The CivitAI model and version of an entry; its address tells what it does not say."""
        address = text(found.entry.get("url"))
        if found.model_id is None and found.version_id is None and address:
            with contextlib.suppress(BadInput):
                meant = understand(address, self._options)
                if isinstance(meant, OfCivitAI):
                    return meant.model_id, meant.version_id
        return found.model_id, found.version_id

    def _is_collected(self, record: Record) -> bool:
        return bool(self._collections.of("picture", record["id"]))

    def _is_preview(self, record: Record) -> bool:
        known = self._gallery.known_models
        return any(known.preview(each) == record["id"] for each in record["models"])
