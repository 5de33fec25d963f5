"""What in the gallery nothing refers to any more: pictures, and files of no picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from .engine import Collection as Records
from .engine import Record
from .gallery_disk import size_of, summed
from .gallery_files import GalleryFiles
from .gallery_intake import Intake
from .gallery_records import item_key
from .gallery_removal import Removal
from .jobs import Job
from .media import BY_EXT

_A_BATCH = 100
_BESIDE = (".json", ".thumb.webp", ".thumb-160.webp", ".thumb-640.webp")


class Cleanup:
    """Finds and removes them. Stars, own pictures and what was fetched by itself are never it."""

    def __init__(
        self,
        records: Records,
        files: GalleryFiles,
        intake: Intake,
        removal: Removal,
        named: Callable[[int], str],
    ) -> None:
        """`named` tells a model's name."""
        self._records = records
        self._files = files
        self._intake = intake
        self._removal = removal
        self._named = named
        self.known_models: Callable[[], Collection[int]] = tuple
        """Those that a catalog still has; set by who knows the catalogs."""
        self.keepers: list[Callable[[Record], bool]] = []
        """Each says of a record whether something else refers to it."""

    def run(self, job: Job, report: dict[str, Any], *, dry_run: bool) -> list[Record]:
        """Remove them, or only tell; the records that are gone.

        The report: `{dry_run, pictures, files, bytes, models}`.
        """
        models = self.known_models()
        unused = [record for record in self._records if self._is_unused(record, models)]
        stray = list(self._stray())
        total, _, by_model = summed(unused, self._named)
        sizes = sum(path.stat().st_size for path in stray if path.is_file())
        report.update(
            dry_run=dry_run,
            pictures=len(unused),
            files=len(stray),
            bytes=total + sizes,
            models=by_model,
        )
        if dry_run:
            return []
        job.progress(0, len(unused) + len(stray))
        gone: list[Record] = []
        report.update(pictures=0, files=0, bytes=0)
        for start in range(0, len(unused), _A_BATCH):
            job.check()
            batch = unused[start : start + _A_BATCH]
            now = self.known_models()
            # Somebody may have starred one meanwhile.
            removed = self._removal.remove(
                [record["id"] for record in batch],
                lambda record, now=now: None if self._is_unused(record, now) else record,
            )
            gone += removed
            report["pictures"] += len(removed)
            report["bytes"] += sum(map(size_of, removed))
            job.progress(job.done + len(batch))
        for path in stray:
            job.check()
            self._drop(path, report)
            job.progress(job.done + 1)
        return gone

    def _is_unused(self, record: Record, models: Collection[int]) -> bool:
        return (
            not record["starred"]
            and record["source"] != "own"
            # A person has asked for this very picture.
            and record["search_mode"] != "single"
            and not any(model_id in models for model_id in record["models"])
            and not any(keeps(record) for keeps in self.keepers)
        )

    def _stray(self) -> Iterator[Path]:
        """Thumbnails and JSON whose picture is gone, and has no record either."""
        for folder, folders, names in os.walk(self._files.root / "media"):
            folders.sort()
            parts = [name.partition(".") for name in sorted(names)]
            there = {stem for stem, dot, rest in parts if dot + rest in BY_EXT}
            for stem, dot, rest in parts:
                if dot + rest not in _BESIDE or stem in there or item_key(stem) != stem:
                    continue
                if stem not in self._records and not self._files.is_coming(stem):
                    yield Path(folder, stem + dot + rest)

    def _drop(self, path: Path, report: dict[str, Any]) -> None:
        key = path.name.partition(".")[0]
        with self._intake.locks.hold(f"file:{key}"):
            if key in self._records or self._files.is_coming(key) or not path.is_file():
                return
            size = path.stat().st_size
            path.unlink(missing_ok=True)
            report["files"] += 1
            report["bytes"] += size
