"""How pictures come into the gallery: fetched from CivitAI, or taken from this machine."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .embedded import Embedded, of_civitai, read_embedded
from .engine import Collection, Record
from .errors import CuratorError, DiskFull, StoreClosed, TooLarge, UpstreamUnfit, WrongType
from .gallery_disk import GalleryDisk, Room
from .gallery_fetching import facts_of_image, find_lora, making_of
from .gallery_files import GalleryFiles, Incoming, stem_of
from .gallery_names import ModelNames
from .gallery_records import (
    Clock,
    Facts,
    enriched,
    find,
    lacks_making,
    new_record,
    own_id,
    with_links,
    written_at,
)
from .gallery_shown import enriched_sidecar, new_sidecar
from .locks import KeyedLock
from .media import Media, format_of
from .remote.civitai import CivitAI
from .remote.http import Downloaded
from .thumbnails import Decoder, examine
from .wholeness import Looked, look

if TYPE_CHECKING:
    from .catalog import Catalog
    from .gallery_run_crew import Gate

log = logging.getLogger(__name__)

FILE_LIMIT = 2 << 30
"""Bytes of a picture or video at most."""


class Adopted(NamedTuple):
    """A picture that was taken over, whether it is new here, and whether its star is."""

    record: Record
    is_new: bool
    got_star: bool


class Fetched(NamedTuple):
    """A picture that is here now, and whether it was fetched for that."""

    record: Record
    is_new: bool


class Intake:
    """The one way in: each picture once, whoever asks for it and however often at once."""

    def __init__(
        self,
        records: Collection,
        files: GalleryFiles,
        decoder: Decoder,
        civitai: CivitAI,
        catalog: Catalog,
        disk: GalleryDisk,
        names: ModelNames,
        tell: Callable[[Record, str], None],
    ) -> None:
        """`tell` is called with each record that was `added` or `changed`."""
        self._records = records
        self._files = files
        self._decoder = decoder
        self._civitai = civitai
        self._catalog = catalog
        self._disk = disk
        self._names = names
        self._tell = tell
        self.locks = KeyedLock()
        """By the picture's UUID, else its id: held while its files and record change."""
        self._clock = Clock()

    def fetch(self, image_id: int) -> Record:
        """The record of a CivitAI picture, fetched unless it is here.

        Raises what CivitAI raises, UpstreamFailed for a file that is no whole picture, DiskFull.
        """
        with self.locks.hold(f"number:{image_id}"):
            here = self._here(str(image_id))
            if here is None:
                return self._fetch(image_id)
            if not lacks_making(here):
                return here
            try:
                self.tell_making(image_id, self._civitai.generation(image_id))
            except (DiskFull, StoreClosed):
                raise
            except CuratorError as error:
                # The picture is here; how it was made is asked for again the next time.
                log.info("how picture %s was made is not told: %s", image_id, error.text)
            return self._here(str(image_id)) or here

    def tell_making(self, number: int, told: Mapping[str, Any]) -> None:
        """Add CivitAI's generation data to a picture that is here."""
        facts = _with_graph(making_of(number, told))
        here = self._here(facts.id)
        if here is None:
            return
        with self.locks.hold(f"file:{here['file_uuid'] or here['id']}"):
            here = self._here(facts.id)
            if here is not None and enriched(here, facts) != here:
                self._enrich(here, facts)

    def known(self, facts: Facts) -> Record | None:
        """The record of this picture under any of its ids, if its file is there."""
        return self._here(facts.id) or self._here(facts.file_uuid)

    def link(self, facts: Facts) -> None:
        """Add to a picture that is here what `facts` know: its model, versions, other id."""
        facts = _with_graph(facts)
        with self.locks.hold(f"file:{facts.file_uuid or facts.id}"):
            here = self.known(facts)
            if here is not None and enriched(here, facts) != here:
                self._enrich(here, facts)

    def fetch_listed(
        self,
        facts: Facts,
        address: str,
        place: Callable[[], AbstractContextManager[None]],
        gate: Gate,
    ) -> Fetched:
        """Fetch a picture that a list has told of, unless somebody else was faster.

        Holds a `place` while it downloads. Raises Cancelled as soon as the gate is shut, else as
        `fetch` does, and UpstreamUnfit for a file that is no whole picture.
        """
        with self.locks.hold(f"file:{facts.file_uuid or facts.id}"):
            here = self.known(facts)
            if here is not None:
                with gate.entered():
                    return Fetched(self._enrich(here, facts), False)
            with self._disk.room(1) as room, self._files.incoming() as incoming:
                with place(), incoming.writing() as file:
                    got = self._civitai.download(
                        address, file, limit=FILE_LIMIT, check=gate.check, need=room.need
                    )
                with gate.entered():
                    # Its thumbnail is made after the run, or when somebody looks before.
                    record = self._settle(incoming, facts, got, room, quickly=True)
            return Fetched(record, True)

    def find(self, key: str) -> Record | None:
        """The record under any of its ids, whether its file is there or not."""
        return find(self._records, key)

    def adopt(self, path: Path, facts: Facts, *, link: bool, again: bool = True) -> Adopted:
        """A picture that another program has gathered; its own file stays where it is.

        `again`: it was not this very taking over that has brought it under another id.
        `link`: one more name of the same file, where the disks allow it. Raises as `take`.
        """
        with self.locks.hold(f"file:{facts.file_uuid or facts.id}"):
            here = self.known(facts)
            if here is not None:
                # Of what was taken over before, a person has decided since.
                is_decided = again and bool(here.get("adopted"))
                star = facts.starred and not here["starred"] and not is_decided
                if enriched(here, facts) != here:
                    here = self._enrich(here, facts)
                if not is_decided:
                    starred = int(here["starred"] or facts.starred)
                    here = self._records.update(here["id"], {"adopted": 1, "starred": starred})
                return Adopted(here, False, star)
            size = path.stat().st_size
            with self._disk.room(size) as room, self._files.incoming() as incoming:
                got = self._link(path, incoming) if link else self._copy(path, incoming)
                record = self._place(incoming, replace(facts, adopted=True), got, room)
            return Adopted(record, True, facts.starred)

    def _link(self, path: Path, incoming: Incoming) -> Downloaded:
        """As `_copy`, without taking room where that is possible."""
        self._check_size(path)
        try:
            os.link(path, incoming.media)  # noqa: PTH200 - both paths stay as they are
        except OSError:
            return self._copy(path, incoming)
        return self.read(incoming.media)

    def take(self, path: Path, facts: Facts, *, move: bool) -> Record:
        """The record of this file, taken in unless its id is here. Raises WrongType, TooLarge."""
        with self.locks.hold(f"file:{facts.file_uuid or facts.id}"):
            here = self._here(facts.id)
            if here is not None:
                return here
            size = path.stat().st_size
            with self._disk.room(size) as room, self._files.incoming() as incoming:
                record = self._place(incoming, facts, self._copy(path, incoming), room)
            if move:
                path.unlink(missing_ok=True)
            return record

    def take_own(self, path: Path, *, name: str, model_id: int, move: bool) -> Record:
        """The record of a person's own picture, found again by its content. As `take`."""
        # What is here already needs no room: how much it takes is asked where it is known.
        with self._disk.room() as room, self._files.incoming() as incoming:
            got = self._copy(path, incoming)
            key = own_id(got.sha256)
            facts = Facts(
                id=key,
                name=name or path.name,
                source="own",
                model_id=model_id,
                model_name=self._names.name(model_id),
                created_at=written_at(path),
            )
            with self.locks.hold(f"file:{key}"):
                here = self._here(key)
                if here is None:
                    record = self._place(incoming, facts, got, room)
                elif model_id and model_id not in here["models"]:
                    record = self._enrich(here, facts)
                else:
                    record = here
        if move:
            path.unlink(missing_ok=True)
        return record

    def _copy(self, path: Path, incoming: Incoming) -> Downloaded:
        """A copy of the file under `incoming/`, with its hash. Raises WrongType, TooLarge."""
        self._check_size(path)
        with incoming.writing() as taken:
            return self.read(path, taken.write)

    def _check_size(self, path: Path) -> None:
        format_of(path)
        if path.stat().st_size > FILE_LIMIT:
            raise TooLarge(f"The file is larger than {FILE_LIMIT >> 30} GB.")

    @staticmethod
    def read(path: Path, write: Callable[[bytes], object] = len) -> Downloaded:
        """The file's size and hash; each piece of it is handed to `write`."""
        digest = hashlib.sha256()
        size = 0
        with path.open("rb") as given:
            while chunk := given.read(1 << 20):
                digest.update(chunk)
                write(chunk)
                size += len(chunk)
        return Downloaded(size, digest.hexdigest(), "")

    def examine(self, path: Path, thumbnail: Path) -> Media:
        """What a file is, and its thumbnail; as `thumbnails.examine`, by the decoder."""
        return self._decoder.run(lambda: examine(path, thumbnail))

    def next_added(self) -> int:
        """The place in the list of what is added now."""
        return self._clock.next()

    def _here(self, key: str) -> Record | None:
        """The record under any of its ids, if its file is there too."""
        record = find(self._records, key)
        return record if record and self._files.media(record).is_file() else None

    def _fetch(self, image_id: int) -> Record:
        item = self._civitai.image(image_id)
        told = self._civitai.generation(image_id)
        lora = find_lora(told, self._catalog.lora_model, self._civitai)
        page = self._civitai.image_page(image_id)
        facts = facts_of_image(image_id, item, told, lora, page)
        address = self._civitai.media_address(item["url"], str(item.get("type") or "image"))
        with self.locks.hold(f"file:{facts.file_uuid or facts.id}"):
            twin = self._here(facts.file_uuid)
            if twin is not None:
                return self._enrich(twin, facts)
            return self._download(address, facts)

    def _download(self, address: str, facts: Facts) -> Record:
        with self._disk.room(1) as room, self._files.incoming() as incoming:
            with incoming.writing() as file:
                got = self._civitai.download(address, file, limit=FILE_LIMIT, need=room.need)
            return self._settle(incoming, facts, got, room)

    def _settle(
        self,
        incoming: Incoming,
        facts: Facts,
        got: Downloaded,
        room: Room,
        *,
        quickly: bool = False,
    ) -> Record:
        """As `_place`, for a file that CivitAI is to blame for."""
        try:
            looked = look(incoming.media) if quickly else None
            return self._place(incoming, facts, got, room, looked)
        except (WrongType, TooLarge) as error:
            text = f"CivitAI's file of this picture is not usable. {error.text}"
            raise UpstreamUnfit(text) from error

    def _place(
        self,
        incoming: Incoming,
        facts: Facts,
        got: Downloaded,
        room: Room,
        looked: Looked | None = None,
    ) -> Record:
        """Make the file and its record part of the gallery; decoded, unless it was looked at."""
        if looked:
            media = looked.media
            facts = self.completed(facts, incoming.media, looked.embedded)
        else:
            media = self.examine(incoming.media, incoming.thumbnail)
            facts = self.completed(facts, incoming.media)
        known = find(self._records, facts.file_uuid) or find(self._records, facts.id)
        if known is not None:
            # Its file had gone; what a person has done to the item stays.
            facts = replace(facts, id=known["id"], starred=bool(known["starred"]))
        record = new_record(
            facts,
            media,
            stem=stem_of(facts.id),
            size=got.size,
            sha256=got.sha256,
            added=known["added"] if known else self._clock.next(),
        )
        if known is not None:
            record = with_links(record, known)
        if incoming.thumbnail.exists():
            record["thumb_size"] = incoming.thumbnail.stat().st_size
        room.need_for(record)
        self._files.place(incoming, record, new_sidecar(facts, record), self._records.put)
        self._disk.changed(known, record, room)
        self._tell_name(facts)
        self._tell(record, "added")
        return record

    def _tell_name(self, facts: Facts) -> None:
        """What CivitAI calls the model; a person's own picture only repeats it."""
        if facts.source != "own":
            self._names.told(facts.model_id, facts.model_name)

    def completed(self, facts: Facts, path: Path, inside: Embedded | None = None) -> Facts:
        """With what the file carries and upstream has not said."""
        inside = inside or read_embedded(path)
        told = of_civitai(facts.generation_data)
        made = facts.generation.completed(inside.generation()).completed(told.generation())
        graphs = (inside.workflow, inside.graph, told.workflow, told.graph)
        return replace(facts, generation=made, has_workflow=any(graphs))

    def _enrich(self, record: Record, facts: Facts) -> Record:
        """Add to the item what the same picture's other id has brought."""

        def change(old: Record) -> Record:
            return enriched(old, facts)

        # The JSON first: if there is no room for it, the next call finds everything as it was.
        better = change(record)
        news = new_sidecar(facts, better)
        self._files.write_sidecar(better, enriched_sidecar(self._files.sidecar(record), news))
        record = self._records.update(record["id"], change)
        self._tell_name(facts)
        self._tell(record, "changed")
        return record


def _with_graph(facts: Facts) -> Facts:
    """With what a graph in the generation data tells, of a picture whose file is not read again."""
    told = of_civitai(facts.generation_data)
    if not (told.workflow or told.graph):
        return facts
    made = facts.generation.completed(told.generation())
    return replace(facts, generation=made, has_workflow=True)
