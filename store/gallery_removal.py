"""Pictures leave the gallery: record and files together, whenever we die."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Collection as Several
from pathlib import Path
from typing import Any

from .engine import Collection, Record
from .errors import CuratorError, DiskFull
from .files import write_atomic
from .gallery_files import GalleryFiles, dump
from .gallery_records import with_places
from .json_values import mappings, text
from .locks import KeyedLock

log = logging.getLogger(__name__)

_A_NOTE = 200
"""Pictures of one note about what is to go."""
_NOTES = "removing-*.json"

Change = Callable[[Record], Record | None]


class Removal:
    """Takes pictures out. A note beside the files says what goes, until it has gone."""

    def __init__(
        self,
        records: Collection,
        files: GalleryFiles,
        locks: KeyedLock,
        delete: Callable[[Record], None],
    ) -> None:
        """`locks` are those under which pictures come in.

        `delete` takes a record out of the database, with what refers to it, in one act.
        """
        self._records = records
        self._files = files
        self._locks = locks
        self._delete = delete
        self._one = threading.Lock()

    def remove(self, keys: Iterable[str], change: Change | None = None) -> list[Record]:
        """Take these pictures out, or alter their records; the records that were concerned.

        `change` tells for each what it is to be, None for gone; without it all go. Whatever no
        longer is there is passed over. Raises DiskFull when nothing can be written at all.
        """
        with self._one:
            return [
                record
                for batch in _batches(list(keys), _A_NOTE)
                for record in self._remove(batch, change or (lambda _: None))
            ]

    def recover(self) -> None:
        """Bring to an end what an earlier run had noted."""
        for note in sorted(self._files.incoming_folder.glob(_NOTES)):
            try:
                said = mappings(json.loads(note.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                log.warning("Curator passes over %s: %s", note.name, error)
                said = []
            for each in said:
                self._finish(each)
            with contextlib.suppress(OSError):
                note.unlink(missing_ok=True)

    def _remove(self, keys: Sequence[str], change: Change) -> Iterator[Record]:
        found = self._records.get_many(keys)
        going = [record for record in found if change(record) is None]
        note = self._note(going) if going else None
        try:
            for record in found:
                removed = self._change(record["id"], change)
                if removed is not None:
                    yield removed
        finally:
            if note:
                note.unlink(missing_ok=True)

    def _change(self, key: str, change: Change) -> Record | None:
        """The record as it was, if anything happened to it."""
        record = self._records.get(key)
        if record is None:
            return None
        with self._locks.hold(f"file:{record['file_uuid'] or key}"):
            record = self._records.get(key)
            wanted = change(record) if record else None
            if record is None or wanted == record:
                return None
            if wanted is not None:
                self._files.write_sidecar(wanted, self._files.sidecar(record))
                changed = self._records.update(key, lambda now: change(now) or now)
                # On a full disk an older word beside the file is the lesser harm.
                with contextlib.suppress(CuratorError):
                    self._files.write_sidecar(changed, self._files.sidecar(changed))
            else:
                self._delete(record)
                self._files.remove(record)
            return record

    def _note(self, records: Sequence[Record]) -> Path:
        data = dump([_noted(record) for record in records])
        note = self._files.incoming_folder / f"removing-{secrets.token_hex(8)}.json"
        try:
            write_atomic(note, data, what="The gallery's folder")
        except DiskFull:
            # A full disk is why people remove: thumbnails can be made again, their room is used.
            for record in records:
                self._files.remove_thumbnails(record)
            write_atomic(note, data, what="The gallery's folder")
        return note

    def _finish(self, said: dict[str, Any]) -> None:
        key = text(said.get("id"))
        record = self._records.get(key)
        if record is None:
            self._files.remove(said)
        elif record["added"] == said.get("added"):
            # Else it has come again since.
            self._delete(record)
            self._files.remove(record)


class Leaving:
    """How the records of a model's gallery change when it, or one version's part, is emptied."""

    def __init__(
        self,
        model_id: int,
        version_id: int | None,
        versions: Callable[[int], Several[int]],
        named: Callable[[int], str],
    ) -> None:
        """`versions` tells those that a model is known to have, `named` what it is called."""
        self._model_id = model_id
        self._version_id = version_id
        self._versions = versions
        self._named = named

    def change(self, record: Record) -> Record | None:
        """The record afterwards; None when no gallery shows it any more."""
        if self._model_id not in record["models"]:
            return record
        if self._version_id is not None and self._version_id not in record["versions"]:
            return record
        models = record["models"]
        if self.leaves(record):
            models = [each for each in models if each != self._model_id]
            if not models and record["source"] == "own" and self._model_id:
                # Nobody has it but this person: it goes back to those of no model.
                models = [0]
            if not models:
                return None
        gone = self._own(record) if self._version_id is None else [self._version_id]
        versions = [each for each in record["versions"] if each not in gone]
        changed = {**record, "models": models, "model_id": models[0], "versions": versions}
        if models[0] != record["model_id"]:
            changed["model_name"] = self._named(models[0])
        if "versions_of" in record:
            changed["versions_of"] = {
                key: [each for each in told if each not in gone]
                for key, told in record["versions_of"].items()
            }
        return with_places(changed)

    def leaves(self, record: Record) -> bool:
        """Whether the model's gallery no longer shows it."""
        if self._version_id is None:
            return True
        others = {each for model_id in record["models"] for each in self._of(record, model_id)}
        others -= set(self._of(record, self._model_id))
        # Of whose model nobody knows, it may be this one's: what is kept can be removed still.
        return set(record["versions"]) - others <= {self._version_id}

    def _own(self, record: Record) -> list[int]:
        """The picture's versions that are of this model, as far as that is known."""
        versions: list[int] = record["versions"]
        if record["models"] == [self._model_id]:
            return versions
        own = self._of(record, self._model_id)
        return [each for each in versions if each in own]

    def _of(self, record: Record, model_id: int) -> set[int]:
        """What this picture and the others say of a model's versions."""
        told: dict[str, list[int]] = record.get("versions_of") or {}
        return {*told.get(str(model_id), ()), *self._versions(model_id)}


def _noted(record: Record) -> dict[str, Any]:
    names = ("id", "added", "file_path", "thumb_path", "meta_path")
    return {name: record[name] for name in names}


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
