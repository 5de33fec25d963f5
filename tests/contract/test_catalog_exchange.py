"""Catalogs imported and exported over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.answers import check_error
from tests.catalog_files import EXAMPLE, INVENTED, all_entries
from tests.catalogs import entries, stored
from tests.serving import RunningServer

ENTRY: dict[str, Any] = {"name": "A", "file": "a.pt", "dest": "vae", "own": {"ü": 10**25}}


def catalog_of(*models: Any, category: str = "mine") -> dict[str, Any]:
    return {"version": 7, "categories": [{"id": category, "name": "Mine!", "models": models}]}


def send(server: RunningServer, data: Any, query: str = "") -> requests.Response:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return server.post(f"/models/import{query}", files={"file": ("models.json", raw)})


class TestImporting:
    def test_adds_what_is_new_with_its_category_and_all_its_fields(
        self, server: RunningServer
    ) -> None:
        server.store.catalog.add_entries("models", "vae", [{**ENTRY, "file": "b.pt"}])
        answer = send(server, catalog_of({**ENTRY, "tags": ["x"]}, {**ENTRY, "file": "b.pt"}))
        assert answer.status_code == 200
        body = answer.json()
        assert {key: body[key] for key in ("added", "skipped", "total_added", "dry_run")} == {
            "added": ["a.pt"],
            "skipped": ["b.pt"],
            "total_added": 1,
            "dry_run": False,
        }
        added = stored(server)["categories"][1]
        assert (added["id"], added["name"]) == ("mine", "Mine!")
        assert added["models"] == [{**ENTRY, "tags": ["x", "imported"]}]
        assert stored(server)["version"] == 2

    @pytest.mark.parametrize("source", [EXAMPLE, INVENTED], ids=["example", "invented"])
    def test_takes_a_whole_catalog_and_gives_it_back(
        self, server: RunningServer, source: Any
    ) -> None:
        original = json.loads(source.read_text("utf-8"))
        body = send(server, source.read_bytes()).json()
        assert body["total_added"] == len(all_entries(original))
        exported = server.get("/models/export").json()
        assert [c["id"] for c in exported["categories"]] == [
            c["id"] for c in original["categories"] if c["models"]
        ]
        for kept, entry in zip(all_entries(exported), all_entries(original), strict=True):
            assert kept == {**entry, "tags": [*entry.get("tags", []), "imported"]}

    def test_again_adds_nothing_and_leaves_the_version(self, server: RunningServer) -> None:
        send(server, catalog_of(ENTRY))
        before = stored(server)
        body = send(server, catalog_of(ENTRY)).json()
        assert (body["added"], body["skipped"], body["total_added"]) == ([], ["a.pt"], 0)
        assert stored(server) == before

    def test_at_once_adds_each_entry_once(self, server: RunningServer) -> None:
        data = catalog_of(*({**ENTRY, "file": f"{number}.pt"} for number in range(20)))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, [server] * 8, [data] * 8))
        assert sorted(answer.json()["total_added"] for answer in answers) == [0] * 7 + [20]
        assert len(entries(server)) == 20

    def test_finds_what_is_in_the_other_catalog_too(self, server: RunningServer) -> None:
        server.store.catalog.add_entries("loras", "loras", [ENTRY])
        body = send(server, catalog_of(ENTRY)).json()
        assert body["entries"][0]["reason"] == "It is in loras.json already."

    def test_on_trial_says_what_would_happen_and_changes_nothing(
        self, server: RunningServer
    ) -> None:
        models = [
            ENTRY,
            {**ENTRY, "name": "again"},
            {**ENTRY, "file": ""},
            {**ENTRY, "file": "../../x.pt"},
            {**ENTRY, "file": "CON.pt"},
            {**ENTRY, "file": "c.pt", "dest": "../out"},
            {**ENTRY, "file": "d.pt", "dest": ""},
            {**ENTRY, "file": 5},
        ]
        body = send(server, catalog_of(*models), "?dry_run=true").json()
        assert (body["dry_run"], body["total_added"]) == (True, 1)
        assert [each["result"] for each in body["entries"]] == ["added"] + ["skipped"] * 7
        assert all(each["reason"] for each in body["entries"][1:])
        assert not (server.store.host.data / "models.json").exists()
        assert send(server, catalog_of(*models)).json()["entries"] == body["entries"]

    def test_goes_to_the_catalog_that_is_asked_for(self, server: RunningServer) -> None:
        send(server, catalog_of(ENTRY), "?catalog=loras")
        assert entries(server, "loras")[0]["file"] == "a.pt"
        assert entries(server) == []

    def test_of_both_goes_to_both(self, server: RunningServer) -> None:
        other = {**ENTRY, "file": "b.pt"}
        body = send(server, {"models": catalog_of(ENTRY), "loras": catalog_of(other)}).json()
        assert body["added"] == ["a.pt", "b.pt"]
        assert [entries(server)[0]["file"], entries(server, "loras")[0]["file"]] == body["added"]

    def test_keeps_no_key_in_an_address(self, server: RunningServer) -> None:
        url = "https://example.org/a.pt?token=made-up&x=1"
        send(server, catalog_of({**ENTRY, "url": url}))
        assert entries(server)[0]["url"] == "https://example.org/a.pt?x=1"

    @pytest.mark.parametrize(
        "raw,line,column",
        [
            (b'{"categories": [}', 1, 17),
            (b'{"categories":\n 5}', 2, 2),
            (b"[]", 1, 1),
            (b"\xff", 1, 1),
            (b"", 1, 1),
            (b'{"models": {"categories": 3}}', 1, 27),
            (b"{}", 1, 1),
        ],
    )
    def test_of_what_is_no_catalog_says_where(
        self, server: RunningServer, raw: bytes, line: int, column: int
    ) -> None:
        body = check_error(send(server, raw), 400, "file")
        assert body["error"].startswith("Invalid JSON: ")
        assert (body["line"], body["column"]) == (line, column)

    def test_without_the_part_is_bad_input(self, server: RunningServer) -> None:
        check_error(server.post("/models/import"), 400, "file")
        check_error(server.post("/models/import", files={"other": b"{}"}), 400, "file")

    def test_of_another_body_is_the_wrong_type(self, server: RunningServer) -> None:
        check_error(server.post("/models/import", json=catalog_of(ENTRY)), 415)

    def test_of_half_a_form_is_bad_input(self, server: RunningServer) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        check_error(server.post("/models/import", data=b"--y\r\n", headers=headers), 400, "file")
        headers = {"Content-Type": "multipart/form-data"}
        check_error(server.post("/models/import", data=b"--y\r\n", headers=headers), 400, "file")

    def test_of_too_much_is_refused(self, server: RunningServer) -> None:
        check_error(send(server, b" " * ((64 << 20) + 1)), 413, "file")

    def test_while_the_file_is_broken_is_refused(self, server: RunningServer) -> None:
        path = server.store.host.data / "models.json"
        path.write_text("{")
        for query in ("", "?dry_run=true"):
            check_error(send(server, catalog_of(ENTRY), query), 409)
        assert path.read_text() == "{"


class TestExporting:
    def test_gives_the_file_as_it_is(self, server: RunningServer) -> None:
        send(server, catalog_of(ENTRY))
        answer = server.get("/models/export")
        assert answer.content + b"\n" == (server.store.host.data / "models.json").read_bytes()
        assert answer.headers["Content-Disposition"] == 'attachment; filename="models.json"'
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert server.get("/models/export", headers=tag).status_code == 304

    def test_gives_both_in_one(self, server: RunningServer) -> None:
        send(server, catalog_of(ENTRY))
        answer = server.get("/models/export?catalog=both").json()
        assert answer["models"] == stored(server)
        assert answer["loras"]["categories"] == []

    def test_gives_no_key(self, server: RunningServer) -> None:
        url = "https://example.org/a.pt?token=made-up"
        server.store.catalog.add_entries("models", "vae", [{**ENTRY, "url": url}])
        assert "made-up" not in server.get("/models/export").text

    def test_of_an_unknown_catalog_is_bad_input(self, server: RunningServer) -> None:
        check_error(server.get("/models/export?catalog=other"), 400, "catalog")
