"""Adding a model by its address: first what it will be, then the entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .catalog import Catalog
from .catalog_entries import Found, Json
from .catalog_index import Index, free_name
from .civitai_types import display_name, filing, restriction
from .errors import Impossible
from .host import Host
from .json_values import integer, mapping, mappings, number, text
from .model_addresses import OfCivitAI, OfHuggingFace, understand
from .names import relative_folder, safe_name
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace
from .settings import Settings
from .source_entries import address_entry, hub_entry, same_source

_MODEL_ENDINGS = (".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".bin", ".onnx", ".sft")
# What repositories call their folders, beside the names of ComfyUI's own.
_FOLDERS = {
    "text_encoder": "text_encoders",
    "clip": "text_encoders",
    "unet": "diffusion_models",
    "lora": "loras",
    "controlnets": "controlnet",
    "upscalers": "upscale_models",
    "esrgan": "upscale_models",
}


class ModelAdding:
    """Tells what an address means, and adds what a person picks of it to `models.json`."""

    def __init__(
        self,
        catalog: Catalog,
        civitai: CivitAI,
        huggingface: HuggingFace,
        host: Host,
        settings: Settings,
    ) -> None:
        self._catalog = catalog
        self._civitai = civitai
        self._huggingface = huggingface
        self._host = host
        self._options = settings.options

    def resolve(self, address: str) -> Json:
        """What an address would add: `{kind, title, choices, selected, folders}`.

        A choice has `name, file, dest` (None when it is to be asked), `category, size_bytes,
        status` (`present`, `missing`, `new`) and what `add` wants of it: `version_id` and
        `file_id`, or `path`. Raises BadInput (`address`), NotFound, upstream's errors.
        """
        meant = understand(address, self._options)
        if isinstance(meant, OfCivitAI):
            shown = self._show_civitai(meant)
        elif isinstance(meant, OfHuggingFace):
            shown = self._show_repository(meant)
        else:
            entry = address_entry(meant, None)
            shown: Json = {
                "kind": "url",
                "title": entry["file"],
                "choices": [self._choice(entry, url=meant.url)],
                "selected": 0,
            }
        return {**shown, "folders": sorted(self._host.model_folders())}

    def add(
        self,
        address: str,
        *,
        version_id: int | None = None,
        file_id: int | None = None,
        path: str | None = None,
        dest: str | None = None,
    ) -> Json:
        """Add one: answers as `Catalog.add`. What is not said is told by the address.

        Raises Impossible (`version_id`, `path`, `dest`) with `choices` where one is to be picked.
        """
        meant = understand(address, self._options)
        if isinstance(meant, OfCivitAI):
            return self._catalog.add(self._version(meant, version_id), file_id, dest)
        if isinstance(meant, OfHuggingFace):
            return self._put(self._hub_entry(meant, path, dest))
        return self._put(address_entry(meant, dest))

    def _show_civitai(self, meant: OfCivitAI) -> Json:
        model_id = meant.model_id
        if model_id is None:
            version = self._civitai.version(meant.version_id or 0)
            model_id = integer(version.get("modelId")) or 0
        model = self._civitai.model(model_id)
        choices: list[Json] = []
        selected = 0
        for version in mappings(model.get("modelVersions")):
            if integer(version.get("id")) == meant.version_id:
                selected = len(choices)
            choices.extend(self._version_choices(model_id, model, version))
        return {
            "kind": "civitai",
            "title": text(model.get("name")),
            "type": text(model.get("type")),
            "author": text(mapping(model.get("creator")).get("username")),
            "model_id": model_id,
            "choices": choices,
            "selected": selected if meant.version_id or len(choices) == 1 else None,
        }

    def _version_choices(self, model_id: int, model: Json, version: Json) -> list[Json]:
        """A version's files, the primary one first; none for what cannot be had."""
        told = {**version, "modelId": model_id, "model": model}
        version_id = integer(version.get("id")) or 0
        try:
            where = filing(told, None)
        except Impossible:
            where = None
        choices: list[Json] = []
        for file in mappings(version.get("files")):
            entry: Json = {
                "name": display_name(told, file),
                "file": safe_name(text(file.get("name")), fallback=f"civitai_{version_id}"),
                "dest": where.dest if where else None,
                "civitai_version_id": version_id,
                "civitai_file_id": integer(file.get("id")),
            }
            choices.append(
                self._choice(
                    entry,
                    version_id=version_id,
                    version_name=text(version.get("name")),
                    file_id=entry["civitai_file_id"],
                    base_model=text(version.get("baseModel")),
                    published=text(version.get("publishedAt")) or text(version.get("createdAt")),
                    category=where.category if where else None,
                    size_bytes=round((number(file.get("sizeKB")) or 0) * 1024),
                    precision=text(mapping(file.get("metadata")).get("fp")),
                    kind=text(file.get("type")),
                    primary=file.get("primary") is True,
                    restricted=restriction(version),
                )
            )
        return sorted(choices, key=lambda choice: not choice["primary"])

    def _version(self, meant: OfCivitAI, version_id: int | None) -> int:
        if version_id is not None or meant.version_id is not None:
            return version_id or meant.version_id or 0
        shown = self._show_civitai(meant)
        versions = {choice["version_id"] for choice in shown["choices"]}
        if len(versions) == 1:
            return versions.pop()
        raise Impossible(
            f"{shown['title']} has several versions; say which.",
            field="version_id",
            facts={"choices": shown["choices"]},
        )

    def _show_repository(self, meant: OfHuggingFace) -> Json:
        choices = [
            self._choice(
                hub_entry(replace(meant, path=path), self._folder_of(path), size, sha256),
                path=path,
                size_bytes=size,
            )
            for path, size, sha256 in self._files(meant)
        ]
        if not choices:
            raise Impossible(f"{meant.repository} has no file of a model there.", field="address")
        return {
            "kind": "huggingface",
            "title": meant.repository,
            "repository": meant.repository,
            "choices": choices,
            "selected": 0 if len(choices) == 1 else None,
        }

    def _files(self, meant: OfHuggingFace) -> list[tuple[str, int, str]]:
        """Path, size and SHA-256 of the model files that are meant; 0 and empty when unknown."""
        if meant.path and not meant.path.endswith("/"):
            found = self._huggingface.file(meant.repository, meant.path, meant.revision)
            return [(meant.path, found.size, found.sha256)]
        repository = self._huggingface.repository(meant.repository, meant.revision)
        return [
            (path, integer(each.get("size")) or 0, text(mapping(each.get("lfs")).get("sha256")))
            for each in mappings(repository.get("siblings"))
            if (path := text(each.get("rfilename"))).startswith(meant.path)
            and path.lower().endswith(_MODEL_ENDINGS)
        ]

    def _hub_entry(self, meant: OfHuggingFace, path: str | None, dest: str | None) -> Json:
        if path:
            meant = replace(meant, path=path.strip("/"))
        if not meant.path or meant.path.endswith("/"):
            shown = self._show_repository(meant)
            if len(shown["choices"]) > 1:
                raise Impossible(
                    f"{meant.repository} has several models; say which.",
                    field="path",
                    facts={"choices": shown["choices"]},
                )
            meant = replace(meant, path=shown["choices"][0]["path"])
        (found,) = self._files(meant)
        return hub_entry(meant, dest or self._folder_of(meant.path), *found[1:])

    def _folder_of(self, path: str) -> str | None:
        """The models folder that a path in a repository names, the nearest to the file first."""
        known = self._host.model_folders()
        for part in reversed(path.lower().split("/")[:-1]):
            folder = _FOLDERS.get(part, part)
            if folder in known:
                return folder
        return None

    def _put(self, entry: Json) -> Json:
        if not entry["dest"]:
            raise Impossible(
                "Where this belongs cannot be told; say with dest.",
                field="dest",
                facts={"folders": sorted(self._host.model_folders())},
            )
        entry["dest"] = relative_folder(entry["dest"], field="dest").as_posix()
        category = self._category(entry["dest"])

        def choose(index: Index) -> tuple[Sequence[Json], Json]:
            new = Found("models", category, entry)
            indexes = self._catalog.indexes(index)
            twin = same_source(new, indexes)
            if twin:
                return [], {"status": "already_exists", "file": twin.file}
            named = {**entry, "file": free_name(new, indexes)}
            told = {key: named[key] for key in ("file", "name", "dest")}
            return [named], {"status": "added", **told, "category": category}

        return self._catalog.files["models"].add(category, choose)

    def _category(self, dest: str) -> str:
        """The category in which a person keeps what lies in this folder, else the folder itself."""
        kind = dest.split("/")[0]
        found = self._catalog.files["models"].index.found
        kept = [each.category for each in found if each.dest.split("/")[0] == kind]
        return max(set(kept), key=kept.count) if kept else kind

    def _choice(self, entry: Json, **more: Any) -> Json:
        found = Found("models", "", entry)
        twin = same_source(found, [file.index for file in self._catalog.files.values()])
        status = "new"
        if twin:
            status = "present" if self._catalog.is_present(twin) else "missing"
        told = {key: entry[key] for key in ("name", "file", "dest")}
        category = self._category(entry["dest"]) if entry["dest"] else None
        return {"category": category, "size_bytes": 0, **told, "status": status, **more}
