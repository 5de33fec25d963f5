"""Newer versions of the catalog's models on CivitAI: asked for once a day, and on demand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from .catalog_entries import Json
from .catalog_file import CatalogFile
from .engine import CollectionSpec, Database
from .errors import CuratorError, NotFound, UpstreamBusy, UpstreamFailed
from .events import Events
from .jobs import Job, Jobs
from .json_values import integer, mappings, text
from .remote.civitai import CivitAI

log = logging.getLogger(__name__)

UPDATES = CollectionSpec("updates", key="id", durable=False)
"""By CivitAI model: `checked` (seconds since 1970), `versions` and the `skipped` ones."""

_DAY = 86_400.0
_FIRST_LOOK = 600.0
_BETWEEN_LOOKS = 3_600.0
_A_BATCH = 50
_BETWEEN_BATCHES = 1.0


class Updates:
    """Knows the versions of each model, and which of them a person does not want."""

    def __init__(
        self,
        database: Database,
        files: Iterable[CatalogFile],
        civitai: CivitAI,
        jobs: Jobs,
        events: Events,
    ) -> None:
        self._database = database
        self._records = database.collection("updates")
        self._files = tuple(files)
        self._civitai = civitai
        self._jobs = jobs
        self._events = events
        self._checking = threading.Lock()
        self._closing = threading.Event()
        self._job: Job | None = None
        self._known = {int(record["id"]): record for record in self._records}
        self.stamp = 0
        """Grows with each change worth showing."""
        self._daily = threading.Thread(target=self._look_daily, name="curator-updates", daemon=True)
        self._daily.start()

    def close(self) -> None:
        """End what is under way."""
        self._closing.set()
        if self._job:
            self._job.cancel()
        self._daily.join()
        with self._checking:
            pass

    def check(self) -> Json:
        """Ask about every model now, unless that goes on already: `{queued}`, as a job."""
        models = sorted(self._versions_here())
        if not self._checking.locked():
            threading.Thread(
                target=self._check, args=(models,), name="curator-updates-now", daemon=True
            ).start()
        return {"queued": len(models)}

    def found(self) -> dict[int, Json]:
        """By model the newest version that is neither here nor skipped, nor older than ours."""
        newer: dict[int, Json] = {}
        for model_id, here in self._versions_here().items():
            record = self._known.get(model_id)
            update = _newest(record, here) if record else None
            if update:
                newer[model_id] = update
        return newer

    def skip(self, model_id: int, version_id: int, *, skipped: bool = True) -> Json:
        """Remember that a version is not wanted (or is again): `{model_id, skipped:[…]}`.

        Raises NotFound for a model that no catalog has.
        """
        if model_id not in self._versions_here():
            raise NotFound(f"No catalog has a model {model_id}.")
        with self._database.transaction():
            record = self._records.get(str(model_id)) or _empty(model_id)
            kept = set(record["skipped"]) - {version_id} | ({version_id} if skipped else set[int]())
            self._put({**record, "skipped": sorted(kept)})
        self._tell()
        return {"model_id": model_id, "skipped": sorted(kept)}

    def _versions_here(self) -> dict[int, set[int]]:
        here: dict[int, set[int]] = {}
        for file in self._files:
            for found in file.index.found:
                if found.model_id is not None:
                    versions = here.setdefault(found.model_id, set())
                    if found.version_id is not None:
                        versions.add(found.version_id)
        return here

    def _look_daily(self) -> None:
        """Top of a thread."""
        wait = _FIRST_LOOK
        while not self._closing.wait(wait):
            wait = _BETWEEN_LOOKS
            limit = time.time() - _DAY
            due = [
                model_id
                for model_id in sorted(self._versions_here())
                if self._known.get(model_id, {"checked": 0})["checked"] < limit
            ]
            if due:
                self._check(due)

    def _check(self, models: Sequence[int]) -> None:
        """Top of a thread."""
        if not self._checking.acquire(blocking=False):
            return
        try:
            with self._jobs.running("updates", unit="models", total=len(models)) as job:
                self._job = job
                for start in range(0, len(models), _A_BATCH):
                    self._ask(job, models[start : start + _A_BATCH])
                    if start + _A_BATCH < len(models):
                        self._closing.wait(_BETWEEN_BATCHES)
        except CuratorError as error:
            log.info("Updates cannot be looked for: %s", error.text)
        except Exception:
            # Top of a thread: nobody else would hear of it.
            log.exception("looking for updates")
        finally:
            self._checking.release()

    def _ask(self, job: Job, batch: Sequence[int]) -> None:
        job.check()
        wanted = set(batch)
        answers = {
            model_id: model
            for model in self._civitai.models(batch)
            if (model_id := integer(model.get("id"))) in wanted
        }
        # Lists leave out what they do not like to show; asked for alone it is there.
        for model_id in batch:
            if model_id not in answers:
                job.check()
                answers[model_id] = self._alone(model_id)
        before = {model_id: self._known.get(model_id) for model_id in batch}
        with self._database.transaction():
            for model_id, model in answers.items():
                record = self._records.get(str(model_id)) or _empty(model_id)
                versions = _versions(model) or record["versions"]
                self._put({**record, "checked": time.time(), "versions": versions})
        job.advance(len(batch))
        if any(_shown(before[each]) != _shown(self._known[each]) for each in batch):
            self._tell()

    def _alone(self, model_id: int) -> Json:
        """One model; nothing of what CivitAI does not have. Raises when it fails altogether."""
        try:
            return self._civitai.model(model_id)
        except (UpstreamBusy, UpstreamFailed):
            raise
        except CuratorError:
            return {}

    def _put(self, record: Json) -> None:
        self._records.put(record)
        self._known[int(record["id"])] = record

    def _tell(self) -> None:
        self.stamp += 1
        self._events.publish("catalog", catalog="both", change="updates")


def _empty(model_id: int) -> Json:
    return {"id": str(model_id), "checked": 0, "versions": [], "skipped": []}


def _shown(record: Mapping[str, object] | None) -> object:
    return record and (record["versions"], record["skipped"])


def _versions(model: Mapping[str, object]) -> list[Json]:
    """The versions that can be had, as they are told of in the lists."""
    return [
        {
            "version_id": integer(each.get("id")),
            "name": text(each.get("name")),
            "base_model": text(each.get("baseModel")),
            "published": text(each.get("publishedAt")) or text(each.get("createdAt")),
        }
        for each in mappings(model.get("modelVersions"))
        if integer(each.get("id")) is not None
        and mappings(each.get("files"))
        and each.get("availability") != "EarlyAccess"
    ]


def _newest(record: Json, here: set[int]) -> Json | None:
    def age(version: Json) -> tuple[str, int]:
        return (version["published"], version["version_id"])

    ours = [age(each) for each in record["versions"] if each["version_id"] in here]
    not_wanted = here | set(record["skipped"])
    newer = [
        each
        for each in record["versions"]
        if each["version_id"] not in not_wanted
        # Of versions that CivitAI no longer tells of, only the number says how old they are.
        and (age(each) > max(ours) if ours else each["version_id"] > max(here, default=0))
    ]
    return max(newer, key=age) if newer else None
