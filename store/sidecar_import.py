"""Taking over what other programs have written beside the models: read, never changed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .errors import CuratorError
from .jobs import Job
from .library_lookup import Lookup
from .library_merging import filled
from .library_records import Records
from .library_tags import Tags
from .samples import Samples
from .sidecars import FORMATS, PREVIEWS, Said, merged, read

_MOST_TOLD = 1_000
_LARGEST_PICTURE = 64 << 20

Json = dict[str, Any]


class Model(NamedTuple):
    """A file of the library: its key there, its hash (empty while unknown), where it lies."""

    key: str
    sha256: str
    path: str


class SidecarImport:
    """Fills what is empty; what a person has set, emptied or removed stays so."""

    def __init__(self, records: Records, tags: Tags, samples: Samples, lookup: Lookup) -> None:
        self._records = records
        self._tags = tags
        self._samples = samples
        self._lookup = lookup
        self.content_of: Callable[[str], str] = lambda key: ""
        """The hash of a place, if it is known by now: whoever knows the places puts it here."""

    def take(
        self,
        job: Job,
        report: Json,
        models: Iterable[Model],
        *,
        dry_run: bool,
        tags: bool = True,
        previews: bool = True,
    ) -> None:
        """Look beside each model. The report:

        `{dry_run, models, with_files, changed, previews, files:{<format>:n}, fields:{<field>:n},
        unreadable:[{file, reason}], entries:[{key, file, files:[name], fields:[name], preview,
        reason}]}`; of each list at most a thousand.
        """
        counts: dict[str, Counter[str]] = {"files": Counter(), "fields": Counter()}
        report.update(dry_run=dry_run, models=0, with_files=0, changed=0, previews=0)
        report.update(files={}, fields={}, unreadable=[], entries=[])
        by_folder = _by_folder(models)
        job.progress(0, sum(map(len, by_folder.values())))
        for folder, inside in by_folder.items():
            names = _names(folder)
            for model in inside:
                content = self.content_of(model.key)
                model = Model(content, content, model.path) if content else model
                entry = self._one(model, names, report, dry_run, tags, previews)
                if entry is not None:
                    counts["files"].update(entry["formats"])
                    counts["fields"].update(entry["fields"])
                    report.update({name: dict(count) for name, count in counts.items()})
                    _note(report["entries"], entry)
                report["models"] += 1
                job.advance()

    def _one(
        self, model: Model, names: set[str], report: Json, dry_run: bool, tags: bool, previews: bool
    ) -> Json | None:
        folder, name = os.path.split(model.path)
        stem = name.rpartition(".")[0] or name
        found = list(_read_all(Path(folder), stem, names, report))
        picture = next((stem + each for each in PREVIEWS if stem + each in names), "")
        if not found and not (picture and previews):
            return None
        report["with_files"] += 1
        entry: Json = {
            "key": model.key,
            "file": name,
            "formats": [kind for kind, _ in found],
            "fields": [],
            "preview": False,
            "reason": "",
        }
        others = [said for _, said in found if said.is_about(model.sha256)]
        if len(others) < len(found):
            entry["reason"] = "What is written beside it is about a file with another hash."
        said = merged(others)
        entry["fields"] = self._fill(model, said, dry_run, tags)
        if picture and previews:
            entry["preview"] = self._show(model, Path(folder) / picture, report, dry_run)
        report["changed"] += bool(entry["fields"])
        report["previews"] += entry["preview"]
        return entry

    def _fill(self, model: Model, said: Said, dry_run: bool, tags: bool) -> list[str]:
        """The names of the fields that change."""
        fields = dict(said.fields)
        names: list[str] = fields.pop("tags", [])
        record = self._records.get(model.key) or self._records.fresh(model.key)
        new = [
            name
            for name, value in filled(record, fields).items()
            if value and value != record.get(name)
        ]
        ids: list[int] = []
        if tags and names and "tags" not in record["said"]:
            known = {each["id"] for each in self._tags.shown(record["tags"])}
            ids = [each for each in map(self._tags.named, names) if each is not None]
            if len(ids) < len(names) or not known.issuperset(ids):
                new.append("tags")
        if dry_run:
            return sorted(new)
        if new:
            if "tags" in new:
                fields["tags"] = [tag["id"] for tag in self._tags.add(names)]
            self._records.make(model.key, **{name: fields[name] for name in new})
        told = [model.sha256] if model.sha256 else said.hashes
        if said.version and len(told) == 1:
            self._lookup.take(next(iter(told)), said.version)
        return sorted(new)

    def _show(self, model: Model, picture: Path, report: Json, dry_run: bool) -> bool:
        """Whether the picture beside the model becomes its sample, or would."""
        before, seq = self._samples.count(model.key), -1
        try:
            if picture.stat().st_size > _LARGEST_PICTURE:
                raise ValueError(f"larger than {_LARGEST_PICTURE >> 20} MiB")
            if dry_run:
                return self._samples.would_add(model.key, picture)
            data = picture.read_bytes()
            seq = self._samples.add(model.key, data, name=picture.name, again=False)
        except CuratorError as error:
            if error.status == 507:
                raise
            _note(report["unreadable"], {"file": picture.name, "reason": error.text})
        except (OSError, ValueError) as error:
            _note(report["unreadable"], {"file": picture.name, "reason": _reason(error)})
        content = self.content_of(model.key)
        if content:
            # Its hash became known while the picture was being made.
            self._samples.take_over(model.key, content)
        return seq >= before


def _read_all(folder: Path, stem: str, names: set[str], report: Json) -> Iterator[tuple[str, Said]]:
    for kind in FORMATS:
        name = stem + kind.ending
        if name not in names:
            continue
        try:
            said = read(folder / name, kind)
        except (OSError, ValueError, RecursionError) as error:
            _note(report["unreadable"], {"file": name, "reason": _reason(error)})
        else:
            if said is not None:
                yield kind.name, said


def _by_folder(models: Iterable[Model]) -> dict[str, list[Model]]:
    found: dict[str, list[Model]] = {}
    for model in models:
        found.setdefault(os.path.split(model.path)[0], []).append(model)
    return found


def _names(folder: str) -> set[str]:
    """The files in a folder; none of one that is not there."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except OSError:
        return set()


def _note(items: list[Json], item: Json) -> None:
    if len(items) < _MOST_TOLD:
        items.append(item)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "it cannot be read"
    return str(error)[:200]
