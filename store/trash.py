"""What was deleted, and can be had back: files of models with where they came from."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import system_trash
from .engine import CollectionSpec, Database, Index
from .errors import Conflict, CuratorError, NotFound
from .events import Events
from .files import disk_error, place_new, sync_folder
from .host import Host
from .locks import KeyedLock
from .moves import copy_whole, half_of, is_same, move_within
from .names import safe_name
from .settings import Settings

Json = dict[str, Any]

TRASH = CollectionSpec("trash", key="id", indexes=(Index("newest", None, "order"),))
"""`state` is `moving` on the way in, `kept`, `restoring` on the way out."""

_RESTORED_KEPT = 100
# Beside a models folder: ComfyUI lists what ends like a model, in hidden folders too.
_BESIDE = ".curator-trash"
_ENDING = ".trashed"


class Trash:
    """Moves files in and out, each whole and in one place at every moment. Thread-safe."""

    def __init__(self, database: Database, host: Host, settings: Settings, events: Events) -> None:
        """Completes or undoes what an earlier run left half done."""
        self._records = database.collection("trash")
        self._host = host
        self._settings = settings
        self._events = events
        self._locks = KeyedLock()
        self._restored: OrderedDict[str, Json] = OrderedDict()
        for record in [each for each in self._records if each["state"] != "kept"]:
            self._settle(record)

    def put(self, path: Path, told: Mapping[str, Any]) -> bool:
        """Take a file (of a link the link itself) away; False when it is not there.

        `told` is kept with it. Raises DiskFull, CuratorError: then it lies where it lay.
        """
        with self._locks.hold(str(path)):
            try:
                found = path.lstat()
            except FileNotFoundError:
                return False
            now = datetime.now(timezone.utc)
            record: Json = {
                "id": secrets.token_hex(8),
                "name": path.name,
                "from": str(path),
                "at": "",
                "size": found.st_size,
                "deleted_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "order": now.timestamp(),
                "told": dict(told),
                "state": "kept",
            }
            is_link = stat.S_ISLNK(found.st_mode)
            if self._settings.values.system_trash and not is_link and system_trash.send(path):
                self._records.put(record)
            else:
                self._keep(record, path)
        self._tell("added")
        return True

    def listed(self, *, limit: int = 100, offset: int = 0) -> Json:
        """`{items, total}`, the newest first; what is in the system's trash is restored there."""
        page = self._records.page("newest", descending=True, limit=limit, offset=offset)
        return {"items": [_shown(record) for record in page.records], "total": page.total}

    def restore(self, trash_id: str) -> Json:
        """Put a file back where it came from: `{status:"restored", id, file, dest}`.

        Raises NotFound, Conflict when another file is there or only the system can do it, DiskFull.
        """
        with self._locks.hold(trash_id):
            record = self._records.get(trash_id)
            if record is None:
                if trash_id in self._restored:
                    return self._restored[trash_id]
                raise _unknown()
            if not record["at"]:
                raise Conflict(f"{record['name']} lies in the system's trash; restore it there.")
            target = Path(record["from"])
            if os.path.lexists(target):
                raise Conflict(f"There is a file {target.name} again; nothing was overwritten.")
            self._bring_back(record, target)
            answer = {"status": "restored", "id": trash_id, **_told(record)}
            self._restored[trash_id] = answer
            while len(self._restored) > _RESTORED_KEPT:
                self._restored.popitem(last=False)
        self._tell("restored")
        return answer

    def remove(self, trash_id: str) -> int:
        """Delete one for good; bytes that are free now. Raises NotFound."""
        with self._locks.hold(trash_id):
            record = self._records.get(trash_id)
            if record is None:
                raise _unknown()
            freed = self._destroy(record)
        self._tell("removed")
        return freed

    def empty(self) -> Json:
        """Delete everything here for good: `{deleted, freed_bytes}`.

        What lies in the system's trash is only forgotten here.
        """
        freed: list[int] = []
        for key in [record["id"] for record in self._records]:
            with contextlib.suppress(NotFound):
                freed.append(self.remove(key))
        return {"deleted": len(freed), "freed_bytes": sum(freed)}

    def _keep(self, record: Json, path: Path) -> None:
        """Move the file to us, at best by a mere renaming."""
        # The record comes first: at no moment is there a file that nobody knows of.
        name = f"{record['id']}-{safe_name(record['name'])}{_ENDING}"
        record["state"] = "moving"
        for folder in self._folders(path):
            record["at"] = str(folder / name)
            self._records.put(record)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.rename(record["at"])
                break
            except OSError as error:
                if folder == self._own and error.errno != errno.EXDEV:
                    self._records.delete(record["id"])
                    raise disk_error(error, record["name"]) from error
        else:
            record["at"] = str(self._own / name)
            self._records.put(record)
            self._move(record, path, Path(record["at"]))
        sync_folder(Path(record["at"]).parent)
        sync_folder(path.parent)
        self._records.update(record["id"], {"state": "kept"})

    def _move(self, record: Json, path: Path, target: Path) -> None:
        """Across devices: the copy is whole before the file goes."""
        try:
            copy_whole(path, target)
            path.unlink()
        except (OSError, CuratorError) as error:
            target.unlink(missing_ok=True)
            self._records.delete(record["id"])
            if isinstance(error, OSError):
                raise disk_error(error, record["name"]) from error
            raise

    def _bring_back(self, record: Json, target: Path) -> None:
        at = Path(record["at"])
        if not os.path.lexists(at):
            raise NotFound(f"{record['name']} is gone from the trash, or its drive is not there.")
        self._records.update(record["id"], {"state": "restoring"})
        part = _part_of(record)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not move_within(at, target):
                copy_whole(at, part)
                if not place_new(part, target):
                    raise FileExistsError(errno.EEXIST, "File exists")
                at.unlink()
        except FileExistsError:
            self._records.update(record["id"], {"state": "kept"})
            raise Conflict(
                f"There is a file {target.name} again; nothing was overwritten."
            ) from None
        except OSError as error:
            self._records.update(record["id"], {"state": "kept"})
            raise disk_error(error, record["name"]) from error
        finally:
            part.unlink(missing_ok=True)
        sync_folder(target.parent)
        self._records.delete(record["id"])

    def _destroy(self, record: Json) -> int:
        freed = 0
        if record["at"]:
            at = Path(record["at"])
            with contextlib.suppress(FileNotFoundError):
                try:
                    freed = at.lstat().st_size
                    at.unlink()
                except OSError as error:
                    if isinstance(error, FileNotFoundError):
                        raise
                    raise disk_error(error, record["name"]) from error
        self._records.delete(record["id"])
        return freed

    def _settle(self, record: Json) -> None:
        """After a kill: a file that is in both places is at home in the one it was going to."""
        source, at = Path(record["from"]), Path(record["at"])
        with contextlib.suppress(OSError):
            _part_of(record).unlink(missing_ok=True)
            half_of(at).unlink(missing_ok=True)
            if os.path.lexists(at) and is_same(source, at):
                at.unlink()
        # An unplugged drive is no reason to forget what lies there.
        if os.path.lexists(at) or not (at.parent.is_dir() or source.exists()):
            self._records.update(record["id"], {"state": "kept"})
        else:
            self._records.delete(record["id"])

    @property
    def _own(self) -> Path:
        return self._host.data / "trash"

    def _folders(self, path: Path) -> Iterator[Path]:
        """Where it may be renamed to: ours, else on its own drive beside the models."""
        yield self._own
        for roots in self._host.model_folders().values():
            for root in roots:
                if path.is_relative_to(root):
                    yield root.parent / _BESIDE

    def _tell(self, change: str) -> None:
        self._events.publish("trash", change=change)


def _part_of(record: Json) -> Path:
    """Where a file that comes back from another device arrives, under no model's ending."""
    return Path(record["from"]).with_name(f".{record['id']}.restoring")


def _told(record: Json) -> Json:
    return {"file": record["name"], "dest": "", **record["told"]}


def _shown(record: Json) -> Json:
    return {
        "id": record["id"],
        **_told(record),
        "size": record["size"],
        "deleted_at": record["deleted_at"],
        "system": not record["at"],
        "restorable": bool(record["at"]),
    }


def _unknown() -> NotFound:
    return NotFound("There is nothing like that in the trash.")
