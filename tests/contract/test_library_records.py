"""One model of the library: shown, edited by two at once, kept when its file goes; and the tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.library_records import new_record
from tests.serving import RunningServer
from tests.shelves import check_error, library_server, place_of, put_model, recorded, upload
from tests.shelves import picture as a_picture

FIELDS = {"sha256", "path", "name", "type", "size_bytes", "created_at", "meta_json", "tags"}
META = {
    "description": "",
    "community_links": "",
    "images_count": 0,
    "prompts": {"positive": "", "negative": ""},
}
NOBODY = "0" * 64


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with library_server(tmp_path_factory.mktemp("library") / "root") as running:
        yield running


@pytest.fixture(scope="module")
def unchanged(server: RunningServer) -> str:
    """The hash of a model that no test changes."""
    return recorded(server)[1]


def get(server: RunningServer, key: str) -> dict[str, Any]:
    answer = server.get(f"/models/{key}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def patch(server: RunningServer, key: str, body: Any, **how: Any) -> Any:
    return server.ask("PATCH", f"/models/{key}", json=body, **how)


def patched(server: RunningServer, key: str, body: Any) -> dict[str, Any]:
    answer = patch(server, key, body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == get(server, key)
    return answer.json()


def merge(server: RunningServer, tag: int, into: int) -> int:
    return server.post(f"/library/tags/{tag}/merge", json={"into": into}).status_code


def add_tags(server: RunningServer, *names: str) -> list[int]:
    answer = server.post("/tags_add", json={"newtags": list(names)})
    assert answer.status_code == 200, answer.text
    return [tag["id"] for tag in answer.json()["tags"]]


class TestShow:
    def test_every_field_is_there_and_none_is_null(self, server: RunningServer) -> None:
        path, sha256 = recorded(server, "A name.safetensors")
        model = get(server, sha256)
        assert set(model) >= FIELDS
        assert None not in model.values()
        assert model["meta_json"] == META
        assert (model["name"], model["type"]) == ("A name.safetensors", "loras")
        assert (model["path"], model["file"]) == (str(path), "A name.safetensors")
        assert model["size_bytes"] == path.stat().st_size
        assert model["created_at"] == path.stat().st_mtime_ns // 1_000_000
        assert (model["status"], model["tags"]) == ("present", [])

    def test_any_case_of_the_hash_and_the_place_s_id_lead_to_it(
        self, server: RunningServer
    ) -> None:
        path, sha256 = recorded(server)
        model = get(server, sha256)
        assert get(server, sha256.upper()) == get(server, place_of(server, path)) == model

    def test_a_file_without_a_record_is_shown_too(self, server: RunningServer) -> None:
        path, _ = put_model(server)
        model = get(server, place_of(server, path))
        assert (model["name"], model["recorded"]) == (path.name, False)
        assert model["meta_json"] == META

    @pytest.mark.parametrize("key", [NOBODY, "nonsense", "place-0000", "%2e%2e", "x" * 300])
    def test_unknown_is_404(self, server: RunningServer, key: str) -> None:
        assert server.get(f"/models/{key}").status_code == 404
        assert patch(server, key, {"name": "x"}).status_code == 404

    def test_two_files_of_one_content_are_one_model_in_two_places(
        self, server: RunningServer
    ) -> None:
        path, sha256 = recorded(server)
        copy, _ = put_model(server, f"copy of {path.name}", data=path.read_bytes())
        server.store.library.places.hash_now(str(copy))
        place_of(server, copy)
        server.store.library.places.hash_now(str(copy))
        model = get(server, sha256)
        assert {each["path"] for each in model["places"]} == {str(path), str(copy)}
        assert model["path"] == str(path)


class TestEdit:
    def test_what_is_sent_is_changed_and_the_rest_stays(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        before = get(server, sha256)
        after = patched(server, sha256, {"name": "New", "notes": "n", "rating": 4})
        assert after == {**before, "name": "New", "notes": "n", "rating": 4}
        words = [{"text": "a", "group": ""}, {"text": "b", "group": "g"}]
        after = patched(
            server,
            sha256,
            {
                "favorite": True,
                "base_model": "SDXL 1.0",
                "trigger_words": ["a", {"text": "b", "group": "g"}],
                "presets": [{"name": "soft", "min": 0.1, "recommended": 0.4, "max": 0.6}],
            },
        )
        assert after["favorite"] is True
        assert after["trigger_words"] == words
        assert after["presets"][0]["recommended"] == 0.4
        emptied = patched(server, sha256, {"notes": None, "rating": None, "trigger_words": None})
        assert (emptied["notes"], emptied["rating"], emptied["trigger_words"]) == ("", 0, [])

    def test_a_type_is_a_label_and_moves_nothing(self, server: RunningServer) -> None:
        path, sha256 = recorded(server)
        assert patched(server, sha256, {"type": "vae"})["path"] == str(path)
        assert path.is_file()
        listed = server.get("/models?type=vae").json()["models"]
        assert sha256 in [model["sha256"] for model in listed]

    def test_a_client_may_send_the_whole_record_back(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        tag = add_tags(server, "whole")[0]
        model = get(server, sha256)
        model["tags"] = [{"id": tag, "name": "whole"}]
        model["meta_json"]["description"] = "said"
        sent = {**model, "path": "/elsewhere", "sha256": NOBODY, "size_bytes": 1}
        assert patched(server, sha256, sent) == model

    def test_an_empty_name_means_the_file_s(self, server: RunningServer) -> None:
        path, sha256 = recorded(server)
        patched(server, sha256, {"name": "New"})
        assert patched(server, sha256, {"name": ""})["name"] == path.name

    def test_sent_twice_it_is_the_same(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        body = {"name": "Twice", "meta_json": {"description": "d", "own": [1]}}
        first, second = (patch(server, sha256, body) for _ in range(2))
        assert first.text == second.text
        assert first.headers["ETag"] == second.headers["ETag"]

    def test_a_body_that_says_nothing_changes_nothing(self, server: RunningServer) -> None:
        path, _ = put_model(server)
        place_id = place_of(server, path)
        assert patched(server, place_id, {})["recorded"] is False
        whole = get(server, place_id)
        assert patched(server, place_id, whole)["recorded"] is False

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": 5}, "name"),
            ({"type": ["x"]}, "type"),
            ({"rating": 6}, "rating"),
            ({"rating": "much"}, "rating"),
            ({"rating": True}, "rating"),
            ({"presets": [{"min": 0.1, "max": True}]}, "presets.0.max"),
            ({"favorite": "perhaps"}, "favorite"),
            ({"notes": {}}, "notes"),
            ({"tags": 5}, "tags"),
            ({"tags": None}, "tags"),
            ({"tags": "1"}, "tags"),
            ({"meta_json": 5}, "meta_json"),
            ({"meta_json": "[1]"}, "meta_json"),
            ({"meta_json": "{"}, "meta_json"),
            ({"meta_json": '{"a": NaN}'}, "meta_json"),
            ({"meta_json": {"description": 5}}, "meta_json"),
            ({"meta_json": {"prompts": "x"}}, "meta_json"),
            ({"meta_json": {"prompts": {"positive": 5}}}, "meta_json"),
            ({"meta_json": {"images_count": "many"}}, "meta_json"),
            ({"presets": [{"min": 2, "max": 1}]}, "presets.0"),
        ],
    )
    def test_a_field_of_another_kind_is_400_and_changes_nothing(
        self, server: RunningServer, unchanged: str, body: dict[str, Any], field: str
    ) -> None:
        key = unchanged
        before = get(server, key)
        check_error(patch(server, key, {"base_model": "never", **body}), 400, field)
        assert get(server, key) == before

    @pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"', b"{"])
    def test_a_body_that_is_no_object_is_400(
        self, server: RunningServer, unchanged: str, body: bytes
    ) -> None:
        headers = {"Content-Type": "application/json"}
        url = f"/models/{unchanged}"
        check_error(server.ask("PATCH", url, data=body, headers=headers), 400)

    def test_a_body_of_another_type_is_415(self, server: RunningServer, unchanged: str) -> None:
        headers = {"Content-Type": "text/plain"}
        url = f"/models/{unchanged}"
        check_error(server.ask("PATCH", url, data=b"{}", headers=headers), 415)


class TestMeta:
    def test_it_is_taken_as_object_and_as_text(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        meta = {**META, "description": "d", "prompts": {"positive": "p", "negative": ""}}
        assert patched(server, sha256, {"meta_json": meta})["meta_json"] == meta
        meta = {**META, "community_links": "http://example.org", "images_count": 3}
        assert patched(server, sha256, {"meta_json": json.dumps(meta)})["meta_json"] == meta

    def test_unknown_keys_stay_until_they_are_sent_and_null_removes_one(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        own = {"own": {"deep": [1, 2**70]}, "other": "x"}
        nested = {"positive": "p", "negative": "", "style": "s"}
        patched(server, sha256, {"meta_json": {**own, "prompts": nested}})
        meta = patched(server, sha256, {"meta_json": {"description": "d"}})["meta_json"]
        prompts = {"positive": "", "negative": "", "style": "s"}
        assert meta == {**META, **own, "description": "d", "prompts": prompts}
        meta = patched(server, sha256, {"meta_json": {"own": None, "other": "y"}})["meta_json"]
        assert meta == {**META, "other": "y", "prompts": prompts}

    def test_what_is_too_deep_to_be_worked_with_is_400_and_the_deepest_taken_can_be_edited(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        for depth in (300, 900, 5000):
            deep = "[" * depth + "]" * depth
            check_error(patch(server, sha256, {"meta_json": f'{{"x": {deep}}}'}), 400, "meta_json")
            raw = f'{{"meta_json": {{"x": {deep}}}}}'
            head = {"Content-Type": "application/json"}
            check_error(server.ask("PATCH", f"/models/{sha256}", data=raw, headers=head), 400)
        deepest = json.loads("[" * 240 + "]" * 240)
        assert patched(server, sha256, {"meta_json": {"x": deepest}})["meta_json"]["x"] == deepest
        assert "x" not in patched(server, sha256, {"meta_json": {"x": None}})["meta_json"]

    @pytest.mark.parametrize("nothing", [None, "", "null", {}, "{}"])
    def test_the_four_known_keys_are_a_set(self, server: RunningServer, nothing: object) -> None:
        _, key = recorded(server)
        patched(server, key, {"meta_json": {"description": "d", "images_count": 2, "own": 1}})
        meta = patched(server, key, {"meta_json": nothing})["meta_json"]
        assert meta == {**META, "own": 1}


class TestTagsOfAModel:
    def test_numbers_texts_and_objects_are_taken_and_what_is_no_id_is_left_out(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        one, two, three = add_tags(server, "one", "two", "three")
        given: list[Any] = [
            one,
            str(two),
            {"id": three, "name": "any"},
            one,
            None,
            "x",
            {},
            True,
            [],
        ]
        model = patched(server, sha256, {"tags": given})
        assert {tag["id"] for tag in model["tags"]} == {one, two, three}
        assert patched(server, sha256, {"tags": [two]})["tags"] == [{"id": two, "name": "two"}]
        assert patched(server, sha256, {"tags": []})["tags"] == []

    @pytest.mark.parametrize("unknown", [99_999, -1, "99999", {"id": 99_999}])
    def test_an_unknown_id_is_400_and_nothing_at_all_changes(
        self, server: RunningServer, unknown: object
    ) -> None:
        _, sha256 = recorded(server)
        tag = add_tags(server, "kept")[0]
        before = patched(server, sha256, {"tags": [tag]})
        check_error(patch(server, sha256, {"name": "never", "tags": [unknown]}), 400, "tags")
        assert get(server, sha256) == before


class TestTwoWindows:
    def test_who_knows_an_older_state_is_told(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        old = server.get(f"/models/{sha256}").headers["ETag"]
        first = patch(server, sha256, {"name": "First"}, headers={"If-Match": old})
        assert first.status_code == 200
        refused = patch(server, sha256, {"name": "Second"}, headers={"If-Match": old})
        check_error(refused, 412)
        new = first.headers["ETag"]
        assert new != old
        for tags in ("{}", '"other", {}', "*"):
            now = server.get(f"/models/{sha256}").headers["ETag"]
            headers = {"If-Match": tags.format(now)}
            assert patch(server, sha256, {"notes": tags}, headers=headers).status_code == 200
        for wrong in ("nonsense", 'W/"x"', '""'):
            check_error(patch(server, sha256, {"name": "x"}, headers={"If-Match": wrong}), 412)
        assert get(server, sha256)["name"] == "First"

    def test_of_two_at_once_one_wins(self, server: RunningServer) -> None:
        path, _ = put_model(server)
        key = place_of(server, path)
        tag = server.get(f"/models/{key}").headers["ETag"]
        with ThreadPoolExecutor(6) as pool:
            asked = [
                pool.submit(
                    server.session.patch,
                    f"{server.api}/models/{key}",
                    json={"name": f"Window {number}"},
                    headers={"If-Match": tag},
                    timeout=30,
                )
                for number in range(6)
            ]
        statuses = sorted(each.result().status_code for each in asked)
        assert statuses == [200] + [412] * 5

    def test_the_tag_stays_when_only_the_disk_changes(self, server: RunningServer) -> None:
        path, sha256 = recorded(server)
        tag = server.get(f"/models/{sha256}").headers["ETag"]
        path.rename(path.with_name(f"moved {path.name}"))
        server.store.library.scan()
        again = server.get(f"/models/{sha256}")
        assert again.json()["path"].endswith(f"moved {path.name}")
        assert again.headers["ETag"] == tag


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


class TestTags:
    def test_they_are_listed_by_name_as_bytes_sort_with_an_etag(
        self, server: RunningServer
    ) -> None:
        add_tags(server, "b-listed", "A-listed", "a-listed", "é-listed")
        answer = server.get("/tags")
        names = [tag["name"] for tag in answer.json()["tags"]]
        assert names == sorted(names, key=str.encode)
        assert answer.json()["total"] == len(names)
        headers = {"If-None-Match": answer.headers["ETag"]}
        assert server.get("/tags", headers=headers).status_code == 304

    def test_one_for_each_name_in_their_order_and_no_twin(self, server: RunningServer) -> None:
        given = [" x-tag ", "", "y-tag", 5, None, "x-tag", "X-tag", "   "]
        answer = server.post("/tags_add", json={"newtags": given})
        tags = answer.json()["tags"]
        assert [tag["name"] for tag in tags] == ["x-tag", "y-tag", "x-tag", "X-tag"]
        assert tags[0] == tags[2]
        assert server.post("/tags_add", json={"newtags": given}).json()["tags"] == tags

    @pytest.mark.parametrize(
        "body", [{}, {"newtags": "x"}, {"newtags": None}, {"newtags": {"a": 1}}]
    )
    def test_no_list_is_400(self, server: RunningServer, body: object) -> None:
        answer = server.post("/tags_add", json=body)
        check_error(answer, 400, "newtags")

    def test_a_name_too_long_is_400_and_adds_none(self, server: RunningServer) -> None:
        answer = server.post("/tags_add", json={"newtags": ["never-added", "x" * 201]})
        check_error(answer, 400, "newtags")
        assert "never-added" not in server.get("/tags").text

    def test_at_once_they_get_one_id(self, server: RunningServer) -> None:
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(add_tags, server, "at-once", f"own-{n % 3}") for n in range(6)]
        assert len({each.result()[0] for each in asked}) == 1
        assert len({each.result()[1] for each in asked}) == 3

    def test_renamed_and_coloured_it_shows_on_its_models(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        tag, other = add_tags(server, "before", "taken")
        patched(server, sha256, {"tags": [tag]})
        body = {"name": "after", "color": "#00ff00"}
        assert server.ask("PATCH", f"/library/tags/{tag}", json=body).json() == {"id": tag, **body}
        assert get(server, sha256)["tags"] == [{"id": tag, **body}]
        clash = server.ask("PATCH", f"/library/tags/{tag}", json={"name": "taken"})
        assert check_error(clash, 409)["existing"]["id"] == other
        for wrong, field in (({"name": " "}, "name"), ({"color": "red"}, "color")):
            check_error(server.ask("PATCH", f"/library/tags/{tag}", json=wrong), 400, field)
        check_error(server.ask("PATCH", "/library/tags/99999", json={"name": "x"}), 404)

    def test_merged_its_models_carry_the_other(self, server: RunningServer) -> None:
        _, one = recorded(server)
        _, both = recorded(server)
        old, new = add_tags(server, "merged away", "merged into")
        patched(server, one, {"tags": [old]})
        patched(server, both, {"tags": [old, new]})
        answer = server.post(f"/library/tags/{old}/merge", json={"into": new})
        assert answer.json()["models"] == 2
        again = server.post(f"/library/tags/{old}/merge", json={"into": new})
        assert again.json() == {**answer.json(), "models": 0}
        check_error(server.post("/library/tags/99999/merge", json={"into": new}), 404)
        tags = [{"id": new, "name": "merged into"}]
        assert get(server, one)["tags"] == get(server, both)["tags"] == tags
        counted = {tag["id"]: tag["models"] for tag in server.get("/library/tags").json()["tags"]}
        assert counted[new] == 2
        assert old not in counted
        check_error(server.post(f"/library/tags/{new}/merge", json={"into": new}), 400, "into")
        check_error(server.post(f"/library/tags/{new}/merge", json={"into": 99_999}), 404)

    def test_of_two_merged_into_each_other_at_once_one_stays_on_its_models(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        for number in range(8):
            one, other = add_tags(server, f"one {number}", f"other {number}")
            patched(server, sha256, {"tags": [one, other]})
            with ThreadPoolExecutor(2) as pool:
                begun = [
                    pool.submit(merge, server, tag, into)
                    for tag, into in ((one, other), (other, one))
                ]
                answers = [each.result() for each in begun]
            assert sorted(answers) == [200, 404]
            assert len(get(server, sha256)["tags"]) == 1

    def test_deleted_it_is_off_everything_and_its_number_is_not_given_again(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        tag = add_tags(server, "deleted")[0]
        patched(server, sha256, {"tags": [tag]})
        assert server.delete(f"/library/tags/{tag}").json() == {"status": "deleted", "models": 1}
        assert server.delete(f"/library/tags/{tag}").json() == {"status": "deleted", "models": 0}
        assert get(server, sha256)["tags"] == []
        assert add_tags(server, "deleted")[0] > tag
        check_error(server.delete("/library/tags/99999"), 404)
