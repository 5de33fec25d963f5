"""The content of `models.json`, `loras.json`: `{version, date, categories:[{id, name, models}]}`.

Nothing here changes what it is given: each function returns a new catalog that shares its parts
with the old one, so that whoever reads the old one may go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, cast

from .civitai_types import category_name
from .documents import Unusable
from .json_values import integer, text

Json = dict[str, Any]


class Found:
    """An entry as it stands in a catalog, with what it is looked up by, however a person wrote it.

    `catalog` is `models` or `loras`; `folder` and `name` are the file's place below the models (a
    `file` with slashes lies deeper than `dest`); `slot` is that place for a file system that does
    not tell case apart. Ids may be written as text; what is not there is empty or None.
    """

    __slots__ = (
        "catalog",
        "category",
        "dest",
        "entry",
        "file",
        "file_id",
        "folder",
        "model_id",
        "name",
        "slot",
        "version_id",
    )

    def __init__(self, catalog: str, category: str, entry: Mapping[str, Any]) -> None:
        self.catalog = catalog
        self.category = category
        self.entry = entry
        self.file = text(entry.get("file"))
        self.dest = tidy_folder(text(entry.get("dest")))
        self.version_id = integer(entry.get("civitai_version_id"))
        self.model_id = integer(entry.get("civitai_model_id"))
        self.file_id = integer(entry.get("civitai_file_id"))
        self.folder, self.name = self.dest, self.file
        if "/" in self.file or "\\" in self.file:
            deeper, _, self.name = tidy_folder(self.file).rpartition("/")
            self.folder = f"{self.dest}/{deeper}" if self.dest and deeper else self.dest or deeper
        self.slot = (self.folder.casefold(), self.name.casefold())


def empty() -> Json:
    """What a missing catalog file means."""
    return {"version": 0, "date": "", "categories": []}


def check(data: Json) -> None:
    """Raise Unusable, naming the part, for JSON that is no catalog. Unknown keys are fine."""
    if "categories" not in data:
        raise Unusable('a catalog needs a list "categories"')
    categories = data["categories"]
    if not isinstance(categories, list):
        raise Unusable('"categories" must be a list', ("categories",))
    for number, category in enumerate(cast(list[Any], categories)):
        path = ("categories", number)
        if not isinstance(category, dict):
            raise Unusable("a category must be an object", path)
        known = cast(Json, category)
        if not isinstance(known.get("id"), str):
            raise Unusable('a category needs a text "id"', path)
        models = known.get("models", [])
        if not isinstance(models, list):
            raise Unusable('"models" must be a list', (*path, "models"))
        for place, entry in enumerate(cast(list[Any], models)):
            if not isinstance(entry, dict):
                raise Unusable("an entry must be an object", (*path, "models", place))


def entries(catalog: str, data: Json) -> Iterator[Found]:
    """Every entry, in the order of the file."""
    for category in data["categories"]:
        for entry in category.get("models", ()):
            yield Found(catalog, category["id"], entry)


def with_entries(data: Json, category: str, added: Sequence[Mapping[str, Any]]) -> Json:
    """The catalog with these entries at the end of the category, which is made if need be."""
    categories: list[Json] = list(data["categories"])
    for number, known in enumerate(categories):
        if known["id"] == category:
            categories[number] = {**known, "models": [*known.get("models", ()), *added]}
            break
    else:
        categories.append({"id": category, "name": category_name(category), "models": [*added]})
    return _next_version(data, categories)


def without(data: Json, file: str, dest: str) -> Json | None:
    """The catalog without the entries of this file; None when there are none. Categories stay."""
    categories: list[Json] = []
    changed = False
    for category in data["categories"]:
        models: list[Json] = category.get("models", [])
        kept = [entry for entry in models if not _is_of(entry, file, dest)]
        if len(kept) < len(models):
            changed = True
            category = {**category, "models": kept}
        categories.append(category)
    return _next_version(data, categories) if changed else None


def tidy_folder(text: str) -> str:
    """`loras/SDXL` for `loras\\SDXL/`: how two spellings of one folder are compared."""
    return text.replace("\\", "/").strip("/")


def _next_version(data: Json, categories: list[Json]) -> Json:
    version = data.get("version")
    now = datetime.now(timezone.utc)
    return {
        **data,
        "version": (version if isinstance(version, int) else 0) + 1,
        "date": now.strftime("%Y-%m-%d %H:%M"),
        "categories": categories,
    }


def _is_of(entry: Mapping[str, Any], file: str, dest: str) -> bool:
    return entry.get("file") == file and tidy_folder(text(entry.get("dest"))) == dest
