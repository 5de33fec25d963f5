"""What an export may become when it is unpacked, told before by the sizes that its zip declares."""

from __future__ import annotations

import zipfile
from pathlib import Path

from .errors import BadInput, TooLarge
from .transfer_parts import check_room

_SMALL = 4 << 20
_TIMES = 100
"""What lies in an export packs to a tenth or so, pictures to nothing less."""
_MEDIA = "gallery/media/"
_SPARE = 64 << 20
"""Bytes that the database and thumbnails need besides."""


def check_export(packed: zipfile.ZipFile, path: Path, gallery: Path) -> None:
    """Raise BadInput for a zip that swells beyond reason, DiskFull where its pictures have no room.

    A zip is read no further than to the sizes it declares: what is declared is what can come.
    """
    inside = packed.infolist()
    unpacked = sum(each.file_size for each in inside)
    if unpacked > _SMALL + _TIMES * path.stat().st_size:
        raise BadInput(
            f"The file would unpack to {unpacked} bytes, more than {_TIMES} times its size; "
            "that is no export of Curator.",
            field="file",
        )
    new = [each for each in inside if each.filename.startswith(_MEDIA)]
    needed = sum(each.file_size for each in new if not _is_there(gallery, each.filename))
    if needed:
        check_room(gallery, needed, spare=_SPARE)


def check_size(packed: zipfile.ZipFile, name: str, most: int) -> None:
    """Raise TooLarge for a file in the zip that declares more bytes. KeyError: there is none."""
    if packed.getinfo(name).file_size > most:
        raise TooLarge(f"{name} in the export is larger than {most >> 20} MiB.")


def _is_there(gallery: Path, name: str) -> bool:
    try:
        return (gallery / name.removeprefix("gallery/")).exists()
    except (OSError, ValueError):
        return False
