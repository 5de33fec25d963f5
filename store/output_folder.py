"""ComfyUI's output folder: the pictures in it that a person may take into the gallery."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .errors import NotFound
from .gallery_records import utc
from .library_facts import shown_text
from .media import BY_EXT
from .names import inside

_KINDS = {**{ext: kind.kind for ext, kind in BY_EXT.items()}, ".jpg": "image"}


class OutputFolder:
    """Looked at anew each time: other programs write there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self, q: str = "", *, limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """`{files: [{path, name, size, modified, type}], total}`, the newest first.

        `path` is relative, with slashes; `q` is part of it, in any case.
        """
        wanted = q.casefold()
        found = [each for each in self._files() if wanted in each[2].casefold()]
        found.sort(reverse=True)
        return {
            "files": [_shown(*each) for each in found[offset : offset + limit]],
            "total": len(found),
        }

    def path(self, name: str) -> Path:
        """The file of a relative path. Raises NotFound, also for what lies outside or is hidden."""
        path = inside(self._folder, name)
        if not path.is_file():
            raise NotFound("There is no such file in the output folder.", field="path")
        return path

    def _files(self) -> Iterator[tuple[int, int, str]]:
        """Time in ns, size and relative path of each picture and video; links are passed over."""
        waiting = [""]
        while waiting:
            where = waiting.pop()
            try:
                entries = list(os.scandir(self._folder / where))
            except OSError:
                continue
            for entry in entries:
                name = f"{where}{entry.name}"
                # A name that is no UTF-8 cannot be told, nor asked for.
                if entry.name.startswith(".") or entry.is_symlink() or name != shown_text(name):
                    continue
                with contextlib.suppress(OSError):
                    if entry.is_dir():
                        waiting.append(f"{name}/")
                    elif os.path.splitext(entry.name)[1].lower() in _KINDS:  # noqa: PTH122 - many
                        stat = entry.stat()
                        yield stat.st_mtime_ns, stat.st_size, name


def _shown(written: int, size: int, name: str) -> dict[str, Any]:
    path = Path(name)
    return {
        "path": name,
        "name": path.name,
        "size": size,
        "modified": _modified(written),
        "type": _KINDS[path.suffix.lower()],
    }


def _modified(written: int) -> str:
    """Empty for times beyond the calendar, which files may have."""
    try:
        moment = datetime.fromtimestamp(written / 1e9, timezone.utc)
    except (OSError, OverflowError, ValueError):
        return ""
    return utc(moment.isoformat(timespec="milliseconds"))
