"""How much room the gallery takes, and where it is to stop."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from .engine import Collection, Record
from .errors import GalleryFull

_GIGABYTE = 1_000_000_000
_A_THUMBNAIL = 24_000
"""Bytes that one takes, more than most do."""


class GalleryDisk:
    """The bytes of all pictures, and the limit that a person has set. Thread-safe.

    Pictures on their way hold their room before they take it: together they stay below the limit.
    """

    def __init__(
        self,
        records: Collection,
        root: Path,
        limit_gb: Callable[[], float],
        named: Callable[[int], str],
    ) -> None:
        """`limit_gb` is asked each time; 0 means no limit. `named` tells a model's name."""
        self._records = records
        self._root = root
        self._limit_gb = limit_gb
        self._named = named
        self._lock = threading.Lock()
        self._total: int | None = None
        """The room of all that are here; None: to be summed up."""
        self._reserved = 0

    @property
    def limit(self) -> int:
        """In bytes; 0: none."""
        return int(self._limit_gb() * _GIGABYTE)

    @property
    def is_full(self) -> bool:
        """Whether not even one more thumbnail has room."""
        limit = self.limit
        with self._lock:
            return bool(limit) and self._sum() + self._reserved + _A_THUMBNAIL > limit

    @contextlib.contextmanager
    def room(self, size: int = 0) -> Generator[Room, None, None]:
        """Room for a picture that is on its way, nobody else's meanwhile; given back in the end.

        Raises GalleryFull when a file of so many bytes would go beyond the limit.
        """
        room = Room(self)
        try:
            if size:
                room.need(size)
            yield room
        finally:
            self.reserve(room, 0)

    def reserve(self, room: Room, size: int) -> None:
        """Let it hold so many bytes. Raises GalleryFull; less than it has it always gets."""
        limit = self.limit
        with self._lock:
            more = size - room.size
            if limit and more > 0 and self._sum() + self._reserved + more > limit:
                raise GalleryFull(
                    f"The gallery has reached its limit of {self._limit_gb():g} GB. Remove "
                    "pictures or raise the limit in the settings.",
                    field="gallery_limit_gb",
                )
            self._reserved += more
            room.size = size

    def changed(self, old: Record | None, new: Record, room: Room | None = None) -> None:
        """A picture has come (into the room it has held), or takes more or less than before."""
        with self._lock:
            if room:
                self._reserved -= room.size
                room.size = 0
            if self._total is not None:
                self._total += room_of(new) - (room_of(old) if old else 0)

    def forget(self) -> None:
        """Pictures have gone; the sum is made again when it is asked for."""
        with self._lock:
            self._total = None

    def shown(self) -> dict[str, Any]:
        """`{bytes, count, limit_bytes, free_bytes, models}`, the models with most bytes first.

        A picture that two models show counts for both, and once in the sum.
        """
        total, count, models = summed(self._records, self._named)
        return {
            "bytes": total,
            "count": count,
            "limit_bytes": self.limit,
            "free_bytes": _free(self._root),
            "models": models,
        }

    def _sum(self) -> int:
        """Under the lock."""
        if self._total is None:
            self._total = sum(map(room_of, self._records))
        return self._total


class Room:
    """What a picture on its way takes of the limit."""

    def __init__(self, disk: GalleryDisk) -> None:
        self._disk = disk
        self.size = 0
        """In bytes."""

    def need(self, size: int) -> None:
        """So many bytes its file will be, as far as is known by now. Raises GalleryFull."""
        self._grow(size + _A_THUMBNAIL)

    def need_for(self, record: Record) -> None:
        """As `need`, for the picture of this record with its thumbnail."""
        self._grow(room_of(record))

    def _grow(self, size: int) -> None:
        if size > self.size:
            self._disk.reserve(self, size)


def size_of(record: Record) -> int:
    """The bytes of a picture and its thumbnails."""
    return int(record["file_size"]) + int(record.get("thumb_size") or 0)


def room_of(record: Record) -> int:
    """The same, with room for a thumbnail where that is still to be made."""
    return size_of(record) + (0 if record.get("thumb_size") else _A_THUMBNAIL)


def summed(
    records: Collection | list[Record], named: Callable[[int], str]
) -> tuple[int, int, list[dict[str, Any]]]:
    """Bytes and number of pictures in all, and by model `{model_id, name, count, bytes}`."""
    total = count = 0
    models: dict[int, dict[str, Any]] = {}
    for record in records:
        size = size_of(record)
        total += size
        count += 1
        for model_id in record["models"]:
            told = models.setdefault(
                model_id, {"model_id": model_id, "name": "", "count": 0, "bytes": 0}
            )
            told["count"] += 1
            told["bytes"] += size
    for model_id, told in models.items():
        told["name"] = named(model_id)
    return (
        total,
        count,
        sorted(models.values(), key=lambda each: (-each["bytes"], each["model_id"])),
    )


def _free(folder: Path) -> int:
    """Bytes that the file system of the nearest folder that exists has left."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
