"""What is known of models that have galleries: name, versions, the picture chosen for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .engine import CollectionSpec, Database

GALLERY_MODELS = CollectionSpec("gallery_models", key="id")
"""By CivitAI model: `name`, `versions`, and `preview`, the id of a picture."""


class GalleryModels:
    """Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = database.collection("gallery_models")
        self._names: tuple[int, Mapping[int, str]] = (-1, {})

    def preview(self, model_id: int) -> str | None:
        """The picture that a person has chosen; it may be gone."""
        record = self._records.get(str(model_id))
        return record.get("preview") if record else None

    def versions(self, model_id: int) -> frozenset[int]:
        """The versions that CivitAI has told of."""
        record = self._records.get(str(model_id))
        return frozenset(record.get("versions", ())) if record else frozenset()

    def of_versions(self, versions: Collection[int]) -> set[int]:
        """The models that CivitAI has told to have one of these."""
        return {
            int(record["id"])
            for record in self._records
            if any(version in versions for version in record.get("versions", ()))
        }

    def names(self) -> Mapping[int, str]:
        """What the models are called, as far as CivitAI has told it."""
        stamp = self._records.stamp
        known, names = self._names
        if known != stamp:
            told = {int(each["id"]): each["name"] for each in self._records if each.get("name")}
            # The same object as long as no name has changed: who has it can tell.
            names = names if told == names else told
            self._names = (stamp, names)
        return names

    def set_name(self, model_id: int, name: str) -> None:
        """CivitAI calls the model so; an empty name says nothing."""
        if model_id and name and self.names().get(model_id) != name:
            self._change(model_id, name=name)

    def set_preview(self, model_id: int, item_id: str) -> None:
        """This picture stands for the model from now on."""
        self._change(model_id, preview=item_id)

    def forget_preview(self, item_id: str, models: Iterable[int]) -> None:
        """The picture is gone: it stands for none of these any more."""
        for record in self._records.get_many(map(str, models)):
            if record.get("preview") == item_id:
                self._records.put({name: record[name] for name in record if name != "preview"})

    def add_versions(self, model_id: int, versions: Iterable[int]) -> None:
        """CivitAI has told of these."""
        known = self.versions(model_id)
        if not known.issuperset(versions):
            self._change(model_id, versions=sorted(known.union(versions)))

    def _change(self, model_id: int, **changes: Any) -> None:
        key = str(model_id)
        with self._database.transaction():
            record = self._records.get(key) or {"id": key}
            self._records.put({**record, **changes})
