"""The files behind the catalog's entries: deleted into the trash, and had back."""

from __future__ import annotations

from typing import Any

from .catalog import Catalog
from .json_values import text
from .trash import Trash


class ModelFiles:
    """Deletes and restores files of entries; the entries stay."""

    def __init__(self, catalog: Catalog, trash: Trash) -> None:
        self._catalog = catalog
        self._trash = trash

    def delete(self, file: str, dest: str | None = None) -> dict[str, Any]:
        """Put an entry's file into the trash, from every root that has it.

        `{status:"deleted",file}`, also when it was not there. Raises NotFound, Conflict with
        `candidates`, DiskFull, CuratorError when the file is in use.
        """
        found = self._catalog.find(file, dest)
        told = {
            "file": found.file,
            "dest": found.dest,
            "catalog": found.catalog,
            "name": text(found.entry.get("name")),
        }
        for path in self._catalog.paths(found):
            self._trash.put(path, told)
        self._catalog.look_again(found.dest)
        return {"status": "deleted", "file": file}

    def restore(self, trash_id: str) -> dict[str, Any]:
        """Put a file back where it came from; see Trash.restore."""
        restored = self._trash.restore(trash_id)
        self._catalog.look_again(restored["dest"])
        return restored
