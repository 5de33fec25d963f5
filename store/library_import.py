"""Taking an export in: matched by hash, filling what is empty here, nothing twice."""

from __future__ import annotations

import contextlib
import io
import itertools
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import orjson

from .civitai_types import texts
from .engine import Record
from .engine.records import decode
from .errors import BadInput, CuratorError, Impossible, NotFound
from .export_sizes import check_export, check_size
from .files import replacing
from .gallery import Gallery
from .gallery_intake import FILE_LIMIT
from .gallery_records import find, item_key
from .import_checks import color_of, fields_of, part_of, said_of, tags_of
from .jobs import Job
from .json_values import integer, is_object, mapping, mappings, text
from .library_collections import Item
from .library_export import FORMAT, VERSION, Known, copy
from .library_merging import filled
from .library_records import is_sha256
from .media import format_in
from .migration_rows import positive
from .names import inside, is_safe_name
from .sample_tiers import check_sample

_LONGEST_LINE = 64 << 20
_LARGEST_SAMPLE = 64 << 20
_MOST_LINES = 1_000_000
_HEAD = 64
_MOST_PROBLEMS = 200
_AT_ONCE = 200
_LONGEST_NAME = 300
_LONGEST_TEXT = 10_000
_ENCRYPTED = 1

Json = dict[str, Any]


class _Source(NamedTuple):
    """The zip, and how it is to be taken."""

    packed: zipfile.ZipFile
    names: frozenset[str]
    dry_run: bool
    report: Json
    job: Job


class Import:
    """Takes exports of this machine and others. Thread-safe; one at a time is meant to run."""

    def __init__(
        self, known: Known, gallery: Gallery, row: Callable[[str], Mapping[str, Any] | None]
    ) -> None:
        """`row` is the library's row of a hash, None when it has none."""
        self._known = known
        self._gallery = gallery
        self._row = row

    def run(self, job: Job, report: Json, path: Path, *, dry_run: bool) -> None:
        """Take it. The report counts, of models, pictures, samples, collections, …, what is `new`,
        `changed` and `known`; `matched` are the models whose files are here.

        Raises BadInput when it is no export, Impossible when it is of a later version.
        """
        try:
            with zipfile.ZipFile(path) as packed:
                check_export(packed, path, self._known.gallery)
                if any(each.flag_bits & _ENCRYPTED for each in packed.infolist()):
                    raise BadInput("The export is encrypted.", field="file")
                names = frozenset(packed.namelist())
                manifest = _manifest(packed)
                source = _Source(packed, names, dry_run, report, job)
                report.update(dry_run=dry_run, created=text(manifest.get("created")), problems=[])
                job.progress(0, sum(positive(manifest.get(each)) for each in _COUNTED))
                self._take_all(source)
        # NotImplementedError: packed in a way that zipfile does not know.
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise BadInput("The file is no whole export of Curator.", field="file") from error
        except FileNotFoundError as error:
            raise BadInput("There is no such file.", field="path") from error

    def _take_all(self, source: _Source) -> None:
        tags = self._tags(source)
        self._models(source, tags)
        self._simple(source, "lookups", self._known.lookup.restore)
        self._simple(source, "uses", self._known.uses.restore)
        self._samples(source)
        self._pictures(source)
        self._collections(source)
        self._catalogs(source)

    def _tags(self, source: _Source) -> dict[str, Json]:
        """The tags of the export by name; new ones are made here, with their colour."""
        told = _lines(source, "tags")
        tags = {name: each for each in told for name in tags_of([each.get("name")])}
        known = self._known.tags
        new = [name for name in tags if known.named(name) is None]
        source.report["tags"] = {"new": len(new), "known": len(tags) - len(new)}
        if not source.dry_run and new:
            for tag in known.add(new):
                color = color_of(tags[tag["name"]])
                if color:
                    known.change(tag["id"], color=color)
        return tags

    def _models(self, source: _Source, tags: Mapping[str, Json]) -> None:
        counts = {"new": 0, "changed": 0, "known": 0, "matched": 0, "unhashed": 0}
        source.report["models"] = counts
        new: list[tuple[Json, list[str]]] = []
        for told in _lines(source, "models"):
            source.job.advance()
            key = told["id"] = text(told.get("id")).lower()
            if not is_sha256(key):
                counts["unhashed"] += 1
                continue
            counts["matched"] += (self._row(key) or {}).get("status") == "present"
            names = [name for name in tags_of(told.get("tag_names")) if name in tags]
            record = self._known.records.get(key)
            merged = self._merged(record, told, names, source.dry_run)
            counts["new" if record is None else "known" if merged == record else "changed"] += 1
            if not source.dry_run and merged != record:
                new.append((told, names))
            if len(new) == _AT_ONCE:
                self._keep(new)
        self._keep(new)

    def _keep(self, new: list[tuple[Json, list[str]]]) -> None:
        """Write these, each as it is with what was changed meanwhile.

        Many at once: each write of its own would wait for the disk.
        """
        records = self._known.records
        with self._known.database.transaction():
            for told, names in new:
                records.put(self._merged(records.get(told["id"]), told, names, dry_run=False))
        records.tell([told["id"] for told, _ in new])
        new.clear()

    def _merged(self, record: Record | None, told: Json, names: list[str], dry_run: bool) -> Record:
        """The record with what the export says where it is silent; all of it when it is new."""
        known = self._known.tags
        fields = fields_of(told)
        numbers = [number for name in names if (number := known.named(name)) is not None]
        if dry_run and len(numbers) < len(names):
            numbers.append(-1)
        fields["tags"] = numbers
        if record is not None:
            return {**record, **filled(record, fields)}
        fresh = self._known.records.fresh(told["id"])
        # Where the file lies, and how large it is, is told by the disk here.
        return {**fresh, **fields, "said": said_of(told)}

    def _simple(self, source: _Source, name: str, restore: Callable[[Record], bool]) -> None:
        counts = {"new": 0, "known": 0}
        source.report[name] = counts
        for told in _lines(source, name):
            part = part_of(name, told)
            if part is None:
                continue
            taken = source.dry_run or restore(part)
            counts["new" if taken else "known"] += 1

    def _samples(self, source: _Source) -> None:
        counts = {"new": 0, "known": 0}
        source.report["samples"] = counts
        for told in _lines(source, "samples"):
            source.job.advance()
            key = text(told.get("key")).lower()
            names = [name for name in texts(told.get("files")) if name in source.names]
            if not is_sha256(key):
                continue
            for name in names:
                try:
                    new = self._take_sample(source, key, name)
                except CuratorError as error:
                    if error.status == 507:
                        raise
                    _problem(source, name, error)
                else:
                    counts["new" if new else "known"] += 1

    def _take_sample(self, source: _Source, key: str, name: str) -> bool:
        """Whether the picture is new here. Raises WrongType, TooLarge."""
        source.job.check()
        data = _read(source, name, _LARGEST_SAMPLE)
        check_sample(data)
        before = self._known.samples.count(key)
        if source.dry_run:
            return not before
        self._known.samples.add(key, data, again=False)
        return self._known.samples.count(key) > before

    def _pictures(self, source: _Source) -> None:
        counts = {"new": 0, "known": 0}
        source.report["pictures"] = counts
        gallery = self._known.database.collection("gallery")
        for told in _lines(source, "gallery"):
            source.job.advance()
            ids = [text(told.get("id")), *texts(told.get("aliases"))]
            if any(find(gallery, item_key(each)) for each in ids if each):
                counts["known"] += 1
                continue
            if not source.dry_run and not self._take_picture(source, told):
                continue
            counts["new"] += 1

    def _take_picture(self, source: _Source, told: Json) -> bool:
        """Whether the picture is in the gallery now."""
        media = text(told.get("file_path"))
        placed: list[Path] = []
        try:
            path = self._place(media, source, placed)
            about = text(told.get("meta_path"))
            if f"gallery/{about}" in source.names:
                self._place(about, source, placed)
            taken = self._gallery.rebuilding.take(path)
        except (CuratorError, OSError, KeyError) as error:
            for each in placed:
                each.unlink(missing_ok=True)
            if isinstance(error, CuratorError) and error.status == 507:
                raise
            _problem(source, media, error)
            return False
        if taken and told.get("starred"):
            with contextlib.suppress(NotFound):  # removed in this very moment
                self._gallery.star(path.stem, True)
        return taken

    def _place(self, name: str, source: _Source, placed: list[Path]) -> Path:
        """Write a file of the zip to where the gallery has it, unless it is there (`placed`)."""
        parts = PurePosixPath(name).parts
        if len(parts) < 2 or parts[0] != "media" or not all(map(is_safe_name, parts)):
            raise BadInput("The file's name is not one of the gallery's.")
        path = inside(self._known.gallery, *parts)
        if not path.exists():
            packed_name = f"gallery/{name}"
            about = path.suffix == ".json"
            check_size(source.packed, packed_name, _LONGEST_LINE if about else FILE_LIMIT)
            with source.packed.open(packed_name) as packed:
                head = packed.read(_HEAD)
                if not about:
                    # Before gigabytes are unpacked: whether it may be one at all.
                    format_in(io.BytesIO(head))
                with replacing(path) as file:
                    file.write(head)
                    copy(packed.read, file.write)
            placed.append(path)
        return path

    def _collections(self, source: _Source) -> None:
        counts = {"new": 0, "known": 0, "items": 0, "unknown": 0}
        source.report["collections"] = counts
        known = {each["name"].casefold(): each for each in self._known.collections.listed()}
        for told in _lines(source, "collections"):
            name = text(told.get("name")).strip()
            if not name:
                continue
            counts["known" if name.casefold() in known else "new"] += 1
            items = [
                Item(each["kind"], text(each.get("id")))
                for each in mappings(told.get("items"))
                if each.get("kind") in ("model", "picture")
            ]
            if source.dry_run:
                counts["items"] += len(items)
                continue
            made = self._known.collections.make(
                name[:200],
                description=text(told.get("description"))[:_LONGEST_TEXT],
                color=color_of(told),
            )
            added = self._known.collections.add_many(made["id"], items, absent=True)
            counts["items"] += added["added"]
            counts["unknown"] += len(added["unknown"])

    def _catalogs(self, source: _Source) -> None:
        if "catalogs.json" not in source.names:
            return
        try:
            raw = _read(source, "catalogs.json", _LONGEST_LINE)
            told = self._known.exchange.import_json(raw, dry_run=source.dry_run)
        except CuratorError as error:
            _problem(source, "catalogs.json", error)
        else:
            source.report["entries"] = {
                "new": told["total_added"],
                "known": len(told["skipped"]),
            }


_COUNTED = ("models", "samples", "pictures")


def _manifest(packed: zipfile.ZipFile) -> Json:
    try:
        with packed.open("manifest.json") as file:
            told = mapping(orjson.loads(file.read(1 << 20)))
    except (KeyError, ValueError) as error:
        raise BadInput("The file is no export of Curator.", field="file") from error
    if told.get("format") != FORMAT:
        raise BadInput("The file is no export of Curator.", field="file")
    if (integer(told.get("version")) or 0) > VERSION:
        raise Impossible("The export is of a later Curator; update this one first.")
    return told


def _lines(source: _Source, name: str) -> Iterator[Json]:
    """The records of a part; a line that is none costs only itself."""
    if f"{name}.jsonl" not in source.names:
        return
    with source.packed.open(f"{name}.jsonl") as file:
        for count in itertools.count():
            line = file.readline(_LONGEST_LINE)
            if not line:
                return
            if count == _MOST_LINES:
                raise BadInput(f"{name}.jsonl in the export has too many lines.", field="file")
            source.job.check()
            try:
                told = decode(line.rstrip(b"\n") or b"null")
            except (ValueError, RecursionError) as error:
                _problem(source, f"{name}.jsonl", error)
                continue
            if is_object(told):
                yield told


def _read(source: _Source, name: str, limit: int) -> bytes:
    check_size(source.packed, name, limit)
    return source.packed.read(name)


def _problem(source: _Source, name: str, error: Exception) -> None:
    problems: list[Json] = source.report["problems"]
    if len(problems) < _MOST_PROBLEMS:
        reason = error.text if isinstance(error, CuratorError) else "It cannot be read."
        problems.append({"file": name[:_LONGEST_NAME], "reason": reason})
