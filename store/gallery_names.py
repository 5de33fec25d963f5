"""What the models are called that have galleries: each by its own name, never by another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .engine import Collection
from .engine.words import split
from .gallery_models import GalleryModels
from .json_values import text

if TYPE_CHECKING:
    from .catalog import Catalog

_LOOKED_AT = 50


class ModelNames:
    """By CivitAI model: as CivitAI told it, as a picture of it alone says, as a catalog says."""

    def __init__(self, records: Collection, known_models: GalleryModels, catalog: Catalog) -> None:
        self._records = records
        self._known_models = known_models
        self._catalog = catalog
        self._found: dict[int, tuple[int, str]] = {}
        """By model what its pictures say, and of how many they were."""
        self._listed: tuple[object, Mapping[int, str]] = (None, {})
        self._words: dict[str, frozenset[str]] = {}

    @property
    def stamp(self) -> object:
        """Another one after each change of a name by CivitAI or of a catalog."""
        return self._known_models.names(), self._generations()

    def name(self, model_id: int) -> str:
        """Empty when nobody knows it; of model 0 always."""
        if not model_id:
            return ""
        told = self._known_models.names().get(model_id)
        return told or self._of_pictures(model_id) or self._in_catalogs().get(model_id, "")

    def told(self, model_id: int, name: str) -> None:
        """CivitAI calls the model so; an empty name says nothing."""
        self._known_models.set_name(model_id, name.strip())

    def having(self, query: str) -> tuple[frozenset[int], ...]:
        """For each word of a search the models with pictures that have it in their names.

        The last word may be the beginning of one, as in the search itself.
        """
        words = split(query)
        if not words:
            return ()
        names = [
            (model_id, self._split(name))
            for model_id in self._records.values("by_model")
            if (name := self.name(model_id or 0))
        ]
        *whole, last = words
        found = [frozenset(each for each, known in names if word in known) for word in whole]
        begun = (each for each, known in names if any(one.startswith(last) for one in known))
        return (*found, frozenset(begun))

    def _of_pictures(self, model_id: int) -> str:
        """What one of its newer pictures says that belongs to no other model."""
        count = self._records.count("by_model", model_id)
        looked_at, name = self._found.get(model_id, (-1, ""))
        if name or looked_at == count:
            return name
        newer = self._records.page("by_model", model_id, descending=True, limit=_LOOKED_AT).records
        own = [text(each["model_name"]) for each in newer if each["models"] == [model_id]]
        name = next((each for each in own if each), "")
        self._found[model_id] = (count, name)
        return name

    def _in_catalogs(self) -> Mapping[int, str]:
        files = self._catalog.files.values()
        stamp = self._generations()
        known, names = self._listed
        if known != stamp:
            names = {
                found.model_id: name
                for file in files
                for found in file.index.found
                if found.model_id and (name := text(found.entry.get("civitai_model_name")).strip())
            }
            self._listed = (stamp, names)
        return names

    def _generations(self) -> tuple[int, ...]:
        return tuple(file.document.state.generation for file in self._catalog.files.values())

    def _split(self, name: str) -> frozenset[str]:
        known = self._words.get(name)
        if known is None:
            known = self._words[name] = frozenset(split(name))
        return known
