"""The page's modules as one script: asked for one by one, 150 of them take twice the time."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_EXPORTED = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class UnknownForm(ValueError):
    """A module imports or exports in a way that is not known here; it says where."""


def joined(folder: Path, entry: str) -> str:
    """The module `entry` of the folder, with all that it imports before it.

    Each is a function that has run once and gives what it exports, so names stay its own. Kept for
    as long as no module changes. Raises UnknownForm, and OSError where a file is not there.
    """
    return _joined(folder, entry, versions(folder, "*.js"))


def versions(folder: Path, names: str) -> frozenset[tuple[str, int, int]]:
    """The files of these names in a folder and below, with their times and sizes."""
    stats = ((str(path), path.stat()) for path in folder.rglob(names))
    return frozenset((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)


@lru_cache(4)
def _joined(folder: Path, entry: str, _of: frozenset[tuple[str, int, int]]) -> str:
    found = dict[str, str]()
    _collect(folder, entry, found, [])
    numbers = {name: number for number, name in enumerate(found)}
    return "".join(_script(name, text, entry, numbers) for name, text in found.items())


def _collect(folder: Path, name: str, found: dict[str, str], asking: list[str]) -> None:
    """Put the module and those that it needs into `found`, what is needed first."""
    if name in asking:
        raise UnknownForm(f"{name} needs itself, by way of {asking[-1]}")
    if name in found:
        return
    text = (folder / name).read_text("utf-8")
    for _, source in _IMPORT.findall(text):
        _collect(folder, _beside(name, source), found, [*asking, name])
    found[name] = text


def _script(name: str, text: str, entry: str, numbers: dict[str, int]) -> str:
    def take(found: re.Match[str]) -> str:
        names = ", ".join(each.replace(" as ", ": ") for each in _listed(found[1]))
        return f"const {{ {names} }} = $module{numbers[_beside(name, found[2])]};\n"

    body = _IMPORT.sub(take, text)
    place = relpath(name, dirname(entry) or ".")
    body = body.replace("import.meta.url", f'new URL("{place}", import.meta.url).href')
    exports = _EXPORT.findall(body)
    for names in _EXPORTED.findall(body):
        exports += _listed(names)
    inner = _EXPORTED.sub("", _EXPORT.sub("", body))
    if other := _OTHER.search(inner):
        raise UnknownForm(f"{name}: {other[0]}")
    if name == entry:
        return body
    kept = f"return {{ {', '.join(exports)} }};"
    return f"// {name}\nconst $module{numbers[name]} = (() => {{\n{inner}{kept}\n}})();\n"


def _beside(name: str, source: str) -> str:
    return normpath(join(dirname(name), source))


def _listed(names: str) -> list[str]:
    return [each.strip() for each in names.split(",") if each.strip()]
