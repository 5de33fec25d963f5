"""Rules that say where a file belongs: `{base_model}/{kind}/{file}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from .errors import BadInput
from .names import safe_name

PLACEHOLDERS = (
    "base_model",
    "type",
    "kind",
    "name",
    "file",
    "folder",
    "creator",
    "version",
    "tag",
    "letter",
    "sha256",
)
"""`file` is the name as it is, without its ending; `folder` where it lies; `letter` the first of
its name."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAMING = ("{file}", "{name}")
_LONGEST = 500
_DEEPEST = 12


class Rule(NamedTuple):
    """Folders below the root, and the name (empty: it stays as it is)."""

    folders: tuple[str, ...]
    name: str

    def target(self, values: Mapping[str, str], ending: str) -> PurePosixPath:
        """The path below the root; what is not known is called `unknown`."""
        parts: list[str] = []
        for part in self.folders:
            if part == "{folder}":
                parts += [each for each in values["folder"].split("/") if each]
            else:
                parts.append(safe_name(_filled(part, values), fallback="unknown"))
        # The ending is part of the name while it is made safe: long names give way to it.
        stem = _filled(self.name or "{file}", values) or "unknown"
        return PurePosixPath(*parts, safe_name(stem + ending, fallback="unknown"))


def parse_rule(text: str) -> Rule:
    """The rule; its last part is the file's name when it holds `{file}` or `{name}`.

    Raises BadInput naming what is wrong.
    """
    text = text.strip().replace("\\", "/")
    if len(text) > _LONGEST:
        raise BadInput(f"A rule has at most {_LONGEST} characters.", field="rule")
    parts = [part.strip() for part in text.split("/")]
    if parts and not parts[-1]:
        parts.pop()
    if not parts:
        raise BadInput("The rule is empty.", field="rule")
    if len(parts) > _DEEPEST:
        raise BadInput(f"A rule goes at most {_DEEPEST} folders deep.", field="rule")
    for part in parts:
        for name in _PLACEHOLDER.findall(part):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise BadInput(f"{{{name}}} is not known; there are {known}.", field="rule")
        if part in ("", ".", "..") or "{" in _PLACEHOLDER.sub("", part):
            raise BadInput(f"{part!r} is no part of a path.", field="rule")
        if "{folder}" in part and part != "{folder}":
            raise BadInput("{folder} stands for whole folders, alone.", field="rule")
    if any(each in parts[-1] for each in _NAMING):
        return Rule(tuple(parts[:-1]), parts[-1])
    return Rule(tuple(parts), "")


def _filled(part: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], "").strip() or "unknown", part)
