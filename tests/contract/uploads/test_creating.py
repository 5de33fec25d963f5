"""What makes an upload, once however often it is asked for, and what is refused; the list."""

from __future__ import annotations

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
    left,
    model,
    models,
    send,
    upload_all,
)


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
