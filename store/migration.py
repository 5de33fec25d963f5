"""Taking over what Hikaze's predecessor knew; done again, it changes nothing of a person's."""

from __future__ import annotations

import ntpath
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .engine import CollectionSpec, Database, Index, Record
from .errors import Conflict, CuratorError, DiskFull, StoreClosed
from .host import Host
from .importing import sample_key
from .jobs import Job, Jobs
from .json_values import integer, text
from .legacy_database import Legacy, LegacyModel, read_legacy
from .library_merging import united
from .library_records import Records, is_sha256
from .library_tags import LONGEST, Tags
from .migration_rows import FACTS, extra_of, filled, filled_meta, meta_of, positive
from .names import local_path
from .samples import Samples
from .staging import Staging

MIGRATED = CollectionSpec("migrated", key="key", indexes=(Index("by_tag", "tag"),))
"""What was taken over before: `tag:<name>` with its number here, `model:<path>` with its hash."""

Json = dict[str, Any]

_TYPES = {
    "checkpoint": "checkpoints",
    "lora": "loras",
    "embedding": "embeddings",
    "upscale": "upscale_models",
}
_AT_ONCE = 50
_LARGEST_PICTURE = 256 << 20


@dataclass
class _Counts:
    migrated: int = 0
    pending: int = 0
    errors: int = 0
    images: int = 0
    image_errors: int = 0

    def report(self) -> Json:
        return {
            "status": "failed" if self.errors else "success",
            "db_migration": {
                "migrated": self.migrated,
                "pending": self.pending,
                "errors": self.errors,
                "images_processed": self.images,
                "image_errors": self.image_errors,
            },
            "image_migration": {"processed": self.images, "errors": self.image_errors},
        }


class Migration:
    """One at a time; rows are taken over whole, so that a run which dies is simply repeated."""

    def __init__(
        self,
        database: Database,
        host: Host,
        records: Records,
        tags: Tags,
        samples: Samples,
        staging: Staging,
        jobs: Jobs,
    ) -> None:
        self._database = database
        self._migrated = database.collection("migrated")
        self._host = host
        self._records = records
        self._tags = tags
        self._samples = samples
        self._staging = staging
        self._jobs = jobs
        self._lock = threading.Lock()
        self._job: Job | None = None

    def close(self) -> None:
        """What is under way ends after the rows that it is at."""
        job = self._job
        if job:
            job.cancel()

    def migrate(self, database: str, images: str = "") -> Json:
        """Take over a database, and pictures out of the folder `images`: Hikaze's report.

        Raises BadInput when it is no such database, Conflict while it is written, DiskFull.
        """
        path = local_path(database, "legacy_db_path")
        folder = local_path(images, "legacy_images_dir") if images else None
        with self._lock:
            legacy = read_legacy(path, self._host.data)
            counts = _Counts()
            total = len(legacy.models)
            with self._jobs.running("migration", unit="models", total=total) as job:
                self._job = job
                run = _Run(self, folder, self._take_tags(legacy), counts)
                for start in range(0, total, _AT_ONCE):
                    job.check()
                    batch = legacy.models[start : start + _AT_ONCE]
                    run.take(batch)
                    job.progress(start + len(batch))
            if job.state == "cancelled":
                raise Conflict("The migration was ended before its time; repeat it to go on.")
            return counts.report()

    def _take_tags(self, legacy: Legacy) -> dict[int, int]:
        """The numbers here by the numbers there; of what was deleted here since, none."""
        found: dict[int, int] = {}
        for number, name in legacy.tags.items():
            name = name.strip()[:LONGEST].strip()
            if not name:
                continue
            known = self._migrated.get(f"tag:{name}")
            if known is None:
                tag = self._tags.take(number, name)
                self._migrated.put({"key": f"tag:{name}", "tag": tag})
            else:
                here = known["tag"] in self._tags
                tag = known["tag"] if here else self._tags.named(name)
            if tag is not None:
                found[number] = tag
        self._tags.tell()
        return found

    def rows(self, work: Callable[[], list[str]]) -> None:
        """Let `work` take over some rows, all of them or none; it returns the changed records."""
        with self._database.transaction():
            changed = work()
        self._records.tell(changed)

    # What follows is for a run; what takes over a row belongs into `rows`.

    def known(self, path: str) -> Record | None:
        """What is remembered of a model that was taken over before."""
        return self._migrated.get(f"model:{path}")

    def remember(self, path: str, **facts: Any) -> None:
        """It is taken over."""
        known = self.known(path) or {"key": f"model:{path}", "tag": None}
        self._migrated.put({**known, **facts})

    def keep(self, fields: Json, tags: list[int]) -> bool:
        """A record of what the predecessor knew by its hash; whether it is new here."""
        sha256, path = fields["sha256"], fields["path"]
        known = self.known(path)
        is_new = known is None or known["sha256"] != sha256
        record = self._records.get(sha256)
        if record is None and not is_new:
            return False  # somebody has removed it
        record = record or {**self._records.fresh(sha256), "paths": []}
        self._records.put(filled(record, fields, tags, replace=is_new))
        self.remember(path, sha256=sha256)
        return is_new

    def stage(self, number: int, fields: Json, tags: list[int]) -> tuple[str, bool]:
        """The key of the pending row, empty if that is over, and whether it is new."""
        path = fields["path"]
        row = self._staging.at_path(path)
        if row is None and self.known(path) is not None:
            return "", False
        if row is None:
            made = self._staging.add({**fields, "tags": tags}, wanted_id=number)
        else:
            made = {**row, **{name: row[name] or fields[name] for name in (*FACTS, "sha256")}}
            made["meta"] = filled_meta(row["meta"], fields["meta"])
            made["tags"] = united(row["tags"], tags)
            self._staging.change(made)
        self.remember(path, sha256="")
        return made["key"], row is None

    def add_picture(self, key: str, path: Path) -> bool:
        """Whether it is new. Raises WrongType, TooLarge, DiskFull."""
        before = self._samples.count(key)
        self._samples.add(key, path.read_bytes(), name=path.name, again=False)
        return self._samples.count(key) > before

    def count_picture(self, sha256: str) -> None:
        """The record says that it has one, unless it says something already."""

        def change(record: Record) -> None:
            if "meta.images_count" not in record["said"]:
                record["meta"]["images_count"] = record["meta"].get("images_count") or 1

        self._records.change(sha256, change, by_user=False)

    def drop_orphan(self, key: str) -> None:
        """The pictures of a row that was imported or deleted in this very moment."""
        if self._staging.has(key):
            return
        with self._samples.holding(sample_key(key)), self._database.transaction():
            self._samples.drop(sample_key(key))
        self._samples.tidy(sample_key(key))

    def host_type(self, label: str, path: str) -> str:
        """The host's type: by the table, else by the root that the file lies in, else as it was."""
        known = _TYPES.get(label.lower())
        if known:
            return known
        parents = Path(path).parents if path else ()
        folders = self._host.model_folders()
        for kind in self._host.model_types():
            if any(root in parents for root in folders[kind]):
                return kind
        return label


class _Picture(NamedTuple):
    """Whose it is (a hash, a pending row, nobody's), the model's path, the file if there is one."""

    key: str
    path: str
    file: Path | None
    is_pending: bool


class _Run:
    """One reading of one database."""

    def __init__(
        self, home: Migration, images: Path | None, tags: Mapping[int, int], counts: _Counts
    ) -> None:
        self._home = home
        self._images = images
        self._tags = tags
        self._counts = counts

    def take(self, models: Sequence[LegacyModel]) -> None:
        """Take over some rows, then their pictures. Raises DiskFull and StoreClosed."""
        pictures: list[_Picture] = []

        def work() -> list[str]:
            for model in models:
                try:
                    pictures.append(self._take(model))
                except (DiskFull, StoreClosed):
                    raise
                except CuratorError:
                    self._counts.errors += 1
            return [each.key for each in pictures if each.key and not each.is_pending]

        self._home.rows(work)
        for picture in pictures:
            if picture.key:
                self._take_picture(picture)

    def _take(self, model: LegacyModel) -> _Picture:
        extra, is_whole = extra_of(model.extra_json)
        self._counts.errors += not is_whole
        path, told = text(model.path), text(model.hash_hex).strip()
        fields: Json = {
            "path": path,
            "sha256": told.lower() if is_sha256(told) else told,
            "name": text(model.name),
            "type": self._home.host_type(text(model.type), path),
            "size_bytes": positive(model.size_bytes),
            "created_at": positive(model.created_at),
            "meta": meta_of(extra),
        }
        tags = united([], [self._tags[tag] for tag in model.tags if tag in self._tags])
        picture = self._picture(extra)
        if is_sha256(told):
            fields["meta"].pop("images", None)
            self._counts.migrated += self._home.keep(fields, tags)
            return _Picture(fields["sha256"], path, picture, is_pending=False)
        if not path:
            self._counts.errors += 1
            return _Picture("", path, None, is_pending=True)
        key, is_new = self._home.stage(integer(model.id) or 0, fields, tags)
        self._counts.pending += is_new
        return _Picture(key, path, picture, is_pending=True)

    def _take_picture(self, picture: _Picture) -> None:
        known, file = self._home.known(picture.path), picture.file
        if file is None or known is None or known.get("image") == file.name:
            return
        key = sample_key(picture.key) if picture.is_pending else picture.key
        try:
            if file.stat().st_size > _LARGEST_PICTURE:
                raise OSError("too large")
            added = self._home.add_picture(key, file)
        except (DiskFull, StoreClosed):
            raise
        except (CuratorError, OSError):
            self._counts.image_errors += 1
            return
        self._counts.images += added
        if added and not picture.is_pending:
            self._home.count_picture(key)
        self._home.remember(picture.path, image=file.name)
        if picture.is_pending:
            self._home.drop_orphan(picture.key)

    def _picture(self, extra: Json) -> Path | None:
        """The file of the first picture, if it is there and lies in the folder itself."""
        name = ntpath.basename(next(iter(meta_of(extra)["images"]), ""))
        if self._images is None or not name or name in (".", "..") or "\x00" in name:
            return None
        path = self._images / name
        try:
            inside = path.resolve().parent == self._images.resolve()
            return path if inside and path.is_file() else None
        except (OSError, RuntimeError):
            return None
