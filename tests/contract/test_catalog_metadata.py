"""Asking upstream again about what the catalogs hold, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.catalogs import entries
from tests.serving import RunningServer
from tests.upstream import Upstream, World, shapes
from tests.waiting import until


def fetch(server: RunningServer) -> dict[str, Any]:
    """Ask, wait for the end, and give the status of each file."""
    answer = server.post("/models/fetch-metadata")
    assert answer.status_code == 200
    until(lambda: not server.store.metadata.fetching_count)
    until(lambda: all(job["state"] != "running" for job in server.get("/jobs").json()["jobs"]))
    return server.get("/models/metadata-status").json()


def entry_of(world: World, label: str, **more: Any) -> dict[str, Any]:
    version = world.version(label)
    told = {"name": "old", "file": version.files[0].name, "dest": "loras"}
    return {**told, "civitai_version_id": version.id, **more}


def put(server: RunningServer, *added: dict[str, Any], catalog: str = "models") -> None:
    server.store.catalog.add_entries(catalog, "loras", added)


def test_fills_in_what_civitai_knows_and_keeps_the_rest(
    server: RunningServer, world: World
) -> None:
    version = world.version("lora")
    put(server, entry_of(world, "lora", mine={"ü": 10**25}, tags=["x"]))
    assert fetch(server) == {version.files[0].name: {"status": "done"}}
    entry = entries(server)[0]
    expected = {
        "name": "Lantern Glow v1.0 [Illustrious FP16]",
        "mine": {"ü": 10**25},
        "tags": ["x"],
        "civitai_model_id": version.model_id,
        "civitai_model_name": "Lantern Glow",
        "civitai_version": "v1.0",
        "civitai_base_model": "Illustrious",
        "base_model": "Illustrious",
        "civitai_type": "LORA",
        "trainedWords": ["lantern glow", "warm light"],
        "hash": version.files[0].content.sha256,
    }
    assert {key: entry[key] for key in expected} == expected


def test_again_changes_nothing(server: RunningServer, world: World) -> None:
    put(server, entry_of(world, "lora"), entry_of(world, "vae"))
    fetch(server)
    before = (server.store.host.data / "models.json").read_bytes()
    fetch(server)
    assert (server.store.host.data / "models.json").read_bytes() == before


def test_answers_what_is_queued_and_shows_a_job(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    put(server, entry_of(world, "lora"), {"name": "A", "file": "a.pt", "dest": "vae"})
    upstream.faults.add("/api/v1/model-versions/", delay=600, times=None)
    file = world.version("lora").files[0].name
    for _ in range(3):
        answer = server.post("/models/fetch-metadata").json()
        assert answer == {"queued": 1, "files": [file]}
    until(lambda: upstream.requests("/api/v1/model-versions/"))
    assert server.get("/models").json()["stats"]["fetching_count"] == 1
    jobs = server.get("/jobs").json()["jobs"]
    assert [(job["kind"], job["state"]) for job in jobs] == [("metadata", "running")]
    upstream.faults.clear()
    until(lambda: not server.store.metadata.fetching_count)
    assert server.get("/models").json()["stats"]["fetching_count"] == 0
    assert len(upstream.requests("/api/v1/model-versions/")) == 1


def test_asks_for_hashes_a_hundred_at_once(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    labels = ("lora", "lora_second", "vae", "locon", "dora", "checkpoint")
    known = [
        entry_of(world, label, hash=world.version(label).files[0].content.sha256)
        for label in labels
    ]
    others = [
        {"name": "x", "file": f"{n}.pt", "dest": "vae", "hash": f"{n:064x}"} for n in range(110)
    ]
    put(server, *known, *others)
    upstream.faults.add("by-hash/", status=404, times=None)
    fetch(server)
    batches = upstream.requests("/model-versions/by-hash$", method="POST")
    assert [len(json.loads(each.body)) for each in batches] == [100, 16]
    assert not upstream.requests(r"/model-versions/\d")
    assert entries(server)[2]["civitai_model_name"] == "Clear Air VAE"


@pytest.mark.parametrize("status", [404, 405])
def test_asks_one_by_one_where_that_is_not_offered(
    server: RunningServer, world: World, upstream: Upstream, status: int
) -> None:
    upstream.switches.change({"by_hash_batch": status})
    sha256 = world.version("vae").files[0].content.sha256
    put(server, entry_of(world, "lora"), {"name": "", "file": "v.pt", "dest": "vae"})
    path = server.store.host.data / "models.json"
    path.write_text(path.read_text("utf-8").replace('"v.pt"', f'"v.pt", "hash": "{sha256}"'))
    fetch(server)
    assert entries(server)[0]["civitai_model_name"] == "Lantern Glow"
    assert entries(server)[1]["civitai_version_id"] == world.version("vae").id


def test_never_replaces_better_by_poorer(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    put(
        server,
        entry_of(
            world,
            "lora",
            civitai_tags=["style"],
            trainedWords=["lantern glow", "warm light", "mine"],
            size_gb=1.5,
            base_model="mine",
            author="me",
        ),
    )
    version = world.version("lora")
    fault: dict[str, Any] = {
        "id": version.id,
        "name": "",
        "baseModel": None,
        "trainedWords": [],
        "model": {},
        "files": [],
    }
    upstream.faults.add("/api/v1/model-versions/", json=fault, times=None)
    before = entries(server)
    fetch(server)
    assert entries(server) == before
    upstream.faults.clear()
    fetch(server)
    entry = entries(server)[0]
    assert entry["trainedWords"] == ["lantern glow", "warm light", "mine"]
    assert (entry["size_gb"], entry["base_model"], entry["author"]) == (1.5, "mine", "me")
    assert entry["civitai_tags"] == ["style"]


def test_leaves_a_locked_name(server: RunningServer, world: World) -> None:
    put(server, entry_of(world, "lora", name="Mine", name_locked=True))
    fetch(server)
    assert entries(server)[0]["name"] == "Mine"


def test_sets_and_takes_the_tag_nsfw(server: RunningServer, world: World) -> None:
    put(server, entry_of(world, "lora", tags=["nsfw", "x"]), entry_of(world, "gated"))
    fetch(server)
    assert [entry.get("tags") for entry in entries(server)] == [["x"], ["nsfw"]]


def test_marks_a_removed_model_and_keeps_what_is_known_of_it(
    server: RunningServer, world: World
) -> None:
    kept = entry_of(world, "removed", civitai_model_name="Gone", trainedWords=["x"])
    put(server, kept)
    assert fetch(server)[kept["file"]] == {"status": "done"}
    assert entries(server) == [{**kept, "removed_upstream": True}]


def test_takes_the_mark_away_when_it_is_back(server: RunningServer, world: World) -> None:
    put(server, entry_of(world, "lora", removed_upstream=True))
    fetch(server)
    assert "removed_upstream" not in entries(server)[0]


def test_asks_hugging_face_when_a_repository_has_changed(
    server: RunningServer, world: World
) -> None:
    single = world.repository("single")
    hub = {"name": "S", "file": "lora.safetensors", "dest": "loras", "hf_repo": single.name}
    gone = {"name": "G", "file": "g.safetensors", "dest": "loras", "hf_repo": "moss/none"}
    put(server, hub)
    put(server, gone, catalog="loras")
    status = fetch(server)
    assert status["lora.safetensors"] == {"status": "done"}
    # Without a token it does not say whether a repository is private or not there.
    assert status["g.safetensors"]["status"] == "error"
    assert entries(server) == [{**hub, "lastModified": shapes.moment(single.modified)}]
    assert entries(server, "loras") == [gone]


def test_tells_errors_by_file_and_goes_on_with_the_others(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    put(server, entry_of(world, "lora"), entry_of(world, "vae"))
    upstream.faults.add(f"/model-versions/{world.version('lora').id}", status=500, times=None)
    status = fetch(server)
    bad = status[world.version("lora").files[0].name]
    assert (bad["status"], bool(bad["error"])) == ("error", True)
    assert status[world.version("vae").files[0].name] == {"status": "done"}


def test_does_not_go_on_asking_who_fails_all_the_time(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    labels = ("lora", "lora_second", "vae", "locon", "dora", "checkpoint")
    put(server, *(entry_of(world, label) for label in labels))
    upstream.faults.add("/model-versions/", status=500, times=None)
    status = fetch(server)
    assert {each["status"] for each in status.values()} == {"error"}
    assert len(upstream.requests("/model-versions/")) == 3


def test_an_edit_by_hand_meanwhile_survives(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    put(server, entry_of(world, "lora"), entry_of(world, "vae"))
    upstream.faults.add("/api/v1/model-versions/", delay=600, times=None)
    server.post("/models/fetch-metadata")
    until(lambda: upstream.requests("/api/v1/model-versions/"))
    path = server.store.host.data / "models.json"
    data = json.loads(path.read_text("utf-8"))
    data["categories"][0]["models"].pop()
    data["categories"][0]["models"][0]["mine"] = "by hand"
    data["categories"][0]["models"].append({"file": "new.pt", "dest": "vae"})
    path.write_text(json.dumps(data))
    upstream.faults.clear()
    until(lambda: not server.store.metadata.fetching_count)
    found = entries(server)
    assert (found[0]["mine"], found[0]["civitai_model_name"]) == ("by hand", "Lantern Glow")
    assert found[1:] == [{"file": "new.pt", "dest": "vae"}]


def test_a_broken_catalog_is_left_alone(server: RunningServer, world: World) -> None:
    put(server, entry_of(world, "lora"))
    path = server.store.host.data / "models.json"
    path.write_text("{")
    status = fetch(server)
    assert [each["status"] for each in status.values()] == ["error"]
    assert path.read_text() == "{"


def test_can_be_cancelled(server: RunningServer, world: World, upstream: Upstream) -> None:
    put(server, entry_of(world, "lora"), entry_of(world, "vae"))
    upstream.faults.add("/api/v1/model-versions/", delay=600, times=None)
    server.post("/models/fetch-metadata")
    until(lambda: upstream.requests("/api/v1/model-versions/"))
    job = server.get("/jobs").json()["jobs"][0]
    server.post(f"/jobs/{job['id']}/cancel")
    upstream.faults.clear()
    until(lambda: server.get("/jobs").json()["jobs"][0]["state"] == "cancelled")
    until(lambda: not server.store.metadata.fetching_count)
    assert len(upstream.requests("/api/v1/model-versions/")) == 1
