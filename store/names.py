"""Names that are safe on every file system, and paths that stay where they belong."""

from __future__ import annotations

import ntpath
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from .errors import BadInput, NotFound

# Reserved on Windows with any extension; a library is often shared with such a machine.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]
)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_EDGES = "." + "".join(filter(str.isspace, map(chr, range(0x3001))))  # with every blank there is
_MAX_BYTES = 200  # of a name; leaves room for ".part" and counters below the usual 255


def safe_name(name: str, *, fallback: str = "file") -> str:
    """The name as one path component that every file system takes; its extension is kept.

    Separators and control characters become `_`, invisible direction marks go, reserved names get
    a leading `_`, and a long stem is cut at 200 bytes of UTF-8.
    """
    visible = "".join(c for c in unicodedata.normalize("NFC", name) if not _invisible(c))
    cleaned = _FORBIDDEN.sub("_", visible).strip(_EDGES)
    if not cleaned.strip("_"):
        cleaned = fallback
    if cleaned.split(".", 1)[0].strip().lower() in _RESERVED:
        cleaned = "_" + cleaned
    stem, dot, extension = cleaned.rpartition(".")
    if not dot or len(extension.encode()) > 20:
        stem, extension = cleaned, ""
    suffix = f".{extension}" if extension else ""
    room = _MAX_BYTES - len(suffix.encode())
    return _cut(stem, room).strip(_EDGES) + suffix


def is_safe_name(name: str) -> bool:
    """Whether the name is already what `safe_name` would make of it."""
    return bool(name) and safe_name(name) == name


def name_with(name: str, addition: str) -> str:
    """The safe name with an addition before its extension; a long stem gives way to it."""
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    ending = addition + dot + extension
    return _cut(stem, _MAX_BYTES - len(ending.encode())) + ending


def relative_folder(text: str, *, field: str) -> PurePosixPath:
    """A caller's relative folder (`loras/SDXL`), checked part by part; 400 when it leads out."""
    parts = text.replace("\\", "/").split("/")
    if not text or not all(is_safe_name(part) for part in parts):
        raise BadInput(f"{field} is not a plain relative folder: {text!r}", field=field)
    return PurePosixPath(*parts)


def local_path(text: str, field: str) -> Path:
    """A path of this machine. Raises BadInput for shares, relative paths and what is none."""
    # The mere look at a share makes Windows log in to its server.
    if text.startswith(("\\\\", "//", "\\/", "/\\")):
        raise BadInput("Only paths of this machine are taken, no network shares.", field=field)
    path = Path(text)
    if "\x00" in text or not path.is_absolute():
        raise BadInput("The path must be absolute, on the machine that runs Curator.", field=field)
    return path


def inside(root: Path, *parts: str) -> Path:
    """The path below root, links resolved; 404 when it would lie outside of it."""
    # Not even looked at: on Windows a share's mere name makes the system log in to its server.
    if any("\x00" in part or ntpath.splitdrive(part)[0] for part in parts):
        raise NotFound("There is no such file.")
    base = os.path.realpath(root)
    path = os.path.realpath(os.path.join(base, *parts))  # noqa: PTH118 - realpath of text parts
    try:
        is_inside = os.path.commonpath([base, path]) == base
    except ValueError:  # on another drive
        is_inside = False
    if not is_inside:
        raise NotFound("There is no such file.")
    return Path(path)


def _invisible(char: str) -> bool:
    """Format characters (direction marks, zero widths) hide what a name really is."""
    return unicodedata.category(char) in ("Cf", "Cs", "Co", "Cn")


def _cut(text: str, room: int) -> str:
    return text.encode()[:room].decode(errors="ignore")
