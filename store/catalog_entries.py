"""The content of `models.json`, `loras.json`: `{version, date, categories:[{id, name, models}]}`.

Nothing here changes what it is given: each function returns a new catalog that shares its parts
with the old one, so that whoever reads the old one may go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from .civitai_types import category_name
from .documents import Unusable
from .json_values import integer, text

Json = dict[str, Any]

_KEYS = ("token", "key", "api_key", "apikey", "api-key", "access_token", "auth", "password")


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


def with_entries(
    data: Json,
    added: Mapping[str, Sequence[Mapping[str, Any]]],
    names: Mapping[str, str] | None = None,
) -> Json:
    """The catalog with more entries at the end of each of these categories.

    A category that is not there is made, with its name out of `names` or the usual one.
    """
    categories: list[Json] = list(data["categories"])
    numbers = {known["id"]: number for number, known in reversed([*enumerate(categories)])}
    for category, new in added.items():
        if category in numbers:
            known = categories[numbers[category]]
            categories[numbers[category]] = {**known, "models": [*known.get("models", ()), *new]}
        else:
            name = (names or {}).get(category) or category_name(category)
            categories.append({"id": category, "name": name, "models": [*new]})
    return _next_version(data, categories)


def without(data: Json, is_gone: Callable[[Json], bool]) -> Json | None:
    """The catalog without some entries; None when there are none of them. Categories stay."""
    return with_changed(data, lambda entry: None if is_gone(entry) else entry)


def with_changed(data: Json, change: Callable[[Json], Json | None]) -> Json | None:
    """The catalog with what `change` makes of each entry, None taking it out.

    None when it gives back every entry as it was.
    """
    categories: list[Json] = []
    changed = False
    for category in data["categories"]:
        models: list[Json] = category.get("models", [])
        made = [change(entry) for entry in models]
        if any(new is not old for new, old in zip(made, models, strict=True)):
            changed = True
            category = {**category, "models": [entry for entry in made if entry is not None]}
        categories.append(category)
    return _next_version(data, categories) if changed else None


def is_of(entry: Mapping[str, Any], file: str, dest: str) -> bool:
    """Whether an entry is of this `file` in the folder `dest`, which is a tidy one."""
    return entry.get("file") == file and tidy_folder(text(entry.get("dest"))) == dest


def tidy_folder(text: str) -> str:
    """`loras/SDXL` for `loras\\SDXL/`: how two spellings of one folder are compared."""
    return text.replace("\\", "/").strip("/")


def without_keys(address: str) -> str:
    """An address as it may be shown and stored: without user names, passwords and keys in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    place = parts.netloc.rpartition("@")[2]
    query = "&".join(
        part
        for part in parts.query.split("&")
        if unquote(part.partition("=")[0]).lower() not in _KEYS
    )
    if (place, query) == (parts.netloc, parts.query):
        return address
    return urlunsplit(parts._replace(netloc=place, query=query))


def _next_version(data: Json, categories: list[Json]) -> Json:
    version = data.get("version")
    now = datetime.now(timezone.utc)
    return {
        **data,
        "version": (version if isinstance(version, int) else 0) + 1,
        "date": now.strftime("%Y-%m-%d %H:%M"),
        "categories": categories,
    }
