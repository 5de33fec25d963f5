"""Thumbnails of the gallery's pictures: made once, at the latest when somebody looks."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from .engine import Collection, Record
from .errors import CuratorError, NotFound, StoreClosed, TooLarge, WrongType
from .gallery_disk import GalleryDisk
from .gallery_files import GalleryFiles
from .locks import KeyedLock
from .thumbnails import USUAL, Decoder, make_thumbnail

log = logging.getLogger(__name__)

_PASSING = {
    errno.EACCES,
    errno.EAGAIN,
    errno.EBUSY,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOENT,
    errno.ENOMEM,
    errno.EPERM,
    getattr(errno, "ESTALE", errno.EIO),
}
"""What says nothing of the picture: the next look may find it as it is."""


class Thumbs:
    """Thread-safe; of one picture one at a time."""

    def __init__(
        self, records: Collection, files: GalleryFiles, decoder: Decoder, disk: GalleryDisk
    ) -> None:
        self._records = records
        self._disk = disk
        self._files = files
        self._decoder = decoder
        self._locks = KeyedLock()
        self._without: dict[str, tuple[int, int]] = {}
        """Pictures that cannot be decoded, with the size and time of the file that could not."""

    def path(self, record: Record, width: int = USUAL) -> Path:
        """The thumbnail's file, made now if it is not there; else the usual one, or the picture.

        `width` is one of `SIZES`, of pictures that are that wide. Raises NotFound.
        """
        if record["width"] <= USUAL:
            width = min(width, USUAL)
        path = self._files.thumbnail(record, width)
        if width != USUAL and not _is_made(path) and self._disk.is_full:
            # The usual one has had its room since the picture came.
            width, path = USUAL, self._files.thumbnail(record)
        if not _is_made(path) and not self._make(record, path, width):
            path = self._instead(record)
        return self._files.check_there(path)

    def _instead(self, record: Record) -> Path:
        usual = self._files.thumbnail(record)
        if _is_made(usual):
            return usual
        if record["type"] == "video":
            raise NotFound("There is no thumbnail of this video.")
        return self._files.media(record)

    def ensure(self, record: Record) -> bool | None:
        """None when the thumbnail is there; else whether it could be made. Raises NotFound."""
        path = self._files.thumbnail(record)
        return None if _is_made(path) else self._make(record, path, USUAL)

    def _make(self, record: Record, path: Path, width: int) -> bool:
        """Whether it is there now; the same file that cannot be decoded is not tried again."""
        key: str = record["id"]
        with self._locks.hold(key):
            if _is_made(path):
                return True
            media = self._files.check_there(self._files.media(record))
            usual = self._files.thumbnail(record)
            source = usual if width < USUAL and _is_made(usual) else media
            looks = _looks(media)
            if self._without.get(key) == looks:
                return False
            try:
                self._write(record, source, width)
            except StoreClosed:
                return False
            except (CuratorError, OSError) as error:
                if isinstance(error, (WrongType, TooLarge)) and not _is_passing(error.__cause__):
                    self._without[key] = looks
                log.warning("no thumbnail of picture %s: %s", key, error)
                return False
            self._without.pop(key, None)
            self._count(key, path)
            return True

    def _count(self, key: str, made: Path) -> None:
        """Let the record say what its thumbnails take."""
        before: list[Record] = []

        def change(record: Record) -> Record:
            before[:] = [dict(record)]
            record["thumb_size"] = self._files.thumb_size(record)
            return record

        try:
            record = self._records.update(key, change)
            self._disk.changed(before[0], record)
        except KeyError as error:
            # Deleted meanwhile; nobody would ever find it again.
            made.unlink(missing_ok=True)
            raise NotFound("The gallery has no picture with this id.") from error
        except CuratorError as error:
            log.warning("the size of the thumbnail of %s is not kept: %s", key, error)

    def _write(self, record: Record, source: Path, width: int) -> None:
        with self._files.incoming() as incoming:
            self._decoder.run(lambda: make_thumbnail(source, incoming.thumbnail, width))
            self._files.put_thumbnail(incoming, record, width)


def _looks(media: Path) -> tuple[int, int]:
    try:
        stat = media.stat()
    except FileNotFoundError as error:
        raise NotFound("The file of this picture is gone.") from error
    return stat.st_size, stat.st_mtime_ns


def _is_passing(cause: BaseException | None) -> bool:
    """Whether the system is to blame for it and not the picture."""
    if isinstance(cause, MemoryError):
        return True
    return isinstance(cause, OSError) and cause.errno in _PASSING


def _is_made(thumbnail: Path) -> bool:
    """Whether it is there; a power cut may have left an empty one."""
    try:
        return thumbnail.stat().st_size > 0
    except OSError:
        return False
