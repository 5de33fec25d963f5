"""Everything that is known, in one zip: JSON lines and pictures; the model files stay where they
are."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from .catalog_exchange import Exchange
from .engine import Database, Record
from .engine.records import encode
from .errors import NotFound
from .files import disk_error, replacing
from .gallery_records import utc
from .jobs import Job
from .json_values import text
from .library_collections import Collections
from .library_lookup import Lookup
from .library_records import Records
from .library_tags import Tags
from .library_uses import Uses
from .samples import Samples

FORMAT = "curator-export"
VERSION = 1
_PREFIX = "curator-export-"

Json = dict[str, Any]


class Known(NamedTuple):
    """Where everything is kept that an export takes along."""

    database: Database
    records: Records
    tags: Tags
    collections: Collections
    lookup: Lookup
    uses: Uses
    samples: Samples
    exchange: Exchange
    gallery: Path
    """The gallery's folder."""


class Exports:
    """Writes exports into a folder of the data, and hands them out."""

    def __init__(self, folder: Path, known: Known) -> None:
        self._folder = folder
        self._known = known

    def write(self, job: Job, report: Json, *, pictures: bool = True) -> None:
        """Write one. The report: `{name, size_bytes, models, …, pictures, samples, missing}`.

        Raises DiskFull, and then there is none.
        """
        stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
        path = self._folder / f"{_PREFIX}{stamp}.zip"
        report.update(name="", size_bytes=0, missing=0)
        with replacing(path, what="The export") as file:
            try:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as packed:
                    self._fill(packed, job, report, pictures)
            except (OSError, zipfile.LargeZipFile) as error:
                if isinstance(error, OSError):
                    raise disk_error(error, "The export") from error
                raise
        report.update(name=path.name, size_bytes=path.stat().st_size)

    def listed(self) -> list[Json]:
        """Those that are there, newest first: `{name, size_bytes, created}`."""
        return listed_files(self._folder, _PREFIX)

    def path(self, name: str) -> Path:
        """The file of one. Raises NotFound."""
        return named_file(self._folder, name, _PREFIX)

    def _fill(self, packed: zipfile.ZipFile, job: Job, report: Json, pictures: bool) -> None:
        known = self._known
        gallery = known.database.collection("gallery")
        samples = known.database.collection("samples")
        total = len(known.records) + (len(gallery) + len(samples) if pictures else 0)
        job.progress(0, total)
        lines: list[tuple[str, Iterable[Mapping[str, Any]]]] = [
            ("tags", known.tags.listed()),
            ("models", _told(job, self._models())),
            ("collections", known.collections.everything()),
            ("lookups", known.lookup.everything()),
            ("uses", known.uses.everything()),
        ]
        for name, records in lines:
            report[name] = _write_lines(packed, name, records)
        packed.writestr("catalogs.json", known.exchange.export("both"))
        report["pictures"] = report["samples"] = 0
        if pictures:
            kept = _told(job, self._samples(packed, samples, report))
            report["samples"] = _write_later(packed, "samples", kept)
            kept = _told(job, self._pictures(packed, gallery, report))
            report["pictures"] = _write_later(packed, "gallery", kept)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "created": utc(datetime.now(timezone.utc).isoformat()),
            **{name: value for name, value in report.items() if name not in ("name", "size_bytes")},
        }
        packed.writestr("manifest.json", encode(manifest))

    def _models(self) -> Iterator[Json]:
        """Records with the names of their tags: numbers mean nothing elsewhere."""
        for record in self._known.records:
            names = [tag["name"] for tag in self._known.tags.shown(record["tags"])]
            yield {**record, "tag_names": names}

    def _samples(
        self, packed: zipfile.ZipFile, samples: Iterable[Record], report: Json
    ) -> Iterator[Json]:
        for record in samples:
            names: list[str] = []
            for seq, path in enumerate(self._known.samples.export(record["key"])):
                name = f"samples/{record['key']}_{seq}.webp"
                if _add(packed, path, name, report):
                    names.append(name)
            yield {"key": record["key"], "files": names, "removed": record["removed"]}

    def _pictures(
        self, packed: zipfile.ZipFile, gallery: Iterable[Record], report: Json
    ) -> Iterator[Json]:
        root = self._known.gallery
        for record in gallery:
            media = text(record["file_path"])
            if _add(packed, root / media, f"gallery/{media}", report):
                about = text(record["meta_path"])
                _add(packed, root / about, f"gallery/{about}", report)
                yield record


def listed_files(folder: Path, prefix: str) -> list[Json]:
    """The zips of a folder, newest first: `{name, size_bytes, created}` (ms)."""
    found: list[Json] = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder.glob(f"{prefix}*.zip"):
            if path.is_symlink():
                continue
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                created = stat.st_mtime_ns // 1_000_000
                found.append({"name": path.name, "size_bytes": stat.st_size, "created": created})
    return sorted(found, key=lambda each: each["name"], reverse=True)


def named_file(folder: Path, name: str, prefix: str) -> Path:
    """One of them. Raises NotFound for anything else."""
    if name not in {each["name"] for each in listed_files(folder, prefix)}:
        raise NotFound("There is no such file.")
    return folder / name


def _told(job: Job, records: Iterable[Json]) -> Iterator[Json]:
    for record in records:
        job.advance()
        yield record


def _write_lines(packed: zipfile.ZipFile, name: str, records: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with packed.open(f"{name}.jsonl", "w", force_zip64=True) as file:
        for record in records:
            file.write(encode(dict(record)) + b"\n")
            count += 1
    return count


def _write_later(packed: zipfile.ZipFile, name: str, records: Iterable[Json]) -> int:
    """As lines, of records whose making writes into the zip too."""
    return _write_lines(packed, name, list(records))


def _add(packed: zipfile.ZipFile, path: Path, name: str, report: Json) -> bool:
    """Put a file in, as it is: pictures do not get smaller. False when it is gone."""
    try:
        packed.write(path, name, zipfile.ZIP_STORED)
    except FileNotFoundError:
        report["missing"] += 1
        return False
    except ValueError:
        # Older than 1980: a zip knows no such time.
        info = zipfile.ZipInfo(name)
        with path.open("rb") as source, packed.open(info, "w", force_zip64=True) as target:
            copy(source.read, target.write)
    return True


def copy(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    """From one to the other, piece by piece."""
    while data := read(1 << 20):
        write(data)
