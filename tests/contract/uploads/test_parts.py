"""An upload in parts from its first call to its last: in any order, at once, again, too few."""

from __future__ import annotations

import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.answers import check_error
from tests.serving import RunningServer
from tests.uploading import (
    Json,
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

REQUIRED = ("id", "authorId", "ownerId", "createdAt", "updatedAt", "fileName", "kind", "source")


def has_all_required(upload: Json) -> None:
    assert all(upload[name] for name in REQUIRED)
    assert upload["status"] in ("pending", "validating", "validated", "imported", "complete")


class TestAnUploadInParts:
    def test_lands_whole_in_its_folder_and_tells_each_step(self, fresh: RunningServer) -> None:
        data = model("whole", 5000)
        upload = create(fresh, body(data, 3))
        has_all_required(upload)
        assert (upload["status"], upload["source"], upload["kind"]) == (
            "pending",
            "multipart",
            "model",
        )
        assert [part["number"] for part in upload["parts"]] == [1, 2, 3]
        send(upload, data)
        pending = look(fresh, upload)
        assert [part["received"] for part in pending["parts"]] == [True] * 3
        answer = act(fresh, upload)
        has_all_required(answer.json()["upload"])
        over = ended(fresh, upload)
        has_all_required(over)
        assert list(over["statusTimes"]) == [
            "pending",
            "validating",
            "validated",
            "imported",
            "complete",
        ]
        assert list(over["statusTimes"].values()) == sorted(over["statusTimes"].values())
        assert over["updatedAt"] >= over["createdAt"]
        assert over["entityId"] == hashlib.sha256(data).hexdigest()
        assert "parts" not in over
        assert models(fresh.root) == {"a.safetensors": data}
        assert left(fresh.root) == []

    @pytest.mark.parametrize("order", [[3, 2, 1], [2, 3, 1]])
    def test_takes_them_in_any_order(self, server: RunningServer, order: list[int]) -> None:
        data = model(f"order {order}")
        upload = create(server, body(data, 3))
        send(upload, data, order)
        assert completed(server, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    def test_takes_them_all_at_once_and_again(self, server: RunningServer) -> None:
        data = model("at once", 40_000)
        upload = create(server, body(data, 8))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(partial(send, upload, data), [[n % 8 + 1] for n in range(24)]))
        assert completed(server, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    def test_takes_ten_senders_of_one_part(self, server: RunningServer) -> None:
        data = model("ten senders", 400_000)
        upload = create(server, body(data, 2))
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(partial(send, upload, data), [[2]] * 10))
        send(upload, data, [1])
        assert completed(server, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    @pytest.mark.parametrize("cuts", [(10, 700), (1, 2), (600, 601)])
    def test_takes_parts_of_unequal_sizes(
        self, server: RunningServer, cuts: tuple[int, int]
    ) -> None:
        data = model(f"unequal {cuts}")
        upload = create(server, body(data, 3))
        pieces = [data[: cuts[0]], data[cuts[0] : cuts[1]], data[cuts[1] :]]
        for part in reversed(upload["parts"]):
            assert put(part["url"], pieces[part["number"] - 1]).status_code == 200
        assert completed(server, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    def test_takes_a_part_without_a_length_and_of_any_type(self, server: RunningServer) -> None:
        data = model("chunked", 3000)
        upload = create(server, body(data, 2))
        for part, piece in zip(upload["parts"], cut(data, 2), strict=True):
            sent = put(part["url"], iter([piece[:100], piece[100:]]), **{"Content-Type": "a/b"})
            assert sent.status_code == 200, sent.text
        assert completed(server, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    def test_takes_no_packed_part(self, server: RunningServer) -> None:
        packed = gzip.compress(bytes(10_000_000))
        upload = create(server, body(packed))
        check_error(put(upload["parts"][0]["url"], packed, **{"Content-Encoding": "gzip"}), 415)
        assert look(server, upload)["receivedBytes"] == 0

    def test_takes_ten_thousand_parts(self, server: RunningServer) -> None:
        upload = create(server, body(bytes(10_000), 10_000))
        assert len({part["url"] for part in upload["parts"]}) == 10_000
        send(upload, bytes(10_000), [10_000, 1])
        refused = check_error(act(server, upload), 409)
        assert refused["missing_count"] == 9998

    def test_waits_for_missing_parts_and_names_them(self, server: RunningServer) -> None:
        data = model("missing")
        upload = create(server, body(data, 4))
        send(upload, data, [2])
        refused = check_error(act(server, upload), 409)
        assert refused["missing"] == [1, 3, 4]
        assert look(server, upload)["status"] == "pending"
        send(upload, data, [1, 3, 4])
        completed(server, upload)

    def test_answers_the_action_again_with_its_state(self, server: RunningServer) -> None:
        data = model("twice")
        upload = create(server, body(data))
        send(upload, data)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(partial(act, server), [upload] * 8))
        assert [answer.status_code for answer in answers] == [200] * 8
        over = ended(server, upload)
        assert act(server, upload, "upload-complete").json()["upload"] == over

    def test_keeps_what_was_sent_when_bytes_are_too_few(self, server: RunningServer) -> None:
        data = model("too few")
        upload = create(server, body(data, 2))
        pieces = cut(data, 2)
        put(upload["parts"][0]["url"], pieces[0])
        put(upload["parts"][1]["url"], pieces[1][:-1])
        check_error(act(server, upload), 422, "fileSize")
        put(upload["parts"][1]["url"], pieces[1])
        completed(server, upload)

    def test_refuses_more_bytes_than_were_announced(self, server: RunningServer) -> None:
        data = model("too many")
        upload = create(server, body(data))
        check_error(put(upload["parts"][0]["url"], data + b"x"), 413)
        check_error(put(upload["parts"][0]["url"], iter([data, b"x"])), 413)
        send(upload, data)
        completed(server, upload)

    def test_is_refused_once_it_is_complete(self, server: RunningServer) -> None:
        data = model("over")
        upload = create(server, body(data))
        send(upload, data)
        completed(server, upload)
        check_error(put(upload["parts"][0]["url"], data), 409)

    def test_fails_when_the_announced_hash_is_another(self, server: RunningServer) -> None:
        data = model("hash")
        upload = create(server, body(data, sha256="0" * 64))
        send(upload, data)
        act(server, upload)
        over = ended(server, upload)
        assert over["status"] == "failed"
        assert "SHA-256" in over["errorMessage"]
        assert list((server.store.host.data / "uploads").glob(f"{upload['id']}*")) == []

    def test_fails_and_leaves_nothing_when_its_bytes_are_not_its_kind(
        self, server: RunningServer
    ) -> None:
        before = models(server.root)
        data = b"PK\x03\x04 surely no model"
        upload = create(server, body(data, fileName="evil.safetensors"))
        send(upload, data)
        act(server, upload)
        over = ended(server, upload)
        assert (over["status"], bool(over["errorMessage"])) == ("failed", True)
        assert "entityId" not in over
        assert models(server.root) == before
        assert list((server.store.host.data / "uploads").glob(f"{upload['id']}*")) == []

    def test_of_two_files_of_one_name_and_size_at_once_stay_two(self, fresh: RunningServer) -> None:
        files = [model("one of two", 5000), model("two of two", 5000)]
        assert len(files[0]) == len(files[1])
        with ThreadPoolExecutor(2) as pool:
            over = list(pool.map(partial(upload_all, fresh, parts=2), files))
        assert over[0]["id"] != over[1]["id"]
        assert {each["entityId"] for each in over} == {
            hashlib.sha256(data).hexdigest() for data in files
        }
        assert sorted(models(fresh.root).values()) == sorted(files)

    def test_of_text_lies_among_the_assets(self, server: RunningServer) -> None:
        over = upload_all(server, "Grüße".encode(), kind="text", fileName="a.txt")
        assert over["kind"] == "text"
        assert (server.root / "assets" / "text" / "a.txt").read_text("utf-8") == "Grüße"
