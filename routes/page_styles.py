"""The page's style sheets as one, as its modules are one script."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath

from .page_scripts import UnknownForm, versions

_IMPORT = re.compile(r'^@import "([^"]+)";\n', re.MULTILINE)
_OTHER = re.compile(r"@(?:import|charset|namespace)\b.*")


def joined_styles(folder: Path, entry: str) -> str:
    """The style sheet `entry` of the folder, with those that it imports in their places.

    Kept for as long as none of them changes. Raises UnknownForm, and OSError where a file is not
    there.
    """
    return _joined(folder, entry, versions(folder, "*.css"))


@lru_cache(2)
def _joined(folder: Path, entry: str, _of: frozenset[tuple[str, int, int]]) -> str:
    return _with_imports(folder, entry, ())


def _with_imports(folder: Path, name: str, asking: tuple[str, ...]) -> str:
    if name in asking:
        raise UnknownForm(f"{name} imports itself, by way of {asking[-1]}")
    text = (folder / name).read_text("utf-8")
    # Alone, a sheet that breaks off is mended by the browser; here it would take in the next one.
    if text.count("{") != text.count("}") or text.count("/*") != text.count("*/"):
        raise UnknownForm(f"{name} breaks off")
    if other := _OTHER.search(_IMPORT.sub("", text)):
        raise UnknownForm(f"{name}: {other[0]}")

    def put_in(found: re.Match[str]) -> str:
        imported = normpath(join(dirname(name), found[1]))
        return _with_imports(folder, imported, (*asking, name))

    return _IMPORT.sub(put_in, text)
