"""The library's list: every model file that is there, whatever becomes of it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.host import root_host
from tests.libraries import hashed, listed, names, put, tree
from tests.serving import RunningServer
from tests.waiting import until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestTheList:
    def test_is_complete_with_the_first_answer_and_right_after_a_restart(
        self, root: Path, options: Options
    ) -> None:
        paths = [put(root, f"loras/{letter}/{letter}.safetensors") for letter in "cab"]
        put(root, "checkpoints/big.safetensors", kind="Checkpoint")
        put(root, "unsorted/what.safetensors")
        root_host(root)  # the program makes the usual folders
        before = tree(root / "models")
        with RunningServer(root, options) as server:
            assert names(server) == ["a.safetensors", "b.safetensors", "c.safetensors"]
            assert names(server, "checkpoints") == ["big.safetensors"]
            assert names(server, "Others") == ["what.safetensors"]
            assert names(server, "no such type") == []
            hashed(server)
            rows = listed(server)
            assert [row["sha256"] for row in rows] == [sha256(path) for path in sorted(paths)]
        with RunningServer(root, options) as server:
            assert listed(server) == rows
            assert server.store.library.hashing.status()["state"] == "idle"
        assert tree(root / "models") == before

    def test_shows_what_a_client_reads_and_what_the_header_says(
        self, root: Path, options: Options
    ) -> None:
        path = put(root, "loras/SDXL/mine.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            [row] = listed(server)
            assert row["path"] == str(path)
            assert row["file"] == "SDXL/mine.safetensors"
            assert (row["sha256"], row["type"]) == (sha256(path), "loras")
            assert (row["size_bytes"], row["tags"]) == (path.stat().st_size, [])
            assert row["created_at"] == path.stat().st_mtime_ns // 1_000_000
            assert (row["images_count"], row["status"]) == (0, "present")
            place = server.get(f"/library/places/{row['place_id']}").json()
            assert place["facts"]["format"] == "safetensors"
            assert (place["facts"]["tensors"], place["facts"]["rank"]) == (3, 4)
            assert place["metadata"]["format"] == "pt"
            data = path.read_bytes()
            start = 8 + int.from_bytes(data[:8], "little")
            assert place["auto_v3"] == hashlib.sha256(data[start:]).hexdigest()[:12]
            assert place["auto_v2"] == row["sha256"][:10]
            assert server.get(f"/library/places/{row['sha256']}").json() == place
            assert server.get("/library/places/nothing").status_code == 404

    def test_is_searched_filtered_sorted_and_paged(self, root: Path, options: Options) -> None:
        for number, name in enumerate(["Red Fox", "blue fox", "green dog"]):
            put(root, f"loras/{name}.safetensors", size=1000 * (3 - number))
        with RunningServer(root, options) as server:
            found = names(server)
            assert found == ["blue fox.safetensors", "green dog.safetensors", "Red Fox.safetensors"]
            assert names(server, q="FOX re") == ["Red Fox.safetensors"]
            assert names(server, q="nothing") == []
            assert names(server, sort="size_bytes")[0] == "green dog.safetensors"
            assert names(server, order="desc") == found[::-1]
            answer = server.get("/models", params={"type": "loras", "limit": 1, "offset": 1}).json()
            assert [row["name"] for row in answer["models"]] == [found[1]]
            assert answer["total"] == 3
            records, tags = server.store.records, server.store.model_tags
            [red, warm] = tags.add(["red", "warm"])
            for row in listed(server, q="fox"):
                records.change(
                    row["sha256"] or row["place_id"], lambda r: r.update(tags=[warm["id"]])
                )
            fox = listed(server, q="Red")[0]
            records.change(
                fox["sha256"] or fox["place_id"],
                lambda r: r.update(tags=[red["id"], warm["id"]], base_model="Pony", rating=4),
            )
            assert names(server, tags="warm") == [found[0], found[2]]
            assert names(server, tags=f"warm,{red['id']}") == [found[2]]
            assert names(server, tags="warm", exclude_tags="red") == [found[0]]
            assert names(server, tags="unheard of") == []
            assert names(server, exclude_tags="unheard of") == found
            assert names(server, base_model="Pony") == [found[2]]
            assert names(server, sort="rating", order="desc")[0] == found[2]
            assert names(server, q="warm") == [found[0], found[2]]
            facets = server.get("/library/facets", params={"type": "loras"}).json()
            assert {tag["name"]: tag["count"] for tag in facets["tags"]} == {"red": 1, "warm": 2}
            assert {"name": "Pony", "count": 1} in facets["base_models"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"type": ""}, "type"),
            ({"type": "loras", "limit": "0"}, "limit"),
            ({"type": "loras", "offset": "-1"}, "offset"),
            ({"type": "loras", "sort": "colour"}, "sort"),
            ({"type": "loras", "order": "up"}, "order"),
        ],
    )
    def test_refuses_what_it_cannot_read(
        self, server: RunningServer, query: dict[str, str], field: str
    ) -> None:
        answer = server.get("/models", params=query)
        assert (answer.status_code, answer.json()["field"]) == (400, field)

    def test_has_an_etag_that_changes_with_it(self, root: Path, options: Options) -> None:
        put(root, "loras/a.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            listed(server)
            tag = server.get("/models?type=loras").headers["ETag"]
            known = {"If-None-Match": tag}
            assert server.get("/models?type=loras", headers=known).status_code == 304
            assert server.get("/models?type=loras&q=x", headers=known).status_code == 200
            put(root, "loras/b.safetensors")
            server.store.library.scan()
            assert server.get("/models?type=loras", headers=known).status_code == 200

    def test_a_question_asked_again_shows_what_changed_meanwhile(
        self, root: Path, options: Options
    ) -> None:
        path = put(root, "loras/a.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            records, tags = server.store.records, server.store.model_tags
            [tag] = tags.add(["red"])

            def shown() -> tuple[str, list[str], str]:
                answer = server.get("/models?type=loras&limit=100")
                [row] = answer.json()["models"]
                return row["name"], [each["name"] for each in row["tags"]], answer.headers["ETag"]

            seen = [shown()]
            assert shown() == seen[0]
            records.change(sha256(path), lambda record: record.update(tags=[tag["id"]]))
            seen.append(shown())
            records.change(sha256(path), lambda record: record.update(name="Mine"))
            seen.append(shown())
            tags.change(tag["id"], name="blue")
            seen.append(shown())
            assert [(name, shown_tags) for name, shown_tags, _ in seen] == [
                ("a.safetensors", []),
                ("a.safetensors", ["red"]),
                ("Mine", ["red"]),
                ("Mine", ["blue"]),
            ]
            assert len({etag for *_, etag in seen}) == 4

    def test_questions_that_differ_only_in_how_they_are_written_are_told_apart(
        self, root: Path, options: Options
    ) -> None:
        for name in ("a&limit=1", "a b", "a+b"):
            put(root, f"loras/{name}.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            for _ in range(2):
                for written, expected in (
                    ("q=a%26limit=1", ["a&limit=1.safetensors"]),
                    ("q=a&limit=1", ["a b.safetensors"]),
                    ("q=a%2Bb", ["a+b.safetensors"]),
                    ("q=a+b", ["a b.safetensors", "a+b.safetensors"]),
                ):
                    rows = server.get(f"/models?type=loras&{written}").json()["models"]
                    assert [row["name"] for row in rows] == expected

    def test_without_a_type_is_the_catalog(self, server: RunningServer) -> None:
        assert "categories" in server.get("/models").json()
        assert server.get("/library/models").json() == {
            "models": [],
            "total": 0,
            "complete": True,
        }

    def test_types_are_the_hosts(self, server: RunningServer) -> None:
        types = server.get("/models/get_types").json()["types"]
        assert types == sorted(types)
        assert {"checkpoints", "loras", "vae"} <= set(types)
        assert not {"configs", "unsorted"} & set(types)


class TestWhatHappensToFiles:
    def test_is_noticed_while_it_runs(self, root: Path, options: Options) -> None:
        first = put(root, "loras/first.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            [row] = listed(server)
            put(root, "loras/new/deep/second.safetensors")
            until(lambda: len(names(server)) == 2)
            first.rename(root / "models" / "loras" / "new" / "moved.safetensors")
            until(lambda: "moved.safetensors" in names(server))
            [moved] = listed(server, q="moved")
            assert (moved["sha256"], moved["place_id"]) == (row["sha256"], row["place_id"])
            shutil.rmtree(root / "models" / "loras" / "new")
            until(lambda: names(server) == [])

    def test_is_noticed_after_it_was_off(self, root: Path, options: Options) -> None:
        moving = put(root, "loras/moving.safetensors")
        changing = put(root, "loras/changing.safetensors")
        going = put(root, "loras/going.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            ids = {row["name"]: row["place_id"] for row in listed(server)}
            hashes = {row["name"]: row["sha256"] for row in listed(server)}
            for row in listed(server):
                server.store.records.change(
                    row["sha256"], lambda r, said=row["name"]: r.update(notes=said)
                )
        target = put(root, "checkpoints/x/other.safetensors").with_name("moved.safetensors")
        moving.rename(target)
        put(root, "loras/changing.safetensors", "other content", size=50)
        going.unlink()
        with RunningServer(root, options) as server:
            [moved] = listed(server, "checkpoints", q="moved")
            assert moved["place_id"] == ids["moving.safetensors"]
            hashed(server)
            rows = {row["path"]: row for row in listed(server)}
            assert rows[str(going)]["status"] == "missing"
            assert rows[str(going)]["sha256"] == hashes["going.safetensors"]
            present = [row for row in rows.values() if row["status"] == "present"]
            assert [row["sha256"] for row in present] == [sha256(changing)]

    def test_a_record_follows_its_file_and_waits_for_it_to_come_back(
        self, root: Path, options: Options
    ) -> None:
        path = put(root, "loras/a.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            [row] = listed(server)
            records, library = server.store.records, server.store.library
            records.change(row["sha256"], lambda r: r.update(name="Mine"))
            moved = path.rename(path.with_name("b.safetensors"))
            library.scan()
            [row] = listed(server)
            assert (row["name"], row["path"], row["status"]) == ("Mine", str(moved), "present")
            kept = moved.rename(root / "kept")
            library.scan()
            [row] = listed(server)
            assert (row["name"], row["status"], row["place_id"]) == ("Mine", "missing", "")
            shutil.copy(kept, root / "models" / "loras" / "back.safetensors")
            library.scan()
            hashed(server)
            [row] = listed(server)
            assert (row["name"], row["status"]) == ("Mine", "present")
            assert row["file"] == "back.safetensors"

    def test_what_was_said_before_the_hash_was_known_is_of_the_content(
        self, root: Path, options: Options
    ) -> None:
        put(root, "loras/a.safetensors")
        with RunningServer(root, options) as server:
            store = server.store
            hashed(server)
            store.library.hashing.pause()
            put(root, "loras/b.safetensors")
            store.library.scan()
            [row] = listed(server, q="b.safe")
            assert row["sha256"] == ""
            store.records.change(row["place_id"], lambda r: r.update(name="Said early"))
            assert names(server, q="early") == ["Said early"]
            store.library.hashing.resume()
            hashed(server)
            [after] = listed(server, q="early")
            assert after["sha256"]
            assert store.library.row(row["place_id"]) == after

    def test_two_files_of_one_content_are_one_row_with_both_places(
        self, root: Path, options: Options
    ) -> None:
        put(root, "loras/a.safetensors", "same")
        put(root, "loras/x/b.safetensors", "same")
        put(root, "checkpoints/c.safetensors", "same")
        with RunningServer(root, options) as server:
            hashed(server)
            [row] = listed(server)
            assert row == listed(server, "checkpoints")[0]
            assert row["duplicate"] is True
            assert {place["file"] for place in row["places"]} == {
                "a.safetensors",
                "x/b.safetensors",
                "c.safetensors",
            }
            found = server.get("/library/duplicates").json()
            assert found["total"] == 1
            assert found["wasted_bytes"] == 2 * row["size_bytes"]
            assert names(server, duplicates="true") == [row["name"]]

    def test_a_root_that_is_unplugged_and_comes_back_needs_no_hashing(
        self, root: Path, options: Options
    ) -> None:
        for number in range(3):
            put(root, f"loras/{number}.safetensors")
        with RunningServer(root, options) as server:
            hashed(server)
            rows = listed(server)
            store = server.store
            store.records.change(rows[0]["sha256"], lambda r: r.update(name="kept"))
            away = (root / "models" / "loras").rename(root / "away")
            store.library.scan()
            assert [(row["name"], row["status"]) for row in listed(server)] == [("kept", "missing")]
            store.library.hashing.pause()
            away.rename(root / "models" / "loras")
            store.library.scan()
            hashes = {row["sha256"] for row in rows}
            assert {row["sha256"] for row in listed(server)} == hashes
            assert {row["status"] for row in listed(server)} == {"present"}


class TestHashing:
    def test_is_paused_and_resumed(self, root: Path, options: Options) -> None:
        with RunningServer(root, options) as server:
            assert server.post("/library/hashing/pause").json()["state"] == "paused"
            put(root, "loras/a.safetensors")
            server.store.library.scan()
            [row] = listed(server)
            assert row["sha256"] == ""
            assert server.get("/library/status").json()["hashing"]["files_left"] == 1
            server.post("/library/hashing/resume")
            hashed(server)
            assert listed(server)[0]["sha256"]

    def test_a_scan_is_a_job_with_a_report(self, root: Path, options: Options) -> None:
        with RunningServer(root, options) as server:
            listed(server)
            put(root, "loras/a.safetensors")
            job = server.post("/library/scan", json={"hash": True}).json()["job"]

            def report() -> dict[str, object] | None:
                told = server.get(f"/library/reports/{job['id']}").json()
                return told["report"] if told["job"]["state"] == "done" else None

            found = until(report)
            assert (found["files"], found["gone"], found["failed"]) == (1, 0, 0)
