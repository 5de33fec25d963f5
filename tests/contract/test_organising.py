"""Lookups, imports, matching, bulk changes and moves of a library, over HTTP."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from comfyui_curator.store import Options
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from tests.catalogs import check_error, wait_until
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.upstream.pictures import png
from tests.upstream.weights import safetensors

Tree = dict[str, tuple[int, int, str]]


def report_of(server: RunningServer, answer: requests.Response) -> dict[str, Any]:
    """The report of a job when it is over."""
    assert answer.status_code == 200, answer.text
    told = wait_for(server, answer)
    assert told["job"]["state"] == "done", told
    return told["report"]


def wait_for(server: RunningServer, answer: requests.Response) -> dict[str, Any]:
    path = f"/library/reports/{answer.json()['job']['id']}"
    wait_until(lambda: server.get(path).json()["job"]["state"] not in ("queued", "running"))
    return server.get(path).json()


def tree(folder: Path) -> Tree:
    """Every file and folder below, with size, time and content."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        told = (stat.st_size, stat.st_mtime_ns, hashlib.sha256(data).hexdigest())
        found[path.relative_to(folder).as_posix()] = told if path.is_file() else (0, 0, "")
    return found


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Shelf:
    """A server with files in its models folders, all of them hashed."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.models = server.store.host.models

    def put(self, name: str, data: bytes) -> Path:
        path = self.models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def lora(self, name: str, salt: str | None = None, kind: str = "LORA") -> str:
        """A new LoRA's hash."""
        return sha256_of(self.put(name, safetensors(kind, salt or name)))

    def hashed(self) -> None:
        """Look now, and wait until every hash is known."""
        library = self.server.store.library
        library.scan()
        wait_until(lambda: all(place.sha256 for place in library.places.all()))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, running_upstream: Upstream) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("organising")
    options = Options(
        civitai=running_upstream.civitai, civitai_images=running_upstream.civitai_images
    )
    with RunningServer(folder / "root", options) as running:
        yield Shelf(running)


def known_file(world: World, label: str) -> bytes:
    return world.version(label).files[0].content.data


class TestLookup:
    def test_asks_for_all_hashes_in_one_batch_and_remembers_also_what_is_not_known(
        self, shelf: Shelf, world: World, upstream: Upstream
    ) -> None:
        server = shelf.server
        shelf.put("loras/known.safetensors", known_file(world, "lora"))
        mine = shelf.lora("loras/lookup/mine.safetensors")
        shelf.hashed()
        report = report_of(server, server.post("/library/lookup", json={}))
        assert (report["found"], report["failed"]) == (1, 0)
        assert report["asked"] == report["found"] + report["absent"]
        asked = upstream.requests("/model-versions/by-hash$", method="POST")
        assert len(asked) == 1
        key = world.version("lora").files[0].content.sha256
        told = server.get(f"/library/models/{key}/civitai").json()
        assert told["found"]["name"] == "Lantern Glow"
        assert told["found"]["version_id"] == world.version("lora").id
        assert told["found"]["trained_words"] == ["lantern glow", "warm light"]
        nothing = server.get(f"/library/models/{mine}/civitai").json()
        assert nothing["found"] is None
        assert nothing["checked"] > 1_600_000_000_000
        again = report_of(server, server.post("/library/lookup", json={}))
        assert (again["asked"], again["known"]) == (0, report["asked"])
        assert len(upstream.requests("/model-versions/by-hash$", method="POST")) == 1

    def test_asks_again_when_told_to_and_only_about_the_selection(
        self, shelf: Shelf, world: World, upstream: Upstream
    ) -> None:
        server = shelf.server
        shelf.put("loras/known.safetensors", known_file(world, "lora"))
        shelf.hashed()
        key = world.version("lora").files[0].content.sha256
        before = len(upstream.requests("by-hash$", method="POST"))
        body = {"keys": [key.upper()], "again": True}
        report = report_of(server, server.post("/library/lookup", json=body))
        assert (report["asked"], report["found"]) == (1, 1)
        asked = upstream.requests("by-hash$", method="POST")[before:]
        assert [json.loads(each.body) for each in asked] == [[key.upper()]]

    def test_one_by_one_where_batches_are_not_taken(
        self, shelf: Shelf, world: World, upstream: Upstream
    ) -> None:
        server = shelf.server
        path = shelf.put("vae/single.safetensors", known_file(world, "vae"))
        shelf.hashed()
        upstream.switches.change({"by_hash_batch": 405})
        body = {"keys": [sha256_of(path)]}
        assert report_of(server, server.post("/library/lookup", json=body))["found"] == 1

    def test_when_civitai_fails_it_says_so_and_asks_again_the_next_time(
        self, shelf: Shelf, upstream: Upstream
    ) -> None:
        server = shelf.server
        key = shelf.lora("loras/lookup/failing.safetensors")
        shelf.hashed()
        upstream.faults.add("by-hash", status=500, times=None)
        told = wait_for(server, server.post("/library/lookup", json={"keys": [key]}))
        assert told["job"]["state"] == "failed", told
        assert told["job"]["error"]
        upstream.faults.clear()
        report = report_of(server, server.post("/library/lookup", json={"keys": [key]}))
        assert (report["asked"], report["absent"]) == (1, 1)

    def test_new_files_are_asked_about_by_themselves_only_where_that_is_wanted(
        self, shelf: Shelf, upstream: Upstream
    ) -> None:
        server = shelf.server
        shelf.lora("loras/auto/before.safetensors")
        shelf.hashed()
        assert not upstream.requests("by-hash")
        server.store.settings.change({"civitai_lookup": True})
        try:
            keys = {shelf.lora(f"loras/auto/{n}.safetensors") for n in range(3)}
            shelf.hashed()
            asked = server.store.organising.lookup.checked
            wait_until(lambda: all(map(asked, keys)))
        finally:
            server.store.settings.change({"civitai_lookup": False})
        # Singly here where a test before has found that several at once are not taken.
        sent = " ".join(f"{each.path} {each.body!r}" for each in upstream.requests("by-hash"))
        assert all(sent.count(key.upper()) == 1 for key in keys)
        server.store.organising.tasks.wait("lookup")

    def test_a_model_that_is_not_there_is_404(self, shelf: Shelf) -> None:
        for path in ("civitai", "pictures"):
            check_error(shelf.server.get(f"/library/models/{'f' * 64}/{path}"), 404)
        check_error(shelf.server.get("/library/reports/none"), 404)


INFO: dict[str, Any] = {
    "id": 12,
    "modelId": 11,
    "name": "v2",
    "baseModel": "SDXL 1.0",
    "trainedWords": ["glow", "warm,"],
    "description": "<p>Second</p>",
    "model": {
        "name": "Lantern",
        "type": "LORA",
        "tags": ["style", "light"],
        "description": "<b>A</b> lamp",
    },
}


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


@pytest.fixture(scope="module")
def made(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A checkpoint and a LoRA, and a picture that names them by short hashes."""
    shelf.server.store.library.scan()
    checkpoint = shelf.lora("checkpoints/match.safetensors", kind="Checkpoint")
    lora = shelf.lora("loras/match.safetensors", "match")
    shelf.hashed()
    auto_v3 = shelf.server.store.library.places.of_hash(lora)[0].auto_v3
    assert auto_v3
    generation = Generation(
        prompt="x",
        model="match",
        model_hash=checkpoint[:10],
        loras=[{"name": "match", "weight": 0.5, "hash": auto_v3, "version_id": None,
                "model_id": None}],
    ).listing(["0" * 12])  # fmt: skip
    path = tmp_path_factory.mktemp("matching") / "p.png"
    path.write_bytes(png("match", 32, 32))
    facts = Facts("4711", generation=generation, source="own", created_at="2020-01-02T03:04:05Z")
    item = shelf.server.store.gallery.add_file(path, facts)
    return {"checkpoint": checkpoint, "lora": lora, "picture": item["id"]}


class TestMatching:
    def test_a_picture_shows_the_models_it_was_made_with(
        self, shelf: Shelf, made: dict[str, str]
    ) -> None:
        told = shelf.server.get(f"/library/pictures/{made['picture']}/models").json()
        assert {each["key"] for each in told["models"]} == {made["checkpoint"], made["lora"]}
        lora = next(each for each in told["models"] if each["key"] == made["lora"])
        assert (lora["by"], lora["weight"], lora["name"]) == ("hash", 0.5, "match")
        assert lora["model"]["file"] == "match.safetensors"
        assert [each["hash"] for each in told["unknown"]] == ["0" * 12]
        check_error(shelf.server.get("/library/pictures/999/models"), 404)

    def test_a_model_shows_the_pictures_made_with_it(
        self, shelf: Shelf, made: dict[str, str]
    ) -> None:
        for key in (made["checkpoint"], made["lora"].upper()):
            found = shelf.server.get(f"/library/models/{key}/pictures").json()
            assert [each["id"] for each in found["images"]] == [made["picture"]]
            assert (found["total"], found["next"]) == (1, None)
        bad = shelf.server.get(f"/library/models/{made['lora']}/pictures", params={"before": "x"})
        check_error(bad, 400)

    def test_a_model_is_shown_by_its_sample_else_by_a_picture_made_with_it(
        self, shelf: Shelf, made: dict[str, str]
    ) -> None:
        keys = (made["checkpoint"], made["lora"], "0" * 64)
        server = shelf.server
        server.store.samples.add(made["checkpoint"], png("face", 8, 8))
        told = server.get("/library/faces", params={"keys": ",".join(keys)}).json()["faces"]
        assert told == {
            made["checkpoint"]: {"samples": 1, "picture": None, "nsfw_level": 0},
            made["lora"]: {"samples": 0, "picture": made["picture"], "nsfw_level": 0},
        }
        server.store.samples.delete(made["checkpoint"], 0)

    def test_a_version_that_civitai_told_matches_too(
        self, shelf: Shelf, world: World, tmp_path: Path
    ) -> None:
        server = shelf.server
        shelf.put("loras/known.safetensors", known_file(world, "lora"))
        shelf.hashed()
        key = world.version("lora").files[0].content.sha256
        report_of(server, server.post("/library/lookup", json={"keys": [key]}))
        (tmp_path / "v.png").write_bytes(png("version", 32, 32))
        generation = Generation(prompt="v").listing([], [world.version("lora").id])
        server.store.gallery.add_file(tmp_path / "v.png", Facts("4712", generation=generation))
        told = server.get("/library/pictures/4712/models").json()
        assert [(each["key"], each["by"]) for each in told["models"]] == [(key, "version")]
        found = server.get(f"/library/models/{key}/pictures").json()
        assert [each["id"] for each in found["images"]] == ["4712"]

    def test_use_is_known_from_own_pictures_and_from_prompts(
        self, shelf: Shelf, made: dict[str, str]
    ) -> None:
        server = shelf.server
        used = server.get(f"/library/models/{made['lora']}/use").json()["last_used"]
        assert used == 1577934245000
        never = shelf.lora("loras/use/never.safetensors")
        prompted = shelf.lora("loras/use/prompted.safetensors")
        shelf.hashed()
        prompt = {"1": {"class_type": "LoraLoader", "inputs": {
            "lora_name": "use/prompted.safetensors", "strength_model": 1.0}}}  # fmt: skip
        server.store.organising.uses.hear(prompt)
        wait_until(lambda: server.get(f"/library/models/{prompted}/use").json()["last_used"])
        assert server.get(f"/library/models/{never}/use").json() == {"last_used": None}
        told = server.get("/library/unused", params={"days": 0, "type": "loras", "limit": 1000})
        unused = {row["sha256"]: row["last_used"] for row in told.json()["models"]}
        assert unused[never] is None
        assert unused[made["lora"]] == used
        assert told.json()["total"] == len(unused)
        fresh = server.get("/library/unused", params={"days": 1}).json()
        assert fresh == {"models": [], "total": 0, "size_bytes": 0}


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
