from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.engine import Collection, CollectionSpec, Database, Index, journal
from comfyui_curator.store.errors import CuratorError

Open = Callable[[], Database]


def run(*works: Callable[[], None]) -> None:
    """Run all at once; an error of any is raised here."""
    with ThreadPoolExecutor(len(works)) as pool:
        for running in [pool.submit(work) for work in works]:
            running.result()


def test_updates_of_one_record_by_many_threads_are_all_counted(opened: Open) -> None:
    database = opened()
    pictures, notes = database.collection("pictures"), database.collection("notes")
    pictures.put({"id": "a", "n": 0})
    notes.put({"name": "a", "n": 0})

    def count(collection: Collection) -> None:
        def one_more(record: dict[str, Any]) -> None:
            record["n"] += 1

        for _ in range(50):
            collection.update("a", one_more)

    run(*[lambda each=each: count(each) for each in [pictures, notes] * 4])
    assert pictures.get("a") == {"id": "a", "n": 200}
    assert notes.get("a") == {"name": "a", "n": 200}
    database.close()
    assert opened().collection("pictures").get("a") == {"id": "a", "n": 200}


def test_of_many_who_add_one_key_one_succeeds(opened: Open) -> None:
    notes = opened().collection("notes")
    added: list[tuple[str, int]] = []

    def add(who: int) -> None:
        for number in range(200):
            if notes.add({"name": str(number), "who": who}):
                added.append((str(number), who))

    run(*[lambda who=who: add(who) for who in range(6)])
    assert len(added) == 200
    assert {each["name"]: each["who"] for each in notes} == dict(added)


def test_readers_beside_writers_see_whole_pages(opened: Open) -> None:
    database = opened()
    pictures = database.collection("pictures")
    stop = threading.Event()

    def write() -> None:
        for step in range(150):
            with database.transaction():
                for key in ("a", "b", "c"):
                    pictures.put({"id": key, "model": step % 5, "prompt": f"cat s{step}"})
            pictures.put({"id": f"x{step}", "date": step})
            if step % 3 == 0:
                pictures.delete(f"x{step}")
        stop.set()

    def read() -> None:
        while not stop.is_set():
            for model in range(5):
                records = pictures.page("by_model", model).records
                assert len(records) in (0, 3)
                assert all(record["model"] == model for record in records)
            assert pictures.search("cat", index="all").total in (0, 3)
            list(pictures)

    run(write, read, read)
    assert len(pictures) == 3 + 100


def test_a_transaction_that_raises_leaves_nothing(opened: Open) -> None:
    database = opened()
    pictures, notes = database.collection("pictures"), database.collection("notes")
    pictures.put({"id": "a", "n": 1})
    with pytest.raises(ZeroDivisionError), database.transaction():
        pictures.put({"id": "b"})
        pictures.update("a", {"n": 2})
        notes.put({"name": "n"})
        database.tinydb.table("extra").insert({"x": 1})
        raise ZeroDivisionError
    assert list(pictures) == [{"id": "a", "n": 1}]
    assert len(notes) == 0 and len(database.tinydb.table("extra")) == 0
    pictures.put({"id": "b", "n": 3})
    database.close()
    assert [each["id"] for each in opened().collection("pictures")] == ["a", "b"]


def test_a_transaction_sees_its_own_changes_and_others_do_not(opened: Open) -> None:
    database = opened()
    pictures = database.collection("pictures")
    pictures.put({"id": "a", "n": 1})
    with database.transaction():
        pictures.update("a", {"n": 2})
        pictures.put({"id": "b"})
        assert not pictures.add({"id": "b", "again": True})
        assert pictures.get("a") == {"id": "a", "n": 2} and "b" in pictures
        assert pictures.delete("b") and not pictures.delete("b") and "b" not in pictures
        assert pictures.add({"id": "b", "n": 5})
        table = database.tinydb.table("pictures")
        assert sorted(each["n"] for each in table) == [2, 5]
        table.update({"n": 6}, doc_ids=[each.doc_id for each in table if each["id"] == "b"])
        assert pictures.get("b") == {"id": "b", "n": 6}
        seen: list[Any] = []
        run(lambda: seen.extend([pictures.get("a"), pictures.get("b"), len(pictures)]))
        assert seen == [{"id": "a", "n": 1}, None, 1]
    assert pictures.get("a") == {"id": "a", "n": 2}
    assert pictures.get("b") == {"id": "b", "n": 6}


def test_a_transaction_is_one_line_of_the_journal(opened: Open, folder: Path) -> None:
    database = opened()
    database.collection("notes").put({"name": "before"})
    path = folder / "curator.journal"
    before = path.read_bytes().rstrip(b"\0").count(b"\n")
    with database.transaction():
        for number in range(10):
            database.collection("pictures").put({"id": str(number)})
            database.collection("notes").put({"name": str(number)})
    assert path.read_bytes().rstrip(b"\0").count(b"\n") == before + 1


def test_one_sync_serves_all_who_wait(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = opened().collection("pictures")
    entered, go = threading.Event(), threading.Event()
    sync = journal.sync_data
    calls: list[int] = []

    def slow(descriptor: int) -> None:
        calls.append(descriptor)
        entered.set()
        assert go.wait(20)
        sync(descriptor)

    monkeypatch.setattr(journal, "sync_data", slow)
    threads = [
        threading.Thread(target=pictures.put, args=({"id": str(number)},)) for number in range(8)
    ]
    threads[0].start()
    assert entered.wait(20)
    for thread in threads[1:]:
        thread.start()
    while len(pictures) < 8:
        pass
    go.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 2


def test_a_failed_sync_undoes_what_waits_for_it_and_keeps_what_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = [
        CollectionSpec("pictures", "id", (Index("all", None),)),
        CollectionSpec("notes", "id", durable=False),
    ]
    sync = journal.sync_data
    entered, go = threading.Event(), threading.Event()
    outcomes: dict[str, str] = {}
    with Database.open(tmp_path, specs) as database:
        pictures, notes = database.collection("pictures"), database.collection("notes")
        pictures.put({"id": "a"})
        notes.put({"id": "x", "n": 1})

        def fail(descriptor: int) -> None:
            entered.set()
            assert go.wait(20)
            monkeypatch.setattr(journal, "sync_data", sync)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        def put(key: str) -> None:
            try:
                pictures.put({"id": key})
                outcomes[key] = "acknowledged"
            except CuratorError:
                outcomes[key] = "refused"

        monkeypatch.setattr(journal, "sync_data", fail)
        first = threading.Thread(target=put, args=("b",))
        first.start()
        assert entered.wait(20)
        second = threading.Thread(target=put, args=("c",))
        second.start()
        while "c" not in pictures:
            pass
        # These do not wait for the disk, so they count from now on.
        notes.put({"id": "x", "n": 2})
        notes.put({"id": "y"})
        go.set()
        first.join()
        second.join()
        assert outcomes == {"b": "refused", "c": "refused"}
        assert [each["id"] for each in pictures] == ["a"] and pictures.count("all") == 1
        assert list(notes) == [{"id": "x", "n": 2}, {"id": "y"}]
        put("d")
        assert outcomes["d"] == "acknowledged"
        (tmp_path / "copy").mkdir()
        copied = (tmp_path / "curator.journal").read_bytes()
        (tmp_path / "copy" / "curator.journal").write_bytes(copied)
    for folder in (tmp_path, tmp_path / "copy"):
        with Database.open(folder, specs) as database:
            assert database.recovery.clean
            assert [each["id"] for each in database.collection("pictures")] == ["a", "d"]
            assert list(database.collection("notes")) == [{"id": "x", "n": 2}, {"id": "y"}]
