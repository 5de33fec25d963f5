"""Uploads from Hugging Face: which file of a repository is meant, and what is announced of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .errors import Impossible, NotFound
from .json_values import integer, mapping, mappings, text
from .model_addresses import OfHuggingFace
from .names import safe_name
from .remote.huggingface import HuggingFace
from .settings import Settings
from .source_entries import hub_entry
from .upload_asked import Asked
from .upload_records import Found, Json

_SAFE = (".safetensors", ".sft", ".gguf")
_PICKLES = (".ckpt", ".pt", ".pth", ".bin")
_MOST_CHOICES = 500


class HubUploads:
    """Asks Hugging Face what is meant."""

    def __init__(self, huggingface: HuggingFace, settings: Settings) -> None:
        self._huggingface = huggingface
        self._settings = settings

    def found(self, meant: OfHuggingFace, asked: Asked, field: str, *, source: str) -> Found:
        """One file. Raises Impossible with `choices` when a repository or folder has several.

        BadInput (`huggingface_token`) for what is gated says where the terms are accepted.
        """
        kind = asked.kind or "model"
        meant = self._one_file(meant, kind, field)
        told = self._huggingface.file(meant.repository, meant.path, meant.revision)
        name = safe_name(meant.path.rpartition("/")[2], fallback="model")
        # What was announced is of this commit, whatever is pushed meanwhile.
        revision = told.commit or meant.revision
        origin: Json = {}
        if kind == "model":
            origin["entry"] = hub_entry(meant, None, told.size, told.sha256)
        return Found(
            source=source,
            provider="huggingface",
            fetch={
                "source": {
                    "kind": "huggingface",
                    "repository": meant.repository,
                    "path": meant.path,
                    "revision": revision,
                },
                "name": name,
                "sha256": told.sha256,
                "size": told.size,
                "pages": kind in ("asset", "text"),
                "origin": origin,
            },
            file_name=name,
            kind=kind,
            url=self._huggingface.page(meant.repository, meant.path, meant.revision),
            file_size=told.size,
            sha256=told.sha256,
        )

    def _one_file(self, meant: OfHuggingFace, kind: str, field: str) -> OfHuggingFace:
        if meant.path and not meant.path.endswith("/") and _is_file_name(meant.path):
            return meant
        siblings = mappings(
            self._huggingface.repository(meant.repository, meant.revision).get("siblings")
        )
        sizes = {text(each.get("rfilename")): _size(each) for each in siblings}
        if meant.path in sizes:
            return meant
        folder = f"{meant.path.rstrip('/')}/" if meant.path else ""
        inside = [path for path in sizes if path.startswith(folder)]
        if folder and not inside:
            raise NotFound(f"{meant.repository} on Hugging Face has no {meant.path}.", field=field)
        usable = self._usable(inside, kind)
        if not usable:
            raise Impossible(self._why_nothing(meant, inside, folder), field=field)
        if len(usable) > 1:
            diffusers = f"{folder}model_index.json" in sizes
            raise Impossible(
                _several(meant, folder, diffusers=diffusers),
                field=field,
                facts={"choices": [_choice(meant, path, sizes[path]) for path in usable]},
            )
        return replace(meant, path=usable[0])

    def _usable(self, paths: list[str], kind: str) -> list[str]:
        """The files that may be meant; pickles only where there is nothing better."""
        if kind != "model":
            return [path for path in paths if not path.startswith(".git")][:_MOST_CHOICES]
        safe = [path for path in paths if path.lower().endswith(_SAFE)]
        if not safe and self._settings.values.allow_pickles:
            safe = [path for path in paths if path.lower().endswith(_PICKLES)]
        return sorted(safe)[:_MOST_CHOICES]

    @staticmethod
    def _why_nothing(meant: OfHuggingFace, paths: list[str], folder: str) -> str:
        where = f"{meant.repository}/{folder}".rstrip("/")
        if any(path.lower().endswith(_PICKLES) for path in paths):
            return (
                f"{where} has its model only as a pickle: loading one may run programs. Look for "
                "one with safetensors, or let pickles in with the setting allow_pickles."
            )
        return f"{where} has no file of a model (safetensors or GGUF)."


def _several(meant: OfHuggingFace, folder: str, *, diffusers: bool) -> str:
    where = f"{meant.repository}/{folder}".rstrip("/")
    if diffusers:
        return (
            f"{where} is a whole diffusers repository, its model in several files. Pick a single "
            "file out of choices, as owner/name/path."
        )
    return f"{where} has several models. Pick one out of choices, as owner/name/path."


def _choice(meant: OfHuggingFace, path: str, size: int) -> Json:
    """A file as it is picked: `huggingFaceModelName` names it alone."""
    revision = "" if meant.revision == "main" else f"@{meant.revision}"
    return {
        "path": path,
        "huggingFaceModelName": f"{meant.repository}{revision}/{path}",
        "size_bytes": size,
    }


def _size(sibling: dict[str, Any]) -> int:
    return integer(sibling.get("size")) or integer(mapping(sibling.get("lfs")).get("size")) or 0


def _is_file_name(path: str) -> bool:
    """Whether it ends as files of models do: then nobody need be asked whether it is a folder."""
    return path.lower().endswith((*_SAFE, *_PICKLES))
