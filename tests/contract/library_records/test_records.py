"""One model of the library: shown, edited, and edited by two at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.answers import check_error
from tests.model_records import add_tags, get, patch, patched
from tests.serving import RunningServer
from tests.shelves import place_of, put_model, recorded

FIELDS = {"sha256", "path", "name", "type", "size_bytes", "created_at", "meta_json", "tags"}


META = {
    "description": "",
    "community_links": "",
    "images_count": 0,
    "prompts": {"positive": "", "negative": ""},
}


NOBODY = "0" * 64


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
