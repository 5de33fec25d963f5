from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from comfyui_curator.store.engine import Database, read_snapshot

Open = Callable[[], Database]
_ROOT = Path(__file__).resolve().parents[3]

# Forks a process for every line of code that compaction runs through, which is killed as it
# reaches that line for the first time; then looks at the store that it leaves behind.
_CRASHES = """
import os, shutil, signal, sys
from pathlib import Path
from tests.loading import load_pack
load_pack()
from comfyui_curator.store.engine import CollectionSpec, Database, Index, read_snapshot
work = Path(sys.argv[1])
specs = [
    CollectionSpec("pictures", "id", (Index("all", None, "n"),), durable=False),
    CollectionSpec("notes", "id", durable=False),
]
base = work / "base"
with Database.open(base, specs) as database:
    for number in range(30):
        database.collection("pictures").put({"id": str(number), "n": 0})
def change(database):
    for number in range(0, 30, 7):
        database.collection("pictures").update(str(number), {"n": 1})
    database.collection("pictures").delete("1")
    with database.transaction():
        database.collection("pictures").put({"id": "new", "n": 2})
        database.collection("notes").put({"id": "new"})
def crash_at(number):
    seen = set()
    def trace(frame, event, arg):
        name = frame.f_code.co_filename
        if "/store/" not in name:
            return None
        if event == "line" and (name, frame.f_lineno) not in seen:
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.add((name, frame.f_lineno))
        return trace
    sys.settrace(trace)
steps = 0
while True:
    store = work / "store"
    shutil.copytree(base, store)
    child = os.fork()
    if child == 0:
        database = Database.open(store, specs)
        change(database)
        # A compaction that died before, so that there is more than one journal.
        if steps % 2:
            database._core.journal.prepare(ahead=False)
            database._core.journal.rotate(database._core.seq)
            database.collection("notes").put({"id": "between"})
        crash_at(steps)
        database.compact()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    beside = list(read_snapshot(store, "pictures"))
    with Database.open(store, specs) as database:
        assert database.recovery.clean, (steps, database.recovery)
        pictures = {each["id"]: each["n"] for each in database.collection("pictures")}
        expected = {str(n): int(n % 7 == 0) for n in range(30) if n != 1} | {"new": 2}
        assert pictures == expected, steps
        assert {each["id"]: each["n"] for each in beside} == expected, steps
        notes = {each["id"] for each in database.collection("notes")}
        assert notes == ({"new", "between"} if steps % 2 else {"new"}), steps
        assert database.collection("pictures").count("all") == len(expected)
    left = {each.name for each in store.iterdir()} - {"curator.digest"}
    assert left == {"curator.journal", "curator.json", "curator.lock"}, (steps, left)
    shutil.rmtree(store)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        break
    steps += 1
print(steps)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a fork at each line: needs os.fork")
def test_a_crash_at_any_step_of_compaction_loses_and_doubles_nothing(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _CRASHES, str(tmp_path)], cwd=_ROOT, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) > 60


def test_compaction_empties_the_journal_and_keeps_every_record(opened: Open, folder: Path) -> None:
    database = opened()
    for number in range(20):
        database.collection("pictures").put({"id": str(number % 7), "n": number})
    database.compact()
    assert (folder / "curator.journal").read_bytes().rstrip(b"\0") == b""
    tables = json.loads((folder / "curator.json").read_bytes())
    assert [record["n"] for record in tables["pictures"].values()] == [14, 15, 16, 17, 18, 19, 13]
    database.collection("pictures").put({"id": "later"})
    assert len(list(read_snapshot(folder, "pictures"))) == 8


def test_changes_made_while_compaction_runs_are_all_there_afterwards(
    opened: Open, folder: Path
) -> None:
    database = opened()
    pictures, notes = database.collection("pictures"), database.collection("notes")
    with database.transaction():
        for number in range(3000):
            pictures.put({"id": str(number), "n": 0, "text": "x" * 300})
    done = threading.Event()
    counts = [0, 0]

    def change(which: int) -> None:
        while not done.is_set():
            counts[which] += 1
            collection, key = ((pictures, "id"), (notes, "name"))[which]
            collection.put({key: str(counts[which] % 500), "n": counts[which]})

    threads = [threading.Thread(target=change, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        database.compact()
    done.set()
    for thread in threads:
        thread.join()
    expected = {each["id"]: each["n"] for each in pictures}
    assert max(expected.values()) == counts[0]
    assert {each["id"]: each["n"] for each in read_snapshot(folder, "pictures")} == expected
    database.close()
    again = opened()
    assert {each["id"]: each["n"] for each in again.collection("pictures")} == expected
    assert max(each["n"] for each in again.collection("notes")) == counts[1]


def test_a_grown_journal_is_compacted_by_itself(opened: Open, folder: Path) -> None:
    notes = opened().collection("notes")
    for number in range(12):
        notes.put({"name": str(number), "text": "x" * 1_000_000})
    deadline = time.monotonic() + 20
    while not (folder / "curator.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(list(read_snapshot(folder, "notes"))) == 12


def test_leftovers_of_a_compaction_that_died_are_swept_away(opened: Open, folder: Path) -> None:
    opened().close()
    (folder / ".curator.json.0123456789ab.tmp").write_bytes(b"half a snapshot")
    opened()
    assert not list(folder.glob(".*"))


def test_a_loss_of_power_that_forgets_the_journals_new_names_loses_no_change(
    opened: Open, folder: Path
) -> None:
    """The disk may know a rename later than what was written to the file under its new name."""
    database = opened()
    notes = database.collection("notes")
    notes.put({"name": "a"})
    first = (folder / "curator.journal").read_bytes()
    database.compact()
    notes.put({"name": "b"})
    second = (folder / "curator.journal").read_bytes()
    database.close()
    (folder / "curator.json").unlink()
    (folder / "curator.journal").write_bytes(first)
    (folder / "curator.journal.next").write_bytes(second)
    assert [each["name"] for each in read_snapshot(folder, "notes")] == ["a", "b"]
    database = opened()
    assert database.recovery.clean
    assert [each["name"] for each in database.collection("notes")] == ["a", "b"]
    database.collection("notes").put({"name": "c"})
    assert [each["name"] for each in read_snapshot(folder, "notes")] == ["a", "b", "c"]
    database.close()
    assert sorted(each.name for each in folder.glob("*journal*")) == ["curator.journal"]
