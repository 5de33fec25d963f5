"""The catalog: every model a person has or wants, in `models.json` and `loras.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalog_answers import (
    Answer,
    Answers,
    GalleryFacts,
    Outlook,
    TransferFacts,
    catalog_list,
    civitai_map,
)
from .catalog_entries import Found, Json, tidy_folder
from .catalog_file import CatalogFile
from .catalog_index import Index, free_name, is_lora
from .civitai_types import chosen_file, filing, new_entry, restriction, texts
from .documents import DocumentWatch
from .errors import BadInput, Conflict, CuratorError, NotFound, UpstreamBusy, UpstreamFailed
from .events import Events
from .host import Host
from .locks import KeyedLock
from .names import is_safe_name, relative_folder
from .presence import Presence
from .promotion import Promotion
from .remote.civitai import CivitAI
from .transfer_records import Slot, TransferFact

if TYPE_CHECKING:
    from .catalog_updates import Updates


class Catalog:
    """Both catalog files, what lies on disk of them, and adding to them from CivitAI."""

    def __init__(self, host: Host, civitai: CivitAI, events: Events) -> None:
        self._host = host
        self._civitai = civitai
        self._events = events
        self._presence = Presence(host, self._files_changed)
        self._adding = KeyedLock()
        self._primary: dict[int, int] = {}
        self._answers = Answers()
        self._on_their_way: set[Slot] = set()
        self._models = CatalogFile(host.data, "models", self._publish)
        self._loras = CatalogFile(host.data, "loras", self._publish)
        self.files = {"models": self._models, "loras": self._loras}
        """Both catalogs, for who reads or changes whole files."""
        self._promotion = Promotion(host.data, self._models, self._loras)
        documents = [file.document for file in self.files.values()]
        self._watch = DocumentWatch(documents, self._promotion.settle)
        self.gallery_facts: GalleryFacts | None = None
        """CivitAI model id → the `gallery_*` values of its LoRAs; set by who knows the gallery."""
        self.transfer_facts: TransferFacts = lambda: (0, {})
        """What is on its way, as `Transfers.facts`; set by who knows the transfers."""
        self.updates: Updates | None = None
        """What is newer on CivitAI; set by who looks for it."""
        self.fetching_count: Callable[[], int] = lambda: 0
        """Of how many entries upstream is still to be asked; set by who asks."""

    def close(self) -> None:
        """Stop watching the files."""
        self._presence.close()
        self._watch.close()

    def civitai_map(self) -> Answer:
        """`{by_version, by_model}` over both catalogs, with each file's state on disk."""
        with self._promotion.moving:
            states = {file: file.document.state for file in self.files.values()}
        indexes = [file.index_of(state) for file, state in states.items()]
        moved, transfers = self._transfers()
        sight = self._presence.look(set[str]().union(*(index.folders for index in indexes)))
        made_from = (*(state.generation for state in states.values()), sight.stamp, moved)

        def build() -> Json:
            outlook = Outlook(sight, transfers)
            return civitai_map((found for index in indexes for found in index.found), outlook)

        return self._answers.get("map", made_from, build)

    def models(self) -> Answer:
        """The list of `models.json` with the state of each entry."""
        return self._list(self._models, None)

    def loras(self) -> Answer:
        """The list of `loras.json` with the state and the gallery of each entry."""
        return self._list(self._loras, self.gallery_facts)

    def lora_model(self, version_id: int) -> int | None:
        """The CivitAI model of this version, if a catalog knows it as a LoRA."""
        for found in self.of_version(version_id):
            if found.model_id is not None and is_lora(found):
                return found.model_id
        return None

    def add(self, version_id: int, file_id: int | None = None, dest: str | None = None) -> Json:
        """Add a CivitAI version's file (the primary one) to `models.json`.

        `{status:"added",file,name,category,dest}`, `{status:"already_exists",file}` or
        `{status:"restricted",reason}`. Raises Impossible without a usable file, upstream's errors.
        """
        with self._adding.hold(str(version_id)):
            self._models.document.ensure_usable()
            self._loras.document.refresh()
            known = self.of_version(version_id)
            wanted = self._primary.get(version_id) if file_id is None else file_id
            for found in known:
                if found.file_id is None or found.file_id == wanted:
                    return _already(found)
            try:
                version = self._civitai.version(version_id)
            except (NotFound, UpstreamBusy, UpstreamFailed):
                # Most likely it is the file that is meant, and that answer needs no upstream.
                if known and file_id is None:
                    return _already(known[0])
                raise
            return self._add(version_id, version, file_id, dest)

    def add_entries(
        self, catalog: str, category: str, added: Iterable[Mapping[str, Any]]
    ) -> list[str]:
        """Add ready-made entries to one category; names of those that were not there yet.

        Raises BadInput for an entry whose `file` or `dest` cannot be kept on every file system.
        """
        given = [_checked(entry) for entry in added]

        def choose(index: Index) -> tuple[Sequence[Json], list[str]]:
            new: dict[tuple[str, str], Json] = {}
            for entry in given:
                slot = Found(catalog, category, entry).slot
                if not any(each.in_slot(slot) for each in self.indexes(index)):
                    new.setdefault(slot, entry)
            return list(new.values()), [str(entry["file"]) for entry in new.values()]

        return self.files[catalog].add(category, choose)

    def find(self, file: str, dest: str | None = None) -> Found:
        """The entry with this file name. Raises NotFound, Conflict with `candidates`."""
        for each in self.files.values():
            each.document.refresh()
        return self._in_one_folder(file, dest)[0]

    def is_present(self, found: Found) -> bool:
        """Whether the entry's file is on disk at this moment."""
        return self._presence.on_disk(found.folder, found.name)

    def paths(self, found: Found) -> list[Path]:
        """Every place where the entry's file or a link of its name is at this moment."""
        return self._presence.paths(found.folder, found.name)

    def look_again(self, folder: str) -> None:
        """Something has come or gone in this folder; who listens is told."""
        if not self._presence.refresh([folder]):
            self._files_changed()

    def remove(self, file: str, dest: str | None = None) -> Json:
        """Take the entry with this file name out of the catalogs: `{status:"removed",file}`.

        Raises NotFound; Conflict while the file is on disk, or with `candidates` when the name
        stands in several folders and `dest` does not say which.
        """
        for each in self.files.values():
            each.document.refresh()
        matches = self._in_one_folder(file, dest)
        if self._presence.on_disk(matches[0].folder, matches[0].name):
            raise Conflict(f"{file} is still on disk; delete the file first.")
        for catalog in dict.fromkeys(found.catalog for found in matches):
            self.files[catalog].remove(file, matches[0].dest)
        return {"status": "removed", "file": file}

    def promote(self, version_id: int) -> Json:
        """Move a version from `models.json` to `loras.json`; see Promotion.promote."""
        with self._adding.hold(str(version_id)):
            return self._promotion.promote(version_id)

    def _add(self, version_id: int, version: Json, file_id: int | None, dest: str | None) -> Json:
        reason = restriction(version)
        if reason:
            return {"status": "restricted", "reason": reason}
        file = chosen_file(version, file_id)
        where = filing(version, dest)
        entry = new_entry(version_id, version, file, where.dest)
        if file_id is None and entry["civitai_file_id"] is not None:
            # Which one that is only CivitAI knows; asking again need not ask it again.
            self._primary[version_id] = entry["civitai_file_id"]
        entry["civitai_tags"] = entry["civitai_tags"] or self._model_tags(entry["civitai_model_id"])

        def choose(index: Index) -> tuple[Sequence[Json], Json]:
            indexes = self.indexes(index)
            new = Found("models", where.category, entry)
            for each in indexes:
                twin = each.twin(new)
                if twin:
                    return [], _already(twin)
            named = {**entry, "file": free_name(new, indexes)}
            told = {key: named[key] for key in ("file", "name", "dest")}
            return [named], {"status": "added", **told, "category": where.category}

        return self._models.add(where.category, choose)

    def _model_tags(self, model_id: int | None) -> list[str]:
        """A model's tags, which the answer about a version leaves out; none if CivitAI fails."""
        if model_id is None:
            return []
        try:
            return texts(self._civitai.model(model_id).get("tags"))
        except CuratorError:
            return []

    def of_version(self, version_id: int) -> list[Found]:
        """The entries of a CivitAI version in both catalogs."""
        files = (self._models, self._loras)
        return [found for file in files for found in file.index.of_version(version_id)]

    def _in_one_folder(self, file: str, dest: str | None) -> list[Found]:
        matches = [
            found
            for each in self.files.values()
            for found in each.index.of_name(file)
            if dest is None or found.dest == tidy_folder(dest)
        ]
        if not matches:
            raise NotFound(f"Model '{file}' not found in catalog")
        if len({found.dest for found in matches}) > 1:
            raise Conflict(
                f"{file} stands in several folders; say which with dest.",
                field="dest",
                facts={"candidates": [_candidate(found) for found in matches]},
            )
        return matches

    def indexes(self, changing: Index) -> list[Index]:
        """Of both catalogs, one of them in the state that is being changed."""
        others = [file.index for file in self.files.values() if file.name != changing.catalog]
        return [changing, *others]

    def _list(self, file: CatalogFile, facts: GalleryFacts | None) -> Answer:
        state = file.document.state
        moved, transfers = self._transfers()
        sight = self._presence.look(file.index_of(state).folders)
        free_bytes = self._presence.free_bytes()
        fetching = self.fetching_count() if file is self._models else 0

        def build() -> Json:
            updates = self.updates.found() if self.updates else {}
            outlook = Outlook(sight, transfers, updates)
            shown = catalog_list(file.name, state, outlook, free_bytes, facts)
            if file is self._models:
                shown["stats"]["fetching_count"] = fetching
            return shown

        # What the gallery knows changes with an event.
        seq = self._events.seq if facts else 0
        # A newer version may be here already, in the other catalog.
        news = (sum(each.document.state.generation for each in self.files.values()),)
        news += (self.updates.stamp,) if self.updates else ()
        made_from = (state.generation, sight.stamp, moved, free_bytes, fetching, seq, *news)
        return self._answers.get(file.name, made_from, build)

    def _transfers(self) -> tuple[int, Mapping[Slot, TransferFact]]:
        """What is on its way; what no longer is may lie in its folder by now."""
        stamp, transfers = self.transfer_facts()
        ended, self._on_their_way = self._on_their_way - transfers.keys(), set(transfers)
        if ended:
            self._presence.refresh({folder for folder, _ in ended})
        return stamp, transfers

    def _files_changed(self) -> None:
        self._events.publish("catalog", catalog="both", change="presence")

    def _publish(self, catalog: str, change: str) -> None:
        self._events.publish("catalog", catalog=catalog, change=change)


def _checked(entry: Mapping[str, Any]) -> Json:
    file = entry.get("file")
    if not isinstance(file, str) or not is_safe_name(file):
        raise BadInput(f"Not a plain file name: {file!r}", field="file")
    dest = relative_folder(str(entry.get("dest", "")), field="dest")
    return {**entry, "dest": dest.as_posix()}


def _candidate(found: Found) -> Json:
    return {
        "file": found.file,
        "dest": found.entry.get("dest", ""),
        "catalog": found.catalog,
        "name": found.entry.get("name", ""),
    }


def _already(found: Found) -> Json:
    return {"status": "already_exists", "file": found.file}
