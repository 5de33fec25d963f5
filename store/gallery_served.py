"""What the gallery hands out: files over HTTP, and pictures with their making to nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import NotFound, WrongType
from .media import Kind, format_of
from .names import inside


@dataclass(frozen=True)
class Picture:
    """What a workflow node needs: the file, its texts, its seed (0 when unknown), its kind."""

    path: Path
    prompt: str
    negative: str
    seed: int
    kind: Kind


@dataclass(frozen=True)
class ServedFile:
    """A file to hand out: its type told by its bytes, and a tag that changes with its content."""

    path: Path
    content_type: str
    etag: str
    name: str


def picture_of(record: Mapping[str, Any], folder: Path) -> Picture:
    """The picture of a record; its files lie below `folder` (`<data>/gallery`)."""
    return Picture(
        inside(folder, record["file_path"]),
        record["prompt"],
        record["negative"],
        record["seed"] or 0,
        record["type"],
    )


def served(path: Path, name: str) -> ServedFile:
    """A file of ours to hand out under a name, which gets the extension of its true type.

    Raises NotFound when it has gone meanwhile.
    """
    try:
        try:
            kind = format_of(path)
            content_type, ext = kind.content_type, kind.ext
        except WrongType:
            # Somebody has put another file there; it is only ever saved, never shown.
            content_type, ext = "application/octet-stream", ""
        stat = path.stat()
    except FileNotFoundError as error:
        raise NotFound("The file of this picture is gone.") from error
    return ServedFile(path, content_type, f"{stat.st_size:x}-{stat.st_mtime_ns:x}", name + ext)
