"""How a model's gallery shows itself elsewhere: its preview, and what the catalog's list says."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from . import gallery_lists
from .engine import Collection, Record
from .errors import NotFound
from .gallery_models import GalleryModels


class Faces:
    """Thread-safe; what was found out is kept until `forget` says that a model has changed."""

    def __init__(self, records: Collection, known_models: GalleryModels) -> None:
        self._records = records
        self._known_models = known_models
        self._lock = threading.Lock()
        self._facts: dict[int, Mapping[str, Any]] = {}

    def catalog_facts(self, model_id: int) -> Mapping[str, Any]:
        """The `gallery_*` values of a LoRA for the catalog's list; empty without pictures."""
        with self._lock:
            known = self._facts
            if model_id in known:
                return known[model_id]
        facts = gallery_lists.catalog_facts(self._records, model_id)
        preview = self.preview(model_id) if facts else None
        if preview:
            facts["gallery_thumb"] = preview["id"]
        with self._lock:
            # A change meanwhile has put another dict in this one's place.
            known[model_id] = facts
        return facts

    def preview(self, model_id: int) -> Record | None:
        """The picture that a person has chosen for the model, if its gallery shows it."""
        chosen = self._known_models.preview(model_id)
        record = self._records.get(chosen) if chosen else None
        return record if record and model_id in record["models"] else None

    def set_preview(self, record: Record, model_id: int | None) -> dict[str, Any]:
        """Let this picture stand for a model: `{status, model_id, civitai_id}`.

        Without a number for the one it belongs to first. Raises NotFound.
        """
        chosen = record["model_id"] if model_id is None else model_id
        if chosen not in record["models"]:
            raise NotFound("This picture is not in the gallery of that model.")
        self._known_models.set_preview(chosen, record["id"])
        return {"status": "ok", "model_id": chosen, "civitai_id": record["id"]}

    def forget(self, models: Iterable[int] | None = None) -> None:
        """Something of these has changed; without them, of all."""
        gone = None if models is None else set(models)
        with self._lock:
            self._facts = {
                model_id: facts
                for model_id, facts in self._facts.items()
                if gone is not None and model_id not in gone
            }
