"""Where a checked upload goes: models folder, gallery, input folder, or the assets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .errors import BadInput, NotFound
from .host import Host
from .inputs import Inputs, copy_to
from .json_values import text
from .library_collections import Collections
from .model_checks import Checked
from .model_landing import ModelLanding, check_type
from .names import safe_name
from .upload_asked import Asked
from .upload_placing import Check, Placing, Remember
from .upload_records import Json

if TYPE_CHECKING:
    from .gallery import Gallery

_TARGETS = ("gallery", "input")
_SEEN = ("image", "avatar", "video")
# Endings that say what others of their group say too.
_SAME = (
    (".jpeg", ".jpg", ".jpe", ".jfif"),
    (".safetensors", ".sft"),
    (".aiff", ".aif", ".aifc"),
    (".ogg", ".oga", ".opus"),
    (".mp4", ".m4v"),
    (".m4a", ".m4b"),
    (".ckpt", ".pt", ".pth", ".bin", ".pkl"),
)
_ALONE = (".gguf", ".png", ".webp", ".gif", ".avif", ".mov", ".webm", ".mkv", ".wav", ".flac")
_KNOWN = frozenset((*_ALONE, *(ending for group in _SAME for ending in group)))


class Landed(NamedTuple):
    """What has become of an upload: its id there, its name, and where that is.

    `place` has the `kind` `model`, `gallery`, `input` or `asset`, and no path of this machine.
    """

    entity_id: str
    file_name: str
    place: Json


class UploadLanding:
    """Gives uploads their places. Thread-safe; `land` may be called again after a kill."""

    def __init__(
        self, host: Host, gallery: Gallery, collections: Collections, models: ModelLanding
    ) -> None:
        self._host = host
        self._gallery = gallery
        self._collections = collections
        self._inputs = Inputs(host.input)
        self._models = models

    def check(self, asked: Asked) -> None:
        """Raise BadInput for wishes that cannot be fulfilled, before anything is kept."""
        target = asked.config.get("target")
        if asked.kind in _SEEN and target is not None and target not in _TARGETS:
            raise BadInput("config.target is gallery or input.", field="config.target")
        if asked.kind in ("", "model"):
            check_type(self._host, asked.config)
            return
        try:
            for collection_id in _collection_ids(asked.asset_options):
                self._collections.get(collection_id)
        except NotFound as error:
            raise BadInput(error.text, field="assetOptions.collectionIds") from error

    def land(
        self,
        record: Mapping[str, Any],
        path: Path,
        sha256: str,
        checked: Checked,
        *,
        remember: Remember,
        check: Check,
    ) -> Landed:
        """The file is where it belongs, and known there; `path` stays, unless it was moved.

        Raises what `check` raises, DiskFull, Impossible, CuratorError.
        """
        name = named(record["file_name"], checked)
        if checked.kind in _SEEN:
            return self._picture(record, path, name)
        placing = Placing(path, sha256, record["id"], remember=remember, check=check)
        if checked.kind == "model":
            model = self._models.land(record, placing, name, sha256, checked)
            place = {"kind": "model", "folder": model.folder, "file": model.name}
            return Landed(sha256, model.name, place)
        target = placing.at(record.get("landing") or {})
        if target is None:
            target = placing.put(self._host.asset_folder(checked.kind) / name)
        place = {"kind": "asset", "folder": checked.kind, "file": target.name}
        return Landed(f"{checked.kind}/{target.name}", target.name, place)

    def _picture(self, record: Mapping[str, Any], path: Path, name: str) -> Landed:
        if record["config"].get("target") == "input":
            name = self._inputs.put(name, copy_to(path))
            return Landed(name, name, {"kind": "input", "file": name})
        item_id = str(self._gallery.add_own(path, name=name)["id"])
        for collection_id in _collection_ids(record["asset_options"]):
            try:
                self._collections.add(collection_id, "picture", item_id)
            except NotFound:
                continue  # deleted since it was asked for
        return Landed(item_id, name, {"kind": "gallery", "id": item_id})


def named(name: str, checked: Checked) -> str:
    """The name with the ending of what the file is, safe everywhere."""
    name = safe_name(name, fallback=checked.kind)
    suffix = Path(name).suffix
    if not checked.ext or suffix.lower() in _group(checked.ext):
        return name
    stem = name[: -len(suffix)] if suffix.lower() in _KNOWN else name
    return safe_name(stem + checked.ext, fallback=checked.kind + checked.ext)


def _group(ending: str) -> tuple[str, ...]:
    return next((group for group in _SAME if ending in group), (ending,))


def _collection_ids(options: Mapping[str, Any]) -> list[str]:
    given = options.get("collectionIds")
    if not isinstance(given, list):
        return []
    return [text(each) for each in cast("list[Any]", given) if text(each)]
