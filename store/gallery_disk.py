"""How much room the gallery takes, and where it is to stop."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .engine import Collection, Record
from .errors import GalleryFull

_GIGABYTE = 1_000_000_000


class GalleryDisk:
    """The bytes of all pictures, and the limit that a person has set. Thread-safe."""

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

    @property
    def limit(self) -> int:
        """In bytes; 0: none."""
        return int(self._limit_gb() * _GIGABYTE)

    def check(self, size: int = 1) -> None:
        """Raise GalleryFull when so many bytes more would go beyond the limit."""
        limit = self.limit
        if limit and self._bytes() + size > limit:
            raise GalleryFull(
                f"The gallery has reached its limit of {self._limit_gb():g} GB. Remove pictures "
                "or raise the limit in the settings.",
                field="gallery_limit_gb",
            )

    def added(self, record: Record) -> None:
        """A picture has come."""
        with self._lock:
            if self._total is not None:
                self._total += size_of(record)

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

    def _bytes(self) -> int:
        with self._lock:
            if self._total is None:
                self._total = sum(map(size_of, self._records))
            return self._total


def size_of(record: Record) -> int:
    """The bytes of a picture and its usual thumbnail."""
    return int(record["file_size"]) + int(record.get("thumb_size") or 0)


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
