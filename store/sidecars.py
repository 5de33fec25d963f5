"""What other programs have written beside a model: four kinds of JSON, each read for what it says.

Nothing here writes: those files belong to the programs that made them.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from .civitai_types import texts
from .json_values import integer, is_object, mapping, mappings, number, text
from .library_records import is_sha256
from .trigger_words import words_of

LARGEST = 16 << 20
_MOST_TAGS = 100
_LONGEST = 100_000

Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What one file says: `fields` of a record (tags as names), CivitAI's version.

    `hashes`: the SHA-256 of the files that it is about, none when it does not say.
    """

    fields: Json = field(default_factory=dict[str, Any])
    version: Json = field(default_factory=dict[str, Any])
    hashes: frozenset[str] = frozenset()

    def is_about(self, sha256: str) -> bool:
        """Whether it may be about this content (empty: not known)."""
        return not sha256 or not self.hashes or sha256 in self.hashes


class Format(NamedTuple):
    """A kind of file beside a model `<stem>.safetensors`: `<stem><ending>`."""

    name: str
    ending: str
    read: Callable[[Json], Said | None]


def read(path: Path, kind: Format) -> Said | None:
    """What the file says; None when it is something else. Raises ValueError or OSError."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB")
    try:
        told = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        # Python's own programs write NaN, and halves of surrogate pairs.
        told = json.loads(data.decode("utf-8", "replace"))
    if not is_object(told):
        raise ValueError("no JSON object")
    return kind.read(told)


def merged(parts: list[Said]) -> Said:
    """One of several: of each field the first that says something, the tags of all."""
    fields: Json = {}
    meta: Json = {}
    tags: list[str] = []
    for part in parts:
        for name, value in part.fields.items():
            if name == "tags":
                tags += value
            elif name == "meta":
                meta = {**_told(value), **meta}
            elif value and not fields.get(name):
                fields[name] = value
    if meta:
        fields["meta"] = meta
    if tags:
        fields["tags"] = list(dict.fromkeys(tags))[:_MOST_TAGS]
    versions = [part.version for part in parts if part.version]
    hashes = [part.hashes for part in parts if part.hashes]
    return Said(fields, versions[0] if versions else {}, hashes[0] if hashes else frozenset())


def _civitai_info(told: Json) -> Said | None:
    """Civitai-Helper's: CivitAI's answer about the version."""
    if integer(told.get("modelId")) is None and not is_object(told.get("model")):
        return None
    return Said(_of_version(told), told, _hashes_in(told))


def _lora_manager(told: Json) -> Said | None:
    """ComfyUI-Lora-Manager's, which may hold CivitAI's answer."""
    if not {"file_name", "model_name", "sha256", "civitai", "base_model"} & told.keys():
        return None
    version = mapping(told.get("civitai"))
    known = _of_version(version) if version else {}
    tips = _usage(told.get("usage_tips"))
    own: Json = {
        "name": text(told.get("model_name")).strip(),
        "base_model": _base_model(told.get("base_model")),
        "notes": _cut(told.get("notes")),
        "favorite": told.get("favorite") is True,
        "tags": _tags(told.get("tags")),
        "presets": [tips] if tips else [],
        "meta": {"description": plain(text(told.get("modelDescription")))},
    }
    said = merged([Said(own), Said(known)])
    return Said(said.fields, version, _hashes(told.get("sha256")) or _hashes_in(version))


def _stability_matrix(told: Json) -> Said | None:
    """StabilityMatrix's `cm-info`."""
    if not {"ModelId", "ModelName", "VersionId"} & told.keys():
        return None
    hashes = mapping(told.get("Hashes"))
    sha256 = text(hashes.get("SHA256")).lower()
    version = {
        "id": integer(told.get("VersionId")),
        "modelId": integer(told.get("ModelId")),
        "name": text(told.get("VersionName")),
        "baseModel": text(told.get("BaseModel")),
        "trainedWords": texts(told.get("TrainedWords")),
        "description": text(told.get("VersionDescription")),
        "model": {
            "name": text(told.get("ModelName")),
            "type": text(told.get("ModelType")),
            "nsfw": told.get("Nsfw") is True,
            "tags": texts(told.get("Tags")),
            "description": text(told.get("ModelDescription")),
        },
        "files": [{"hashes": {"SHA256": sha256}}] if sha256 else [],
    }
    fields = _of_version(version)
    fields["name"] = text(told.get("UserTitle")).strip() or fields["name"]
    usable = version if version["id"] is not None else {}
    return Said(fields, usable, _hashes(sha256))


def _a1111(told: Json) -> Said | None:
    """What A1111's and Forge's own editor writes."""
    if not told.keys() & _A1111_KEYS:
        return None
    weight = number(told.get("preferred weight"))
    negative = text(told.get("negative text")).strip()
    fields: Json = {
        "notes": _cut(told.get("notes")),
        "base_model": _A1111_BASES.get(text(told.get("sd version")).upper(), ""),
        "trigger_words": words_of([text(told.get("activation text"))]),
        "presets": [_preset(recommended=weight)] if weight else [],
        "meta": {"description": plain(text(told.get("description")))},
    }
    if negative:
        fields["meta"]["prompts"] = {"positive": "", "negative": negative}
    return Said(fields)


FORMATS = (
    Format("metadata_json", ".metadata.json", _lora_manager),
    Format("a1111", ".json", _a1111),
    Format("cm_info", ".cm-info.json", _stability_matrix),
    Format("civitai_info", ".civitai.info", _civitai_info),
)
"""What a person may have written comes first."""

PREVIEWS = tuple(
    f"{middle}{ending}"
    for middle in (".preview", "", ".cm-preview")
    for ending in (".png", ".jpeg", ".jpg", ".webp", ".gif", ".avif")
)
"""Endings of a picture that shows the model, the best first."""

_A1111_KEYS = frozenset(("activation text", "preferred weight", "sd version", "negative text"))
_A1111_BASES = {"SD1": "SD 1.5", "SD2": "SD 2.1", "SDXL": "SDXL 1.0", "SD3": "SD 3"}


# Strangers write these texts: a parser that looks for the end of each tag anew takes half a minute
# for 100 kB of tags that never end.
_BLOCK = re.compile(r"</?(?:p|br|li|div|h[1-6]|tr|ul|ol|pre)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")


def plain(markup: str) -> str:
    """The text of HTML without its tags, a line a block; text that is no HTML stays as it is."""
    markup = markup[:_LONGEST]
    if not _TAG.search(markup):
        return markup.strip()
    text_only = html.unescape(_TAG.sub("", _BLOCK.sub("\n", markup)))
    lines = [" ".join(line.split()) for line in text_only.split("\n")]
    return "\n".join(line for line in lines if line)


def _of_version(version: Mapping[str, Any]) -> Json:
    model = mapping(version.get("model"))
    name, version_name = text(model.get("name")).strip(), text(version.get("name")).strip()
    said = [text(model.get("description")), text(version.get("description"))]
    meta: Json = {"description": "\n\n".join(filter(None, map(plain, said)))}
    model_id, version_id = integer(version.get("modelId")), integer(version.get("id"))
    if model_id is not None:
        page = f"https://civitai.com/models/{model_id}"
        meta["community_links"] = f"{page}?modelVersionId={version_id}" if version_id else page
    return {
        "name": " ".join(part for part in dict.fromkeys((name, version_name)) if part)
        if name
        else "",
        "base_model": _base_model(version.get("baseModel")),
        "trigger_words": words_of(texts(version.get("trainedWords"))),
        "tags": _tags(model.get("tags")),
        "meta": meta,
    }


def _usage(tips: Any) -> Json | None:
    """Lora-Manager's strengths, which it keeps as JSON in a text."""
    if isinstance(tips, str):
        try:
            tips = orjson.loads(tips)
        except orjson.JSONDecodeError:
            return None
    told = mapping(tips)
    return _preset(
        lowest=number(told.get("strength_min")),
        recommended=number(told.get("strength")),
        highest=number(told.get("strength_max")),
    )


def _preset(
    *, recommended: float | None, lowest: float | None = None, highest: float | None = None
) -> Json | None:
    known = [each for each in (lowest, recommended, highest) if each is not None]
    if not known or known != sorted(known) or not -100 <= known[0] <= known[-1] <= 100:
        return None
    return {"name": "", "min": lowest, "recommended": recommended, "max": highest}


def _hashes_in(version: Mapping[str, Any]) -> frozenset[str]:
    """The hashes of all files of a version: which of them is meant, nobody says."""
    files = mappings(version.get("files"))
    return _hashes(*(mapping(file.get("hashes")).get("SHA256") for file in files))


def _hashes(*values: Any) -> frozenset[str]:
    told = (text(value).lower() for value in values)
    return frozenset(each for each in told if is_sha256(each))


def _tags(value: Any) -> list[str]:
    tags = [each.strip() for each in texts(value)]
    return [each for each in dict.fromkeys(tags) if 0 < len(each) <= 200][:_MOST_TAGS]


def _base_model(value: Any) -> str:
    told = text(value).strip()
    return "" if told.lower() in ("unknown", "other", "none") else told[:100]


def _cut(value: Any) -> str:
    return text(value).strip()[:_LONGEST]


def _told(meta: Mapping[str, Any]) -> Json:
    return {key: value for key, value in meta.items() if value}
