"""The world that the local CivitAI and Hugging Face show, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from . import catalogue, community, repositories
from .records import Creator, File, Image, Model, Repository, Version

_T = TypeVar("_T", Model, Version, Image, Repository)


class World:
    """Models, versions, files, images, tags and repositories; bytes are made when asked for."""

    now = catalogue.NOW
    civitai_key = "civitai-key-made-up-for-tests"
    """Opens what needs a login."""
    huggingface_token = "hf_token_made_up_for_tests"
    """Opens every repository."""
    huggingface_outsider = "hf_token_of_an_outsider"
    """A valid token of somebody whom the gated repositories have not let in."""

    def __init__(self, seed: int = 1, images_per_model: int = 40) -> None:
        """`images_per_model`: pictures shared with each of the four models that have a gallery."""
        self.seed = seed
        models = catalogue.build(seed)
        self.models: dict[int, Model] = {model.id: model for model in models}
        self.versions: dict[int, Version] = {
            version.id: version for model in models for version in model.versions
        }
        built = community.Community(seed, models).build(images_per_model)
        self.images: dict[int, Image] = {image.id: image for image in built}
        self.by_uuid: dict[str, Image] = {image.uuid: image for image in built}
        self.tags = community.build_tags()
        self.creators: dict[str, Creator] = {each.name: each for each in catalogue.CREATORS}
        self.repositories: dict[str, Repository] = {
            each.name: each for each in repositories.build(seed)
        }

    def model(self, label: str) -> Model:
        """The model of this label. Raises KeyError, as the next three do."""
        return _labelled(self.models, label)

    def version(self, label: str) -> Version:
        return _labelled(self.versions, label)

    def image(self, label: str) -> Image:
        return _labelled(self.images, label)

    def repository(self, label: str) -> Repository:
        return _labelled(self.repositories, label)

    def model_of(self, version: Version) -> Model:
        return self.models[version.model_id]

    def find_file(self, file_id: int) -> File | None:
        return self._files.get(file_id)

    def images_of(self, model: Model) -> list[Image]:
        """What the community shares of a model, oldest number first."""
        ids = {version.id for version in model.versions}
        return [
            image
            for image in self.images.values()
            if image.community and not ids.isdisjoint(image.version_ids)
        ]

    def draw(self, images: Iterable[Image]) -> int:
        """Make their bytes now, so that a measurement need not wait for it. Bytes in all."""
        with ThreadPoolExecutor() as pool:
            return sum(pool.map(_drawn, images))

    def by_hash(self, text: str) -> Version | None:
        """The version that has a file of this hash, of any kind and in any case."""
        return self._hashes.get(text.upper())

    @cached_property
    def _files(self) -> dict[int, File]:
        return {file.id: file for version in self.versions.values() for file in version.files}

    @cached_property
    def _hashes(self) -> dict[str, Version]:
        return {
            text: version
            for version in self.versions.values()
            if not self.model_of(version).removed
            for file in version.files
            for text in file.content.hashes.values()
        }


def _drawn(image: Image) -> int:
    return len(image.content.data)


def _labelled(records: dict[int, _T] | dict[str, _T], label: str) -> _T:
    for record in records.values():
        if record.label == label:
            return record
    raise KeyError(label)
