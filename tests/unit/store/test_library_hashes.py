"""What the index knows of its files' contents, and who sees it when."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from comfyui_curator.store.library import Asked
from tests.library_index import host_of, opened, put, sha256


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

    @pytest.mark.parametrize("said", [True, False], ids=["said", "taken back"])
    def test_a_file_is_in_the_list_also_between_its_hash_and_the_news_of_it(
        self, tmp_path: Path, said: bool
    ) -> None:
        path = put(tmp_path / "models" / "loras" / "a.safetensors")
        with opened(host_of(tmp_path), hashing=False) as library:
            [place] = library.places.all()

            def shown() -> list[tuple[str, str, str]]:
                rows = json.loads(library.list(Asked(q="a.safe")).body)["models"]
                return [(row["name"], row["place_id"], row["status"]) for row in rows]

            library.records.change(place.place_id, lambda record: record.update(name="Mine"))
            name = "Mine" if said else path.name
            assert shown() == [("Mine", place.place_id, "present")]
            if said:
                library.records.change(place.place_id, lambda record: record.update(rating=5))
            else:
                assert library.records.forget(place.place_id)
            spot = library.places.spot_at(str(path))
            assert spot
            with library.places.lock:
                library.places.learn(spot, sha256(path), "")
            assert shown() == [(name, place.place_id, "present")]
            library.places.publish()
            assert shown() == [(name, place.place_id, "present")]
            [row] = json.loads(library.list(Asked()).body)["models"]
            assert (row["sha256"], row["rating"]) == (sha256(path), 5 if said else 0)
