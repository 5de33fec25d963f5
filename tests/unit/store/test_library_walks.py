"""The index of model files against what disks are like: links, odd names, thousands of files."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from comfyui_curator.store.library import Asked
from tests.libraries import tree
from tests.library_index import files, host_of, opened, put
from tests.upstream.weights import safetensors
from tests.waiting import until


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
