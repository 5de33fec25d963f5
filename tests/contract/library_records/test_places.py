"""What is said of a model outlives its file, also one that is not hashed yet, and a restart."""

from __future__ import annotations

from pathlib import Path

from comfyui_curator.store.library_records import new_record
from tests.answers import check_error
from tests.model_records import add_tags, get, patched
from tests.serving import RunningServer
from tests.shelves import library_server, place_of, put_model, recorded, upload
from tests.shelves import picture as a_picture


class TestPlaces:
    def test_what_is_said_before_the_hash_is_known_joins_the_record(
        self, server: RunningServer
    ) -> None:
        hashing = server.store.library.hashing
        hashing.pause()
        path, sha256 = put_model(server)
        place_id = place_of(server, path)
        tag = add_tags(server, "early")[0]
        model = patched(server, place_id, {"name": "Early", "tags": [tag], "rating": 3})
        assert (model["sha256"], model["recorded"]) == ("", True)
        assert upload(server, place_id, a_picture((9, 9, 99))).status_code == 200
        etag = server.get(f"/models/{place_id}").headers["ETag"]
        hashing.resume()
        assert hashing.wait(30)
        after = server.get(f"/models/{place_id}")
        assert after.headers["ETag"] == etag
        assert after.json() == get(server, sha256)
        assert {**after.json(), "sha256": ""} | {"auto_v2": "", "auto_v3": ""} == {
            **model,
            "auto_v2": "",
            "auto_v3": "",
        }
        assert server.get(f"/images/get_img_num?sha256={sha256}").json() == {"count": 1}
        rows = server.get("/models?type=loras").json()["models"]
        assert [row["sha256"] for row in rows if row["name"] == "Early"] == [sha256]

    def test_a_label_that_is_no_type_of_the_host_can_be_asked_for(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        patched(server, sha256, {"type": "sketches"})
        for kind in ("sketches", "others"):
            rows = server.get("/models", params={"type": kind}).json()["models"]
            assert sha256 in [row["sha256"] for row in rows]
        rows = server.get("/models?type=loras").json()["models"]
        assert sha256 not in [row["sha256"] for row in rows]

    def test_a_record_outlives_its_file_and_a_mere_place_does_not(
        self, server: RunningServer
    ) -> None:
        path, sha256 = recorded(server)
        mere, _ = put_model(server)
        key, place_id = place_of(server, path), place_of(server, mere)
        patched(server, sha256, {"name": "Outlives"})
        data = path.read_bytes()
        path.unlink()
        mere.unlink()
        server.store.library.scan()
        assert get(server, sha256)["status"] == "missing"
        assert get(server, key)["name"] == "Outlives"
        assert server.get(f"/models/{place_id}").status_code == 404
        path.write_bytes(data)
        server.store.library.scan()
        server.store.library.places.hash_now(str(path))
        assert get(server, sha256)["status"] == "present"

    def test_what_is_said_of_a_content_is_not_said_of_what_takes_its_files_name(
        self, server: RunningServer
    ) -> None:
        path, sha256 = recorded(server)
        patched(server, sha256, {"name": "Was here", "notes": "of this content"})
        url = "/library/collections"
        collection = server.post(url, json={"name": "Replaced"}).json()["id"]
        items = {"items": [{"kind": "model", "id": sha256}]}
        assert server.post(f"{url}/{collection}/items", json=items).json()["added"] == 1
        other = path.with_suffix(".new")
        # Of the same size, so that its hash is the only sign.
        other.write_bytes(path.read_bytes()[:-8] + b"another!")
        other.replace(path)
        server.store.library.scan()
        hashed = server.store.library.places.hash_now(str(path))
        assert hashed != sha256
        was = get(server, sha256)
        assert (was["name"], was["notes"], was["status"]) == (
            "Was here",
            "of this content",
            "missing",
        )
        assert get(server, hashed)["notes"] == ""
        kept = server.get(f"{url}/{collection}/items").json()["items"]
        assert [each["id"] for each in kept] == [sha256]

    def test_a_missing_one_can_be_forgotten_and_one_that_is_there_cannot(
        self, server: RunningServer
    ) -> None:
        path, sha256 = recorded(server)
        upload(server, sha256, a_picture((1, 2, 250)))
        url = f"/library/records/{sha256}"
        check_error(server.delete(url), 409)
        path.unlink()
        server.store.library.scan()
        assert server.delete(url).json() == {"status": "forgotten"}
        assert server.get(f"/models/{sha256}").status_code == 404
        assert server.get(f"/images/get_img_num?sha256={sha256}").json() == {"count": 0}
        rows = server.get("/models?type=loras").json()["models"]
        assert sha256 not in [row["sha256"] for row in rows]
        check_error(server.delete(url), 404)


def test_all_of_it_is_there_after_a_restart(tmp_path: Path) -> None:
    with library_server(tmp_path / "root") as server:
        _, sha256 = recorded(server)
        tag = add_tags(server, "kept")[0]
        upload(server, sha256, a_picture())
        before = patched(
            server, sha256, {"name": "Kept", "tags": [tag], "meta_json": {"own": {"x": [1]}}}
        )
    with library_server(tmp_path / "root") as server:
        assert get(server, sha256) == before
        assert server.get(f"/images/{sha256}.webp").status_code == 200
        assert server.post("/models/scan", json={}).json()["pending_added"] == 0


def test_what_an_earlier_run_could_not_join_is_joined_at_the_next_start(tmp_path: Path) -> None:
    with library_server(tmp_path / "root") as server:
        path, sha256 = put_model(server)
        place_id = place_of(server, path)
        server.store.library.places.hash_now(str(path))
        server.store.records.put({**new_record(place_id), "notes": "left", "said": {"notes": 1}})
        server.store.samples.add(place_id, a_picture())
    with library_server(tmp_path / "root") as server:
        assert server.store.models.caught_up.wait(30)
        assert get(server, sha256)["notes"] == "left"
        assert server.get(f"/images/{sha256}.webp").status_code == 200
        assert len(server.store.records) == 1
