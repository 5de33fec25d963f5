"""One of the two catalog files, with its entries at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from . import catalog_entries
from .catalog_entries import Found, Json, is_of, without
from .catalog_index import Index
from .catalog_text import CatalogText
from .documents import Document, State

T = TypeVar("T")


class CatalogFile:
    """`models.json` or `loras.json`: its state, its index, and the changes that are made to it."""

    def __init__(self, folder: Path, name: str, changed: Callable[[str, str], None]) -> None:
        """`changed` is told (catalog, `added|removed|edited`), from any thread."""
        self.name = name
        self._changed = changed
        self.document = Document(
            folder / f"{name}.json",
            empty=catalog_entries.empty,
            check=catalog_entries.check,
            edited=lambda: changed(name, "edited"),
            dump=CatalogText().dump,
        )
        self._index = Index(name, self.document.state.data)

    @property
    def index(self) -> Index:
        """The entries of the present state."""
        return self.index_of(self.document.state)

    def index_of(self, state: State) -> Index:
        """The entries of this state."""
        return self._index_of(state.data)

    def add(self, category: str, choose: Callable[[Index], tuple[Sequence[Json], T]]) -> T:
        """Add the entries that `choose` makes for the present state; gives what else it returns."""

        def grouped(index: Index) -> tuple[Mapping[str, Sequence[Json]], T]:
            new, result = choose(index)
            return {category: new}, result

        return self.add_all(grouped)

    def add_all(
        self,
        choose: Callable[[Index], tuple[Mapping[str, Sequence[Json]], T]],
        names: Mapping[str, str] | None = None,
    ) -> T:
        """As `add`, to several categories at once; `names` are those of new categories."""

        def edit(data: Json) -> tuple[Json | None, tuple[Index | None, T]]:
            index = self._index_of(data)
            chosen, result = choose(index)
            new = {category: added for category, added in chosen.items() if added}
            if not new:
                return None, (None, result)
            data = catalog_entries.with_entries(data, new, names)
            found = [Found(self.name, each, entry) for each in new for entry in new[each]]
            return data, (index.plus(data, found), result)

        index, result = self.document.change(edit)
        if index:
            self._index = index
            self._changed(self.name, "added")
        return result

    def remove(self, file: str, dest: str) -> bool:
        """Take the entries of this file out; False when there are none."""

        def edit(index: Index) -> tuple[Json | None, bool]:
            left = without(index.data, lambda entry: is_of(entry, file, dest))
            return left, left is not None

        return self.change("removed", edit)

    def change(
        self,
        what: str,
        edit: Callable[[Index], tuple[Json | None, T]],
        before: Callable[[], object] | None = None,
    ) -> T:
        """As Document.change, with the entries at hand; who listens is told that it is `what`."""
        generation = self.document.state.generation
        result = self.document.change(lambda data: edit(self._index_of(data)), before)
        if self.document.state.generation != generation:
            self._changed(self.name, what)
        return result

    def _index_of(self, data: Json) -> Index:
        index = self._index
        if index.data is not data:
            index = self._index = Index(self.name, data)
        return index
