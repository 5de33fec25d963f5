"""How uploads end: deleted, too old, after a restart, on a full disk."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.answers import check_error
from tests.serving import RunningServer
from tests.small_disk import full, small_disk
from tests.uploading import (
    act,
    body,
    completed,
    create,
    cut,
    ended,
    left,
    look,
    model,
    models,
    put,
    send,
    upload_all,
)
from tests.waiting import until


class TestEnding:
    def test_an_open_one_takes_its_bytes_and_an_ended_one_its_record(
        self, fresh: RunningServer
    ) -> None:
        data = model("ending")
        upload = create(fresh, body(data, 2))
        send(upload, data, [1])
        answer = fresh.delete(f"/uploads/{upload['id']}").json()
        assert answer["status"] == "aborted"
        assert answer["upload"]["status"] == "failed"
        assert answer["upload"]["errorMessage"] == "aborted"
        assert left(fresh.root) == []
        check_error(put(upload["parts"][1]["url"], cut(data, 2)[1]), 409)
        deleted = fresh.delete(f"/uploads/{upload['id']}").json()
        assert deleted == {"status": "deleted", "id": upload["id"]}
        check_error(fresh.get(f"/uploads/{upload['id']}"), 404)
        check_error(put(upload["parts"][1]["url"], cut(data, 2)[1]), 404)

    def test_deleted_many_times_at_once_each_is_answered(self, fresh: RunningServer) -> None:
        for number in range(10):
            upload = create(fresh, body(bytes(100 + number)))
            address = f"{fresh.api}/uploads/{upload['id']}"
            with ThreadPoolExecutor(6) as pool:
                answers = list(pool.map(requests.delete, [address] * 6))
            assert {answer.status_code for answer in answers} <= {200, 404}
            assert left(fresh.root) == []

    def test_by_its_job_does_the_same(self, fresh: RunningServer) -> None:
        upload = create(fresh, body(bytes(100)))
        job = next(j for j in fresh.get("/jobs").json()["jobs"] if j["id"] == upload["jobId"])
        assert (job["kind"], job["state"], job["total"]) == ("upload", "queued", 100)
        fresh.post(f"/jobs/{upload['jobId']}/cancel")
        assert look(fresh, upload)["errorMessage"] == "aborted"
        assert left(fresh.root) == []
        job = next(j for j in fresh.get("/jobs").json()["jobs"] if j["id"] == upload["jobId"])
        assert job["state"] == "cancelled"

    def test_comes_by_itself_when_nothing_is_sent_for_long(self, fresh: RunningServer) -> None:
        upload = create(fresh, body(bytes(100)))
        fresh.store.uploads.tidy()
        assert look(fresh, upload)["status"] == "pending"
        hours = fresh.store.settings.values.uploads_keep_hours
        fresh.store.uploads.tidy(time.time() + hours * 3600 + 1)
        over = look(fresh, upload)
        assert over["status"] == "failed"
        assert str(hours) in over["errorMessage"]
        assert left(fresh.root) == []

    def test_is_told_to_the_pages(self, fresh: RunningServer) -> None:
        before = fresh.store.events.seq
        upload_all(fresh, model("told"), 2)
        events = fresh.store.events.since(before) or []
        told = [event.data["status"] for event in events if event.topic == "uploads"]
        assert list(dict.fromkeys(told)) == [
            "pending",
            "validating",
            "validated",
            "imported",
            "complete",
        ]


class TestAfterARestart:
    def test_the_same_parts_are_there(self, tmp_path: Path) -> None:
        data = model("resumed", 5000)
        with RunningServer(tmp_path / "root") as first:
            upload = create(first, body(data, 5))
            send(upload, data, [2, 4])
            put(upload["parts"][0]["url"], cut(data, 5)[0][:-3])
        with RunningServer(tmp_path / "root", port=first.port) as second:
            again = look(second, upload)
            there = [part["number"] for part in again["parts"] if part["received"]]
            assert there == [1, 2, 4]
            send(again, data, [1, 3, 5])
            completed(second, upload)
            assert left(second.root) == []

    def test_what_was_being_checked_is_checked_again(self, tmp_path: Path) -> None:
        data = model("checked", 5000)
        with RunningServer(tmp_path / "root") as first:
            upload = create(first, body(data, 2))
            send(upload, data)
            # As a kill right after the action leaves it.
            first.store.uploads.close()
            first.post(f"/uploads/{upload['id']}/action", json={"action": "complete"})
        with RunningServer(tmp_path / "root", port=first.port) as second:
            assert ended(second, upload)["sha256"] == hashlib.sha256(data).hexdigest()
            assert models(second.root) == {"a.safetensors": data}

    def test_what_nobody_knows_is_removed(self, tmp_path: Path) -> None:
        folder = tmp_path / "root" / "curator" / "uploads"
        folder.mkdir(parents=True)
        (folder / "upload_unknown.part").write_bytes(b"x")
        with RunningServer(tmp_path / "root"):
            until(lambda: not list(folder.iterdir()))

    def test_one_whose_bytes_are_gone_has_failed(self, tmp_path: Path) -> None:
        with RunningServer(tmp_path / "root") as first:
            upload = create(first, body(bytes(100), 2))
        for path in left(tmp_path / "root"):
            path.unlink()
        with RunningServer(tmp_path / "root", port=first.port) as second:
            assert "gone" in ended(second, upload)["errorMessage"]


class TestAFullDisk:
    def test_costs_one_part_and_nobody_else(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        with (
            small_disk(tmp_path / "root" / "models", "8m") as disk,
            RunningServer(tmp_path / "root") as server,
        ):
            data, other = model("full", 200_000), model("other", 100_000)
            upload = create(server, body(data, 2))
            beside = create(server, body(other, 2, fileName="b.safetensors"))
            send(upload, data, [1])
            send(beside, other, [1])
            before = left(server.root)
            with full(disk):
                refused = put(upload["parts"][1]["url"], cut(data, 2)[1])
                check_error(refused, 507)
                assert refused.headers["x-should-retry"] == "false"
            assert left(server.root) == before
            send(beside, other, [2])
            completed(server, beside)
            send(upload, data, [2])
            completed(server, upload)
            assert {"a.safetensors": data, "b.safetensors": other} == models(server.root)
            assert left(server.root) == []

    def test_keeps_parts_waiting_that_must_be_joined(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        with (
            small_disk(tmp_path / "root" / "models", "8m") as disk,
            RunningServer(tmp_path / "root") as server,
        ):
            data = model("joined", 300_000)
            upload = create(server, body(data, 2))
            put(upload["parts"][0]["url"], data[:10])
            put(upload["parts"][1]["url"], data[10:])
            if os.path.ismount(disk):
                with full(disk):
                    check_error(act(server, upload), 507)
                assert look(server, upload)["status"] == "pending"
            completed(server, upload)
            assert models(server.root) == {"a.safetensors": data}
            assert left(server.root) == []
