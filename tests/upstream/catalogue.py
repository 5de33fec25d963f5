"""The models of the world: records made from the table in `specs`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial

from . import weights
from .records import Content, Creator, File, Json, Model, Version
from .specs import MODELS, FileSpec, ModelSpec, VersionSpec

START = datetime(2025, 3, 1, 9, 30, tzinfo=timezone.utc)
"""Where the world's time begins; everything in it is told from here."""
NOW = START + timedelta(days=240)
"""The world's present: periods such as Month are counted back from it."""

CREATORS = (
    Creator(2101, "mossgarden"),
    Creator(2102, "pixel.smith"),
    Creator(2103, "Ünïcode Łucja"),
    Creator(2104, "nightowl_77"),
    Creator(2105, "العربية"),
)


def build(seed: int) -> list[Model]:
    """The models, with ids from 30101, versions from 410101 and files from 510101 on."""
    return [_model(seed, 30101 + number, number, spec) for number, spec in enumerate(MODELS)]


def _model(seed: int, model_id: int, number: int, spec: ModelSpec) -> Model:
    versions = tuple(
        _version(seed, model_id, 410101 + number * 100 + place, spec, version)
        for place, version in enumerate(spec.versions)
    )
    return Model(
        model_id,
        spec.name,
        spec.kind,
        CREATORS[number % len(CREATORS)],
        spec.description,
        spec.tags,
        versions,
        spec.nsfw,
        spec.mode,
        spec.removed,
        spec.ends_with_an_empty_page,
        spec.label,
    )


def _version(
    seed: int, model_id: int, version_id: int, model: ModelSpec, spec: VersionSpec
) -> Version:
    version_id = spec.id or version_id
    files = tuple(
        _file(seed, version_id * 10 + place, model, spec, file)
        for place, file in enumerate(spec.files)
    )
    return Version(
        version_id,
        model_id,
        spec.name,
        spec.base_model,
        START + timedelta(hours=version_id % 997),
        files,
        spec.words,
        spec.usage,
        NOW + timedelta(days=10) if spec.early_access else None,
        spec.gated,
        spec.answers_no_file,
        label=spec.label,
    )


def _file(seed: int, file_id: int, model: ModelSpec, version: VersionSpec, spec: FileSpec) -> File:
    salt = f"{seed}:file:{file_id}"
    stem = "".join(char if char.isalnum() else "_" for char in f"{model.name}_{version.name}")
    return File(
        file_id,
        spec.name or f"{stem.lower()}.safetensors",
        Content(_maker(salt, version.layout or model.kind, spec)),
        spec.kind,
        spec.format,
        spec.fp,
        spec.size,
        spec.primary,
    )


def _maker(salt: str, layout: str, spec: FileSpec) -> Callable[[], bytes]:
    if spec.format == "PickleTensor":
        return partial(weights.pickled, salt)
    if spec.kind in ("Archive", "Training Data"):
        return partial(weights.archive, {"readme.txt": salt.encode()})
    layout = "VAE" if spec.kind == "VAE" else layout
    return partial(
        weights.safetensors, layout, salt, fp=spec.fp or "fp16", size=spec.bytes or 12_000
    )


def air(model: Model, version: Version) -> str:
    """The model version's AIR."""
    ecosystem = version.base_model.split()[0].split(".")[0].lower()
    return f"urn:air:{ecosystem}:{model.kind.lower()}:civitai:{model.id}@{version.id}"


def metadata(file: File) -> Json:
    """What CivitAI tells of a file's precision; keys that it does not know are absent."""
    told = {"format": file.format, "size": file.size, "fp": file.fp}
    return {name: value for name, value in told.items() if value is not None}
