"""What a person does with the library as a whole: each tool of it once, and its long work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from .auto_lookup import AutoLookup
from .bulk_changes import BulkChanges
from .catalog import Catalog
from .engine import Database
from .errors import BadInput, CuratorError, NotFound
from .events import Events
from .gallery import Gallery
from .gallery_records import find, item_key
from .gallery_shown import shown_item
from .host import Host
from .jobs import Job, Jobs
from .library import Library
from .library_collections import COLLECTION_ITEMS, COLLECTIONS, Collections, Item, ItemKind
from .library_lookup import LOOKUPS, Lookup
from .library_matching import Matching
from .library_moving import MOVED_FILES, MOVES, Moving, Source
from .library_place_changes import PlaceChange, renamed
from .library_places import Place
from .library_tags import Tags
from .library_uses import USES, Uses
from .path_rules import parse_rule
from .remote.civitai import CivitAI
from .samples import Samples
from .settings import Settings
from .sidecar_import import Model, SidecarImport
from .tasks import Tasks
from .trash import Trash

Json = dict[str, Any]

ORGANISED = (COLLECTIONS, COLLECTION_ITEMS, LOOKUPS, USES, MOVES, MOVED_FILES)

_DAY_MS = 86_400_000
_LOOKED_AT = 20


class Organising:
    """Collections, lookups, imports, matching, bulk changes. Thread-safe."""

    def __init__(
        self,
        database: Database,
        host: Host,
        events: Events,
        jobs: Jobs,
        civitai: CivitAI,
        catalog: Catalog,
        gallery: Gallery,
        collections: Collections,
        library: Library,
        tags: Tags,
        samples: Samples,
        trash: Trash,
        settings: Settings,
    ) -> None:
        """Does nothing before `start`."""
        self._catalog = catalog
        self._trash = trash
        self._gallery = database.collection("gallery")
        self._library = library
        self._places = library.places
        self._records = library.records
        self._tags = tags
        self._row = library.row
        self._samples = samples
        self.tasks = Tasks(jobs)
        self.collections = collections
        self.collections.known = self._known_item
        self.lookup = Lookup(database, civitai, events)
        self.lookup.listen(self._fill)
        self._auto_lookup = AutoLookup(self.lookup, settings, self.tasks)
        self.matching = Matching(database, gallery, catalog, self.lookup, library.places)
        self.uses = Uses(database, library.places)
        self.sidecars = SidecarImport(library.records, tags, samples, self.lookup)
        self.sidecars.content_of = library.places.content_of
        self.bulk = BulkChanges(library.records, tags, collections)
        self.bulk.known = self.key
        self.moving = Moving(database, host, catalog)
        self.moving.settle = library.scan
        library.places.listen(self._follow)
        host.hear_prompts(self.uses.hear)

    def start(self) -> None:
        """End what an earlier run left half done. Before anybody looks through the folders."""
        self.moving.recover()

    def close(self) -> None:
        """End what is under way."""
        self._auto_lookup.close()
        self.lookup.close()
        self.tasks.close()

    def key(self, key: str) -> str | None:
        """The key by which a model is known by now: its hash as soon as that is there."""
        key = key.strip().lower()
        place = self._places.get(key)
        if place is not None and place.sha256:
            key = place.sha256
        return key if self._row(key) is not None else None

    def row(self, key: str) -> Mapping[str, Any]:
        """The library's row of a model, under its key or place. Raises NotFound."""
        known = self.key(key)
        found = self._row(known) if known else None
        if found is None:
            raise NotFound("The library has no such model.")
        return found

    def items(
        self,
        collection_id: str,
        *,
        kind: ItemKind | None = None,
        limit: int = 100,
        offset: int = 0,
        descending: bool = False,
    ) -> tuple[list[Json], int]:
        """Items of a collection as their cards show them, and how many there are."""
        items, total = self.collections.page(
            collection_id, kind=kind, limit=limit, offset=offset, descending=descending
        )
        return [self._shown(item) for item in items], total

    def look_up(self, keys: Sequence[str] | None = None, *, again: bool = False) -> Json:
        """Ask CivitAI about these models, or all that are hashed: the job."""

        def work(job: Job, report: Json) -> None:
            report["unknown"] = self._unknown(keys)
            wanted = [model.sha256 for model in self._models(keys) if model.sha256]
            self.lookup.ask(job, report, wanted, again=again)

        return self.tasks.start("lookup", work, wanted=(keys, again), unit="models")

    def import_sidecars(
        self,
        keys: Sequence[str] | None = None,
        *,
        dry_run: bool,
        tags: bool = True,
        previews: bool = True,
    ) -> Json:
        """Take over what lies beside these models, or all: the job."""

        def work(job: Job, report: Json) -> None:
            report["unknown"] = self._unknown(keys)
            models = self._models(keys)
            self.sidecars.take(job, report, models, dry_run=dry_run, tags=tags, previews=previews)

        wanted = (keys, dry_run, tags, previews)
        return self.tasks.start("sidecars", work, wanted=wanted, unit="models")

    def move(
        self,
        text: str,
        keys: Sequence[str] | None = None,
        *,
        type_: str = "",
        file: str = "",
        dry_run: bool,
    ) -> Json:
        """Move these files (or all, or those of a type) by a rule: the job. Raises BadInput."""
        rule = parse_rule(text)
        if file and (keys is None or len(keys) != 1):
            raise BadInput("file names one file; give one key with it.", field="file")

        def work(job: Job, report: Json) -> None:
            report["unknown"] = self._unknown(keys)
            sources = list(self._sources(keys, type_, file))
            self.moving.run(job, report, text, rule, sources, dry_run)

        wanted = ("move", text, keys, type_, file, dry_run)
        return self.tasks.start("move", work, wanted=wanted, title=text, unit="files")

    def delete(self, keys: Sequence[str]) -> Json:
        """Put the files of these models into the trash; what was said of them stays.

        `{deleted, unknown:[key], failed:[{key, file, reason}]}`; deleted counts files.
        """
        deleted = 0
        failed: list[Json] = []
        unknown = self._unknown(keys)
        folders: set[str] = set()
        for model in self._models(keys):
            place = self._places.at_path(model.path)
            if place is None:
                continue
            folder = PurePosixPath(place.file.replace("\\", "/")).parent.as_posix()
            dest = place.types[0] if folder == "." else f"{place.types[0]}/{folder}"
            path = Path(place.path)
            told = {"file": path.name, "dest": dest, "catalog": "", "name": self._name(model.key)}
            try:
                deleted += self._trash.put(path, told)
                folders.add(dest)
            except CuratorError as error:
                failed.append({"key": model.key, "file": place.file, "reason": error.text})
        self._library.scan()
        for dest in folders:
            self._catalog.look_again(dest)
        return {"deleted": deleted, "unknown": unknown, "failed": failed}

    def undo_move(self, move_id: str) -> Json:
        """Put back what a move has moved: the job. Raises NotFound."""
        self.moving.get(move_id)

        def work(job: Job, report: Json) -> None:
            self.moving.undo(job, report, move_id)

        return self.tasks.start("move", work, wanted=("undo", move_id), unit="files")

    def civitai(self, key: str) -> Json:
        """`{checked, found}`: what CivitAI says of a model. Raises NotFound."""
        sha256 = self.row(key).get("sha256") or ""
        checked = self.lookup.checked(sha256)
        return {"checked": checked and int(checked * 1000), "found": self.lookup.get(sha256)}

    def pictures_of(self, key: str, *, limit: int, before: str | None) -> Json:
        """A page of the pictures made with a model. Raises NotFound."""
        self.row(key)
        return self.matching.pictures_of(self.key(key) or key, limit=limit, before=before)

    def faces(self, keys: Iterable[str]) -> dict[str, Json]:
        """What stands for each model: `{samples, picture, nsfw_level}`; unknown keys are left out.

        `picture` is one of the gallery made with it, the most harmless of the newest.
        """
        found: dict[str, Json] = {}
        for key in keys:
            known = self.key(key)
            if known is None:
                continue
            samples = self._samples.count(known)
            made: list[Json] = []
            if not samples:
                made = self.matching.pictures_of(known, limit=_LOOKED_AT)["images"]
            picture: Json = min(made, key=lambda each: each["nsfw_level"]) if made else {}
            found[key] = {
                "samples": samples,
                "picture": picture.get("id"),
                "nsfw_level": picture.get("nsfw_level", 0),
            }
        return found

    def models_of(self, item_id: str) -> Json:
        """The models that a picture was made with. Raises NotFound."""
        return self.matching.models_of(item_id, self._row)

    def unused(self, days: int, *, type_: str = "", sort: str = "size_bytes") -> list[Json]:
        """Rows of what is there and was not used for so long, with `last_used` (ms or null).

        A file that came within these days is not among them.
        """
        before = time.time_ns() // 1_000_000 - days * _DAY_MS
        last = self.uses.last()
        seen: dict[str, int] = {}
        for place in self._places.all():
            key = place.sha256 or place.place_id
            seen[key] = max(place.first_seen, seen.get(key, 0))
        found: list[Json] = []
        for key, first_seen in seen.items():
            if max(last.get(key, 0), first_seen) >= before:
                continue
            row = self._row(key)
            if row is not None and (not type_ or type_ in row.get("types", ())):
                found.append({**row, "last_used": last.get(key), "first_seen": first_seen})
        found.sort(key=lambda row: (row[sort] or 0, row["path"]), reverse=sort == "size_bytes")
        return found

    def last_used(self, key: str) -> int | None:
        """When a model was last used, in ms; None when nothing tells it."""
        return self.uses.last_of(key)

    def _unknown(self, keys: Sequence[str] | None) -> list[str]:
        """Those of the keys that are no model's, each once; every report names them."""
        return [key for key in dict.fromkeys(keys or ()) if self.key(key) is None]

    def _models(self, keys: Sequence[str] | None) -> Iterator[Model]:
        if keys is None:
            places = self._places.all()
        else:
            places = [place for key in keys for place in self._files(key)]
        for place in places:
            yield Model(place.sha256 or place.place_id, place.sha256, place.path)

    def _sources(self, keys: Sequence[str] | None, type_: str, file: str) -> Iterator[Source]:
        """The files to move, each with what rules ask for."""
        for model in self._models(keys):
            place = self._places.at_path(model.path)
            if place is None or (type_ and type_ not in place.types):
                continue
            path = Path(place.path)
            row = self._row(model.key) or {}
            found = self.lookup.get(model.sha256) or {}
            tags: list[Json] = row.get("tags") or []
            folder = PurePosixPath(place.file.replace("\\", "/")).parent.as_posix()
            values = {
                "base_model": row.get("base_model") or found.get("base_model") or "",
                "type": row.get("type") or place.types[0],
                "kind": str(place.facts.get("kind") or ""),
                "name": self._name(model.key) or found.get("name") or path.stem,
                "file": file or path.stem,
                "folder": "" if folder == "." else folder,
                "creator": found.get("creator") or str(place.facts.get("author") or ""),
                "version": found.get("version_name") or "",
                "tag": tags[0]["name"] if tags else "",
                "letter": path.stem[:1].upper(),
                "sha256": model.sha256,
            }
            yield Source(model.key, path, Path(place.root), values)

    def _name(self, key: str) -> str:
        record = self._records.get(key)
        return str(record["name"]) if record else ""

    def _files(self, key: str) -> Sequence[Place]:
        known = self.key(key) or ""
        place = self._places.get(known)
        return self._places.of_hash(known) or ([place] if place and not place.gone else [])

    def _fill(self, contents: list[str]) -> None:
        """Records that are there learn what CivitAI says where they say nothing."""
        for sha256 in contents:
            found = self.lookup.get(sha256)
            if found and sha256 in self._records and found["base_model"]:
                self._records.make(sha256, base_model=found["base_model"])

    def _follow(self, changes: list[PlaceChange]) -> None:
        self.collections.follow("model", renamed(changes))
        self.uses.follow(renamed(changes))
        self._auto_lookup.add(change.spot.sha256 for change in changes if change.kind == "hashed")

    def _shown(self, item: Item) -> Json:
        if item.kind == "picture":
            record = find(self._gallery, item.id)
            return {**item._asdict(), "picture": shown_item(record) if record else None}
        return {**item._asdict(), "model": self._row(item.id)}

    def _known_item(self, item: Item) -> Item | None:
        if item.kind == "picture":
            record = find(self._gallery, item_key(item.id))
            return Item("picture", record["id"]) if record else None
        key = self.key(item.id)
        return Item("model", key) if key else None
