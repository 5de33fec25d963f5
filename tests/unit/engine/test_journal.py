from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.engine import CollectionSpec, Database, Index
from comfyui_curator.store.engine.spec import BrokenStore

SPECS = [
    CollectionSpec("pictures", "id", (Index("all", None),), durable=False),
    CollectionSpec("notes", "id", durable=False),
]


class Crashed:
    """A store whose process ended without closing: its files, to be changed and opened."""

    def __init__(self, folder: Path, work: Callable[[Database], None]) -> None:
        self.folder = folder
        self._copies = 0
        with Database.open(folder / "alive", SPECS) as database:
            work(database)
            self.journal = (folder / "alive" / "curator.journal").read_bytes().rstrip(b"\0")
            snapshot = folder / "alive" / "curator.json"
            self.snapshot = snapshot.read_bytes() if snapshot.exists() else None

    def opened(self, journal: bytes) -> Database:
        self._copies += 1
        copy = self.folder / f"copy{self._copies}"
        copy.mkdir()
        (copy / "curator.journal").write_bytes(journal)
        if self.snapshot is not None:
            (copy / "curator.json").write_bytes(self.snapshot)
        return Database.open(copy, SPECS)


def state(database: Database) -> dict[str, list[dict[str, Any]]]:
    return {name: list(database.collection(name)) for name in ("pictures", "notes")}


def two_records(database: Database) -> None:
    database.collection("pictures").put({"id": "a", "text": "kept"})
    database.collection("notes").put({"id": "b", "text": "ü\n" * 20})


def one_transaction(database: Database) -> None:
    database.collection("pictures").put({"id": "a", "text": "kept"})
    with database.transaction():
        database.collection("pictures").put({"id": "b"})
        database.collection("notes").put({"id": "b", "text": "x" * 30})


@pytest.mark.parametrize("work", [two_records, one_transaction])
def test_the_journal_cut_anywhere_in_its_last_line_opens_with_all_the_rest(
    tmp_path: Path, work: Callable[[Database], None]
) -> None:
    crashed = Crashed(tmp_path, work)
    last = crashed.journal.rindex(b"\n", 0, -1) + 1
    for cut in range(last, len(crashed.journal)):
        with crashed.opened(crashed.journal[:cut]) as database:
            recovery = database.recovery
            assert state(database) == {"pictures": [{"id": "a", "text": "kept"}], "notes": []}, cut
            torn = crashed.journal[last:cut]
            assert (recovery.cut, recovery.bad) == (1 if torn else 0, 0)
            if torn:
                assert recovery.copy is not None and recovery.copy.parent.name == "recovered"
                assert recovery.copy.read_bytes() == torn + b"\n"
            else:
                assert recovery.clean and recovery.copy is None
            database.collection("pictures").put({"id": "new"})
            folder = database.folder
        with Database.open(folder, SPECS) as database:
            assert database.recovery.clean
            assert [record["id"] for record in database.collection("pictures")] == ["a", "new"]
        shutil.rmtree(folder)


def test_zeros_after_the_last_line_are_no_damage(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, two_records)
    with crashed.opened(crashed.journal + bytes(5000)) as database:
        assert database.recovery.clean
        assert len(database.collection("notes")) == 1


def test_a_line_torn_before_the_zeros_is_cut_and_told(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, two_records)
    last = crashed.journal.rindex(b"\n", 0, -1) + 1
    # Up to the newline: without it the line is whole, its checksum says so.
    for cut in range(last + 1, len(crashed.journal) - 1, 7):
        with crashed.opened(crashed.journal[:cut] + bytes(5000)) as database:
            assert state(database)["pictures"] == [{"id": "a", "text": "kept"}]
            assert (database.recovery.cut, database.recovery.bad) == (1, 0)
            assert database.recovery.copy is not None
            assert database.recovery.copy.read_bytes() == crashed.journal[last:cut] + b"\n"


def test_what_lies_after_the_zeros_is_not_dropped_silently(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, two_records)
    with crashed.opened(crashed.journal + bytes(5000) + b"what is this") as database:
        assert len(database.collection("notes")) == 1
        assert database.recovery.cut == 1 and database.recovery.copy is not None
        assert b"what is this" in database.recovery.copy.read_bytes()


def test_a_line_that_has_become_zeros_is_told_and_the_later_ones_are_there(tmp_path: Path) -> None:
    def work(database: Database) -> None:
        for number in range(3):
            database.collection("pictures").put({"id": str(number), "text": "some text"})

    crashed = Crashed(tmp_path, work)
    *_, first, second, _ = crashed.journal.splitlines(keepends=True)
    lost = crashed.journal.replace(second, bytes(len(second)))
    assert first in lost
    with crashed.opened(lost + bytes(5000)) as database:
        assert [record["id"] for record in database.collection("pictures")] == ["0", "2"]
        assert database.recovery.bad == 1


def test_zeros_lie_ahead_only_while_changes_are_synced(tmp_path: Path) -> None:
    journal = tmp_path / "curator.journal"
    with Database.open(tmp_path, SPECS) as database:
        database.collection("notes").put({"id": "a"})
        assert journal.read_bytes().endswith(b"\n")
    with Database.open(tmp_path, [CollectionSpec("pictures", "id")]) as database:
        database.collection("pictures").put({"id": "b"})
        first = journal.stat().st_size
        assert journal.read_bytes().endswith(bytes(1 << 20))
        database.collection("pictures").put({"id": "c"})
        assert journal.stat().st_size == first
        database.compact()
        database.collection("pictures").put({"id": "d"})
        assert journal.read_bytes().endswith(bytes(1 << 20))
    assert journal.stat().st_size == 0
    with Database.open(tmp_path, SPECS) as database:
        assert database.recovery.clean
        assert [each["id"] for each in database.collection("pictures")] == ["b", "c", "d"]


def test_a_flipped_bit_in_the_middle_costs_its_line_only(tmp_path: Path) -> None:
    def work(database: Database) -> None:
        for number in range(3):
            database.collection("pictures").put({"id": str(number), "text": "some text"})

    crashed = Crashed(tmp_path, work)
    first = crashed.journal.index(b"\n", crashed.journal.index(b"\n") + 1) + 1
    end = crashed.journal.index(b"\n", first) + 1
    for at in range(first, end):
        damaged = bytearray(crashed.journal)
        damaged[at] ^= 1 << at % 8
        with crashed.opened(bytes(damaged)) as database:
            folder = database.folder
            present = [record["id"] for record in database.collection("pictures")]
            if at == end - 1:
                # The newline between two whole lines.
                assert present[0] == "0" and present[-1] == "2"
                continue
            assert present == ["0", "2"], at
            recovery = database.recovery
            assert recovery.cut == 0 and recovery.bad >= 1 and recovery.copy is not None
            assert recovery.copy.read_bytes().rstrip(b"\n") == damaged[first:end].rstrip(b"\n")
        with Database.open(folder, SPECS) as database:
            assert database.recovery.clean
            assert len(database.collection("pictures")) == 2
        shutil.rmtree(folder)


def test_what_is_damaged_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    crashed = Crashed(tmp_path, two_records)
    crashed.opened(crashed.journal[:-1]).close()
    assert "torn line" in caplog.text and "recovered" not in caplog.text


def test_a_text_that_looks_like_a_line_is_never_taken_for_one(tmp_path: Path) -> None:
    from comfyui_curator.store.engine import lines

    forged = lines.single(99, b'"pictures"', 7, b'{"id":"forged"}').decode()

    def work(database: Database) -> None:
        database.collection("pictures").put({"id": "a", "text": forged})

    crashed = Crashed(tmp_path, work)
    at = crashed.journal.index(b"forged")
    damaged = bytearray(crashed.journal)
    damaged[crashed.journal.index(b'"id":"a"')] ^= 1
    assert at
    with crashed.opened(bytes(damaged)) as database:
        assert len(database.collection("pictures")) == 0


def test_a_journal_of_nothing_but_rubbish_is_kept_aside(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, two_records)
    with crashed.opened(b"rubbish \xff\n" * 50) as database:
        assert state(database) == {"pictures": [], "notes": []}
        assert database.recovery.copy is not None
        assert database.recovery.copy.read_bytes().startswith(b"rubbish \xff\n")


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"pictures": 5}', b"[]", b"\xff\xfe", b'{"pictures":{"x":{"id":"a"}}}', b"null"],
)
def test_a_broken_snapshot_is_an_error_and_nothing_is_overwritten(
    tmp_path: Path, content: bytes
) -> None:
    crashed = Crashed(tmp_path, two_records)
    crashed.snapshot = content
    for _ in range(2):
        with pytest.raises(BrokenStore, match=r"curator\.json.*broken.*Nothing was changed"):
            crashed.opened(crashed.journal)
    folder = tmp_path / "copy1"
    assert (folder / "curator.json").read_bytes() == content
    assert (folder / "curator.journal").read_bytes() == crashed.journal
    # Repaired, it opens: the lock was not left behind.
    (folder / "curator.json").unlink()
    Database.open(folder, SPECS).close()


def test_a_damaged_record_in_the_snapshot_is_never_taken_silently(tmp_path: Path) -> None:
    def work(database: Database) -> None:
        two_records(database)
        database.compact()

    crashed = Crashed(tmp_path, work)
    assert crashed.snapshot is not None
    before = crashed.snapshot.replace(b"kept", b"kepT")
    crashed.snapshot = before
    with crashed.opened(b"") as database:
        assert database.recovery.edited
        assert database.collection("pictures").get("a") == {"id": "a", "text": "kepT"}
        database.compact()
        kept = list((database.folder / "recovered").iterdir())
        assert [path.read_bytes() for path in kept] == [before]


def test_a_snapshot_older_than_its_journal_is_an_error(tmp_path: Path) -> None:
    def work(database: Database) -> None:
        two_records(database)
        database.compact()
        database.collection("pictures").put({"id": "later"})

    crashed = Crashed(tmp_path, work)
    crashed.snapshot = None
    with pytest.raises(BrokenStore, match="missing"):
        crashed.opened(crashed.journal)
    assert not (tmp_path / "copy1" / "curator.json").exists()


def test_an_empty_snapshot_as_plain_tinydb_makes_it_is_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "curator.json").touch()
    with Database.open(tmp_path, SPECS) as database:
        assert state(database) == {"pictures": [], "notes": []}
