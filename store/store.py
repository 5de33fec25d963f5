"""The store as a whole: opened once in a process, closed once."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Protocol, TypeVar

from .access import SESSIONS, Access
from .catalog import Catalog
from .catalog_exchange import Exchange
from .catalog_metadata import Metadata
from .catalog_updates import UPDATES, Updates
from .downloads import Downloads
from .engine import Database
from .errors import Misconfigured
from .events import Event, Events
from .gallery import GALLERY, Gallery
from .gallery_backfill import Backfill
from .gallery_models import GALLERY_MODELS
from .gallery_run_records import GALLERY_RUNS
from .gallery_runs import GalleryRuns
from .gallery_upkeep import GalleryUpkeep
from .host import Host
from .jobs import Jobs
from .library import Library
from .library_collections import Collections
from .library_exchange import LibraryExchange
from .library_export import Known
from .library_models import Models
from .library_records import MODELS, Records
from .library_shelf import HASHES, PLACES
from .library_tagging import Tagging
from .library_tags import COUNTERS, TAGS, Tags
from .lora_lookup import LoraLookup
from .made_with import on_disk
from .migration import MIGRATED, Migration
from .model_adding import ModelAdding
from .model_files import ModelFiles
from .model_landing import ModelLanding
from .organising import ORGANISED, Organising
from .picture_facts import PictureFacts
from .previews import Previews
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace
from .samples import SAMPLES, Samples
from .settings import Options, Settings
from .staging import FINISHED, PENDING, Staging
from .tags import CIVITAI_TAGS, CivitaiTags
from .transfers import FIRST_SEEN, TRANSFERS, Transfers
from .trash import TRASH, Trash
from .upload_landing import UploadLanding
from .upload_sources import UploadSources
from .uploads import UPLOAD_PARTS, UPLOADS, Uploads

COLLECTIONS = (
    *(SESSIONS, TRANSFERS, FIRST_SEEN, TRASH, UPDATES),
    *(GALLERY, GALLERY_RUNS, GALLERY_MODELS, CIVITAI_TAGS),
    *(PLACES, HASHES, MODELS, TAGS, COUNTERS, SAMPLES, PENDING, FINISHED, MIGRATED, *ORGANISED),
    *(UPLOADS, UPLOAD_PARTS),
)
"""All that the database keeps."""


class _Closes(Protocol):
    def close(self) -> None: ...


Closing = TypeVar("Closing", bound=_Closes)


class Store:
    """What the routes and nodes work with; one noun, one attribute."""

    def __init__(self, host: Host, options: Options) -> None:
        """Open everything below `host.data`. Raises Misconfigured or StoreHeld."""
        _make_writable(host.data)
        self.host = host
        self.settings = Settings(host.data / "settings.json", options)
        self.events = Events()
        self.jobs = Jobs(self.events)
        # Closed in the reverse order; also when what comes later cannot be opened.
        with contextlib.ExitStack() as self._undo:
            self.database = self._closed_in_the_end(
                Database.open(host.data / "database", COLLECTIONS, address=host.address)
            )
            self.access = Access(
                host.data / "access-key", self.database.collection("sessions"), given=options.key
            )
            self.civitai = self._closed_in_the_end(CivitAI(self.settings))
            self.huggingface = HuggingFace(self.settings, self.civitai.http)
            self._open_library()
            self._open_catalog()
            self._open_gallery()
            self._open_downloads()
            self._open_organising()
            self._open_uploads()
            self.events.listen(self._notify_host)
            self.transfers.start()
            self.organising.start()
            self.library.start()
            self.uploads.start()
            self.gallery_runs.start_again()
            self._closing = self._undo.pop_all()

    def _open_library(self) -> None:
        self.records = Records(self.database, self.events)
        self.model_tags = Tags(self.database, self.events)
        self.library = self._closed_in_the_end(
            Library(
                self.database,
                self.host,
                self.settings,
                self.events,
                self.jobs,
                self.records,
                self.model_tags,
            )
        )
        self.collections = Collections(self.database, self.events)
        self.samples = self._closed_in_the_end(
            Samples(self.database, self.host.data / "samples", self.events)
        )
        self.models = self._closed_in_the_end(
            Models(self.records, self.model_tags, self.samples, self.library.places)
        )
        self.staging = self._closed_in_the_end(
            Staging(
                self.database,
                self.records,
                self.model_tags,
                self.samples,
                self.library.places,
                self.jobs,
                self.events,
                look=self.library.scan,
            )
        )
        self.tagging = Tagging(self.database, self.model_tags, self.records, self.staging)
        self.migration = self._closed_in_the_end(
            Migration(
                self.database,
                self.host,
                self.records,
                self.model_tags,
                self.samples,
                self.staging,
                self.jobs,
            )
        )

    def _open_catalog(self) -> None:
        self.catalog = self._closed_in_the_end(Catalog(self.host, self.civitai, self.events))
        self.exchange = Exchange(self.catalog)
        self.trash = Trash(self.database, self.host, self.settings, self.events)
        self.model_files = ModelFiles(self.catalog, self.trash)
        self.metadata = self._closed_in_the_end(
            Metadata(self.catalog, self.civitai, self.huggingface, self.jobs)
        )
        self.catalog.fetching_count = lambda: self.metadata.fetching_count
        self.updates = self._closed_in_the_end(
            Updates(
                self.database, self.catalog.files.values(), self.civitai, self.jobs, self.events
            )
        )
        self.catalog.updates = self.updates
        self.adding = ModelAdding(
            self.catalog, self.civitai, self.huggingface, self.host, self.settings
        )
        self.picture_facts = PictureFacts(self.catalog, self.civitai)

    def _open_gallery(self) -> None:
        self.gallery = self._closed_in_the_end(
            Gallery(
                self.database, self.host, self.civitai, self.catalog, self.events, self.settings
            )
        )
        self.catalog.gallery_facts = self.gallery.catalog_facts
        self.gallery_runs = self._closed_in_the_end(
            GalleryRuns(
                self.database, self.gallery, self.civitai, self.settings, self.jobs, self.events
            )
        )
        self.gallery.run_facts = self.gallery_runs.facts
        self.thumbs_backfill = self._closed_in_the_end(Backfill(self.gallery, self.jobs))
        self.gallery_runs.on_new = self.thumbs_backfill.later
        self.previews = self._closed_in_the_end(
            Previews(self.host.data / "lookup", self.civitai, self.gallery.decoder, self.jobs)
        )
        self.civitai_tags = CivitaiTags(
            self.database, self.civitai, self.database.collection("gallery")
        )
        self.gallery.adoption.take_tags = self.civitai_tags.take

    def _open_downloads(self) -> None:
        self.transfers = self._closed_in_the_end(
            Transfers(self.database, self.host, self.civitai, self.settings, self.events, self.jobs)
        )
        self.catalog.transfer_facts = self.transfers.facts
        self.downloads = Downloads(self.catalog, self.transfers)
        self.lora_lookup = LoraLookup(self.catalog, self.civitai, self.downloads, self.settings)
        self.lora_lookup.on_added = self.previews.fetch

    def _open_organising(self) -> None:
        self.organising = self._closed_in_the_end(
            Organising(
                self.database,
                self.host,
                self.events,
                self.jobs,
                self.civitai,
                self.catalog,
                self.gallery,
                self.collections,
                self.library,
                self.model_tags,
                self.samples,
                self.trash,
                self.settings,
            )
        )
        self.library.tasks = self.organising.tasks
        known = Known(
            self.database,
            self.records,
            self.model_tags,
            self.collections,
            self.organising.lookup,
            self.organising.uses,
            self.samples,
            self.exchange,
            self.host.data / "gallery",
        )
        self.library_exchange = self._closed_in_the_end(
            LibraryExchange(
                self.host.data,
                known,
                self.gallery,
                self.library,
                self.settings,
                self.jobs,
                self.organising.tasks,
            )
        )
        self.gallery.models_used.on_disk = lambda told: on_disk(self.library.places, told)
        self.gallery_upkeep = GalleryUpkeep(
            self.gallery,
            self.catalog,
            self.collections,
            self.organising.tasks,
            self.settings.options,
        )

    def _open_uploads(self) -> None:
        self.model_landing = ModelLanding(self.host, self.catalog, self.records)
        self.model_landing.places = self.library.places
        sources = UploadSources(
            self.settings,
            self.civitai,
            self.huggingface,
            self.transfers,
            self.database.collection("uploads"),
        )
        self.uploads = self._closed_in_the_end(
            Uploads(
                self.database,
                self.host,
                self.settings,
                self.events,
                self.jobs,
                sources,
                UploadLanding(self.host, self.gallery, self.collections, self.model_landing),
                self.gallery.decoder,
                key=self.access.key,
            )
        )

    def _closed_in_the_end(self, opened: Closing) -> Closing:
        self._undo.callback(opened.close)
        return opened

    def close(self) -> None:
        """Let running work end, write the snapshot, give the lock back. Twice is fine."""
        self._closing.close()

    def _notify_host(self, event: Event) -> None:
        self.host.notify(event.topic, event.seq)


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise Misconfigured(
            f"The data folder {folder} cannot be written: {error.strerror}."
        ) from error
