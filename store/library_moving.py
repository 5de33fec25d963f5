"""Moving model files by a rule: planned first, undone later, never over another file.

Before a file is moved, a note says from where to where; whatever happens in between, the next start
knows. A file's name is taken by linking, which fails when another has it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .catalog import Catalog
from .catalog_entries import Found, with_changed
from .engine import CollectionSpec, Database, Index, Record
from .errors import Conflict, NotFound
from .files import place_new
from .host import Host
from .jobs import Job
from .path_rules import Rule

log = logging.getLogger(__name__)

MOVES = CollectionSpec("moves", key="id")
MOVED_FILES = CollectionSpec(
    "moved_files", key="id", indexes=(Index("by_move", "move", "n"), Index("open", "open"))
)

_MOST_TOLD = 1_000
_KEPT = 50
_UNFINISHED = ("moving", "undoing")

Json = dict[str, Any]


class Source(NamedTuple):
    """A file to move: its key in the library, its path, its root, what the rule asks for."""

    key: str
    path: Path
    root: Path
    values: Mapping[str, str]


class Step(NamedTuple):
    """What becomes of one file; with a `reason` nothing does."""

    source: Source
    target: Path
    reason: str = ""


class Moving:
    """Moves files within their roots, and back. One at a time is meant to work with it."""

    def __init__(self, database: Database, host: Host, catalog: Catalog) -> None:
        self._database = database
        self._moves = database.collection("moves")
        self.files = database.collection("moved_files")
        self.host = host
        self.catalog = catalog
        self.settle: Callable[[], object] = lambda: None
        """Let whoever watches the folders look now."""

    def plan(self, rule: Rule, sources: Iterable[Source]) -> Iterator[Step]:
        """Where each file would go; of two that would go to one place the second stays."""
        taken: set[str] = set()
        for source in sources:
            target = source.root / rule.target(source.values, source.path.suffix)
            step = Step(source, target, _reason_against(source, target))
            if not step.reason and target != source.path:
                if str(target).casefold() in taken:
                    step = step._replace(reason="Another file of these would go there.")
                taken.add(str(target).casefold())
            yield step

    def run(
        self, job: Job, report: Json, text: str, rule: Rule, sources: list[Source], dry_run: bool
    ) -> None:
        """Move them. The report: `{dry_run, rule, move, total, moved, unchanged, skipped,
        entries:[{key, file, to, reason}]}`; `move` is the id to undo it by, empty when there is
        nothing to undo."""
        report.update(dry_run=dry_run, rule=text, move="", total=len(sources))
        report.update(moved=0, unchanged=0, skipped=0, entries=[])
        job.progress(0, len(sources))
        steps = list(self.plan(rule, sources))
        move: Record | None = None
        try:
            for step in steps:
                job.check()
                source, target, reason = step
                if target == source.path:
                    report["unchanged"] += 1
                    job.advance()
                    continue
                if not reason and not dry_run:
                    if move is None:
                        move = self._begin(text)
                        report["move"] = move["id"]
                    reason = self._move(move["id"], report["moved"], source, target)
                report["skipped" if reason else "moved"] += 1
                _note(report, source.key, source.path, target, source.root, reason)
                job.advance()
        finally:
            if move is not None:
                self._forget_old()
                self.settle()

    def undo(self, job: Job, report: Json, move_id: str) -> None:
        """Put every file of a move back where it was; the report as of `run`. Raises NotFound."""
        self.get(move_id)
        moved = [each for each in self._of(move_id) if each["state"] == "moved"]
        report.update(dry_run=False, rule="", move=move_id, total=len(moved))
        report.update(moved=0, unchanged=0, skipped=0, entries=[])
        job.progress(0, len(moved))
        try:
            for record in reversed(moved):
                job.check()
                source, target = Path(record["target"]), Path(record["source"])
                reason = self._put(record, "undoing", "undone", "moved", source, target)
                report["skipped" if reason else "moved"] += 1
                _note(report, record["key"], source, target, Path(record["root"]), reason)
                job.advance()
        finally:
            self.settle()

    def listed(self) -> list[Json]:
        """The last moves, newest first: `{id, rule, created, moved, undone}`."""
        moves = sorted(self._moves, key=lambda move: move["created"], reverse=True)
        return [self._shown(move) for move in moves]

    def get(self, move_id: str) -> Json:
        """One of them. Raises NotFound."""
        move = self._moves.get(move_id)
        if move is None:
            raise NotFound("There is no such move.")
        return self._shown(move)

    def recover(self) -> None:
        """Bring what an earlier run left half done to an end."""
        for record in self.files.page("open", True, limit=1 << 40).records:
            there, back = Path(record["target"]), Path(record["source"])
            moving = record["state"] == "moving"
            source, target = (back, there) if moving else (there, back)
            try:
                done = _finish(source, target)
            except OSError as error:
                log.warning("A move of %s cannot be ended: %s", source.name, error.strerror)
                continue
            if done:
                self._follow(source, target, Path(record["root"]))
            after = ("moved" if moving else "undone") if done else ("failed" if moving else "moved")
            self.files.update(record["id"], {"state": after, "open": False})

    def _begin(self, text: str) -> Record:
        move: Record = {
            "id": secrets.token_hex(6),
            "rule": text,
            "created": time.time_ns() // 1_000_000,
        }
        self._moves.put(move)
        return move

    def _move(self, move_id: str, n: int, source: Source, target: Path) -> str:
        """Why it was not moved, empty when it was."""
        record: Record = {
            "id": f"{move_id}:{n}",
            "move": move_id,
            "n": n,
            "key": source.key,
            "source": str(source.path),
            "target": str(target),
            "root": str(source.root),
            "state": "",
            "open": False,
        }
        return self._put(record, "moving", "moved", "failed", source.path, target)

    def _put(
        self, record: Record, during: str, after: str, else_: str, source: Path, target: Path
    ) -> str:
        self.files.put({**record, "state": during, "open": True})
        reason = ""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not place_new(source, target):
                reason = "There is a file of this name already."
        except FileNotFoundError:
            reason = "The file is not there any more."
        except OSError as error:
            reason = f"It cannot be moved: {error.strerror or 'the system refuses'}."
        if not reason:
            self._follow(source, target, Path(record["root"]))
            _remove_empty(source.parent, Path(record["root"]))
        else:
            _remove_empty(target.parent, Path(record["root"]))
        state = else_ if reason else after
        self.files.put({**record, "state": state, "open": False})
        return reason

    def _follow(self, source: Path, target: Path, root: Path) -> None:
        """Entries of the catalogs that mean this file go with it."""
        folder = target.parent.relative_to(root).as_posix()
        for name, file in self.catalog.files.items():
            meant = [found for found in file.index.of_name(source.name) if self._is(found, source)]
            if not meant:
                continue
            slots = {found.slot for found in meant}

            def change(entry: Json, slots: set[Any] = slots, name: str = name) -> Json:
                found = Found(name, "", entry)
                if found.slot not in slots:
                    return entry
                kind = found.folder.partition("/")[0]
                return {**entry, "dest": _dest(kind, folder), "file": target.name}

            try:
                file.change("edited", lambda index: (with_changed(index.data, change), None))
            except Conflict:
                log.warning("%s.json cannot be changed; an entry still names the old place", name)

    def _is(self, found: Found, path: Path) -> bool:
        if not found.folder:
            return False
        return any(place / found.name == path for place in self.host.places(found.folder))

    def _of(self, move_id: str) -> list[Record]:
        return self.files.page("by_move", move_id, limit=1 << 40).records

    def _shown(self, move: Record) -> Json:
        states = [each["state"] for each in self._of(move["id"])]
        undone = states.count("undone")
        return {**move, "moved": states.count("moved") + undone, "undone": undone}

    def _forget_old(self) -> None:
        moves = sorted(self._moves, key=lambda move: move["created"], reverse=True)
        for move in moves[_KEPT:]:
            old = self._of(move["id"])
            with self._database.transaction():
                for record in old:
                    self.files.delete(record["id"])
                self._moves.delete(move["id"])


def _dest(kind: str, folder: str) -> str:
    return kind if folder == "." else f"{kind}/{folder}"


def _reason_against(source: Source, target: Path) -> str:
    if target == source.path:
        return ""
    if source.path.is_symlink():
        return "It is a link; links stay where they are."
    if not source.path.is_file():
        return "The file is not there any more."
    if os.path.lexists(target):
        return "There is a file of this name already."
    return ""


def _finish(source: Path, target: Path) -> bool:
    """Whether a move that may have been cut off anywhere has happened, now that it is ended."""
    if not os.path.lexists(source):
        return os.path.lexists(target)
    if not os.path.lexists(target):
        return False
    if source.samefile(target):
        # Linked, and not yet unlinked.
        source.unlink()
        return True
    if target.stat().st_size == 0 and source.stat().st_size:
        # The name was taken, and nothing more.
        target.unlink()
    return False


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove folders that are empty now, up to the root."""
    with contextlib.suppress(OSError):
        while folder != root and root in folder.parents:
            folder.rmdir()
            folder = folder.parent


def _note(report: Json, key: str, source: Path, target: Path, root: Path, reason: str) -> None:
    if len(report["entries"]) < _MOST_TOLD:
        file, to = (
            path.relative_to(root).as_posix() if root in path.parents else path.name
            for path in (source, target)
        )
        report["entries"].append({"key": key, "file": file, "to": to, "reason": reason})
