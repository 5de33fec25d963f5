"""Tags: those of a model, and all there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.answers import check_error
from tests.model_records import add_tags, get, patch, patched
from tests.serving import RunningServer
from tests.shelves import recorded


def merge(server: RunningServer, tag: int, into: int) -> int:
    return server.post(f"/library/tags/{tag}/merge", json={"into": into}).status_code


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
