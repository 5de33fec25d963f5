"""Collections in a workflow: the picture or model at a place, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..store import CuratorError, collections

_TIP = "The name of a collection in Curator."
_INDEX_TIP = "Which one, from 0; after the last comes the first again."
_INDEX = {"default": 0, "min": 0, "max": 2**31, "control_after_generate": True}


class _Anything(str):
    """A type that fits every input: lists of files, which differ from node to node."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class CuratorCollectionPicture:
    """The id of a picture in a collection, for Curator Gallery Image."""

    CATEGORY = "Curator"
    DESCRIPTION = "A picture of a collection by its place; link its id to Curator Gallery Image."
    RETURN_TYPES = ("STRING", "INT")
    RETURN_NAMES = ("image_id", "count")
    FUNCTION = "choose"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The inputs, as ComfyUI wants them declared."""
        return {
            "required": {
                "collection": ("STRING", {"default": "", "tooltip": _TIP}),
                "index": ("INT", {**_INDEX, "tooltip": _INDEX_TIP}),
            }
        }

    @classmethod
    def IS_CHANGED(cls, collection: str = "", index: int = 0) -> str | float:
        """The collection's pictures; NaN, which equals nothing, when there is none."""
        try:
            return json.dumps(collections().pictures(collection))
        except CuratorError:
            return float("nan")

    @classmethod
    def VALIDATE_INPUTS(cls, collection: str | None = None) -> bool | str:
        """True, or why there is no picture; a name that a link will bring is not known yet."""
        return _valid(collection, lambda name: len(collections().pictures(name)), "picture")

    def choose(self, collection: str, index: int) -> tuple[str, int]:
        """The id, and how many there are. Raises CuratorError for an unknown or empty one."""
        found = collections().pictures(collection)
        if not found:
            raise CuratorError(f"The collection {collection} has no picture.")
        return found[index % len(found)], len(found)


class CuratorCollectionModel:
    """The file of a model in a collection, for any loader."""

    CATEGORY = "Curator"
    DESCRIPTION = "A model of a collection by its place: its file for a loader, its trigger words."
    RETURN_TYPES = (_Anything("*"), "STRING", "FLOAT", "INT")
    RETURN_NAMES = ("file", "trigger_words", "strength", "count")
    FUNCTION = "choose"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The inputs, as ComfyUI wants them declared."""
        type_tip = "Only models of this type (loras, checkpoints …); empty: all."
        return {
            "required": {
                "collection": ("STRING", {"default": "", "tooltip": _TIP}),
                "index": ("INT", {**_INDEX, "tooltip": _INDEX_TIP}),
                "type": ("STRING", {"default": "loras", "tooltip": type_tip}),
            }
        }

    @classmethod
    def IS_CHANGED(cls, collection: str = "", index: int = 0, type: str = "") -> str | float:
        """The collection's models; NaN, which equals nothing, when there is none."""
        try:
            return json.dumps(collections().models(collection, type.strip()))
        except CuratorError:
            return float("nan")

    @classmethod
    def VALIDATE_INPUTS(cls, collection: str | None = None, type: str = "") -> bool | str:
        """True, or why there is no model; a name that a link will bring is not known yet."""
        return _valid(
            collection, lambda name: len(collections().models(name, type.strip())), "model"
        )

    def choose(self, collection: str, index: int, type: str) -> tuple[str, str, float, int]:
        """File, trigger words, recommended strength, and how many models there are.

        Raises CuratorError for an unknown collection or one without such a model.
        """
        found = collections().models(collection, type.strip())
        if not found:
            raise CuratorError(f"The collection {collection} has no such model here.")
        chosen = found[index % len(found)]
        return chosen.file, chosen.words, chosen.strength, len(found)


def _valid(name: str | None, count: Callable[[str], int], what: str) -> bool | str:
    if name is None:
        return True
    if not name.strip():
        return "Enter the name of a collection in Curator."
    try:
        return True if count(name) else f"The collection {name} has no {what} here."
    except CuratorError as error:
        return error.text
