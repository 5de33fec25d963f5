"""A catalog as the text of its file, each entry put into words once."""

from __future__ import annotations

from typing import Any

import orjson

from .documents import Json, dumped

_DEPTH = b"\n" + 8 * b" "
"""How deep an entry lies: in the list of a category in the list of categories."""


class CatalogText:
    """Writes catalogs that mostly share their entries with the one before. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Json, orjson.Fragment]] = {}

    def dump(self, data: Json) -> bytes:
        """What `documents.dumped` makes of it, faster where the entries are the very same."""
        known: dict[int, tuple[Json, orjson.Fragment]] = {}

        def worded(entry: Json) -> orjson.Fragment:
            # The entry is held with its text, so that no other one can get its id.
            found = self._known.get(id(entry)) or (entry, _fragment(entry))
            known[id(entry)] = found
            return found[1]

        def listed(category: Json) -> dict[str, Any]:
            if not isinstance(category.get("models"), list):
                return category
            return {**category, "models": [worded(entry) for entry in category["models"]]}

        categories = [listed(category) for category in data["categories"]]
        self._known = known
        try:
            option = orjson.OPT_INDENT_2
            return orjson.dumps({**data, "categories": categories}, option=option)
        except TypeError:
            return dumped(data)


def _fragment(entry: Json) -> orjson.Fragment:
    # A line break within a text is written \n: each one here is between two keys or values.
    return orjson.Fragment(dumped(entry).replace(b"\n", _DEPTH))
