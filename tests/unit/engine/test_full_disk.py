from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.store.engine import CollectionSpec, Database, Index, journal
from comfyui_curator.store.errors import CuratorError, DiskFull
from tests.small_disk import real_small_disk

SPECS = [
    CollectionSpec("pictures", "id", (Index("all", None),)),
    CollectionSpec("notes", "id", durable=False),
]
_ROOT = Path(__file__).resolve().parents[3]

# The same on every system with limits: a file may not grow beyond 64 KiB.
_LIMITED = """
import resource, sys
from pathlib import Path
from tests.loading import load_pack
load_pack()
from comfyui_curator.store.engine import CollectionSpec, Database
from comfyui_curator.store.errors import CuratorError
specs = [CollectionSpec("notes", "id", durable=False)]
database = Database.open(Path(sys.argv[1]), specs)
notes = database.collection("notes")
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
put = 0
try:
    while True:
        notes.put({"id": str(put), "text": "x" * 1000})
        put += 1
except CuratorError:
    pass
assert len(notes) == put > 50 and str(put) not in notes
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
notes.put({"id": "later"})
print(put, flush=True)
import os
os._exit(0)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a real file system of 4 MiB."""
    with real_small_disk(tmp_path / "disk", "4m") as folder:
        yield folder


def fill(disk: Path, *, leaving: int = 0) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        if leaving:
            file.truncate(file.tell() - leaving)
    return ballast


@pytest.mark.parametrize("name", ["pictures", "notes"])
def test_on_a_full_disk_the_change_fails_and_the_next_works_when_there_is_room(
    disk: Path, name: str
) -> None:
    with Database.open(disk / "store", SPECS) as database:
        collection = database.collection(name)
        collection.put({"id": "a", "n": 1})
        ballast = fill(disk)
        refused = 0
        # What the journal has reserved may still take some.
        for number in range(40):
            try:
                collection.put({"id": "b", "n": number, "text": "x" * 50_000})
            except DiskFull as error:
                assert error.status == 507
                refused += 1
                with pytest.raises(DiskFull):
                    collection.update("a", {"text": "y" * 1_500_000})
                kept = collection.get("b")
                with pytest.raises(DiskFull), database.transaction():
                    collection.put({"id": "c", "text": "z" * 1_500_000})
                    collection.delete("a")
                assert collection.get("b") == kept
        assert refused
        assert collection.get("a") == {"id": "a", "n": 1}
        assert "c" not in collection
        before = list(collection)
        ballast.unlink()
        collection.put({"id": "d"})
        after = [*before, {"id": "d"}]
        assert list(collection) == after
    with Database.open(disk / "store", SPECS) as database:
        assert database.recovery.clean
        assert list(database.collection(name)) == after


def test_compaction_on_a_full_disk_fails_and_loses_nothing(disk: Path) -> None:
    with Database.open(disk / "store", SPECS) as database:
        notes = database.collection("notes")
        notes.put({"id": "a", "text": "x" * 600_000})
        database.compact()
        notes.put({"id": "b", "text": "x" * 600_000})
        before = (disk / "store" / "curator.json").read_bytes()
        ballast = fill(disk, leaving=200_000)
        for _ in range(2):
            with pytest.raises(DiskFull):
                database.compact()
            assert (disk / "store" / "curator.json").read_bytes() == before
            notes.put({"id": "c"})
        assert not list((disk / "store").glob(".*"))
        # Closing cannot compact either, and the journals keep it all.
        database.close()
    with Database.open(disk / "store", SPECS) as database:
        assert [record["id"] for record in database.collection("notes")] == ["a", "b", "c"]
        ballast.unlink()
        database.compact()
        assert [path.name for path in (disk / "store").glob("*journal*")] == ["curator.journal"]
    with Database.open(disk / "store", SPECS) as database:
        assert [record["id"] for record in database.collection("notes")] == ["a", "b", "c"]


def test_a_store_opens_on_a_full_disk(disk: Path) -> None:
    with Database.open(disk / "store", SPECS) as database:
        database.collection("pictures").put({"id": "a"})
        journal_bytes = (disk / "store" / "curator.journal").read_bytes().rstrip(b"\0")
    (disk / "store" / "curator.json").unlink()
    (disk / "store" / "curator.journal").write_bytes(journal_bytes + b"torn")
    ballast = fill(disk)
    with Database.open(disk / "store", SPECS) as database:
        assert [record["id"] for record in database.collection("pictures")] == ["a"]
        assert database.recovery.cut == 1
        ballast.unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes: needs setrlimit")
def test_a_write_that_stops_halfway_is_taken_back(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path)], cwd=_ROOT, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    with Database.open(tmp_path, SPECS) as database:
        assert database.recovery.clean
        ids = [record["id"] for record in database.collection("notes")]
        assert ids == [*(str(number) for number in range(int(answer.stdout))), "later"]


def test_a_sync_that_fails_is_not_acknowledged_and_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails to sync cannot be had at will, so the call itself fails here."""
    failing = False
    sync = journal.sync_data

    def unsure(descriptor: int) -> None:
        if failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(journal, "sync_data", unsure)
    with Database.open(tmp_path, SPECS) as database:
        pictures, notes = database.collection("pictures"), database.collection("notes")
        pictures.put({"id": "a", "n": 1})
        failing = True
        with pytest.raises(CuratorError, match="could not be written"):
            pictures.put({"id": "a", "n": 2})
        assert pictures.get("a") == {"id": "a", "n": 1}
        with pytest.raises(CuratorError):
            pictures.put({"id": "b"})
        with pytest.raises(CuratorError):
            notes.put({"id": "n"})
        failing = False
        notes.put({"id": "n"})
        pictures.put({"id": "c"})
        assert [record["id"] for record in pictures] == ["a", "c"]
        assert pictures.count("all") == 2
    with Database.open(tmp_path, SPECS) as database:
        assert database.recovery.clean
        assert list(database.collection("pictures")) == [{"id": "a", "n": 1}, {"id": "c"}]
        assert list(database.collection("notes")) == [{"id": "n"}]
