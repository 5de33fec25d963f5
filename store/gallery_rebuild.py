"""The gallery's index, made anew from the files and the JSON beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .embedded import read_embedded
from .engine import Collection, Record
from .errors import CuratorError, Impossible
from .gallery_files import GalleryFiles
from .gallery_intake import Intake
from .gallery_records import (
    Facts,
    find,
    item_key,
    new_record,
    own_id,
    with_links,
    with_places,
    written_at,
)
from .gallery_rereading import reread
from .gallery_shown import new_sidecar
from .jobs import Job
from .media import BY_EXT, format_of
from .studio_sidecars import facts_of_sidecar

_MOST_SHOWN = 200
_KEPT_BY_A_PERSON = ("starred", "tag_ids")


class _Resource(BaseModel):
    """A model that a picture was made with."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: str
    weight: float | None
    hash: str
    version_id: int | None
    model_id: int | None


class _Kept(BaseModel):
    """A record as it lies beside its picture; people and programs may have been at it."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: str
    civitai_id: str
    file_uuid: str | None
    type: str
    ext: str
    model_id: int
    post_id: int | None
    post_title: str | None
    username: str | None
    base_model: str | None
    width: int
    height: int
    duration: float | None
    audio: int
    file_size: int
    created_at: str
    downloaded_at: str
    reactions: int
    comments: int
    collected: int
    has_meta: int
    has_gen_data: int
    source: str
    search_mode: str
    thumb_size: int
    page: str | None
    aliases: list[str]
    models: list[int]
    model_name: str
    versions: list[int]
    sha256: str
    added: int
    name: str
    has_workflow: int
    nsfw_level: int
    tag_ids: list[int]
    prompt: str
    negative: str
    seed: int | None
    steps: int | None
    sampler: str
    scheduler: str
    cfg: float | None
    size: str
    model: str
    model_hash: str
    model_version_id: int | None
    loras: list[_Resource]
    others: list[_Resource]
    hashes: list[str]
    made_with_versions: list[int]
    cards: list[int] | None = None
    versions_of: dict[str, list[int]] = Field(default_factory=dict[str, list[int]])
    making_asked: int = 0


class _Outcome:
    """What a rebuild comes to, written into its report."""

    def __init__(self, report: dict[str, Any], dry_run: bool) -> None:
        self.dry_run = dry_run
        self._report = report
        names = ("files", "added", "repaired", "reread", "removed", "unreadable")
        report.update({"dry_run": dry_run, **dict.fromkeys(names, 0), "problems": []})

    def count(self, name: str) -> None:
        self._report[name] += 1

    def fail(self, path: Path, reason: str) -> None:
        self._report["unreadable"] += 1
        if len(self._report["problems"]) < _MOST_SHOWN:
            self._report["problems"].append({"file": path.name, "reason": reason})


class Rebuild:
    """Compares files and records, and makes the records agree."""

    def __init__(self, records: Collection, files: GalleryFiles, intake: Intake) -> None:
        self._records = records
        self._files = files
        self._intake = intake

    def run(self, job: Job, report: dict[str, Any], *, dry_run: bool = False) -> None:
        """Records for files that have none, none for files that are gone; stars and tags stay.

        JSON beside a file that is gone or broken is written anew from the record; what the file
        itself tells of its making is read again.

        The report: `{dry_run, files, added, repaired, reread, removed, unreadable, problems}`.
        Raises Impossible when all files are gone while there are records: a drive may not be
        mounted.
        """
        outcome = _Outcome(report, dry_run)
        found = list(self._media())
        if not found and len(self._records):
            raise Impossible(
                "The gallery's folder holds no picture at all; is its drive there? "
                "Nothing was changed."
            )
        job.progress(0, len(found))
        seen: set[str] = set()
        for path in found:
            if path.stem in seen:
                outcome.fail(path, "There is a second file of this picture.")
            else:
                seen.add(path.stem)
                self._take(path, outcome)
            job.advance()
        for record in self._records:
            if record["id"] not in seen:
                self._drop(record, outcome)

    def take(self, path: Path) -> bool:
        """Put the record of one file in its place below `media/`; False when that is gone.

        Raises WrongType, TooLarge, DiskFull.
        """
        return self._make(path)

    def _media(self) -> Iterator[Path]:
        """Every picture and video below `media/`, the order of their names."""
        for folder, folders, names in os.walk(self._files.root / "media"):
            folders.sort()
            for name in sorted(names):
                stem, dot, ext = name.partition(".")
                if dot + ext in BY_EXT and item_key(stem) == stem:
                    yield Path(folder, name)

    def _take(self, path: Path, outcome: _Outcome) -> None:
        key = path.stem
        outcome.count("files")
        if self._files.is_coming(key):
            return
        try:
            record = self._records.get(key)
            if record is not None and self._agrees(record, path):
                if self._mend(record, path, dry_run=outcome.dry_run):
                    outcome.count("repaired")
                if self._read_again(key, path, dry_run=outcome.dry_run):
                    outcome.count("reread")
                return
            other = find(self._records, key)
            if record is None and other is not None and self._files.media(other).is_file():
                outcome.fail(path, f"It is a second file of the picture {other['id']}.")
            elif outcome.dry_run or self._make(path):
                outcome.count("added" if record is None else "repaired")
                # What lies beside it may have been read by an earlier version.
                self._read_again(key, path, dry_run=outcome.dry_run)
        except FileNotFoundError:
            return
        except OSError as error:
            outcome.fail(path, error.strerror or "It cannot be read.")
        except CuratorError as error:
            outcome.fail(path, error.text)

    def _agrees(self, record: Record, path: Path) -> bool:
        return (
            self._files.root / record["file_path"] == path
            and record["file_size"] == path.stat().st_size
            and with_places(dict(record)) == record
        )

    def _mend(self, record: Record, path: Path, *, dry_run: bool) -> bool:
        """Write the JSON beside a file anew from its record; False when that is as it should be."""
        stem = path.relative_to(self._files.root).with_suffix("").as_posix()
        if _read(self._files.kept(path)[1], path, stem):
            return False
        if dry_run:
            return True
        with self._intake.locks.hold(f"file:{record['file_uuid'] or record['id']}"):
            now = self._records.get(record["id"])
            sidecar, kept = self._files.kept(path)
            if now is None or _read(kept, path, stem):
                return False
            stats = {
                "heartCount": now["reactions"],
                "commentCount": now["comments"],
                "collectedCount": now["collected"],
            }
            facts = Facts(now["id"], page=now["page"], stats=stats)
            sidecar = {**new_sidecar(facts, now), **sidecar}
            if now["has_gen_data"] and not sidecar["generation_data"]:
                # What CivitAI told in full was there alone: the next run asks again.
                now = self._records.update(now["id"], {"has_gen_data": 0, "making_asked": 0})
            self._files.write_sidecar(now, sidecar)
            return True

    def _read_again(self, key: str, path: Path, *, dry_run: bool) -> bool:
        """Whether the file tells more or other than its record says; that is put right."""
        record = self._records.get(key)
        if record is None:
            return False
        inside = read_embedded(path)
        with self._intake.locks.hold(f"file:{record['file_uuid'] or key}"):
            now = self._records.get(key)
            if now is None:
                return False
            sidecar = self._files.sidecar(now)
            news = reread(now, facts_of_sidecar(key, sidecar), inside)
            if news and not dry_run:
                self._files.write_sidecar({**now, **news}, sidecar)
                self._records.update(key, news)
            return bool(news)

    def _make(self, path: Path) -> bool:
        """Put the record of a file, unless that is gone by now. Raises WrongType, TooLarge."""
        sidecar, kept = self._files.kept(path)
        stem = path.relative_to(self._files.root).with_suffix("").as_posix()
        record = _read(kept, path, stem)
        known = record or self._records.get(path.stem) or {}
        lock = known.get("file_uuid") or path.stem
        with self._intake.locks.hold(f"file:{lock}"):
            old = self._records.get(path.stem)
            made = record or self._examined(path, stem, sidecar, old)
            if not path.is_file():
                return False
            for name in _KEPT_BY_A_PERSON:
                if old is not None and old.get(name):
                    made[name] = old[name]
            made = with_places(made)
            made["thumb_size"] = self._files.thumb_size(made)
            if record is None:
                self._files.write_sidecar(made, sidecar)
            self._records.put(made)
            return True

    def _examined(
        self, path: Path, stem: str, sidecar: dict[str, Any], old: Record | None
    ) -> Record:
        """The record of a file that has none of ours beside it; fills an empty `sidecar`."""
        with self._files.incoming() as incoming:
            media = self._intake.examine(path, incoming.thumbnail)
            got = self._intake.read(path)
            facts = facts_of_sidecar(path.stem, sidecar)
            if own_id(got.sha256) == path.stem:
                facts = replace(facts, source="own", file_uuid="")
            facts = replace(facts, created_at=facts.created_at or written_at(path))
            record = new_record(
                self._intake.completed(facts, path),
                media,
                stem=stem,
                size=got.size,
                sha256=got.sha256,
                added=old["added"] if old else self._intake.next_added(),
            )
            if old is not None:
                record = with_links(record, old)
            record["thumb_size"] = incoming.thumbnail.stat().st_size
            if not sidecar:
                sidecar.update(new_sidecar(facts, record))
            self._files.put_thumbnail(incoming, record)
            return record

    def _drop(self, record: Record, outcome: _Outcome) -> None:
        """A record without a file goes, with what lies around it."""
        key = record["id"]
        with self._intake.locks.hold(f"file:{record['file_uuid'] or key}"):
            now = self._records.get(key)
            if now is None or self._files.media(now).is_file() or self._files.is_coming(key):
                return
            outcome.count("removed")
            if not outcome.dry_run:
                self._records.delete(key)
                self._files.remove(now)


def _read(kept: Any, path: Path, stem: str) -> Record | None:
    """The record that lies beside the file, if it is whole and of this very file."""
    try:
        found = _Kept.model_validate(kept)
        kind = format_of(path)
    except (ValidationError, CuratorError):
        return None
    if found.id != path.stem or found.file_size != path.stat().st_size or not found.models:
        return None
    if (found.type, found.ext) != (kind.kind, path.suffix):
        return None
    if any(item_key(each) != each for each in found.aliases):
        return None
    return {
        **found.model_dump(),
        "file_path": stem + path.suffix,
        "thumb_path": stem + ".thumb.webp",
        "meta_path": stem + ".json",
        "starred": 0,
    }
