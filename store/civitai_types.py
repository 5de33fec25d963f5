"""How CivitAI's words become a catalog entry: where a file is filed, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from .errors import Impossible, NotFound
from .json_values import integer, mapping, mappings, number, text
from .names import relative_folder, safe_name

Json = dict[str, Any]


class Filing(NamedTuple):
    """Where an entry belongs: the catalog's category and the folder below the models."""

    category: str
    dest: str


_FILING = {
    "checkpoint": Filing("checkpoints", "checkpoints"),
    "lora": Filing("loras", "loras"),
    "locon": Filing("loras", "loras"),
    "dora": Filing("loras", "loras"),
    "vae": Filing("vae", "vae"),
    "textualinversion": Filing("embeddings", "embeddings"),
    "controlnet": Filing("controlnet", "controlnet"),
    "poses": Filing("controlnet", "controlnet"),
    "upscaler": Filing("upscalers", "upscale_models"),
    "aestheticgradient": Filing("embeddings", "embeddings"),
    "hypernetwork": Filing("hypernetworks", "hypernetworks"),
    "motionmodule": Filing("animatediff_models", "animatediff_models"),
}
_DIFFUSION = Filing("diffusion_models", "diffusion_models")
_DIFFUSION_FAMILIES = ("flux", "wan", "hunyuanvideo", "cogvideox", "ltx")

_CATEGORY_NAMES = {
    "checkpoints": "Checkpoints",
    "diffusion_models": "Diffusion Models",
    "loras": "LoRAs",
    "vae": "VAE",
    "embeddings": "Embeddings",
    "controlnet": "ControlNet",
    "upscalers": "Upscalers",
    "hypernetworks": "Hypernetworks",
    "animatediff_models": "AnimateDiff",
    "wan_loras": "WAN LoRAs",
    "flux_loras": "Flux LoRAs",
    "sdxl_loras": "SDXL LoRAs",
    "sd15_loras": "SD 1.5 LoRAs",
    "other_loras": "Other LoRAs",
}
# What comes beside a model's weights and is of no use alone.
_NO_MODEL_FILES = ("training data", "config", "archive", "workflow")


_LORA_CATEGORIES = (
    (re.compile(r"\bwan"), "wan_loras"),
    (re.compile(r"flux"), "flux_loras"),
    (re.compile(r"sdxl|pony|illustrious|noobai"), "sdxl_loras"),
    (re.compile(r"\bsd ?1(\.|\b)"), "sd15_loras"),
)


def lora_category(base_model: str) -> str:
    """The category of a LoRA for this base model."""
    spelled = base_model.lower()
    for pattern, category in _LORA_CATEGORIES:
        if pattern.search(spelled):
            return category
    return "other_loras"


def category_name(category: str) -> str:
    """What a new category is called."""
    return _CATEGORY_NAMES.get(category) or category.replace("_", " ").title()


def filing(version: Mapping[str, Any], dest: str | None) -> Filing:
    """Where a version's file belongs; `dest` from the caller wins. Raises Impossible, BadInput."""
    kind = text(mapping(version.get("model")).get("type"))
    usual = _FILING.get(kind.lower())
    if kind.lower() == "checkpoint":
        family = text(version.get("baseModel")).lower().replace(" ", "")
        if family.startswith(_DIFFUSION_FAMILIES):
            usual = _DIFFUSION
    if dest:
        folder = relative_folder(dest, field="dest")
        return Filing(usual.category if usual else folder.parts[0], folder.as_posix())
    if usual is None:
        raise Impossible(
            f"CivitAI calls this {kind or 'nothing'}, which has no folder of its own; "
            "say with dest where it belongs.",
            field="dest",
        )
    return usual


def chosen_file(version: Mapping[str, Any], file_id: int | None) -> Json:
    """The file that is asked for, or the version's primary one. Raises NotFound, Impossible."""
    files = mappings(version.get("files"))
    usable = [file for file in files if text(file.get("name")).strip()]
    if file_id is not None:
        for file in usable:
            if file.get("id") == file_id:
                return file
        raise NotFound(f"Version {version.get('id')} has no file {file_id}.", field="file_id")
    for file in usable:
        if file.get("primary") is True:
            return file
    for file in usable:
        if text(file.get("type")).lower() not in _NO_MODEL_FILES:
            return file
    raise Impossible("This version has no file that could be downloaded.")


def new_entry(
    version_id: int, version: Mapping[str, Any], file: Mapping[str, Any], dest: str
) -> Json:
    """The catalog entry of a version's file, with the keys of studio.md §2."""
    model = mapping(version.get("model"))
    base_model = text(version.get("baseModel"))
    precision = text(mapping(file.get("metadata")).get("fp"))
    sha256 = text(mapping(file.get("hashes")).get("SHA256"))
    downloads = integer(mapping(version.get("stats")).get("downloadCount"))
    entry: Json = {
        "name": display_name(version, file),
        "file": safe_name(text(file.get("name")), fallback=f"civitai_{version_id}"),
        "dest": dest,
        "source": "civitai",
        "size_gb": _gigabytes(file.get("sizeKB")),
        "tags": ["nsfw"] if model.get("nsfw") is True else [],
        "civitai_version_id": version_id,
        "civitai_model_id": integer(version.get("modelId")),
        "civitai_file_id": integer(file.get("id")),
        "civitai_model_name": text(model.get("name")),
        "civitai_version": text(version.get("name")),
        "civitai_base_model": base_model,
        "civitai_type": text(model.get("type")),
        "civitai_tags": texts(model.get("tags")),
        "civitai_fp": precision,
        "trainedWords": texts(version.get("trainedWords")),
        "base_model": base_model,
    }
    if sha256:
        entry["hash"] = sha256.lower()
    if downloads is not None:
        entry["downloads"] = downloads
    return entry


def display_name(version: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    """`ModelName VersionName [BaseModel FP]`, without what is unknown or said already."""
    model = text(mapping(version.get("model")).get("name")).strip()
    name = text(version.get("name")).strip()
    precision = text(mapping(file.get("metadata")).get("fp")).strip().upper()
    title = " ".join(part for part in (model, name if name != model else "") if part)
    facts = " ".join(p for p in (text(version.get("baseModel")).strip(), precision) if p)
    return f"{title} [{facts}]" if facts else title


def restriction(version: Mapping[str, Any]) -> str | None:
    """Why CivitAI does not hand out this version's files; None when it does."""
    control = text(version.get("usageControl"))
    if not control or control == "Download":
        return None
    return f"CivitAI offers this version for {control} only, not for download."


def texts(value: Any) -> list[str]:
    """The texts of a list from upstream."""
    items = cast(list[Any], value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def _gigabytes(kibibytes: Any) -> float:
    """Decimal gigabytes, exact to the byte, so that what is expected can be compared."""
    return round(max(number(kibibytes) or 0.0, 0.0) * 1024 / 1e9, 9)
