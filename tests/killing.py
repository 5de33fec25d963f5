"""A process with eight writers that is killed at a random moment, and what must be there after.

`python -m tests.killing FOLDER START…` is that process: it writes to the store in FOLDER and says
on its output what has been acknowledged, a byte of the writer's number for each change.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.engine import CollectionSpec, Database

WRITERS = 8
_ROOT = Path(__file__).resolve().parent.parent
_KEYS = 5

# A change: the record's key in each collection, and its body; None for a removal.
Change = dict[tuple[str, str], dict[str, Any] | None]
State = dict[tuple[str, str], dict[str, Any]]

# Of each writer, what was expected last and after how many steps: the next rounds go on from it.
_expected: dict[int, tuple[int, State]] = {}


def specs() -> list[CollectionSpec]:
    load_pack()
    from comfyui_curator.store.engine import CollectionSpec, Index

    return [
        CollectionSpec("pictures", "id", (Index("by_writer", "writer", "step"),), ("text",)),
        CollectionSpec("marks", "id", (Index("all", None, "step"),), durable=False),
    ]


def change(writer: int, step: int) -> Change:
    """What a writer does in its step: one record, or two collections at once, or a removal."""
    rng = random.Random(writer * 1_000_003 + step)
    key = f"{writer}-{rng.randrange(_KEYS)}"
    body: dict[str, Any] = {"id": key, "writer": writer, "step": step}
    body["text"] = "ü" * rng.randrange(1500)
    kind = rng.randrange(4)
    if kind == 0:
        return {("pictures", key): None, ("marks", key): body}
    if kind == 1:
        return {("marks", key): body}
    if kind == 2:
        return {("pictures", key): body, ("marks", key): {**body, "text": "both"}}
    return {("pictures", key): body}


def expected(writer: int, steps: int) -> State:
    """All records of a writer after so many steps."""
    done, known = _expected.get(writer, (0, State()))
    state = State() if done > steps else dict(known)
    for step in range(0 if done > steps else done, steps):
        for place, body in change(writer, step).items():
            if body is None:
                state.pop(place, None)
            else:
                state[place] = body
    _expected[writer] = (steps, state)
    return state


def found(database: Database, writer: int) -> State:
    """All records of a writer that are there."""
    state = State()
    for name in ("pictures", "marks"):
        for record in database.collection(name):
            if record["writer"] == writer:
                state[name, record["id"]] = record
    return state


def kill_round(folder: Path, starts: list[int], rng: random.Random) -> list[int]:
    """Let the writers go on from their steps, kill them, look: how far each of them came.

    Raises AssertionError when an acknowledged change is lost or one is half there.
    """
    command = [sys.executable, "-m", "tests.killing", str(folder), *map(str, starts)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read(1)
        time.sleep(rng.random() ** 2 * 0.4)
        process.kill()
        said += process.stdout.read()
    from comfyui_curator.store.engine import Database

    reached: list[int] = []
    with Database.open(folder, specs()) as database:
        assert database.recovery.bad == 0, "a line in the middle was damaged"
        for writer, start in enumerate(starts):
            acknowledged = start + said.count(writer)
            state = found(database, writer)
            # The last change may have been written and not yet acknowledged.
            fits = [n for n in (acknowledged, acknowledged + 1) if expected(writer, n) == state]
            assert fits, f"writer {writer}: not its state after {acknowledged} changes"
            reached.append(fits[0])
    return reached


def _write(database: Database, writer: int, step: int) -> None:
    while True:
        changes = change(writer, step)
        if len(changes) == 1:
            _apply(database, changes)
        else:
            with database.transaction():
                _apply(database, changes)
        os.write(1, bytes([writer]))
        step += 1


def _apply(database: Database, changes: Change) -> None:
    for (name, key), body in changes.items():
        if body is None:
            database.collection(name).delete(key)
        else:
            database.collection(name).put(body)


def _main(folder: Path, starts: list[int]) -> None:
    from comfyui_curator.store.engine import Database

    database = Database.open(folder, specs())
    for writer, step in enumerate(starts):
        threading.Thread(target=_write, args=(database, writer, step), daemon=True).start()
    while True:
        time.sleep(0.02)
        database.compact()


if __name__ == "__main__":
    load_pack()
    _main(Path(sys.argv[1]), [int(each) for each in sys.argv[2:]])
