"""Taking over what ComfyUI Studio has gathered: linked or copied, never moved, never twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

from .errors import CuratorError, DiskFull, StoreClosed
from .files import place_new, write_atomic
from .gallery_files import dump, read_json
from .gallery_intake import Intake
from .gallery_models import GalleryModels
from .gallery_records import aliases
from .jobs import Job
from .media import format_of
from .names import is_safe_name
from .studio_folder import StudioFolder, StudioPicture, StudioTag
from .studio_sidecars import keyless

_MOST_SHOWN = 200


class Adoption:
    """Brings a Studio folder's pictures, stars and previews into the gallery."""

    def __init__(self, intake: Intake, models: GalleryModels, lookup: Path) -> None:
        """`lookup` is the folder of previews that lies beside the gallery's files."""
        self._intake = intake
        self._models = models
        self._lookup = lookup
        self.take_tags: Callable[[Mapping[int, StudioTag], bool], int] = lambda _, __: 0
        """Keeps the names of CivitAI's tags, or only tells how many are new; set by who knows them.
        """

    def run(
        self, job: Job, report: dict[str, Any], folder: StudioFolder, *, dry_run: bool, copy: bool
    ) -> None:
        """Take everything, or only tell; a failing picture costs only itself.

        The report: `{dry_run, found, new, known, stars, previews, tags, bytes, failed, problems}`.
        Raises DiskFull, GalleryFull.
        """
        names = ("new", "known", "stars", "previews", "tags", "bytes", "failed")
        report.update({"dry_run": dry_run, "found": len(folder.pictures)})
        report.update({**dict.fromkeys(names, 0), "problems": []})
        for name, reason in folder.problems:
            _fail(report, name, reason)
        job.progress(0, len(folder.pictures))
        report["tags"] = self.take_tags(folder.tags, dry_run)
        seen: dict[str, bool] = {}
        for picture in folder.pictures:
            try:
                self._take(picture, report, seen, dry_run=dry_run, copy=copy)
            except (DiskFull, StoreClosed):
                raise
            except CuratorError as error:
                _fail(report, picture.path.name, error.text)
            except OSError as error:
                _fail(report, picture.path.name, error.strerror or "It cannot be read.")
            job.advance()
        self._previews(job, folder, report, seen, dry_run=dry_run)

    def _take(
        self,
        picture: StudioPicture,
        report: dict[str, Any],
        seen: dict[str, bool],
        *,
        dry_run: bool,
        copy: bool,
    ) -> None:
        """`seen`: under each id whether the picture that has come in this run has a star."""
        facts = picture.facts
        here = self._intake.known(facts)
        twins = [seen[each] for each in aliases(facts) if each in seen]
        if dry_run:
            format_of(picture.path)
            is_new = here is None and not twins
            if is_new:
                report["bytes"] += picture.path.stat().st_size
            if twins:
                has_star = facts.starred and not any(twins)
            else:
                has_star = facts.starred and not (here and (here["starred"] or here.get("adopted")))
        else:
            taken = self._intake.adopt(
                picture.path, facts, link=not copy, again=here is not None and not twins
            )
            is_new, has_star = taken.is_new, taken.got_star
            if is_new:
                report["bytes"] += taken.record["file_size"]
        if is_new or twins:
            starred = facts.starred or any(twins)
            seen.update(dict.fromkeys(aliases(facts), starred))
        report["new" if is_new else "known"] += 1
        report["stars"] += has_star

    def _previews(
        self,
        job: Job,
        folder: StudioFolder,
        report: dict[str, Any],
        coming: Container[str],
        *,
        dry_run: bool,
    ) -> None:
        """The pictures chosen for models, and the files of what was looked up."""
        for model_id, key in folder.chosen.items():
            if self._models.preview(model_id) is not None:
                continue
            here = self._intake.find(key)
            if here is not None or key in coming:
                report["previews"] += 1
                if here is not None and not dry_run:
                    self._models.set_preview(model_id, here["id"])
        for model_id, path in folder.preview_files:
            job.check()
            target = self._lookup / str(model_id) / "previews" / path.name
            if target.exists() or not is_safe_name(path.name):
                continue
            try:
                if path.suffix == ".json":
                    if not dry_run:
                        _copy_json(path, target)
                    continue
                format_of(path)
                report["previews"] += 1
                report["bytes"] += path.stat().st_size
                if not dry_run:
                    _copy(path, target)
            except CuratorError as error:
                _fail(report, path.name, error.text)
            except OSError as error:
                _fail(report, path.name, error.strerror or "It cannot be copied.")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # One name a target: what a kill leaves is overwritten by the next run.
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        shutil.copyfile(source, temporary)
        place_new(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_json(source: Path, target: Path) -> None:
    """What Studio knows of a preview, without the keys that it keeps in addresses."""
    told = read_json(source)
    if told:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, dump(keyless(told)))


def _fail(report: dict[str, Any], name: str, reason: str) -> None:
    report["failed"] += 1
    if len(report["problems"]) < _MOST_SHOWN:
        report["problems"].append({"file": name, "reason": reason})
