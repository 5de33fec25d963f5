"""Moving a LoRA from `models.json` to `loras.json`: one act over two files."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from .catalog_entries import Found, Json, is_of, without
from .catalog_file import CatalogFile
from .catalog_index import Index
from .civitai_types import lora_category, texts
from .errors import BadInput, CuratorError, NotFound
from .files import remove_leftovers, replacing, sync_folder
from .json_values import integer, mappings, text

log = logging.getLogger(__name__)


class Promotion:
    """Writes the one file, then the other; a note beside them tells of what is under way.

    Whatever happens in between, an entry that the note names is afterwards in one of the files.
    """

    def __init__(self, folder: Path, models: CatalogFile, loras: CatalogFile) -> None:
        """Completes what an earlier run left half done."""
        self._models = models
        self._loras = loras
        self._note = folder / "promote.json"
        self.moving = threading.RLock()
        """Held while an entry may be seen in both files."""
        remove_leftovers(self._note)
        self._unsettled = self._note.exists()
        self.settle()

    def promote(self, version_id: int) -> Json:
        """Move a version's LoRAs: `{status:"promoted",file,category}` or `already_exists`.

        Raises NotFound, BadInput when it is no LoRA, Conflict, DiskFull: then nothing changed.
        """
        new: list[Found] = []

        def edit(index: Index) -> tuple[Json | None, Json]:
            new.clear()
            found = index.of_version(version_id)
            if not found:
                return None, self._known(version_id)
            moved = [each for each in found if each.dest.split("/")[0] == "loras"]
            if not moved:
                raise BadInput(
                    f"{found[0].file} belongs into {found[0].dest}, not into loras.", field="dest"
                )
            new.extend(each for each in moved if not self._loras.index.twin(each))
            gone = {id(each.entry) for each in moved}
            left = without(index.data, lambda entry: id(entry) in gone)
            return left, _answer(moved[0], new)

        def put_there() -> None:
            self._write_note(new)
            for each in new:
                self._loras.add(_category(each), lambda index, each=each: self._chosen(index, each))

        with self.moving:
            self.settle()
            self._loras.document.ensure_usable()
            try:
                return self._models.change("removed", edit, put_there)
            finally:
                self.settle()

    def settle(self) -> None:
        """Take out of `models.json` what the note names and `loras.json` has; cheap without one.

        The note stays as long as one of the files cannot be read or written.
        """
        if not self._unsettled:
            return
        with self.moving:
            try:
                self._loras.document.ensure_usable()
                self._models.change("removed", self._settled)
                self._note.unlink(missing_ok=True)
                sync_folder(self._note.parent)
            except CuratorError as error:
                log.warning("A LoRA stands in both catalogs for now: %s", error.text)
            except OSError as error:
                log.warning("%s cannot be removed: %s", self._note.name, error.strerror)
            else:
                self._unsettled = False

    def _settled(self, index: Index) -> tuple[Json | None, None]:
        named = self._read_note()

        def is_gone(entry: Json) -> bool:
            version_id = integer(entry.get("civitai_version_id"))
            return any(
                version_id == integer(each.get("version_id"))
                and is_of(entry, text(each.get("file")), text(each.get("dest")))
                and self._loras.index.twin(Found("models", "", entry)) is not None
                for each in named
            )

        return (without(index.data, is_gone) if named else None), None

    def _known(self, version_id: int) -> Json:
        """The answer for what is not in `models.json`: moved before, or never there."""
        there = self._loras.index.of_version(version_id)
        if not there:
            raise NotFound(f"models.json has no entry of version {version_id}.")
        return {"status": "already_exists", "file": there[0].file}

    def _chosen(self, index: Index, moved: Found) -> tuple[Sequence[Json], None]:
        if index.twin(moved):
            return (), None
        known = texts(moved.entry.get("trigger_words"))
        words = [*known, *texts(moved.entry.get("trainedWords"))]
        return [{**moved.entry, "trigger_words": list(dict.fromkeys(words))}], None

    def _write_note(self, new: Sequence[Found]) -> None:
        told = [
            {"file": each.file, "dest": each.dest, "version_id": each.version_id} for each in new
        ]
        self._unsettled = True
        with replacing(self._note, what=self._models.document.path.name) as file:
            file.write(json.dumps({"moving": told}, indent=2).encode())

    def _read_note(self) -> list[Json]:
        try:
            return mappings(json.loads(self._note.read_bytes())["moving"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return []  # nothing was under way, or somebody has written something else there


def _category(found: Found) -> str:
    entry = found.entry
    return lora_category(text(entry.get("base_model")) or text(entry.get("civitai_base_model")))


def _answer(first: Found, new: Sequence[Found]) -> Json:
    if not new:
        return {"status": "already_exists", "file": first.file}
    return {"status": "promoted", "file": new[0].file, "category": _category(new[0])}
