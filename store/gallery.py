"""The gallery: pictures and videos with what is known of their making."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import gallery_lists
from .embedded import of_civitai, read_embedded
from .engine import Database, Record
from .errors import CuratorError, DiskFull, NotFound, Unwritable
from .events import Events
from .gallery_adoption import Adoption
from .gallery_cleanup import Cleanup
from .gallery_disk import GalleryDisk
from .gallery_faces import Faces
from .gallery_files import GalleryFiles
from .gallery_intake import Intake
from .gallery_lists import Wanted
from .gallery_models import GalleryModels
from .gallery_names import ModelNames
from .gallery_pages import Asked, Pages, joined
from .gallery_rebuild import Rebuild
from .gallery_records import GALLERY, Facts, find, item_key
from .gallery_removal import Leaving, Removal
from .gallery_run_records import empty_facts
from .gallery_served import Picture, ServedFile, picture_of, served
from .gallery_shown import columns, generation_of, new_sidecar
from .gallery_thumbs import Thumbs
from .host import Host
from .inputs import Inputs, copy_to
from .json_values import mapping
from .library_collections import Item, name_of
from .made_with import MadeWith
from .output_folder import OutputFolder
from .remote.civitai import CivitAI
from .settings import Settings
from .thumbnails import USUAL, Decoder, thumbnail_of
from .videos import video_frame

if TYPE_CHECKING:
    from .catalog import Catalog

__all__ = [
    "GALLERY",
    "Asked",
    "Facts",
    "Gallery",
    "Picture",
    "ServedFile",
    "Wanted",
    "picture_of",
    "served",
]


class Gallery:
    """Every picture once, under each of its ids. All methods are thread-safe and may block."""

    def __init__(
        self,
        database: Database,
        host: Host,
        civitai: CivitAI,
        catalog: Catalog,
        events: Events,
        settings: Settings,
    ) -> None:
        """Completes or undoes what an earlier run left half done; looks at no other file."""
        self._records = database.collection("gallery")
        self.known_models = GalleryModels(database)
        self.run_facts: Callable[[int], Mapping[str, Any]] = lambda _: empty_facts()
        """The part of G that tells of a run."""
        self._files = GalleryFiles(host.data / "gallery")
        self._inputs = Inputs(host.input)
        self._events = events
        self._decoder = Decoder()
        self.names = ModelNames(self._records, self.known_models, catalog)
        self._pages = Pages(self._records, self.names)
        self._faces = Faces(self._records, self.known_models)
        self.disk = GalleryDisk(
            self._records,
            self._files.root,
            lambda: settings.values.gallery_limit_gb,
            self.names.name,
        )
        self._thumbs = Thumbs(self._records, self._files, self._decoder, self.disk)
        self._intake = Intake(
            self._records,
            self._files,
            self._decoder,
            civitai,
            catalog,
            self.disk,
            self.names,
            self._tell,
        )
        self._database = database
        self._collected = database.collection("collection_items")
        self._removal = Removal(self._records, self._files, self._intake.locks, self._delete_record)
        self._removal.recover()
        self.rebuilding = Rebuild(self._records, self._files, self._intake)
        self.cleaning = Cleanup(
            self._records, self._files, self._intake, self._removal, self.names.name
        )
        self.models_used = MadeWith(catalog)
        self.output = OutputFolder(host.output)
        self.adoption = Adoption(self._intake, self.known_models, host.data / "lookup")
        self._files.recover(lambda key: key in self._records, self._records.put)

    def close(self) -> None:
        """Let the decoder end what it is at."""
        self._decoder.close()

    @property
    def decoder(self) -> Decoder:
        """The one that all decoding of pictures and videos goes through."""
        return self._decoder

    def download_single(self, image_id: int) -> dict[str, Any]:
        """The item of a CivitAI picture, fetched if it is not here: Studio's columns and `id`.

        Raises what CivitAI raises, UpstreamFailed for a file that is no whole picture, DiskFull.
        """
        return columns(self._intake.fetch(image_id))

    def add_file(self, path: Path, facts: Facts, *, move: bool = False) -> dict[str, Any]:
        """Take a file of this machine into the gallery; the item that has this id, if there is one.

        `move`: the file itself instead of a copy. Raises WrongType, TooLarge or DiskFull.
        """
        return columns(self._intake.take(path, facts, move=move))

    def add_own(
        self, path: Path, *, name: str = "", model_id: int = 0, move: bool = False
    ) -> dict[str, Any]:
        """Take a person's own picture in: the same content is the same item, whatever its name.

        With a `model_id` it belongs to that model too. Raises WrongType, TooLarge or DiskFull.
        """
        return columns(self._intake.take_own(path, name=name, model_id=model_id, move=move))

    @contextmanager
    def arriving(self) -> Generator[Path, None, None]:
        """A free path for a file that somebody sends; whatever is there afterwards goes."""
        with self._files.incoming() as incoming:
            yield incoming.media

    def add_from_output(self, paths: Iterable[str], *, model_id: int = 0) -> dict[str, Any]:
        """Take files of ComfyUI's output folder in, by their relative paths; they stay there.

        `{items, failed: [{path, error}]}`: a failing one costs only itself. Raises DiskFull.
        """
        items: list[dict[str, Any]] = []
        failed: list[dict[str, str]] = []
        for each in dict.fromkeys(paths):
            try:
                items.append(self.add_own(self.output.path(each), model_id=model_id))
            except (DiskFull, Unwritable):
                raise
            except CuratorError as error:
                failed.append({"path": each, "error": error.text})
            except OSError as error:
                failed.append({"path": each, "error": error.strerror or "It cannot be read."})
        return {"items": items, "failed": failed}

    def output_thumb(self, path: str) -> tuple[bytes, str]:
        """A thumbnail of a file in the output folder, and its ETag. Raises NotFound, WrongType."""
        file = self.output.path(path)
        stat = file.stat()
        data = self._decoder.run(lambda: thumbnail_of(file))
        return data, f"{stat.st_size:x}-{stat.st_mtime_ns:x}"

    def made_with(
        self,
        hashes: Iterable[str],
        version_ids: Iterable[int] = (),
        *,
        limit: int = 100,
        before: str | None = None,
    ) -> dict[str, Any]:
        """A page of the pictures that say they were made with a model, last added first.

        `hashes` of any kind (SHA-256, AutoV2, AutoV3), `version_ids` of CivitAI.
        """
        return gallery_lists.made_with(self._records, hashes, version_ids, limit, before)

    def picture(self, image_id: str) -> Picture:
        """The picture for a workflow node. Raises NotFound."""
        return picture_of(self._get(image_id), self._files.root)

    def media(self, item_id: str) -> ServedFile:
        """The file itself. Raises NotFound."""
        record = self._get(item_id)
        path = self._files.check_there(self._files.media(record))
        return served(path, record["id"])

    def thumb(self, item_id: str, width: int = USUAL) -> ServedFile:
        """The thumbnail, made now if it is not there; else the picture itself.

        `width` is one of `SIZES`, of pictures that are that wide. Raises NotFound.
        """
        record = self._get(item_id)
        return served(self._thumbs.path(record, width), record["id"])

    def meta(self, item_id: str) -> dict[str, Any]:
        """All that is known: the JSON beside the file, and how it was made by one name each.

        `parameters` is the text in the file as its generator wrote it; None without one.
        """
        record = self._get(item_id)
        path = self._files.media(record)
        inside = self._decoder.run(lambda: read_embedded(path))
        return {
            **new_sidecar(Facts(record["id"]), record),
            **self._files.sidecar(record),
            **generation_of(record),
            "id": record["id"],
            "name": record.get("name", ""),
            "parameters": inside.parameters or None,
            "has_workflow": bool(record.get("has_workflow")),
            "made_with": self.models_used.show(record),
            "aliases": record["aliases"],
            "ext": record["ext"],
            "source": record["source"],
            "starred": bool(record["starred"]),
            "model_id": record["model_id"],
            "model_name": record["model_name"],
            "versions": record["versions"],
            "file_size": record["file_size"],
            "sha256": record["sha256"],
            "added": record["downloaded_at"],
        }

    def workflow(self, item_id: str, *, api: bool = False) -> dict[str, Any]:
        """The ComfyUI workflow that the picture carries, else its API graph.

        `api`: the API graph and nothing else. Raises NotFound when there is none.
        """
        record = self._get(item_id)
        path = self._files.check_there(self._files.media(record))
        inside = self._decoder.run(lambda: read_embedded(path))
        told = of_civitai(mapping(self._files.sidecar(record).get("generation_data")))
        graph = inside.graph or told.graph
        found = graph if api else inside.workflow or told.workflow or graph
        if not found:
            raise NotFound("This picture carries no ComfyUI workflow.")
        return dict(found)

    def star(self, item_id: str, starred: bool | None = None) -> bool:
        """Set the star, or toggle it for None; returns how it is now. Raises NotFound."""

        def change(record: Record) -> Record:
            record["starred"] = int(not record["starred"] if starred is None else starred)
            return record

        record = self._get(item_id)
        if starred is not None and bool(record["starred"]) == starred:
            return starred
        try:
            record = self._records.update(record["id"], change)
        except KeyError as error:
            raise _unknown() from error
        self._tell(record, "changed")
        return bool(record["starred"])

    def to_input(self, item_id: str, *, as_media: bool = False) -> dict[str, str]:
        """Lay the picture into ComfyUI's input folder: `{filename, subfolder, type}`.

        A video gives a frame as PNG, with `as_media` itself. Raises NotFound, WrongType, Impossible
        when the folder cannot be written, DiskFull.
        """
        record = self._get(item_id)
        path = self._files.check_there(self._files.media(record))
        name = f"civitai_{record['id']}"
        if record["type"] == "video" and not as_media:
            image = self._decoder.run(lambda: video_frame(path))
            name = self._inputs.put(f"{name}.png", lambda target: image.save(target, "PNG"))
        else:
            name = self._copy_to_input(name + record["ext"], path)
        return {"filename": name, "subfolder": "", "type": "input"}

    def list(
        self,
        model_id: int,
        wanted: Wanted | None = None,
        *,
        limit: int | None = None,
        before: str | None = None,
    ) -> dict[str, Any]:
        """G of a model: all of it, or with `limit` one page. A model without pictures is empty."""
        wanted = wanted or Wanted()
        if limit is None:
            wanted = replace(wanted, named=self.names.having(wanted.q))
            found = gallery_lists.whole_gallery(self._records, model_id, wanted)
        else:
            found = self._pages.found(Asked(model_id, wanted, limit, before))
        return {**found, **self._around(model_id)}

    def all(
        self, wanted: Wanted | None = None, *, limit: int = 100, before: str | None = None
    ) -> dict[str, Any]:
        """A page over all models, last added first: `images`, `total`, `next`."""
        return self._pages.found(Asked(None, wanted or Wanted(), limit, before))

    def page(self, asked: Asked) -> bytes:
        """What `list` or `all` give for it, as JSON. Raises BadInput for a cursor that is none."""
        return self._completed(asked, self._pages.json(asked))

    def page_at_hand(self, asked: Asked) -> bytes | None:
        """The same if it takes no work."""
        known = self._pages.known(asked)
        return None if known is None else self._completed(asked, known)

    def models(self) -> list[dict[str, Any]]:
        """The models that have pictures, most first.

        `{model_id, name, count, thumb, thumb_level}`: a picture's id and its level.
        """
        return gallery_lists.models(self._records, self._faces.preview, self.names.name)

    def models_of(self, versions: Collection[int]) -> set[int]:
        """The models that have one of these versions, or a picture of one."""
        found = self.known_models.of_versions(versions)
        for version in versions:
            for record in self._records.page("by_version", version, limit=1 << 40).records:
                found.update(record["models"])
        return found

    def catalog_facts(self, model_id: int) -> Mapping[str, Any]:
        """The `gallery_*` values of a LoRA for the catalog's list; empty without pictures."""
        return self._faces.catalog_facts(model_id)

    def set_preview(self, item_id: str, model_id: int | None = None) -> dict[str, Any]:
        """Let this picture stand for its model: `{status, model_id, civitai_id}`.

        Of one that several models show, `model_id` says for which. Raises NotFound.
        """
        record = self._get(item_id)
        told = self._faces.set_preview(record, model_id)
        self._tell(record, "preview")
        return told

    def remove(self, model_id: int, version_id: int | None = None) -> int:
        """Empty a model's gallery; how many pictures it no longer shows.

        With a version only of what that version alone uses. Raises DiskFull.
        """
        leaving = Leaving(model_id, version_id, self.known_models.versions, self.names.name)
        found = self._records.page("by_model", model_id, limit=1 << 40).records
        with self._collections_told([record["id"] for record in found]):
            gone = self._removal.remove([record["id"] for record in found], leaving.change)
        for record in gone:
            self._faces.forget(record["models"])
        if gone:
            self.disk.forget()
            self._events.publish("gallery", model_id=model_id, change="removed")
        return sum(leaving.leaves(record) for record in gone)

    def remove_items(self, item_ids: Iterable[str]) -> int:
        """Take pictures out for good, whoever shows them; how many there were. Raises DiskFull."""
        keys = list(item_ids)
        with self._collections_told(keys):
            gone = self._removal.remove(keys)
        self.disk.forget()
        for record in gone:
            self._tell(record, "removed")
        return len(gone)

    def remove_item(self, item_id: str) -> str:
        """Take one picture out for good, whoever shows it; its id. Raises NotFound, DiskFull."""
        key = self._get(item_id)["id"]
        if not self.remove_items([key]):
            raise _unknown()
        return key

    def tell_all(self, change: str) -> None:
        """Much has changed at once; whoever shows anything of it is told."""
        self.disk.forget()
        self._faces.forget()
        self._events.publish("gallery", change=change)

    def keys(self) -> list[str]:
        """The ids of all pictures, last added first."""
        found = self._records.page("newest", descending=True, limit=1 << 40).records
        return [record["id"] for record in found]

    def ensure_thumbnail(self, item_id: str) -> bool | None:
        """None when the thumbnail is there; else whether it could be made. Raises NotFound."""
        return self._thumbs.ensure(self._get(item_id))

    def fix_sizes(self, item_id: str) -> bool:
        """Whether the record said other sizes than the disk; now it does not. Raises NotFound."""
        record = self._get(item_id)
        sizes = self._files.sizes(record)
        if all(record[name] == size for name, size in sizes.items()):
            return False
        try:
            self.disk.changed(record, self._records.update(record["id"], sizes))
        except KeyError as error:
            raise _unknown() from error
        return True

    @property
    def intake(self) -> Intake:
        """The one way in, for runs."""
        return self._intake

    def __len__(self) -> int:
        return len(self._records)

    def _delete_record(self, record: Record) -> None:
        """With its places in collections and as a preview: all, or nothing."""
        key: str = record["id"]
        with self._database.transaction():
            self._records.delete(key)
            for each in self._in_collections([key]):
                self._collected.delete(each["key"])
            self.known_models.forget_preview(key, record["models"])

    def _in_collections(self, keys: Iterable[str]) -> Generator[Record, None, None]:
        for key in keys:
            name = name_of(Item("picture", key))
            yield from self._collected.page("by_item", name, limit=1 << 40).records

    @contextmanager
    def _collections_told(self, keys: Iterable[str]) -> Generator[None, None, None]:
        """Whoever shows a collection that has fewer of these afterwards hears of it."""
        before = list(self._in_collections(keys))
        yield
        gone = {each["collection"] for each in before if each["key"] not in self._collected}
        for collection in sorted(gone):
            self._events.publish(
                "library", change="collections", collection=collection, what="items"
            )

    def _get(self, item_id: str) -> Record:
        record = find(self._records, item_key(item_id))
        if record is None:
            raise _unknown()
        return record

    def _copy_to_input(self, name: str, path: Path) -> str:
        try:
            return self._inputs.put(name, copy_to(path))
        except CuratorError:
            # Is the folder to blame, or has the picture gone meanwhile?
            self._files.check_there(path)
            raise

    def _completed(self, asked: Asked, page: bytes) -> bytes:
        if asked.model_id is None:
            return page
        return joined(page, self._around(asked.model_id))

    def _around(self, model_id: int) -> dict[str, Any]:
        """What G says besides its pictures."""
        preview = self._faces.preview(model_id)
        chosen = preview["id"] if preview else None
        return {"custom_preview": chosen, **self.run_facts(model_id)}

    def _tell(self, record: Record, change: str) -> None:
        self._faces.forget(record["models"])
        self._events.publish("gallery", id=record["id"], model_id=record["model_id"], change=change)


def _unknown() -> NotFound:
    return NotFound("The gallery has no picture with this id.")
