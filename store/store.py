"""The store as a whole: opened once in a process, closed once."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

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
from .library_shelf import PLACES
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


class Store:
    """What the routes and nodes work with; one noun, one attribute."""

    def __init__(self, host: Host, options: Options) -> None:
        """Open everything below `host.data`. Raises Misconfigured or StoreHeld."""
        _make_writable(host.data)
        self.host = host
        self.settings = Settings(host.data / "settings.json", options)
        self.events = Events()
        self.jobs = Jobs(self.events)
        with contextlib.ExitStack() as undo:
            self.database = Database.open(
                host.data / "database",
                (SESSIONS, GALLERY, TRANSFERS, FIRST_SEEN, TRASH, UPDATES)
                + (MODELS, TAGS, COUNTERS, SAMPLES, PENDING, FINISHED, MIGRATED)
                + ORGANISED
                + (PLACES,)
                + (UPLOADS, UPLOAD_PARTS)
                + (GALLERY_RUNS, GALLERY_MODELS, CIVITAI_TAGS),
                address=host.address,
            )
            undo.callback(self.database.close)
            self.records = Records(self.database, self.events)
            self.model_tags = Tags(self.database, self.events)
            self.library = Library(
                self.database,
                host,
                self.settings,
                self.events,
                self.jobs,
                self.records,
                self.model_tags,
            )
            undo.callback(self.library.close)
            self.collections = Collections(self.database, self.events)
            self.samples = Samples(self.database, host.data / "samples", self.events)
            undo.callback(self.samples.close)
            self.models = Models(self.records, self.model_tags, self.samples, self.library.places)
            undo.callback(self.models.close)
            self.staging = Staging(
                self.database,
                self.records,
                self.model_tags,
                self.samples,
                self.library.places,
                self.jobs,
                self.events,
                look=self.library.scan,
            )
            undo.callback(self.staging.close)
            self.tagging = Tagging(self.database, self.model_tags, self.records, self.staging)
            self.migration = Migration(
                self.database,
                host,
                self.records,
                self.model_tags,
                self.samples,
                self.staging,
                self.jobs,
            )
            undo.callback(self.migration.close)
            self.access = Access(
                host.data / "access-key", self.database.collection("sessions"), given=options.key
            )
            self.civitai = CivitAI(self.settings)
            undo.callback(self.civitai.close)
            self.catalog = Catalog(host, self.civitai, self.events)
            undo.callback(self.catalog.close)
            self.gallery = Gallery(
                self.database, host, self.civitai, self.catalog, self.events, self.settings
            )
            undo.callback(self.gallery.close)
            self.catalog.gallery_facts = self.gallery.catalog_facts
            self.gallery_runs = GalleryRuns(
                self.database, self.gallery, self.civitai, self.settings, self.jobs, self.events
            )
            undo.callback(self.gallery_runs.close)
            self.thumbs_backfill = Backfill(self.gallery, self.jobs)
            undo.callback(self.thumbs_backfill.close)
            self.gallery_runs.on_new = self.thumbs_backfill.later
            self.previews = Previews(
                host.data / "lookup", self.civitai, self.gallery.decoder, self.jobs
            )
            undo.callback(self.previews.close)
            self.civitai_tags = CivitaiTags(
                self.database, self.civitai, self.database.collection("gallery")
            )
            self.gallery.run_facts = self.gallery_runs.facts
            self.transfers = Transfers(
                self.database, host, self.civitai, self.settings, self.events, self.jobs
            )
            undo.callback(self.transfers.close)
            self.exchange = Exchange(self.catalog)
            self.trash = Trash(self.database, host, self.settings, self.events)
            self.organising = Organising(
                self.database,
                host,
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
            undo.callback(self.organising.close)
            known = Known(
                self.database,
                self.records,
                self.model_tags,
                self.collections,
                self.organising.lookup,
                self.organising.uses,
                self.samples,
                self.exchange,
                host.data / "gallery",
            )
            self.library_exchange = LibraryExchange(
                host.data,
                known,
                self.gallery,
                self.library,
                self.settings,
                self.jobs,
                self.organising.tasks,
            )
            undo.callback(self.library_exchange.close)
            self.library.tasks = self.organising.tasks
            self.gallery.models_used.on_disk = lambda told: on_disk(self.library.places, told)
            self.gallery_upkeep = GalleryUpkeep(
                self.gallery, self.catalog, self.collections, self.organising.tasks
            )
            self.model_files = ModelFiles(self.catalog, self.trash)
            self.catalog.transfer_facts = self.transfers.facts
            self.downloads = Downloads(self.catalog, self.transfers)
            self.huggingface = HuggingFace(self.settings, self.civitai.http)
            self.metadata = Metadata(self.catalog, self.civitai, self.huggingface, self.jobs)
            undo.callback(self.metadata.close)
            self.catalog.fetching_count = lambda: self.metadata.fetching_count
            self.updates = Updates(
                self.database, self.catalog.files.values(), self.civitai, self.jobs, self.events
            )
            undo.callback(self.updates.close)
            self.catalog.updates = self.updates
            self.adding = ModelAdding(
                self.catalog, self.civitai, self.huggingface, host, self.settings
            )
            self.picture_facts = PictureFacts(self.catalog, self.civitai)
            self.lora_lookup = LoraLookup(self.catalog, self.civitai, self.downloads, self.settings)
            self.model_landing = ModelLanding(host, self.catalog, self.records)
            self.model_landing.places = self.library.places
            self.uploads = Uploads(
                self.database,
                host,
                self.settings,
                self.events,
                self.jobs,
                UploadSources(
                    self.settings,
                    self.civitai,
                    self.huggingface,
                    self.transfers,
                    self.database.collection("uploads"),
                ),
                UploadLanding(host, self.gallery, self.collections, self.model_landing),
                self.gallery.decoder,
                key=self.access.key,
            )
            undo.callback(self.uploads.close)
            self.lora_lookup.on_added = self.previews.fetch
            self.events.listen(self._notify_host)
            self.transfers.start()
            self.organising.start()
            self.library.start()
            self.uploads.start()
            self.gallery_runs.start_again()
            self._closing = undo.pop_all()

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
