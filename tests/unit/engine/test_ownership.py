from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from comfyui_curator.store.engine import Database, StoreHeld, read_snapshot

Open = Callable[[], Database]
_ROOT = Path(__file__).resolve().parents[3]

# Opens the store, changes something after each line it reads, and says so.
_OWNER = """
import os, sys
from pathlib import Path
from tests.loading import load_pack
load_pack()
from comfyui_curator.store.engine import CollectionSpec, Database
database = Database.open(Path(sys.argv[1]), [CollectionSpec("pictures", "id")], address="here")
database.set_address("http://127.0.0.1:1234")
for number, line in enumerate(sys.stdin):
    if line == "compact\\n":
        database.compact()
    database.collection("pictures").put({"id": str(number)})
    print(os.getpid(), flush=True)
"""


@contextmanager
def owner(folder: Path) -> Generator[Callable[[str], int]]:
    """Another process that owns the store; calling it makes it do one thing more."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(folder)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def step(what: str) -> int:
            stdin.write(f"{what}\n")
            stdin.flush()
            return int(stdout.readline())

        step("put")
        try:
            yield step
        finally:
            process.kill()


def test_a_second_process_is_told_who_has_the_store_and_touches_nothing(
    opened: Open, folder: Path
) -> None:
    with owner(folder) as step:
        pid = step("put")
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(StoreHeld) as held:
            opened()
        assert held.value.pid == pid
        assert held.value.address == "http://127.0.0.1:1234"
        assert str(pid) in str(held.value) and "http://127.0.0.1:1234" in str(held.value)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
    # It was killed: what it left behind is no obstacle.
    assert len(opened().collection("pictures")) == 2


def test_the_same_process_cannot_open_a_store_twice(opened: Open) -> None:
    database = opened()
    with pytest.raises(StoreHeld):
        opened()
    database.collection("pictures").put({"id": "a"})
    database.close()
    assert len(opened().collection("pictures")) == 1


def test_an_unreadable_owner_file_still_says_that_the_store_is_held(
    opened: Open, folder: Path
) -> None:
    opened()
    (folder / "curator.lock.owner.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreHeld) as held:
        opened()
    assert held.value.pid is None and held.value.address == ""


def test_an_owner_file_without_a_lock_means_nothing(opened: Open, folder: Path) -> None:
    folder.mkdir()
    said = json.dumps({"pid": 1, "address": "http://elsewhere"})
    (folder / "curator.lock.owner.json").write_text(said, encoding="utf-8")
    (folder / "curator.lock").touch()
    opened()


def test_who_does_not_own_the_store_reads_what_was_acknowledged_so_far(folder: Path) -> None:
    assert list(read_snapshot(folder, "pictures")) == []
    with owner(folder) as step:
        for number in range(1, 12):
            before = {path.name for path in folder.iterdir()}
            ids = [record["id"] for record in read_snapshot(folder, "pictures")]
            assert ids == [str(each) for each in range(number)]
            assert list(read_snapshot(folder, "others")) == []
            assert {path.name for path in folder.iterdir()} == before
            step("compact" if number % 3 == 0 else "put")


def test_reading_beside_an_owner_that_compacts_all_the_time_is_always_whole(
    opened: Open, folder: Path
) -> None:
    import threading

    database = opened()
    pictures = database.collection("pictures")
    with database.transaction():
        for number in range(200):
            pictures.put({"id": str(number), "n": 0})
    stop = threading.Event()

    def work() -> None:
        step = 0
        while not stop.is_set():
            step += 1
            with database.transaction():
                pictures.put({"id": "0", "n": step})
                pictures.put({"id": "1", "n": step})
            database.compact()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(60):
            records = {record["id"]: record["n"] for record in read_snapshot(folder, "pictures")}
            assert len(records) == 200
            assert records["0"] == records["1"]
    finally:
        stop.set()
        worker.join()
