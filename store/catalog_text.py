"""A catalog as the text of its file, each entry put into words once."""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson

from .documents import Json, dumped

_Worded: TypeAlias = tuple[Json, orjson.Fragment]
"""An entry and its text; held together, so that no other entry can get its id."""

_DEPTH = b"\n" + 8 * b" "
"""How deep an entry lies: in the list of a category in the list of categories."""


class CatalogText:
    """Writes catalogs that mostly share their entries with the one before. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[int, _Worded] = {}

    def dump(self, data: Json) -> bytes:
        """What `documents.dumped` makes of it, faster where the entries are the very same."""
        known: dict[int, _Worded] = {}

        def listed(category: Json) -> dict[str, Any]:
            models: list[Json] | None = category.get("models")
            if models is None:
                return category
            ids = list(map(id, models))
            worded = list(map(self._known.get, ids))
            both = [old or _worded(entry) for old, entry in zip(worded, models, strict=True)]
            known.update(zip(ids, both, strict=True))
            return {**category, "models": [text for _, text in both]}

        categories = [listed(category) for category in data["categories"]]
        self._known = known
        try:
            option = orjson.OPT_INDENT_2
            return orjson.dumps({**data, "categories": categories}, option=option)
        except TypeError:
            return dumped(data)


def _worded(entry: Json) -> _Worded:
    # A line break within a text is written \n: each one here is between two keys or values.
    return entry, orjson.Fragment(dumped(entry).replace(b"\n", _DEPTH))
