"""Many models changed, deleted and moved at once, and moved back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.answers import check_error
from tests.organising import Shelf, report_of, sha256_of, tree
from tests.upstream.weights import safetensors


@pytest.fixture(scope="module")
def keys(shelf: Shelf) -> list[str]:
    found = [shelf.lora(f"loras/bulk/{n}.safetensors") for n in range(3)]
    shelf.hashed()
    return found


class TestBulk:
    def change(self, shelf: Shelf, keys: list[str], **wish: Any) -> dict[str, Any]:
        answer = shelf.server.post("/library/bulk", json={"keys": keys, **wish})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_sets_fields_and_tags_of_a_selection_at_once(
        self, shelf: Shelf, keys: list[str]
    ) -> None:
        server = shelf.server
        wish: dict[str, Any] = {
            "set": {"rating": 4, "favorite": True},
            "add_tags": ["bulk", "both"],
            "add_trigger_words": ["glow", {"text": "hat", "group": "outfit"}],
        }
        told = self.change(shelf, [*keys, "e" * 64], **wish)
        assert told == {"changed": 3, "unchanged": 0, "unknown": ["e" * 64]}
        for key in keys:
            record = server.store.records.get(key) or {}
            assert (record["rating"], record["favorite"]) == (4, True)
            assert len(record["tags"]) == 2
            assert record["trigger_words"][1] == {"text": "hat", "group": "outfit"}
        assert "e" * 64 not in server.store.records
        assert self.change(shelf, keys, **wish) == {"changed": 0, "unchanged": 3, "unknown": []}
        told = self.change(shelf, keys[:1], remove_tags=["both", "no such"],
                           remove_trigger_words=["glow"])  # fmt: skip
        assert told["changed"] == 1
        record = server.store.records.get(keys[0]) or {}
        assert [tag["name"] for tag in server.store.model_tags.shown(record["tags"])] == ["bulk"]
        assert [word["text"] for word in record["trigger_words"]] == ["hat"]

    def test_puts_a_selection_into_a_collection_and_out_of_it(
        self, shelf: Shelf, keys: list[str]
    ) -> None:
        made = shelf.server.post("/library/collections", json={"name": "Bulk"}).json()["id"]
        self.change(shelf, keys, add_to=[made])
        assert shelf.server.store.collections.members(made, "model") == keys
        self.change(shelf, keys[1:], remove_from=[made])
        assert shelf.server.store.collections.members(made, "model") == keys[:1]

    @pytest.mark.parametrize(
        ("wish", "status", "field"),
        [
            ({"set": {"rating": 6}}, 400, "set.rating"),
            ({"set": {"presets": [{"min": 2, "max": 1}]}}, 400, "set.presets.0"),
            ({"set": {"rating": 1}, "add_tags": [987654]}, 400, "add_tags"),
            ({"set": {"rating": True}}, 400, "set.rating"),
            ({"add_tags": ["new", True]}, 400, "add_tags.1"),
            ({"set": {"rating": 1}, "add_to": ["none"]}, 404, None),
            ({"keys": []}, 400, "keys"),
        ],
    )
    def test_what_cannot_be_changes_nothing(
        self, shelf: Shelf, keys: list[str], wish: dict[str, Any], status: int, field: str | None
    ) -> None:
        before = [shelf.server.store.records.get(key) for key in keys]
        check_error(shelf.server.post("/library/bulk", json={"keys": keys, **wish}), status, field)
        assert [shelf.server.store.records.get(key) for key in keys] == before


class TestDeleting:
    def test_files_of_a_selection_go_to_the_trash_and_come_back(self, shelf: Shelf) -> None:
        server = shelf.server
        server.store.settings.change({"system_trash": False})
        key = shelf.lora("loras/gone/a.safetensors")
        shelf.put(
            "loras/gone/copy.safetensors", (shelf.models / "loras/gone/a.safetensors").read_bytes()
        )
        shelf.hashed()
        server.store.records.change(key, lambda record: record.update(notes="kept"))
        told = server.post("/library/delete", json={"keys": [key, "e" * 64]}).json()
        assert told == {"deleted": 2, "unknown": ["e" * 64], "failed": []}
        assert not list((shelf.models / "loras/gone").iterdir())
        assert (server.store.library.row(key) or {})["status"] == "missing"
        assert server.post("/library/delete", json={"keys": [key]}).json()["deleted"] == 0
        items = server.get("/trash").json()["items"]
        assert [item["dest"] for item in items] == ["loras/gone"] * 2
        for item in items:
            assert server.post(f"/trash/{item['id']}/restore").status_code == 200
        shelf.hashed()
        row = server.store.library.row(key) or {}
        assert (row["status"], len(row["places"])) == ("present", 2)
        assert (server.store.records.get(key) or {})["notes"] == "kept"
        check_error(server.post("/library/delete", json={"keys": []}), 400, "keys")


class TestMoving:
    def move(self, shelf: Shelf, rule: str, **more: Any) -> dict[str, Any]:
        body = {"rule": rule, "dry_run": False, **more}
        return report_of(shelf.server, shelf.server.post("/library/move", json=body))

    def test_a_dry_run_says_where_each_file_would_go_and_moves_none(self, shelf: Shelf) -> None:
        key = shelf.lora("loras/plan/a.safetensors")
        shelf.hashed()
        shelf.server.store.records.change(key, lambda record: record.update(base_model="SDXL: 1.0"))
        before = tree(shelf.models)
        report = self.move(shelf, "{base_model}/{kind}", keys=[key], dry_run=True)
        assert report["entries"] == [
            {"key": key, "file": "plan/a.safetensors", "to": "SDXL_ 1.0/LoRA/a.safetensors",
             "reason": ""}
        ]  # fmt: skip
        assert (report["moved"], report["move"]) == (1, "")
        assert tree(shelf.models) == before

    def test_moves_with_record_and_catalog_entry_and_back_again(self, shelf: Shelf) -> None:
        server = shelf.server
        key = shelf.lora("loras/go/a.safetensors")
        shelf.hashed()
        server.store.records.change(key, lambda record: record.update(notes="n", base_model="B"))
        entry = {"name": "A", "file": "a.safetensors", "dest": "loras/go"}
        server.store.catalog.add_entries("loras", "x", [entry])
        before = tree(shelf.models)
        report = self.move(shelf, "moved/{base_model}/{file}-{letter}", keys=[key])
        assert (report["moved"], report["skipped"]) == (1, 0)
        target = shelf.models / "loras/moved/B/a-A.safetensors"
        assert sha256_of(target) == key
        assert not (shelf.models / "loras/go").exists()
        row = server.store.library.row(key) or {}
        assert row["file"] == "moved/B/a-A.safetensors"
        assert (server.store.records.get(key) or {})["path"] == str(target)
        found = server.store.catalog.files["loras"].index.of_name("a-A.safetensors")
        assert [(each.dest, each.entry["name"]) for each in found] == [("loras/moved/B", "A")]
        listed = server.get("/library/moves").json()
        assert listed["moves"][0]["id"] == report["move"]
        assert (listed["moves"][0]["moved"], listed["moves"][0]["undone"]) == (1, 0)
        for moved in (1, 0):
            answer = server.post(f"/library/moves/{report['move']}/undo")
            assert report_of(server, answer)["moved"] == moved
            assert tree(shelf.models) == before
        assert (server.store.library.row(key) or {})["file"] == "go/a.safetensors"
        assert server.get("/library/moves").json()["moves"][0]["undone"] == 1
        assert server.store.catalog.files["loras"].index.of_name("a.safetensors")

    def test_never_over_another_file_nor_two_to_one_place(self, shelf: Shelf) -> None:
        first = shelf.lora("loras/over/x/a.safetensors", "1")
        second = shelf.lora("loras/over/y/A.safetensors", "2")
        third = shelf.lora("loras/over/z/b.safetensors", "3")
        shelf.put("loras/over/all/b.safetensors", b"in the way")
        shelf.hashed()
        report = self.move(shelf, "over/all", keys=[first, second, third])
        assert (report["moved"], report["skipped"]) == (1, 2)
        reasons = [each["reason"] for each in report["entries"]]
        assert reasons[0] == ""
        assert "Another file of these" in reasons[1]
        assert "already" in reasons[2]
        assert (shelf.models / "loras/over/all/b.safetensors").read_bytes() == b"in the way"
        assert sha256_of(shelf.models / "loras/over/all/a.safetensors") == first
        assert sha256_of(shelf.models / "loras/over/y/A.safetensors") == second
        shelf.put("loras/over/x/a.safetensors", b"new there")
        answer = shelf.server.post(f"/library/moves/{report['move']}/undo")
        told = report_of(shelf.server, answer)
        assert (told["moved"], told["skipped"]) == (0, 1)
        assert sha256_of(shelf.models / "loras/over/all/a.safetensors") == first

    def test_renames_one_file(self, shelf: Shelf) -> None:
        key = shelf.lora("loras/name/old.safetensors")
        shelf.hashed()
        self.move(shelf, "{folder}/{file}", keys=[key], file="new: name")
        assert sha256_of(shelf.models / "loras/name/new_ name.safetensors") == key

    @pytest.mark.skipif(os.name == "nt", reason="links need a right there")
    def test_a_link_stays_where_it_is(self, shelf: Shelf, tmp_path: Path) -> None:
        other = tmp_path / "real.safetensors"
        other.write_bytes(safetensors("LORA", "linked"))
        link = shelf.models / "loras/linked/l.safetensors"
        link.parent.mkdir(parents=True)
        link.symlink_to(other)
        shelf.hashed()
        report = self.move(shelf, "elsewhere", keys=[sha256_of(other)])
        assert (report["moved"], report["skipped"]) == (0, 1)
        assert link.is_symlink()

    @pytest.mark.parametrize(
        "rule",
        ["", "/", "..", "a/../b", "{nothing}", "{base_model", "a//b", "x{folder}", "a/" * 13],
    )
    def test_a_rule_that_leads_nowhere_is_refused(self, shelf: Shelf, rule: str) -> None:
        check_error(shelf.server.post("/library/move", json={"rule": rule}), 400, "rule")

    def test_names_of_models_cannot_lead_out_of_the_root(self, shelf: Shelf) -> None:
        key = shelf.lora("loras/out/a.safetensors")
        shelf.hashed()
        shelf.server.store.records.change(key, lambda record: record.update(name="../../../evil"))
        report = self.move(shelf, "out/{name}", keys=[key])
        assert report["entries"][0]["to"] == "out/_.._.._evil.safetensors"
        check_error(shelf.server.post("/library/moves/none/undo"), 404)
        bad = shelf.server.post("/library/move", json={"rule": "x", "file": "y"})
        check_error(bad, 400, "file")


@pytest.mark.parametrize(
    ("tool", "more"), [("lookup", {}), ("sidecars", {}), ("move", {"rule": "{folder}/{file}"})]
)
def test_a_report_names_the_keys_that_are_no_models(
    shelf: Shelf, tool: str, more: dict[str, Any]
) -> None:
    server = shelf.server
    key = shelf.lora(f"loras/asked/{tool}.safetensors")
    shelf.hashed()
    nobody = ["e" * 64, "no-such-place"]
    body = {"keys": [key.upper(), *nobody, nobody[0]], **more}
    report = report_of(server, server.post(f"/library/{tool}", json=body))
    assert report["unknown"] == nobody
    everything = report_of(server, server.post(f"/library/{tool}", json=more))
    assert everything["unknown"] == []
