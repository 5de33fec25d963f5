"""Files for ComfyUI's input folder: never over another one, never twice, never outside of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .errors import Impossible, Unwritable
from .files import disk_error, numbered, place_new, same_content
from .locks import KeyedLock

_CLOSED = "ComfyUI's input folder cannot be written."


class Inputs:
    """ComfyUI's input folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks = KeyedLock()

    def put(self, name: str, write: Callable[[Path], object]) -> str:
        """The name under which the content that `write` makes lies in the folder afterwards.

        A file of that content that is there under `name` or its numbered kin is taken as it is.
        Raises Impossible when the folder cannot be written, DiskFull.
        """
        with self._locks.hold(name):
            # One fixed name an item: what a kill leaves behind is overwritten by the next call.
            temporary = self._folder / f".{name}.tmp"
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                temporary.unlink(missing_ok=True)
                write(temporary)
                return self._settle(temporary, self._folder / name)
            except (FileExistsError, NotADirectoryError) as error:
                raise Impossible(_CLOSED) from error
            except OSError as error:
                told = disk_error(error, "The file in the input folder")
                raise Impossible(_CLOSED) if isinstance(told, Unwritable) else told from error
            finally:
                self._discard(temporary)

    def _settle(self, temporary: Path, wanted: Path) -> str:
        for target in numbered(wanted):
            # A link is never followed or replaced, wherever it leads.
            if not target.is_symlink():
                if target.is_file() and same_content(temporary, target):
                    return target.name
                if place_new(temporary, target):
                    return target.name
        raise AssertionError("numbered() never ends")

    @staticmethod
    def _discard(temporary: Path) -> None:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            # The folder has become read-only or is gone; the next call sees to it.
            return


def copy_to(source: Path) -> Callable[[Path], None]:
    """A writer of a plain, synced copy: a link would let edits there change the gallery."""

    def write(target: Path) -> None:
        with source.open("rb") as given, target.open("xb") as taken:
            shutil.copyfileobj(given, taken, 1 << 20)
            taken.flush()
            os.fsync(taken.fileno())

    return write
