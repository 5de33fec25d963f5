"""The index of model files against everything that disks and people do to it."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import library_places
from comfyui_curator.store.engine import Database
from comfyui_curator.store.events import Events
from comfyui_curator.store.hashing_process import Ended, Hashed, HashingProcess
from comfyui_curator.store.host import Host
from comfyui_curator.store.jobs import Jobs
from comfyui_curator.store.library import Asked, Library
from comfyui_curator.store.library_place_index import PlaceIndex
from comfyui_curator.store.library_records import MODELS, Records
from comfyui_curator.store.library_shelf import HASHES, PLACES, Spot
from comfyui_curator.store.library_tags import COUNTERS, TAGS, Tags
from comfyui_curator.store.settings import Options, Settings
from tests.libraries import tree, until
from tests.upstream.weights import safetensors

ROOT = Path(__file__).resolve().parents[3]


def put(path: Path, salt: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors("LORA", salt or path.name))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def host_of(folder: Path, **types: list[Path]) -> Host:
    for name in ("data", "models"):
        (folder / name).mkdir(exist_ok=True, parents=True)
    return Host(
        data=folder / "data",
        input=folder / "input",
        output=folder / "output",
        models=folder / "models",
        model_folders=lambda: types or {"loras": [folder / "models" / "loras"]},
    )


@contextmanager
def opened(host: Host, *, hashing: bool = True) -> Generator[Library, None, None]:
    specs = (PLACES, HASHES, MODELS, TAGS, COUNTERS)
    with Database.open(host.data / "database", specs) as database:
        events = Events()
        records, tags = Records(database, events), Tags(database, events)
        settings = Settings(host.data / "settings.json", Options())
        library = Library(database, host, settings, events, Jobs(events), records, tags)
        if not hashing:
            library.hashing.pause()
        library.start()
        try:
            assert library.wait(30)
            if hashing:
                assert library.hashing.wait(30)
            yield library
        finally:
            library.close()


def files(library: Library, kind: str | None = None) -> list[str]:
    rows = json.loads(library.list(Asked(kind=kind)).body)["models"]
    return sorted(row["file"] for row in rows)


class TestLinksAndRoots:
    def test_loops_end_and_each_folder_is_listed_once(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        put(loras / "a" / "one.safetensors")
        (loras / "a" / "up").symlink_to(loras, target_is_directory=True)
        (loras / "again").symlink_to(loras / "a", target_is_directory=True)
        (loras / "nowhere").symlink_to(tmp_path / "gone")
        (loras / "dead.safetensors").symlink_to(tmp_path / "gone.safetensors")
        with opened(host_of(tmp_path)) as library:
            assert files(library) == ["a/one.safetensors"]

    def test_other_drives_are_read_through_links_and_our_own_data_never(
        self, tmp_path: Path
    ) -> None:
        host = host_of(tmp_path)
        drive = tmp_path / "drive"
        one = put(drive / "deep" / "one.safetensors")
        put(host.data / "transfers" / "half.safetensors")
        loras = tmp_path / "models" / "loras"
        loras.mkdir(parents=True)
        (loras / "drive").symlink_to(drive, target_is_directory=True)
        (loras / "data").symlink_to(host.data, target_is_directory=True)
        (loras / "link.safetensors").symlink_to(one)
        before = tree(drive)
        with opened(host) as library:
            [row] = json.loads(library.list(Asked()).body)["models"]
            found = {place["file"] for place in row["places"]}
            assert found == {"drive/deep/one.safetensors", "link.safetensors"}
            assert library.duplicates(limit=10, offset=0)["wasted_bytes"] == 0
        assert tree(drive) == before

    def test_a_file_has_the_types_of_all_roots_it_can_be_reached_from(self, tmp_path: Path) -> None:
        shared, own = tmp_path / "shared", tmp_path / "models" / "vae"
        put(shared / "both.safetensors")
        put(own / "mine.safetensors")
        (own / "linked").symlink_to(shared, target_is_directory=True)
        put(tmp_path / "models" / "stray.safetensors")
        with opened(host_of(tmp_path, loras=[shared], vae=[own])) as library:
            assert files(library, "loras") == ["both.safetensors"]
            assert files(library, "vae") == ["both.safetensors", "mine.safetensors"]
            assert files(library, "others") == ["stray.safetensors"]

    def test_hidden_folders_and_files_that_are_no_models_are_left_out(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        put(loras / ".trash" / "old.safetensors")
        put(loras / "._forked.safetensors")
        put(loras / "half.safetensors.part")
        put(loras / "picture.png")
        put(loras / "LOUD.SAFETENSORS")
        with opened(host_of(tmp_path)) as library:
            assert files(library) == ["LOUD.SAFETENSORS"]


class TestStrangeFiles:
    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_names_that_are_no_utf_8_are_listed_kept_and_hashed(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        loras.mkdir(parents=True)
        raw = os.fsencode(loras) + b"/caf\xe9.safetensors"
        with open(raw, "wb") as file:  # noqa: PTH123 - the name is no text
            file.write(safetensors("LORA", "x"))
        host = host_of(tmp_path)
        for _ in range(2):
            with opened(host) as library:
                [row] = json.loads(library.list(Asked()).body)["models"]
                assert row["name"] == "caf\ufffd.safetensors"
                [place] = library.places.all()
                assert os.fsencode(place.path) == raw
                assert row["sha256"] == place.sha256 != ""

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_beside_a_folder_whose_name_is_no_utf_8_what_comes_is_noticed(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        odd = Path(os.fsdecode(os.fsencode(loras) + b"/caf\xe9"))
        put(odd / "first.safetensors")
        with opened(host_of(tmp_path)) as library:
            put(loras / "later.safetensors")
            until(lambda: "later.safetensors" in files(library))
            put(odd / "second.safetensors")
            until(lambda: len(files(library)) == 3)

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
    @pytest.mark.parametrize("what", ["drive", "drive/a.safetensors"], ids=["folder", "file"])
    def test_what_a_link_leads_to_is_noticed_when_it_is_back(
        self, tmp_path: Path, what: str
    ) -> None:
        put(tmp_path / "drive" / "a.safetensors")
        link = tmp_path / "models" / "loras" / f"link{Path(what).suffix}"
        link.parent.mkdir(parents=True)
        link.symlink_to(tmp_path / what)
        # A folder written to just now is listed again in any case.
        an_hour_ago = time.time() - 3600
        os.utime(link.parent, (an_hour_ago, an_hour_ago))
        with opened(host_of(tmp_path)) as library:
            assert len(files(library)) == 1
            (tmp_path / "drive").rename(tmp_path / "away")
            library.scan()
            assert not files(library)
            (tmp_path / "away").rename(tmp_path / "drive")
            until(lambda: len(files(library)) == 1, 15)

    def test_empty_torn_and_hostile_files_are_listed_with_what_is_wrong(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        loras.mkdir(parents=True)
        whole = safetensors("LORA", "whole")
        (loras / "empty.safetensors").write_bytes(b"")
        (loras / "torn.safetensors").write_bytes(whole[:-10])
        (loras / "huge.safetensors").write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
        (loras / "deep.safetensors").write_bytes(
            (100_000).to_bytes(8, "little") + b'{"a":' * 20_000
        )
        with opened(host_of(tmp_path)) as library:
            facts = {place.file: place.facts for place in library.places.all()}
            assert len(facts) == 4
            assert all(each["error"] for each in facts.values())
            assert all(place.sha256 for place in library.places.all())

    def test_a_wrong_clock_changes_nothing(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        for name, when in (("old", -1_000_000), ("new", 7_000_000_000), ("far", 13_600_000_000)):
            os.utime(put(loras / f"{name}.safetensors"), (when, when))
        host = host_of(tmp_path)
        with opened(host) as library:
            rows = json.loads(library.list(Asked(sort="created_at")).body)["models"]
            assert [row["created_at"] for row in rows] == [
                0,
                7_000_000_000_000,
                13_600_000_000_000,
            ]
            assert all(row["sha256"] for row in rows)
        with opened(host, hashing=False) as library:
            assert not library.hashing.status()["files_left"]

    def test_a_folder_of_thousands_is_listed_and_changes_in_it_are_seen(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        loras.mkdir(parents=True)
        for number in range(3000):
            (loras / f"{number}.pt").write_bytes(b"")
        with opened(host_of(tmp_path), hashing=False) as library:
            assert len(library.places.all()) == 3000
            (loras / "7.pt").rename(loras / "renamed.pt")
            until(lambda: library.places.at_path(str(loras / "renamed.pt")))
            assert len(library.places.all()) == 3000


class TestHashes:
    def test_a_file_that_changes_is_hashed_again_and_what_stays_is_not(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        stays, changes = put(loras / "stays.safetensors"), put(loras / "changes.safetensors")
        host = host_of(tmp_path)
        with opened(host) as library:
            before = {place.path: place.sha256 for place in library.places.all()}
        put(changes, "another content")
        with opened(host, hashing=False) as library:
            left = {place.path: place.sha256 for place in library.places.all()}
            assert left[str(stays)] == before[str(stays)]
            assert library.hashing.status()["files_left"] == 1
            library.hashing.resume()
            assert library.hashing.wait(30)
            [place] = [each for each in library.places.all() if each.path == str(changes)]
            assert place.sha256 == sha256(changes) != before[str(changes)]

    def test_hashes_stay_known_whatever_else_becomes_of_the_files_beside(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        first, second, third = [put(loras / f"{name}.safetensors") for name in "abc"]
        hashes = {path: sha256(path) for path in (first, second, third)}
        host = host_of(tmp_path)

        def known() -> dict[str, str]:
            with opened(host, hashing=False) as library:
                return {Path(place.path).name: place.sha256 for place in library.places.all()}

        with opened(host):
            pass
        assert known() == {path.name: hashes[path] for path in hashes}
        second.rename(loras / "d.safetensors")
        third.unlink()
        new = put(loras / "e.safetensors")
        moved = {"a.safetensors": hashes[first], "d.safetensors": hashes[second]}
        assert known() == {**moved, "e.safetensors": ""}
        with opened(host):
            pass
        assert known() == {**moved, "e.safetensors": sha256(new)}

    def test_what_is_to_be_hashed_again_is_so_after_any_number_of_starts(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        grown, touched = put(loras / "a.safetensors"), put(loras / "b.safetensors")
        host = host_of(tmp_path)
        with opened(host):
            pass
        grown.write_bytes(grown.read_bytes() + b"more")
        os.utime(touched, (1, 1))
        new = put(loras / "c.safetensors")
        for left in (3, 3, 2, 2):
            with opened(host, hashing=False) as library:
                if left == 2:
                    library.places.hash_now(str(new))
                assert library.hashing.status()["files_left"] == left
                known = {place.path for place in library.places.all() if place.sha256}
                assert known == {str(touched), *([str(new)] if left == 2 else [])}

    def test_a_touched_file_keeps_its_row_and_is_hashed_again(self, tmp_path: Path) -> None:
        path = put(tmp_path / "models" / "loras" / "a.safetensors")
        host = host_of(tmp_path)
        with opened(host) as library:
            [place] = library.places.all()
        os.utime(path, (1, 1))
        with opened(host, hashing=False) as library:
            assert library.places.of_hash(place.sha256)[0].place_id == place.place_id
            assert library.hashing.status()["files_left"] == 1
            assert library.places.hash_now(str(path)) == place.sha256
            assert library.hashing.status()["files_left"] == 0

    def test_another_file_that_got_the_inode_is_not_the_one_that_went(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        path = put(loras / "a.safetensors", "aa")
        host = host_of(tmp_path)
        with opened(host) as library:
            library.records.change(sha256(path), lambda record: record.update(name="Mine"))
            path.unlink()
            put(loras / "b.safetensors", "bb")
            library.scan()
            assert library.hashing.wait(30)
            rows = json.loads(library.list(Asked()).body)["models"]
            assert {(row["name"], row["status"]) for row in rows} == {
                ("Mine", "missing"),
                ("b.safetensors", "present"),
            }

    def test_pictures_find_models_by_every_short_hash(self, tmp_path: Path) -> None:
        path = put(tmp_path / "models" / "loras" / "a.safetensors")
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        with opened(host_of(tmp_path)) as library:
            for short in (sha256(path)[:10].upper(), hashlib.sha256(data[start:]).hexdigest()[:12]):
                assert [place.path for place in library.places.by_short_hash(short)] == [str(path)]

    def test_a_file_that_we_placed_is_in_the_list_at_once(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        with opened(host_of(tmp_path), hashing=False) as library:
            for path in (loras / "a.safetensors", loras / "new" / "b.safetensors"):
                place = library.places.took(str(put(path)), sha256(path))
                row = library.row(place.sha256)
                assert row is not None
                assert row["path"] == str(path)

    def test_a_record_that_knows_a_path_has_the_file_before_it_is_hashed(
        self, tmp_path: Path
    ) -> None:
        path = put(tmp_path / "models" / "loras" / "a.safetensors")
        with opened(host_of(tmp_path), hashing=False) as library:
            said = {"name": "Imported", "path": str(path), "paths": [str(path)]}
            library.records.make(sha256(path), **said)
            rows = json.loads(library.list(Asked()).body)["models"]
            assert [(row["name"], row["status"]) for row in rows] == [("Imported", "present")]

    def test_what_is_learned_by_the_hundred_shows_at_the_next_question(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        for number in range(300):
            put(loras / f"{number:03}.safetensors")
        with opened(host_of(tmp_path), hashing=False) as library:
            places, lists = library.places, library.lists
            asked = Asked(kind="loras")
            before = lists.answer(asked)
            assert not any(row["sha256"] for row in json.loads(before.body)["models"])
            with places.lock:
                for number, spot in enumerate(places.present()):
                    places.learn(spot, f"{number // 2:064x}", None)
            places.publish()
            assert lists.known(asked) is None
            assert not lists.is_quick(asked._replace(limit=100))
            after = lists.answer(asked)
            assert after.etag != before.etag
            rows = json.loads(after.body)["models"]
            assert len(rows) == library.status()["models"] == 150
            assert all(row["sha256"] and row["duplicate"] for row in rows)
            assert library.row(f"{149:064x}")
            assert lists.is_quick(asked._replace(limit=100))

    def test_pages_in_either_direction_are_the_list_cut_into_parts(self, tmp_path: Path) -> None:
        for number in range(7):
            put(tmp_path / "models" / "loras" / f"{number}.safetensors")
        with opened(host_of(tmp_path), hashing=False) as library:
            for descending in (False, True):
                whole = json.loads(library.list(Asked(descending=descending)).body)["models"]
                for kind in ("loras", None):
                    for limit in (1, 3, 7, 9):
                        found: list[str] = []
                        for offset in range(0, 10, limit):
                            asked = Asked(
                                kind=kind, limit=limit, offset=offset, descending=descending
                            )
                            page = json.loads(library.list(asked).body)
                            assert page["total"] == 7
                            found += [row["name"] for row in page["models"]]
                        assert found == [row["name"] for row in whole]
            assert json.loads(library.list(Asked(kind="vae", limit=5)).body)["total"] == 0

    def test_everybody_sees_what_was_told_before_they_asked(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        for number in range(400):
            put(loras / f"{number:03}.safetensors")
        with opened(host_of(tmp_path), hashing=False) as library:
            places = library.places

            def learn(part: int) -> int:
                """How many of its own changes a question does not show."""
                spots = [spot for spot in places.present() if int(spot.name[:3]) % 4 == part]
                lost = 0
                for spot in spots:
                    with places.lock:
                        places.learn(spot, hashlib.sha256(spot.name.encode()).hexdigest(), None)
                    places.publish(keep=False)
                    lost += library.row(spot.sha256) is None
                    lost += f'"{spot.sha256}"'.encode() not in library.list(Asked()).body
                return lost

            with ThreadPoolExecutor(4) as threads:
                assert list(threads.map(learn, range(4))) == [0, 0, 0, 0]
            assert library.status()["models"] == 400

    def test_what_is_said_of_a_place_that_was_just_hashed_is_said_of_its_content(
        self, tmp_path: Path
    ) -> None:
        path = put(tmp_path / "models" / "loras" / "a.safetensors")
        with opened(host_of(tmp_path)) as library:
            [place] = library.places.all()
            library.records.change(place.place_id, lambda record: record.update(name="Late"))
            assert place.place_id not in library.records
            rows = json.loads(library.list(Asked()).body)["models"]
            assert [(row["name"], row["sha256"]) for row in rows] == [("Late", sha256(path))]

    @pytest.mark.parametrize("late", [False, True], ids=["noticed at once", "noticed later"])
    @pytest.mark.parametrize("other", [False, True], ids=["moved", "moved and replaced"])
    def test_a_file_that_is_moved_while_it_is_hashed_gets_its_own_hash(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool, other: bool
    ) -> None:
        path = put(tmp_path / "models" / "loras" / "a.safetensors")
        mine = sha256(path)
        new = path.with_name("b.safetensors")
        ask = HashingProcess.hash

        def move_and_ask(
            process: HashingProcess, paths: Sequence[str], what: bytes
        ) -> Iterator[Hashed]:
            if not new.exists():
                path.rename(new)
                if not late:
                    library.scan()
                    until(lambda: library.places.at_path(str(new)))
                if other:
                    put(path, "other")
            yield from ask(process, paths, what)

        with opened(host_of(tmp_path), hashing=False) as library:
            monkeypatch.setattr(HashingProcess, "hash", move_and_ask)
            library.hashing.resume()
            assert library.hashing.wait(30)
            if not late:
                assert library.places.of_hash(mine)[0].path == str(new)
            library.scan()
            assert library.hashing.wait(30)
            hashes = {place.path: place.sha256 for place in library.places.all()}
        assert hashes == {str(each): sha256(each) for each in (new, *([path] if other else []))}

    @pytest.mark.parametrize("now", [False, True], ids=["in its turn", "asked for"])
    def test_a_file_that_another_takes_the_place_of_while_it_is_hashed_leaves_no_row(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: bool
    ) -> None:
        loras = tmp_path / "models" / "loras"
        path, other = put(loras / "a.safetensors", "one"), put(loras / "b.safetensors", "two")
        content = sha256(other)
        ask, hash_one = HashingProcess.hash, library_places.hash_file

        def replace() -> None:
            if other.exists():
                other.replace(path)
                library.scan()

        def ask_and_replace(
            process: HashingProcess, paths: Sequence[str], what: bytes
        ) -> Iterator[Hashed]:
            yield from list(ask(process, paths, what))
            replace()

        def hash_and_replace(*args: Any) -> Hashed:
            result = hash_one(*args)
            replace()
            return result

        with opened(host_of(tmp_path), hashing=False) as library:
            if now:
                monkeypatch.setattr(library_places, "hash_file", hash_and_replace)
                library.places.hash_now(str(path))
            else:
                monkeypatch.setattr(HashingProcess, "hash", ask_and_replace)
            library.hashing.resume()
            assert library.hashing.wait(30)
            rows = json.loads(library.list(Asked()).body)["models"]
        assert [(row["path"], row["sha256"]) for row in rows] == [(str(path), content)]

    @pytest.mark.parametrize("kills", [False, True], ids=["once", "by one file each time"])
    def test_a_process_that_dies_leaves_only_the_file_without_a_hash_that_it_died_of(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: bool
    ) -> None:
        loras = tmp_path / "models" / "loras"
        paths = [put(loras / f"{number}.safetensors") for number in range(9)]
        deadly, deaths = str(paths[4]), 0
        ask = HashingProcess.hash

        def die(process: HashingProcess, paths: Sequence[str], what: bytes) -> Iterator[Hashed]:
            nonlocal deaths
            if deadly in paths and (kills or not deaths):
                deaths += 1
                process.close()
                raise Ended
            yield from ask(process, paths, what)

        monkeypatch.setattr(HashingProcess, "hash", die)
        with opened(host_of(tmp_path)) as library:
            hashes = {place.path: place.sha256 for place in library.places.all()}
            assert library.hashing.status()["failed"] == kills
        assert hashes == {
            str(path): "" if kills and str(path) == deadly else sha256(path) for path in paths
        }
        assert deaths == 1 + kills

    @pytest.mark.parametrize("dies", ["process", "thread"])
    def test_what_dies_among_thousands_of_small_files_leaves_none_without_a_hash(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: str
    ) -> None:
        loras = tmp_path / "models" / "loras"
        loras.mkdir(parents=True)
        contents = {f"{number:04}.safetensors": b"%d" % number for number in range(3000)}
        for name, content in contents.items():
            (loras / name).write_bytes(content)
        asked: list[int] = []
        learned: list[str] = []
        ask, learn = HashingProcess.hash, PlaceIndex.learn

        def die(process: HashingProcess, paths: Sequence[str], what: bytes) -> Iterator[Hashed]:
            answers = ask(process, paths, what)
            asked.append(len(paths))
            if len(asked) == 3 and dies == "process":
                process.close()
            return answers

        def fail(index: PlaceIndex, spot: Spot, sha256: str, auto_v3: str | None) -> None:
            learned.append(sha256)
            if len(learned) == 700 and dies == "thread":
                raise ValueError(sha256)
            learn(index, spot, sha256, auto_v3)

        with opened(host_of(tmp_path), hashing=False) as library:
            monkeypatch.setattr(HashingProcess, "hash", die)
            monkeypatch.setattr(PlaceIndex, "learn", fail)
            library.hashing.resume()
            until(lambda: len(learned) >= 700)
            library.hashing.wake()
            assert library.hashing.wait(60)
            assert library.hashing.status()["failed"] == 0
            hashes = {place.file: place.sha256 for place in library.places.all()}
        assert hashes == {
            name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
        }
        assert gc.isenabled()

    def test_what_is_written_into_a_file_while_thousands_are_hashed_is_noticed(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        old = loras / "old"
        old.mkdir(parents=True)
        first = old / "first.pt"
        first.write_bytes(b"1")
        for number in range(3000):
            (old / f"{number}.pt").write_bytes(b"%0100d" % number)
        os.utime(old, (1_000_000_000, 1_000_000_000))
        with opened(host_of(tmp_path), hashing=False) as library:
            (loras / "new.pt").write_bytes(b"%0100d" % 3000)
            until(lambda: library.places.at_path(str(loras / "new.pt")))
            library.hashing.resume()
            until(lambda: library.places.of_hash(sha256(first)))
            # The folder's time stays as it is.
            first.write_bytes(b"2")
            until(lambda: library.places.of_hash(sha256(first)))
            assert library.hashing.wait(60)
            assert all(place.sha256 for place in library.places.all())

    def test_the_data_of_a_file_begin_where_its_header_ends_however_long_that_is(
        self, tmp_path: Path
    ) -> None:
        loras = tmp_path / "models" / "loras"
        loras.mkdir(parents=True)
        data: dict[str, bytes] = {}
        for number, (header, size) in enumerate(
            [(100, 0), (100, 1 << 20), (65_528, 9), (65_529, 700_000), (400_000, 1 << 19)]
        ):
            path = loras / f"{number}.safetensors"
            head = b"{}".ljust(header)
            data[str(path)] = bytes([number]) * size
            path.write_bytes(len(head).to_bytes(8, "little") + head + data[str(path)])
        with opened(host_of(tmp_path)) as library:
            for place in library.places.all():
                assert place.sha256 == sha256(Path(place.path))
                assert place.auto_v3 == hashlib.sha256(data[place.path]).hexdigest()[:12]

    def test_files_that_go_while_they_are_hashed_stop_nothing(self, tmp_path: Path) -> None:
        loras = tmp_path / "models" / "loras"
        for number in range(300):
            put(loras / f"{number:03}.safetensors")
        with opened(host_of(tmp_path), hashing=False) as library:
            for number in range(0, 300, 2):
                (loras / f"{number:03}.safetensors").unlink()
            library.hashing.resume()
            assert library.hashing.wait(30)
            library.scan()
            assert library.hashing.wait(30)
            assert len(library.places.all()) == 150
            assert all(place.sha256 for place in library.places.all())


def killed(folder: Path, seconds: float) -> None:
    """A program over the folder, killed without warning so long after its first line."""
    command = [sys.executable, str(ROOT / "tests" / "launcher.py")]
    process = subprocess.Popen(
        [*command, "serve", "--root", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout and process.stdout.readline()
        time.sleep(seconds)
    finally:
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.communicate()


def test_a_kill_at_any_point_loses_no_file_and_changes_none(tmp_path: Path) -> None:
    from comfyui_curator.store.host import root_host

    for number in range(600):
        put(tmp_path / "models" / "loras" / str(number % 7) / f"{number}.safetensors")
    before = tree(tmp_path / "models" / "loras")
    for wait in (0.0, 0.1, 0.4):
        killed(tmp_path, wait)
    with opened(root_host(tmp_path)) as library:
        places = library.places.all()
        assert len({place.path for place in places}) == len(places) == 600
        assert all(place.sha256 == sha256(Path(place.path)) for place in places)
    assert tree(tmp_path / "models" / "loras") == before
