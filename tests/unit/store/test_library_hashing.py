"""Files that go, change, are many or kill us while they are hashed."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import library_places
from comfyui_curator.store.hashing_process import Ended, Hashed, HashingProcess
from comfyui_curator.store.library import Asked
from comfyui_curator.store.library_place_index import PlaceIndex
from comfyui_curator.store.library_shelf import Spot
from tests.libraries import tree
from tests.library_index import host_of, opened, put, sha256
from tests.programs import program
from tests.waiting import until


class TestHashes:
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


def test_a_kill_at_any_point_loses_no_file_and_changes_none(tmp_path: Path) -> None:
    from comfyui_curator.store.host import root_host

    for number in range(600):
        put(tmp_path / "models" / "loras" / str(number % 7) / f"{number}.safetensors")
    before = tree(tmp_path / "models" / "loras")
    for wait in (0.0, 0.1, 0.4):
        with program("--root", tmp_path):
            time.sleep(wait)
    with opened(root_host(tmp_path)) as library:
        places = library.places.all()
        assert len({place.path for place in places}) == len(places) == 600
        assert all(place.sha256 == sha256(Path(place.path)) for place in places)
    assert tree(tmp_path / "models" / "loras") == before
