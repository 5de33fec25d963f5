"""Uploads in parts, over HTTP: what clients may do, in what order, and what they are told."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from comfyui_curator.store import Options
from tests.catalogs import check_error
from tests.serving import RunningServer
from tests.small_disk import full, small_disk
from tests.transferring import until
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests here: each upload is its own."""
    root = tmp_path_factory.mktemp("uploads") / "root"
    with RunningServer(root, Options(key="an-example-key")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root") as running:
        yield running


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


class TestCreating:
    @pytest.mark.parametrize(
        "wrong,field",
        [
            ({"kind": "poem"}, "kind"),
            ({"kind": None}, "kind"),
            ({"fileName": ""}, "fileName"),
            ({"fileName": 7}, "fileName"),
            ({"fileSize": -1}, "fileSize"),
            ({"fileSize": 0}, "fileSize"),
            ({"fileSize": 10.5}, "fileSize"),
            ({"fileSize": "100"}, "fileSize"),
            ({"fileSize": True}, "fileSize"),
            ({"fileSize": None}, "fileSize"),
            ({"fileSize": 1 << 80}, "fileSize"),
            ({"parts": 0}, "parts"),
            ({"parts": 1.5}, "parts"),
            ({"parts": 10_001, "fileSize": 10**6}, "parts"),
            ({"parts": 101}, "parts"),
            ({"parts": None}, "parts"),
            ({"config": []}, "config"),
            ({"sha256": "abc"}, "sha256"),
            ({"url": "http://example.org/a"}, "parts"),
            (
                {"url": "http://a.example/", "civitaiModelUrl": "x", "parts": None},
                "civitaiModelUrl",
            ),
            ({"assetOptions": {"collectionIds": 7}}, "assetOptions.collectionIds"),
        ],
        ids=str,
    )
    def test_refuses_what_cannot_be_meant(
        self, server: RunningServer, wrong: Json, field: str
    ) -> None:
        said = {**body(bytes(100)), **wrong}
        check_error(server.post("/uploads", json=said), 400, field)
        check_error(server.post("/uploads?dryRun=true", json=said), 400, field)

    def test_refuses_a_body_that_says_nothing(self, server: RunningServer) -> None:
        check_error(server.post("/uploads", json={}), 400)
        check_error(server.post("/uploads", json=[]), 400)
        assert server.post("/uploads", data="a=b").status_code in (400, 415)

    def test_of_ten_terabytes_is_too_large(self, server: RunningServer) -> None:
        said = {**body(b"x"), "fileSize": 10 * 10**12, "parts": 10_000}
        check_error(server.post("/uploads", json=said), 413, "fileSize")

    def test_of_more_than_the_disk_has_is_507_with_figures(self, fresh: RunningServer) -> None:
        fresh.store.settings.change({"upload_limit_mb": 100_000_000, "uploads_gb": 1_000_000})
        said = {**body(b"x"), "fileSize": 99 * 10**12, "parts": 10_000}
        refused = fresh.post("/uploads", json=said)
        told = check_error(refused, 507)
        assert told["needed_bytes"] >= 99 * 10**12
        assert refused.headers["x-should-retry"] == "false"
        assert left(fresh.root) == []
        assert fresh.get("/uploads").json()["total"] == 0

    def test_takes_numbers_that_come_as_10_0(self, server: RunningServer) -> None:
        upload = create(server, {**body(bytes(100)), "fileSize": 100.0, "parts": 2.0})
        assert (upload["fileSize"], upload["partsCount"]) == (100, 2)

    @pytest.mark.parametrize(
        "name",
        ["../../../evil.safetensors", "/etc/passwd", "con.safetensors", "a\x00b", "..", "ü" * 300],
    )
    def test_makes_every_name_a_safe_one(self, server: RunningServer, name: str) -> None:
        data = model(f"name {name}")
        over = upload_all(server, data, fileName=name)
        assert over["originalFileName"] == name.strip()
        found = [path for path in (server.root / "models").rglob("*") if path.is_file()]
        assert over["fileName"] in {path.name for path in found}
        assert data in models(server.root).values()
        assert not (server.root.parent / "evil.safetensors").exists()

    def test_dry_tells_the_cost_and_makes_nothing(self, server: RunningServer) -> None:
        before = server.get("/uploads").json()["total"]
        for value in ("true", "api"):
            answer = server.post(f"/uploads?dryRun={value}", json=body(bytes(100)))
            assert answer.status_code == 269
            assert answer.json()["creativeUnitsCost"] == 0
        assert server.get("/uploads").json()["total"] == before

    def test_again_with_a_retry_count_is_the_first_while_that_is_untouched(
        self, server: RunningServer
    ) -> None:
        data = model("retry")
        again = {"x-stainless-retry-count": "1"}
        first = create(server, body(data, 2), headers={"x-stainless-retry-count": "0"})
        assert create(server, body(data, 2), headers=again)["id"] == first["id"]
        assert create(server, body(data, 2))["id"] != first["id"]
        assert create(server, body(data, 1), headers=again)["id"] != first["id"]
        key = {**again, "X-API-Key": "an-example-key"}
        assert create(server, body(data, 2), headers=key)["id"] != first["id"]
        newest = create(server, body(data, 2), headers=again)
        send(newest, data, [1])
        other = create(server, body(data, 2), headers=again)
        assert other["id"] not in (newest["id"],)

    def test_many_times_at_once_with_a_retry_count_makes_one(self, server: RunningServer) -> None:
        said = body(model("retries at once"))
        headers = {"x-stainless-retry-count": "2"}
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(partial(create, server, headers=headers), [said] * 8))
        assert len({each["id"] for each in made}) == 1

    def test_again_with_its_idempotency_key_is_the_same_even_when_complete(
        self, server: RunningServer
    ) -> None:
        data = model("idempotent")
        headers = {"Idempotency-Key": "one-key"}
        first = create(server, body(data), headers=headers)
        send(first, data)
        over = completed(server, first)
        assert create(server, body(data), headers=headers) == over
        other = server.post("/uploads", json=body(data + b"x"), headers=headers)
        check_error(other, 422)

    def test_beyond_the_limits_is_refused(self, fresh: RunningServer) -> None:
        fresh.store.settings.change({"uploads_open": 2, "uploads_gb": 1, "upload_limit_mb": 900})
        many = {**body(b"x"), "fileSize": 600 * 10**6}
        upload = create(fresh, many)
        refused = fresh.post("/uploads", json=many)
        check_error(refused, 429, "fileSize")
        assert refused.headers["Retry-After"]
        assert refused.headers["x-should-retry"] == "false"
        create(fresh, body(b"xx"))
        check_error(fresh.post("/uploads", json=body(b"xxx")), 429)
        check_error(fresh.post("/uploads", json={**many, "fileSize": 901 * 10**6}), 413, "fileSize")
        fresh.delete(f"/uploads/{upload['id']}")
        create(fresh, body(b"xxx"))


class TestPartAddresses:
    def url(self, server: RunningServer, parts: int = 2) -> str:
        return create(server, body(bytes(100), parts))["parts"][0]["url"]

    def test_work_without_credentials_where_everything_else_asks_for_the_key(
        self, tmp_path: Path
    ) -> None:
        options = Options(key="an-example-key", overrides={"require_key": True})
        with RunningServer(tmp_path / "strict", options) as strict:
            check_error(strict.post("/uploads", json=body(bytes(10))), 401)
            basic = base64.b64encode(b"an-example-key:secret").decode()
            for headers in (
                {"Authorization": f"Basic {basic}"},
                {"Authorization": "Bearer an-example-key"},
                {"X-API-Key": "an-example-key"},
            ):
                upload = create(strict, body(bytes(10)), headers=headers)
                assert put(upload["parts"][0]["url"], bytes(10)).status_code == 200
                assert strict.get(f"/uploads/{upload['id']}").status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"signature": "0" * 64},
            {"signature": "ü"},
            {"signature": ""},
            {"expires": "99999999999"},
            {"expires": "0"},
            {"number": "2"},
            {"number": "0"},
            {"number": "3"},
            {"upload": "upload_other"},
        ],
        ids=str,
    )
    def test_that_were_changed_are_refused(
        self, server: RunningServer, change: dict[str, str]
    ) -> None:
        url = urlsplit(self.url(server))
        parts = url.path.split("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts[-1] = change.get("number", parts[-1])
        parts[-3] = change.get("upload", parts[-3])
        query.update({k: v for k, v in change.items() if k in query})
        answer = server.session.put(
            f"http://{url.netloc}{'/'.join(parts)}", params=query, data=bytes(50), timeout=10
        )
        check_error(answer, 401)

    def test_that_have_expired_are_refused_and_renewed_by_a_look(
        self, server: RunningServer
    ) -> None:
        upload = create(server, body(bytes(100), 2))
        signer, past = server.store.uploads.signer, int(time.time()) - 1
        base = f"{server.api}/uploads/{upload['id']}/parts"
        signature = signer.sign(upload["id"], 1, past)
        check_error(put(f"{base}/1?expires={past}&signature={signature}", bytes(50)), 401)
        assert put(look(server, upload)["parts"][0]["url"], bytes(50)).status_code == 200

    @pytest.mark.parametrize("number", [0, 3, 10**9])
    def test_of_parts_that_there_are_not_are_unknown(
        self, server: RunningServer, number: int
    ) -> None:
        upload = create(server, body(bytes(100), 2))
        signer = server.store.uploads.signer
        expires = signer.expiry()
        signature = signer.sign(upload["id"], number, expires)
        url = f"{server.api}/uploads/{upload['id']}/parts/{number}"
        check_error(put(f"{url}?expires={expires}&signature={signature}", bytes(50)), 404)

    def test_tell_when_they_expire_in_both_forms(self, server: RunningServer) -> None:
        part: dict[str, str] = create(server, body(bytes(100)))["parts"][0]
        seconds = int(parse_qs(urlsplit(part["url"]).query)["expires"][0])
        told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        assert part["expires"].startswith(told)
        assert part["expires"].endswith("Z")

    def test_lead_to_the_address_that_the_client_used(self, server: RunningServer) -> None:
        how = {"headers": {"Host": f"localhost:{server.port}"}}
        upload = create(server, body(bytes(100)), **how)
        assert upload["parts"][0]["url"].startswith(f"http://localhost:{server.port}/api/admin/")

    def test_lead_to_the_public_address_behind_a_proxy(self, fresh: RunningServer) -> None:
        fresh.store.settings.change({"public_url": "https://studio.example/comfy"})
        key = {"X-API-Key": fresh.store.access.key, "Host": "studio.example"}
        upload = create(fresh, body(bytes(100)), headers=key)
        start = "https://studio.example/comfy/api/admin/uploads/"
        assert upload["parts"][0]["url"].startswith(start)

    def test_are_valid_after_a_restart(self, tmp_path: Path) -> None:
        data = model("restart")
        with RunningServer(tmp_path / "root") as first:
            upload = create(first, body(data, 2))
            send(upload, data, [1])
        with RunningServer(tmp_path / "root", port=first.port) as second:
            send(upload, data, [2])
            assert completed(second, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    def test_end_with_the_key_that_has_been_changed(self, tmp_path: Path) -> None:
        with RunningServer(tmp_path / "root", Options(key="one-key")) as first:
            upload = create(first, body(bytes(10)))
        with RunningServer(tmp_path / "root", Options(key="another"), port=first.port):
            check_error(put(upload["parts"][0]["url"], bytes(10)), 401)


class TestBrokenConnections:
    def begin(self, server: RunningServer, url: str, headers: str) -> socket.socket:
        parts = urlsplit(url)
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        line = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        connection.sendall(f"{line}{headers}\r\n".encode())
        return connection

    @pytest.mark.parametrize("headers", ["Content-Length: 2500000", "Transfer-Encoding: chunked"])
    def test_count_for_nothing_and_the_part_is_sent_again(
        self, server: RunningServer, headers: str
    ) -> None:
        data = model(f"broken {headers}", 5 << 20)
        upload = create(server, body(data, 2, fileName="broken.safetensors"))
        with self.begin(server, upload["parts"][0]["url"], f"{headers}\r\n") as connection:
            connection.sendall(b"200000\r\n" + bytes(1 << 21) + b"\r\n")
            until(lambda: look(server, upload)["receivedBytes"] > 0)
        until(lambda: look(server, upload)["receivedBytes"] == 0)
        assert check_error(act(server, upload), 409)["missing"] == [1, 2]
        send(upload, data)
        completed(server, upload)

    def test_that_stand_still_keep_nobody_from_going_on(self, server: RunningServer) -> None:
        data = model("stalled", 3 << 20)
        upload = create(server, body(data, 2))
        piece = cut(data, 2)[0]
        headers = f"Content-Length: {len(piece)}\r\n"
        with self.begin(server, upload["parts"][0]["url"], headers) as connection:
            connection.sendall(piece[:-1])
            until(lambda: look(server, upload)["receivedBytes"] > 0)
            send(upload, data)
            over = completed(server, upload)
            connection.sendall(b"X")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 409
        assert models(server.root)[over["fileName"]] == data


class TestTheList:
    def test_is_paged_and_filtered_the_newest_first(self, fresh: RunningServer) -> None:
        made = [create(fresh, body(bytes(100 + n)))["id"] for n in range(5)]
        fresh.delete(f"/uploads/{made[0]}")
        page = fresh.get("/uploads?limit=2&offset=1").json()
        assert [each["id"] for each in page["uploads"]] == [made[3], made[2]]
        assert page["total"] == 5
        assert all("parts" not in each for each in page["uploads"])
        failed = fresh.get("/uploads?status=failed").json()
        assert [each["id"] for each in failed["uploads"]] == [made[0]]
        assert fresh.get("/uploads?status=pending").json()["total"] == 4
        check_error(fresh.get("/uploads?status=lost"), 400, "status")
        check_error(fresh.get("/uploads?limit=0"), 400, "limit")

    def test_of_what_is_not_there_is_unknown(self, server: RunningServer) -> None:
        check_error(server.get("/uploads/nothing"), 404)
        check_error(server.delete("/uploads/nothing"), 404)
        check_error(act(server, {"id": "nothing"}), 404)
        answer = server.post("/uploads/nothing/action", json={"action": "explode"})
        check_error(answer, 400, "action")


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


def test_part_addresses_are_described(server: RunningServer) -> None:
    document = json.loads(server.get("/openapi.json").text)
    put_part: dict[str, Any] = document["paths"]["/uploads/{uploadId}/parts/{n}"]["put"]
    assert put_part["security"] == []
    created = document["paths"]["/uploads"]["post"]
    assert "269" in created["responses"]
