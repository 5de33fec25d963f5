"""Scanning and importing over HTTP: the four strategies, repeats, rows whose file is gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.answers import check_error
from tests.predecessors import Predecessor
from tests.serving import RunningServer
from tests.shelves import library_server, picture, place_of, put_model, recorded, shown, staged

SIMPLE = {"id", "name", "image", "type", "tags"}
FULL = {"id", "path", "sha256", "name", "type", "size_bytes", "created_at", "meta_json", "tags"}
REPORT = {"total", "success", "conflict", "ignored", "deleted", "failed"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with library_server(tmp_path_factory.mktemp("staging") / "root") as running:
        yield running


def scan(server: RunningServer, **body: Any) -> dict[str, Any]:
    answer = server.post("/models/scan", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pending(server: RunningServer) -> dict[int, dict[str, Any]]:
    answer = server.get("/migration/pending_models").json()
    assert answer["total"] == len(answer["models"])
    return {model["id"]: model for model in answer["models"]}


def imported(server: RunningServer, ids: list[Any], strategy: Any = None) -> dict[str, Any]:
    body = {"id": ids, "conflict_strategy": strategy}
    answer = server.post("/migration/import_models", json=body)
    assert answer.status_code == 207, answer.text
    assert set(answer.json()) == REPORT
    assert answer.json()["total"] == len(ids)
    return answer.json()


def one(server: RunningServer, **body: Any) -> Any:
    return server.post("/migration/import_a_model", json=body)


def model(server: RunningServer, sha256: str) -> dict[str, Any]:
    return server.get(f"/models/{sha256}").json()


def copied(server: RunningServer, path: Path) -> int:
    """The pending row of a further copy of this file."""
    copy, _ = put_model(server, f"copy of {path.name}", "checkpoints", path.read_bytes())
    return staged(server, copy)[0]


class TestScan:
    def test_every_file_is_staged_once(self, server: RunningServer) -> None:
        scan(server)
        path, _ = put_model(server)
        told = scan(server)
        assert told["status"] == "success"
        assert told["pending_added"] == len(told["pending_ids"]) == 1
        assert told["scanned"] == told["pending_added"] + told["skipped"]
        row = server.get(f"/migration/pending_model?id={told['pending_ids'][0]}").json()
        assert set(row) == FULL
        assert (row["path"], row["name"], row["type"]) == (str(path), path.name, "loras")
        assert row["size_bytes"] == path.stat().st_size
        assert row["created_at"] == path.stat().st_mtime_ns // 1_000_000
        assert row["meta_json"]["images"] == []
        again = scan(server)
        assert (again["pending_added"], again["pending_ids"]) == (0, [])
        assert again["scanned"] == told["scanned"]

    def test_at_once_nothing_is_staged_twice(self, server: RunningServer) -> None:
        scan(server)
        for _ in range(5):
            put_model(server)
        with ThreadPoolExecutor(4) as pool:
            told = [each.result() for each in [pool.submit(scan, server) for _ in range(4)]]
        ids = [number for each in told for number in each["pending_ids"]]
        assert len(ids) == len(set(ids)) == 5

    def test_of_one_type_only(self, server: RunningServer) -> None:
        scan(server)
        _, _ = put_model(server, kind="vae")
        assert scan(server, type="checkpoints")["pending_added"] == 0
        told = scan(server, type="vae")
        assert told["pending_added"] == 1
        assert pending(server)[told["pending_ids"][0]]["type"] == "vae"
        assert scan(server, type="others")["scanned"] == 0

    def test_hashing_takes_nothing_out_of_it(self, server: RunningServer) -> None:
        path, _ = put_model(server)
        row = staged(server, path)[0]
        server.store.library.places.hash_now(str(path))
        scan(server)
        assert row in pending(server)

    def test_what_a_record_has_taken_up_is_passed_over_also_when_it_was_moved(
        self, server: RunningServer
    ) -> None:
        path, _ = recorded(server)
        edited, _ = put_model(server)
        server.ask("PATCH", f"/models/{place_of(server, edited)}", json={"name": "Mine"})
        path.rename(path.with_name(f"moved {path.name}"))
        edited.rename(edited.with_name(f"moved {edited.name}"))
        assert scan(server)["pending_added"] == 0

    def test_a_recorded_file_that_came_from_another_drive_is_passed_over(
        self, server: RunningServer
    ) -> None:
        path, sha256 = recorded(server)
        server.store.library.hashing.pause()
        target = path.parent / "other drive" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
        path.unlink()
        assert scan(server)["pending_added"] == 0
        server.store.library.hashing.resume()
        assert model(server, sha256)["path"] == str(target)

    def test_a_copy_of_a_recorded_content_is_staged_too(self, server: RunningServer) -> None:
        path, sha256 = recorded(server)
        row = copied(server, path)
        told = imported(server, [row])
        assert told["conflict"][0]["existing"] == {"id": sha256, "path": str(path)}

    def test_a_row_follows_its_file(self, server: RunningServer) -> None:
        path, sha256 = put_model(server)
        row = staged(server, path)[0]
        moved = path.rename(path.with_name(f"moved {path.name}"))
        assert scan(server)["pending_added"] == 0
        assert server.get(f"/migration/pending_model?id={row}").json()["path"] == str(moved)
        assert imported(server, [row])["success"] == [row]
        assert model(server, sha256)["path"] == str(moved)

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
    def test_a_name_that_is_no_utf_8_is_staged_edited_and_imported(
        self, server: RunningServer
    ) -> None:
        path, sha256 = put_model(server, os.fsdecode(b"caf\xe9.safetensors"))
        row = scan(server)["pending_ids"][-1]
        assert pending(server)[row]["name"] == "caf\ufffd.safetensors"
        place_id = place_of(server, path)
        url = f"/models/{place_id}"
        assert server.ask("PATCH", url, json={"notes": "n"}).json()["file"].startswith("caf")
        assert imported(server, [row], "merge")["success"] == [row]
        assert model(server, sha256)["notes"] == "n"
        path.rename(path.with_name("cafe.safetensors"))
        assert scan(server)["pending_added"] == 0
        assert model(server, sha256)["file"] == "cafe.safetensors"

    @pytest.mark.parametrize("kind", ["no-such-type", "", 5, ["loras"]])
    def test_a_type_that_is_none_is_400(self, server: RunningServer, kind: Any) -> None:
        check_error(server.post("/models/scan", json={"type": kind}), 400, "type")

    def test_it_is_no_get(self, server: RunningServer) -> None:
        put_model(server)
        before = pending(server)
        assert server.get("/models/scan").status_code in (404, 405)
        assert server.get("/api/scan").status_code == 405
        assert pending(server) == before


class TestPending:
    def test_rows_are_listed_oldest_file_first_whole_or_by_pages(
        self, server: RunningServer
    ) -> None:
        staged(server, put_model(server)[0], put_model(server)[0])
        listed = server.get("/migration/pending_models").json()
        assert all(set(row) == SIMPLE for row in listed["models"])
        page = server.get("/migration/pending_models?limit=1&offset=1").json()
        assert page == {"models": listed["models"][1:2], "total": listed["total"]}

    def test_what_cannot_be_meant_is_told(self, server: RunningServer) -> None:
        check_error(server.get("/migration/pending_model"), 400, "id")
        check_error(server.get("/migration/pending_model?id=x"), 400, "id")
        check_error(server.get("/migration/pending_model?id=99999"), 404)
        check_error(server.get("/migration/pending_model?id=-1"), 404)
        for name in ("99999", "nobody.webp", "nobody", "..%2fx"):
            assert server.get(f"/images/pending/{name}").status_code == 404


class TestImport:
    def test_a_pending_row_becomes_a_record(self, server: RunningServer) -> None:
        path, sha256 = put_model(server)
        row = staged(server, path)[0]
        assert imported(server, [row])["success"] == [row]
        assert row not in pending(server)
        found = model(server, sha256)
        assert (found["path"], found["name"], found["type"]) == (str(path), path.name, "loras")
        assert found["meta_json"]["images_count"] == 0
        assert scan(server)["pending_added"] == 0

    def test_each_on_its_own_in_order(self, server: RunningServer) -> None:
        first, second = staged(server, put_model(server)[0], put_model(server)[0])
        told = imported(server, ["x", second, None, 99_999, str(first), True])
        assert told["success"] == [second, first]
        assert told["failed"] == [
            {"id": "x", "error": "Invalid id"},
            {"id": None, "error": "Invalid id"},
            {"id": 99_999, "error": "Pending model not found"},
            {"id": True, "error": "Invalid id"},
        ]

    def test_sent_again_it_has_the_same_outcome_and_makes_no_twin(
        self, server: RunningServer
    ) -> None:
        path, sha256 = put_model(server)
        gone, _ = put_model(server)
        row, away = staged(server, path, gone)
        assert imported(server, [row]) == imported(server, [row])
        assert imported(server, [away], "delete") == imported(server, [away], "delete")
        rows = server.get("/models?type=loras").json()["models"]
        assert [each["sha256"] for each in rows].count(sha256) == 1
        # Another wish is no repeat.
        assert imported(server, [away])["failed"][0]["error"] == "Pending model not found"
        assert imported(server, [row], "delete")["failed"][0]["id"] == row

    def test_at_once_it_is_imported_once(self, server: RunningServer) -> None:
        path, sha256 = put_model(server)
        row = staged(server, path)[0]
        with ThreadPoolExecutor(4) as pool:
            told = [pool.submit(imported, server, [row]) for _ in range(4)]
        assert all(each.result()["success"] == [row] for each in told)
        assert model(server, sha256)["recorded"] is True

    def test_two_rows_of_one_content_at_once_are_one_success_and_one_conflict(
        self, server: RunningServer
    ) -> None:
        path, _ = put_model(server)
        copy, _ = put_model(server, f"other {path.name}", data=path.read_bytes())
        rows = staged(server, path, copy)
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(imported, server, [row]) for row in rows]
        told = [each.result() for each in asked]
        assert sorted(len(each["success"]) for each in told) == [0, 1]
        assert sorted(len(each["conflict"]) for each in told) == [0, 1]

    def test_cancelled_it_says_of_each_what_became_of_it(self, server: RunningServer) -> None:
        rows = staged(server, *[put_model(server)[0] for _ in range(3)])
        told: list[Any] = []

        def cancel(event: Any) -> None:
            if event.topic == "jobs" and event.data["kind"] == "import" and not told:
                told.append(server.store.jobs.cancel(event.data["id"]))

        forget = server.store.events.listen(cancel)
        report = imported(server, rows)
        forget()
        assert report["failed"] == [
            {"id": row, "error": "The import was cancelled"} for row in rows
        ]
        assert imported(server, rows)["success"] == rows

    @pytest.mark.parametrize("body", [{}, {"id": []}, {"id": 5}, {"id": "5"}, {"id": None}])
    def test_no_list_is_400(self, server: RunningServer, body: dict[str, Any]) -> None:
        check_error(server.post("/migration/import_models", json=body), 400, "id")

    def test_a_strategy_that_is_no_text_is_400(self, server: RunningServer) -> None:
        body = {"id": [1], "conflict_strategy": 5}
        answer = server.post("/migration/import_models", json=body)
        check_error(answer, 400, "conflict_strategy")

    def test_a_row_whose_file_is_gone_can_still_be_ignored_and_deleted(
        self, server: RunningServer
    ) -> None:
        path, _ = put_model(server)
        row = staged(server, path)[0]
        path.unlink()
        for strategy in (None, "override", "merge"):
            told = imported(server, [row], strategy)
            assert told["failed"] == [{"id": row, "error": "SHA256 calculation failed"}]
        assert imported(server, [row], "ignore")["ignored"] == [row]
        assert imported(server, [row], "delete")["deleted"] == [row]
        assert row not in pending(server)

    def test_ids_are_never_given_again(self, server: RunningServer) -> None:
        path, _ = put_model(server)
        row = staged(server, path)[0]
        imported(server, [row], "delete")
        assert staged(server, path)[0] > row
        assert path.is_file()

    def test_an_edit_makes_a_record_and_so_a_conflict(self, server: RunningServer) -> None:
        path, sha256 = put_model(server)
        row = staged(server, path)[0]
        place = place_of(server, path)
        server.ask("PATCH", f"/models/{place}", json={"name": "Edited", "notes": "mine"})
        assert imported(server, [row])["conflict"][0]["existing"]["id"] == sha256
        assert imported(server, [row], "merge")["success"] == [row]
        found = model(server, sha256)
        assert (found["name"], found["notes"]) == ("Edited", "mine")


class TestStrategies:
    """A record that says something, and a row of a copy that says something else."""

    def make(self, server: RunningServer) -> tuple[dict[str, Any], int]:
        path, sha256 = recorded(server)
        tags = server.post("/tags_add", json={"newtags": ["of record", "of row"]}).json()["tags"]
        meta = {
            "description": "record's",
            "images_count": 7,
            "prompts": {"positive": "record's"},
            "own": 1,
        }
        body = {"name": "Record", "meta_json": meta, "tags": [tags[0]], "notes": "n"}
        record = server.ask("PATCH", f"/models/{sha256}", json=body).json()
        row = copied(server, path)
        store = server.store
        known = store.staging.at_path(
            server.get(f"/migration/pending_model?id={row}").json()["path"]
        )
        assert known
        known["meta"] = {
            "description": "row's",
            "community_links": "row's",
            "prompts": {"positive": "row's", "negative": "row's"},
            "images": ["/media/row.png"],
        }
        known["tags"] = [tags[1]["id"]]
        with store.database.transaction():
            store.staging.change(known)
        store.samples.add(f"pending-{row}", picture((0, 9, row % 250)), name="row.png")
        return record, row

    def test_null_is_a_conflict_and_nothing_changes(self, server: RunningServer) -> None:
        record, row = self.make(server)
        before = server.get(f"/migration/pending_model?id={row}").json()
        for strategy in (None, "null", ""):
            told = imported(server, [row], strategy)
            assert told["conflict"] == [
                {
                    "pending": {"id": row, "path": before["path"]},
                    "existing": {"id": record["sha256"], "path": record["path"]},
                }
            ]
        assert server.get(f"/migration/pending_model?id={row}").json() == before
        assert model(server, record["sha256"])["meta_json"] == record["meta_json"]

    def test_ignore_changes_nothing(self, server: RunningServer) -> None:
        record, row = self.make(server)
        assert imported(server, [row], "ignore")["ignored"] == [row]
        assert row in pending(server)
        assert model(server, record["sha256"])["meta_json"] == record["meta_json"]

    def test_delete_takes_the_row_and_its_picture_and_leaves_the_file(
        self, server: RunningServer
    ) -> None:
        record, row = self.make(server)
        assert server.get(f"/images/pending/{row}").status_code == 200
        path = server.get(f"/migration/pending_model?id={row}").json()["path"]
        assert imported(server, [row], "delete")["deleted"] == [row]
        assert server.get(f"/images/pending/{row}").status_code == 404
        assert Path(path).is_file()
        assert model(server, record["sha256"])["meta_json"] == record["meta_json"]

    @pytest.mark.parametrize("strategy", ["override", "any other text"])
    def test_override_takes_the_row_s_texts_and_the_tags_of_both(
        self, server: RunningServer, strategy: str
    ) -> None:
        record, row = self.make(server)
        full = server.get(f"/migration/pending_model?id={row}").json()
        assert imported(server, [row], strategy)["success"] == [row]
        found = model(server, record["sha256"])
        assert (found["name"], found["type"]) == (full["name"], "checkpoints")
        assert (found["path"], found["created_at"]) == (full["path"], full["created_at"])
        assert found["meta_json"] == {
            "description": "row's",
            "community_links": "row's",
            "prompts": {"positive": "row's", "negative": "row's"},
            "images_count": 1,
            "own": 1,
        }
        assert [tag["name"] for tag in found["tags"]] == ["of record", "of row"]
        assert found["notes"] == "n"

    def test_merge_fills_what_is_empty_and_keeps_the_rest(self, server: RunningServer) -> None:
        record, row = self.make(server)
        assert imported(server, [row], "merge")["success"] == [row]
        found = model(server, record["sha256"])
        assert (found["name"], found["type"]) == ("Record", "loras")
        assert (found["path"], found["created_at"]) == (record["path"], record["created_at"])
        assert found["meta_json"] == {
            "description": "record's",
            "community_links": "row's",
            "prompts": {"positive": "record's", "negative": "row's"},
            "images_count": 7,
            "own": 1,
        }
        assert [tag["name"] for tag in found["tags"]] == ["of record", "of row"]
        assert scan(server)["pending_added"] == 0

    @pytest.mark.parametrize("strategy", ["override", "merge"])
    def test_the_row_s_picture_comes_after_the_record_s(
        self, server: RunningServer, strategy: str
    ) -> None:
        record, row = self.make(server)
        key = record["sha256"]
        server.store.samples.add(key, picture((9, 0, row % 250)))
        staged_bytes = server.get(f"/images/pending/{row}.webp?quality=low").content
        assert shown(staged_bytes).format == "WEBP"
        imported(server, [row], strategy)
        assert server.get(f"/images/get_img_num?sha256={key}").json() == {"count": 2}
        assert server.get(f"/images/{key}_1.webp?quality=low").content == staged_bytes
        assert server.get(f"/images/pending/{row}").status_code == 404


class TestSingle:
    def test_done_is_200_and_again_too(self, server: RunningServer) -> None:
        path, sha256 = put_model(server)
        row = staged(server, path)[0]
        for _ in range(2):
            answer = one(server, id=row)
            assert answer.status_code == 200
            assert answer.json() == {
                "status": "success",
                "id": row,
                "sha256": sha256,
                "deprecated": True,
            }

    def test_ignored_and_deleted_are_200(self, server: RunningServer) -> None:
        row = staged(server, put_model(server)[0])[0]
        ignored = one(server, id=str(row), conflict_strategy="ignore").json()
        assert ignored == {"status": "ignored", "id": row, "deprecated": True}
        deleted = one(server, id=row, conflict_strategy="delete").json()
        assert deleted == {"status": "deleted", "id": row, "deprecated": True}

    def test_a_conflict_is_409_and_says_with_what(self, server: RunningServer) -> None:
        path, sha256 = recorded(server)
        row = copied(server, path)
        answer = one(server, id=row)
        body = check_error(answer, 409)
        assert (body["status"], body["deprecated"]) == ("conflict", True)
        assert body["existing"] == {"id": sha256, "path": str(path)}
        assert answer.headers["x-should-retry"] == "false"

    def test_an_unknown_id_is_404_and_an_unreadable_file_422(self, server: RunningServer) -> None:
        body = check_error(one(server, id=99_999), 404)
        assert (body["status"], body["deprecated"]) == ("error", True)
        path, _ = put_model(server)
        row = staged(server, path)[0]
        path.unlink()
        body = check_error(one(server, id=row), 422)
        assert (body["status"], body["deprecated"]) == ("error", True)

    def test_a_path_out_of_an_older_database_that_is_no_file_of_this_machine_is_422(
        self, server: RunningServer, tmp_path: Path
    ) -> None:
        legacy = Predecessor(tmp_path / "old")
        os.mkfifo(tmp_path / "pipe")
        paths = ["/dev/zero", str(tmp_path / "pipe"), "//server/share/x.pt", "\\\\server\\x.pt"]
        for number, path in enumerate([*paths, "pyproject.toml"]):
            legacy.model(900 + number, path)
        body = {"legacy_db_path": str(legacy.path)}
        assert server.post("/migration/migrate_legacy_db", json=body).status_code == 200
        for number in range(len(paths) + 1):
            check_error(one(server, id=900 + number), 422)

    @pytest.mark.parametrize("body", [{}, {"id": "x"}, {"id": None}, {"id": [1]}, {"id": ""}])
    def test_an_id_that_is_none_is_400(self, server: RunningServer, body: dict[str, Any]) -> None:
        assert one(server, **body).status_code == 400
