"""Giving a file its place among others: never over one of them, never twice, whenever we die."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from .errors import Impossible
from .files import disk_error, numbered, place_new, same_content, sync_folder
from .transfer_parts import check_room, digest_of, hidden_part, sync

_PIECE = 1 << 20

Remember = Callable[[dict[str, str]], None]
Check = Callable[[], None]


class Placing:
    """One file that is to lie somewhere; its source stays, unless it can only be moved."""

    def __init__(
        self, source: Path, sha256: str, key: str, *, remember: Remember, check: Check
    ) -> None:
        """`key` names a copy under way; `remember` is told where the source is moved to."""
        self._source = source
        self._sha256 = sha256
        self._key = key
        self._remember = remember
        self._check = check

    def at(self, told: dict[str, str]) -> Path | None:
        """Where an earlier attempt has moved it to; None when the source is still there."""
        if self._source.is_file():
            return None
        path = Path(told.get("path", ""))
        if not told or not self._holds(path):
            raise Impossible("The file has gone from where it was kept. Upload it again.")
        return path

    def put(self, wanted: Path, is_free: Callable[[Path], bool] = lambda _: True) -> Path:
        """Where it lies: at `wanted`, or at a numbered name if other content has that one.

        Raises DiskFull, CuratorError when the folder cannot be written.
        """
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            for target in numbered(wanted):
                # A link is never followed or replaced, wherever it leads.
                if target.is_symlink():
                    continue
                if target.is_file() and same_content(self._source, target):
                    return target
                if is_free(target) and not os.path.lexists(target) and self._take(target):
                    return target
        except OSError as error:
            raise disk_error(error, wanted.name) from error
        raise AssertionError("numbered() never ends")

    def _take(self, target: Path) -> bool:
        """Whether it lies there now; False when somebody else was faster."""
        try:
            os.link(self._source, target)  # noqa: PTH200 - fails when the target exists
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES):
                raise
            return self._move(target) if error.errno != errno.EXDEV else self._copy(target)
        sync_folder(target.parent)
        return True

    def _move(self, target: Path) -> bool:
        """No links here: the source itself, and after a kill it is known where it went."""
        self._remember({"path": str(target)})
        try:
            return place_new(self._source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        return self._copy(target)

    def _copy(self, target: Path) -> bool:
        """Another disk: a copy that gets its name when it is whole."""
        part = hidden_part(target.parent, self._key)
        try:
            part.unlink(missing_ok=True)
            check_room(target.parent, self._source.stat().st_size, spare=0)
            with self._source.open("rb") as given, part.open("xb") as taken:
                while piece := given.read(_PIECE):
                    self._check()
                    taken.write(piece)
            sync(part)
            return place_new(part, target)
        finally:
            part.unlink(missing_ok=True)

    def _holds(self, path: Path) -> bool:
        return path.is_file() and digest_of(path, self._check).hexdigest() == self._sha256
