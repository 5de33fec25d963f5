"""Where an uploaded model lies, and who is told of it: library and catalog."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from .catalog import Catalog
from .catalog_entries import Found, Json
from .catalog_index import Index
from .civitai_types import texts
from .errors import CuratorError, NotFound
from .host import Host
from .json_values import mapping, text
from .library_records import Records
from .model_checks import Checked
from .model_headers import Header, read_header
from .model_kinds import tell
from .names import relative_folder
from .source_entries import same_source
from .trigger_words import words_of
from .upload_placing import Placing

log = logging.getLogger(__name__)

UNSORTED = "unsorted"
_TYPES = {
    "checkpoint": "checkpoints",
    "diffusion_model": "diffusion_models",
    "embedding": "embeddings",
    "hypernetwork": "hypernetworks",
    "lora": "loras",
    "text_encoder": "text_encoders",
    "upscale": "upscale_models",
    "upscaler": "upscale_models",
}
"""What people and other programs call ComfyUI's folders."""


class Place(Protocol):
    """A file in a models folder, as the library knows it: `path`, and what it was like then."""

    @property
    def path(self) -> str:
        """Absolute."""
        ...

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    @property
    def mtime_ns(self) -> int:
        """When it was changed last."""
        ...


class Places(Protocol):
    """What the library knows of the files in the models folders."""

    def of_hash(self, sha256: str) -> Sequence[Place]:
        """The files with this content."""
        ...

    def took(self, path: str, sha256: str) -> object:
        """A file lies there now, and this is its content. Raises NotFound for another folder."""
        ...


class Model(NamedTuple):
    """Where a model lies: its file's name, and the folder below the models (`loras/SDXL`)."""

    name: str
    folder: str


class ModelLanding:
    """Gives models their places."""

    def __init__(self, host: Host, catalog: Catalog, records: Records) -> None:
        self._host = host
        self._catalog = catalog
        self._records = records
        self.places: Places | None = None
        """Set by who knows the library's files."""

    def land(
        self,
        record: Mapping[str, Any],
        placing: Placing,
        name: str,
        sha256: str,
        checked: Checked,
    ) -> Model:
        """The model lies in its folder, in the library, and, from a known source, in the catalog.

        A file of this content that lies in a models folder is that one.
        """
        origin = mapping(mapping(record["fetch"]).get("origin"))
        entry = mapping(origin.get("entry"))
        target = placing.at(record.get("landing") or {}) or self._known(sha256)
        header = checked.header
        if target is not None and header is None:
            header = read_header(target)
        type_, base_model = self._told(record, entry, header or Header("other"), name)
        dest = type_
        if target is None:
            dest, name, twin = self._wanted(entry, type_, name, sha256)
            folder = self._host.places(dest)[0]

            def is_free(path: Path) -> bool:
                return not self._is_promised(dest, path.name, sha256, entry, twin)

            target = placing.put(folder / name, is_free)
        else:
            dest = self._dest_of(target) or type_
        self._tell(target, dest, sha256, entry, base_model)
        return Model(target.name, dest)

    def _told(
        self, record: Mapping[str, Any], entry: Json, header: Header, name: str
    ) -> tuple[str, str]:
        """The folder it belongs to, and its base model: as its sender says, else by its tensors."""
        told = tell(header, name)
        base_model = text(entry.get("base_model")) or told.base_model
        wished = check_type(self._host, record["config"])
        sure = told.type if told.facts.get("sure") else ""
        return wished or sure or text(entry.get("dest")) or told.type or UNSORTED, base_model

    def _known(self, sha256: str) -> Path | None:
        """A file of this content in a models folder, as it is at this moment."""
        for place in self.places.of_hash(sha256) if self.places else ():
            path = Path(place.path)
            try:
                found = path.stat()
            except OSError:
                continue
            if (found.st_size, found.st_mtime_ns) == (place.size, place.mtime_ns):
                return path
        return None

    def _wanted(
        self, entry: Json, type_: str, name: str, sha256: str
    ) -> tuple[str, str, Found | None]:
        """Folder and name; those of the catalog's entry that waits for this very file."""
        twin = self._twin(entry, sha256)
        if twin and twin.folder and not self._catalog.is_present(twin):
            return twin.folder, twin.name, twin
        return type_, name, twin

    def _twin(self, entry: Json, sha256: str) -> Found | None:
        indexes = [file.index for file in self._catalog.files.values()]
        if entry:
            found = same_source(Found("models", "", entry), indexes)
            if found:
                return found
        for index in indexes:
            for found in index.found:
                if text(found.entry.get("hash")).lower() == sha256:
                    return found
        return None

    def _is_promised(
        self, dest: str, name: str, sha256: str, entry: Json, twin: Found | None
    ) -> bool:
        """Whether the catalog says that another file belongs there."""
        slot = (dest.casefold(), name.casefold())
        for file in self._catalog.files.values():
            for found in file.index.in_slot(slot):
                told = text(found.entry.get("hash")).lower()
                ours = twin is not None and twin.entry is found.entry
                if not ours and (entry or told not in ("", sha256)):
                    return True
        return False

    def _dest_of(self, path: Path) -> str:
        """The folder of a file as the catalog names it; empty when it lies in none of ours."""
        for kind, roots in self._host.model_folders().items():
            for root in roots:
                if path.is_relative_to(root):
                    return "/".join((kind, *path.relative_to(root).parts[:-1]))
        if path.is_relative_to(self._host.models):
            return path.relative_to(self._host.models).parent.as_posix()
        return ""

    def _tell(self, path: Path, dest: str, sha256: str, entry: Json, base_model: str) -> None:
        if self.places:
            # A folder that no one has looked into yet is found by the next look.
            with contextlib.suppress(NotFound):
                self.places.took(str(path), sha256)
        self._records.make(
            sha256,
            name=text(entry.get("name")) or path.stem,
            type=dest.split("/")[0],
            base_model=base_model,
            path=str(path),
            size_bytes=path.stat().st_size,
            created_at=time.time_ns() // 1_000_000,
            trigger_words=words_of(texts(entry.get("trainedWords"))),
        )
        if entry:
            told = {"file": path.name, "dest": dest, "hash": sha256, "base_model": base_model}
            try:
                self._enter({**entry, **told})
            except CuratorError as error:
                # The model itself is there; the catalog says by itself what is wrong with it.
                log.warning("%s is not in the catalog: %s", path.name, error.text)
        self._catalog.look_again(dest)

    def _enter(self, entry: Json) -> None:
        """An entry of it, unless the catalog has one."""
        category = self._category(entry)

        def choose(index: Index) -> tuple[Sequence[Json], None]:
            indexes = self._catalog.indexes(index)
            new = Found("models", category, entry)
            known = same_source(new, indexes) or any(each.in_slot(new.slot) for each in indexes)
            return [] if known else [entry], None

        self._catalog.files["models"].add(category, choose)

    def _category(self, entry: Json) -> str:
        """The category in which a person keeps what lies in this folder, else the usual one."""
        kind = entry["dest"].split("/")[0]
        kept = [
            found.category
            for found in self._catalog.files["models"].index.found
            if found.dest.split("/")[0] == kind
        ]
        if kept:
            return max(set(kept), key=kept.count)
        return kind


def check_type(host: Host, config: Mapping[str, Any]) -> str:
    """The folder that a sender wishes for a model; empty without a wish. Raises BadInput."""
    wished = text(config.get("type")).strip()
    if not wished:
        return ""
    kind, *rest = relative_folder(wished, field="config.type").parts
    usual = _TYPES.get(kind.lower(), "")
    return "/".join((usual if usual in host.model_folders() else kind, *rest))
