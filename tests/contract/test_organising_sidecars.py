"""What other programs have left beside models, taken over."""

from __future__ import annotations

import json
from typing import Any

from tests.answers import check_error
from tests.organising import INFO, Shelf, report_of, tree
from tests.upstream.pictures import png


class TestSidecars:
    def test_a_dry_run_tells_everything_and_changes_nothing(self, shelf: Shelf) -> None:
        server = shelf.server
        key = shelf.lora("loras/dry/a.safetensors")
        shelf.put("loras/dry/a.civitai.info", json.dumps(INFO).encode())
        shelf.put("loras/dry/a.preview.png", png("p", 64, 48))
        shelf.hashed()
        report = report_of(server, server.post("/library/sidecars", json={"keys": [key]}))
        assert report["dry_run"] is True
        assert (report["models"], report["with_files"], report["changed"]) == (1, 1, 1)
        assert report["files"] == {"civitai_info": 1}
        assert report["entries"][0]["fields"] == [
            "base_model", "meta", "name", "tags", "trigger_words",
        ]  # fmt: skip
        assert report["entries"][0]["preview"] is True
        assert key not in server.store.records
        assert server.store.samples.count(key) == 0
        assert server.store.model_tags.named("light") is None

    def test_fills_records_from_all_four_kinds_and_the_picture(self, shelf: Shelf) -> None:
        server = shelf.server
        manager = {
            "file_name": "b", "model_name": "Mine", "notes": "try 0.7", "favorite": True,
            "base_model": "Pony", "tags": ["own"], "civitai": INFO,
            "usage_tips": '{"strength_min": 0.2, "strength": 0.7, "strength_max": 1}',
        }  # fmt: skip
        a1111 = {"activation text": "lamp, night", "preferred weight": 0.6, "sd version": "SDXL",
                 "description": "d", "notes": "n", "negative text": "day"}  # fmt: skip
        matrix = {"ModelId": 5, "ModelName": "M", "VersionId": 6, "VersionName": "v1",
                  "BaseModel": "Flux.1 D", "TrainedWords": ["m"], "Tags": ["t"],
                  "UserTitle": "Own title"}  # fmt: skip
        keys = {name: shelf.lora(f"loras/four/{name}.safetensors") for name in "bcd"}
        shelf.put("loras/four/b.metadata.json", json.dumps(manager).encode())
        shelf.put("loras/four/b.webp", png("b", 64, 48))
        shelf.put("loras/four/c.json", b"\xef\xbb\xbf" + json.dumps(a1111).encode())
        shelf.put("loras/four/d.cm-info.json", json.dumps(matrix).encode())
        shelf.hashed()
        body = {"keys": list(keys.values()), "dry_run": False}
        before = tree(shelf.models)
        report = report_of(server, server.post("/library/sidecars", json=body))
        assert report["files"] == {"metadata_json": 1, "a1111": 1, "cm_info": 1}
        assert (report["changed"], report["previews"], report["unreadable"]) == (3, 1, [])
        records = {name: server.store.records.get(key) or {} for name, key in keys.items()}
        b = records["b"]
        assert (b["name"], b["base_model"], b["notes"]) == ("Mine", "Pony", "try 0.7")
        assert b["favorite"] is True
        assert b["presets"] == [{"name": "", "min": 0.2, "recommended": 0.7, "max": 1.0}]
        assert b["trigger_words"] == [{"text": "glow", "group": ""}, {"text": "warm", "group": ""}]
        assert b["meta"]["description"] == "A lamp\n\nSecond"
        assert b["meta"]["community_links"].endswith("/models/11?modelVersionId=12")
        tags = [tag["name"] for tag in server.store.model_tags.shown(b["tags"])]
        assert tags == ["light", "own", "style"]
        assert server.store.samples.count(keys["b"]) == 1
        c = records["c"]
        assert c["trigger_words"] == [{"text": "lamp, night", "group": ""}]
        assert (c["base_model"], c["notes"]) == ("SDXL 1.0", "n")
        assert c["presets"][0]["recommended"] == 0.6
        assert c["meta"]["prompts"] == {"positive": "", "negative": "day"}
        assert (records["d"]["name"], records["d"]["base_model"]) == ("Own title", "Flux.1 D")
        told = server.get(f"/library/models/{keys['b']}/civitai").json()["found"]
        assert (told["version_id"], told["model_id"]) == (12, 11)
        assert tree(shelf.models) == before
        again = report_of(server, server.post("/library/sidecars", json=body))
        assert (again["changed"], again["previews"]) == (0, 0)

    def test_what_a_person_has_set_emptied_or_removed_stays_so(self, shelf: Shelf) -> None:
        server = shelf.server
        key = shelf.lora("loras/won/a.safetensors")
        shelf.put("loras/won/a.civitai.info", json.dumps(INFO).encode())
        shelf.put("loras/won/a.png", png("w", 64, 48))
        shelf.hashed()
        take = {"keys": [key], "dry_run": False}
        report_of(server, server.post("/library/sidecars", json=take))

        def edit(record: dict[str, Any]) -> None:
            record.update(name="Own", base_model="", tags=[])
            record["meta"]["description"] = ""

        server.store.records.change(key, edit)
        server.store.samples.delete(key, 0)
        report = report_of(server, server.post("/library/sidecars", json=take))
        assert (report["changed"], report["previews"]) == (0, 0)
        record = server.store.records.get(key) or {}
        assert (record["name"], record["base_model"], record["tags"]) == ("Own", "", [])
        assert record["meta"]["description"] == ""
        assert server.store.samples.count(key) == 0

    def test_broken_and_foreign_files_are_told_and_cost_only_themselves(self, shelf: Shelf) -> None:
        server = shelf.server
        names = ("torn", "list", "other", "wrong", "fine")
        keys = {name: shelf.lora(f"loras/bad/{name}.safetensors") for name in names}
        shelf.put("loras/bad/torn.civitai.info", b'{"id": 1, "mod')
        shelf.put("loras/bad/list.metadata.json", b"[1]")
        shelf.put("loras/bad/other.json", b'{"architectures": ["x"]}')
        about = {**INFO, "files": [{"hashes": {"SHA256": "AB" * 32}}]}
        shelf.put("loras/bad/wrong.civitai.info", json.dumps(about).encode())
        shelf.put("loras/bad/fine.civitai.info", json.dumps(INFO).encode())
        shelf.put("loras/bad/fine.preview.png", b"no picture")
        shelf.hashed()
        body = {"keys": list(keys.values()), "dry_run": False}
        report = report_of(server, server.post("/library/sidecars", json=body))
        told = {each["file"] for each in report["unreadable"]}
        assert told == {"torn.civitai.info", "list.metadata.json", "fine.preview.png"}
        wrong = next(each for each in report["entries"] if each["file"] == "wrong.safetensors")
        assert "another hash" in wrong["reason"]
        assert wrong["fields"] == []
        assert [key for key in keys.values() if key in server.store.records] == [keys["fine"]]

    def test_a_dry_run_counts_the_pictures_that_are_taken_then(self, shelf: Shelf) -> None:
        server = shelf.server
        whole = png("v", 64, 48)
        pictures = {"fine": whole, "none": b"no picture", "torn": whole[: len(whole) // 2],
                    "removed": png("r", 64, 48), "second": png("s", 64, 48), "same": whole,
                    "jpeg": b"\xff\xd8\xff\xe0 not much"}  # fmt: skip
        keys = {name: shelf.lora(f"loras/trial/{name}.safetensors") for name in pictures}
        for name, data in pictures.items():
            shelf.put(f"loras/trial/{name}.preview.png", data)
        shelf.hashed()
        samples = server.store.samples
        for name, data in (("removed", pictures["removed"]), ("second", png("1", 8, 8)),
                           ("same", whole)):  # fmt: skip
            samples.add(keys[name], data)
        samples.delete(keys["removed"], 0)
        ask = {"keys": list(keys.values())}
        dry, real = (
            report_of(server, server.post("/library/sidecars", json={**ask, "dry_run": dry_run}))
            for dry_run in (True, False)
        )
        taken = [each["file"] for each in dry["entries"] if each["preview"]]
        assert taken == ["fine.safetensors", "second.safetensors"]
        told = [each["file"] for each in dry["unreadable"]]
        assert told == ["none.preview.png", "torn.preview.png", "jpeg.preview.png"]
        assert {**real, "dry_run": True} == dry

    def test_runs_over_everything_once_when_asked_twice_at_the_same_time(
        self, shelf: Shelf
    ) -> None:
        server = shelf.server
        first = server.post("/library/sidecars", json={})
        report = report_of(server, first)
        assert report["models"] == len(server.store.library.places.all())
        job = server.post(f"/jobs/{first.json()['job']['id']}/cancel")
        check_error(job, 409)
