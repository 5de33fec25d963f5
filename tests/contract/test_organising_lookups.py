"""What CivitAI knows of a library's files, and which pictures were made with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from tests.answers import check_error
from tests.organising import Shelf, report_of, sha256_of, wait_for
from tests.upstream import Upstream, World
from tests.upstream.pictures import png
from tests.waiting import until


def known_file(world: World, label: str) -> bytes:
    return world.version(label).files[0].content.data


def put_known(shelf: Shelf, world: World) -> str:
    """The hash of a LoRA that CivitAI has too."""
    path = shelf.put("loras/known.safetensors", known_file(world, "lora"))
    shelf.hashed()
    return sha256_of(path)


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
        key = put_known(shelf, world)
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
            until(lambda: all(map(asked, keys)))
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
        key = put_known(shelf, world)
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
        until(lambda: server.get(f"/library/models/{prompted}/use").json()["last_used"])
        assert server.get(f"/library/models/{never}/use").json() == {"last_used": None}
        told = server.get("/library/unused", params={"days": 0, "type": "loras", "limit": 1000})
        unused = {row["sha256"]: row["last_used"] for row in told.json()["models"]}
        assert unused[never] is None
        assert unused[made["lora"]] == used
        assert told.json()["total"] == len(unused)
        fresh = server.get("/library/unused", params={"days": 1}).json()
        assert fresh == {"models": [], "total": 0, "size_bytes": 0}
