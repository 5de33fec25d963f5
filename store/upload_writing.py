"""Writing one part of an upload to the disk: into its place in the file, or aside."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import BadInput, Conflict, CuratorError, TooLarge
from .files import disk_error
from .upload_places import give_back, write_at

if TYPE_CHECKING:
    from .upload_parts import Parts

_BINARY = getattr(os, "O_BINARY", 0)


class PartWriter:
    """Writes one part; `finish` or `abandon` ends it. Its calls come one after the other."""

    def __init__(
        self, parts: Parts, number: int, length: int | None, room: int, *, in_place: bool
    ) -> None:
        """Raises DiskFull when not even its file can be made."""
        self.number = number
        self.in_place = in_place
        self.path = parts.path
        self.written = 0
        self.counts = False
        """Whether its file is what holds the part now."""
        self._parts = parts
        self._length = length
        self._room = room if length is None else length
        self._start = parts.plan.start(number) if in_place else 0
        self._guard = threading.Lock()
        flags = os.O_WRONLY | _BINARY
        if not in_place:
            self.path = parts.path.with_name(f"{parts.path.name}.{number}.{secrets.token_hex(4)}")
            flags |= os.O_CREAT | os.O_EXCL
        try:
            self._descriptor: int | None = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise disk_error(error, f"part {number}") from error

    @property
    def upload_id(self) -> str:
        """Of which upload it is a part."""
        return self._parts.id

    def received(self) -> int:
        """Bytes that have come of the whole upload."""
        return self._parts.received()

    def write(self, pieces: Sequence[bytes]) -> None:
        """Take these bytes. Raises TooLarge, DiskFull, Conflict when no parts are taken now."""
        count = sum(map(len, pieces))
        with self._guard:
            if self._descriptor is None:
                raise Conflict("This upload takes no parts any more.")
            if self.written + count > self._room:
                raise too_much(self._parts.size)
            try:
                write_at(self._descriptor, pieces, self._start + self.written)
            except OSError as error:
                raise disk_error(error, f"part {self.number}") from error
            self.written += count

    def finish(self) -> str:
        """The part is there, and survives a loss of power: its ETag.

        Raises BadInput when bytes are missing, else as `write`.
        """
        try:
            with self._guard:
                if self._descriptor is None:
                    raise Conflict("This upload takes no parts any more.")
                if self._length not in (None, self.written):
                    raise BadInput(f"Part {self.number} ended too early; send it again.")
                try:
                    os.fsync(self._descriptor)
                except OSError as error:
                    raise disk_error(error, f"part {self.number}") from error
            self._parts.count_in(self)
        except CuratorError:
            self.abandon()
            raise
        self._parts.forget(self)
        self.stop()
        return f"{self._parts.id}-{self.number}-{self.written}"

    def abandon(self) -> None:
        """Throw away what has come of it. Twice is fine."""
        with self._guard:
            if self._descriptor is not None and self.in_place:
                give_back(self._descriptor, self._start, self._room)
        self._parts.forget(self)
        self.stop()

    def stop(self) -> None:
        """Let no byte through any more; for any thread."""
        with self._guard:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
        if not (self.in_place or self.counts):
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def too_much(size: int) -> TooLarge:
    """The fact that a part would make the file longer than was said."""
    return TooLarge(
        f"That would be more than the {size} bytes of fileSize, together with what is there."
    )
