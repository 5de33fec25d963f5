"""Emptying a gallery over HTTP: records and files together, what others show stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from tests.galleries import kept_files
from tests.gallery_runs import (
    MEDIA,
    cards_of,
    finished,
    gallery,
    ids,
    list_also,
    ran,
    shared_of,
    start,
)
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until


def delete(server: RunningServer, model_id: int, **query: int) -> int:
    answer = server.delete(f"/loras/{model_id}/gallery", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deleted"]


def thumbs_are_made(server: RunningServer) -> bool:
    """What a run has brought has its thumbnails by now."""
    jobs = [job for job in server.get("/jobs").json()["jobs"] if job["kind"] == "thumbs"]
    return bool(jobs) and all(job["state"] == "done" for job in jobs)


def test_records_and_files_of_both_sources_are_gone_starred_ones_too(
    server: RunningServer, world: World
) -> None:
    model = world.model("vae")
    found = ran(server, model.id)
    server.post(f"/loras/gallery/{found['images'][0]['id']}/star")
    until(lambda: thumbs_are_made(server))
    count = found["images_total"]
    assert len(kept_files(server)) == 3 * count
    assert delete(server, model.id) == count
    assert gallery(server, model.id)["images"] == []
    assert kept_files(server) == []
    for item in found["images"]:
        assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 404
    assert delete(server, model.id) == 0
    assert delete(server, 99) == 0
    again = ran(server, model.id)
    assert ids(again["images"]) == ids(found["images"])


def test_what_another_model_shows_stays_there(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    lora, other = world.model("lora"), world.model("vae")
    mine = ids(ran(server, lora.id, "start:6")["images"])
    shared = sorted(mine)[-5:]
    list_also(upstream, other.versions[0], [world.images[each] for each in shared])
    theirs = ids(ran(server, other.id)["images"])
    assert set(shared) < theirs
    assert delete(server, lora.id) == len(mine)
    assert gallery(server, lora.id)["images"] == []
    rest = gallery(server, other.id)["images"]
    assert ids(rest) == theirs
    versions = {version.id for version in lora.versions}
    assert not any(versions & set(item["versions"]) for item in rest)
    for item in rest:
        assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 200
        assert item["model_id"] == other.id
    assert delete(server, other.id) == len(theirs)
    until(lambda: kept_files(server) == [])


def test_of_a_version_goes_what_that_version_alone_uses(
    server: RunningServer, world: World
) -> None:
    first, second = world.version("lora"), world.version("lora_second")
    before = {int(item["id"]): item for item in ran(server, first.model_id, "start:12")["images"]}
    gone = {key for key, item in before.items() if item["versions"] == [second.id]}
    assert gone and set(before) - gone
    assert delete(server, first.model_id, version_id=second.id) == len(gone)
    assert ids(gallery(server, first.model_id)["images"]) == set(before) - gone
    assert gallery(server, first.model_id, version_id=second.id)["images"] == []
    assert delete(server, first.model_id, version_id=second.id) == 0
    assert delete(server, first.model_id, version_id=12345) == 0


def test_of_a_version_what_another_model_shows_stays_there(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    lora, version, other = world.model("lora"), world.version("lora_second"), world.model("vae")
    ran(server, lora.id, "start:6")
    mine = ids(gallery(server, lora.id, version_id=version.id)["images"])
    list_also(upstream, other.versions[0], [world.images[each] for each in mine])
    theirs = ids(ran(server, other.id)["images"])
    assert mine and mine < theirs
    assert delete(server, lora.id, version_id=version.id) == len(mine)
    assert not mine & ids(gallery(server, lora.id)["images"])
    assert ids(gallery(server, other.id)["images"]) == theirs


def test_during_a_run_the_run_is_stopped_first_and_brings_nothing_after(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("lora")
    upstream.faults.add(MEDIA, skip=6, times=None, delay=0.05)
    start(server, model.id, "start:1000")
    until(lambda: len(server.store.gallery) >= 4)
    assert delete(server, model.id) >= 4
    assert gallery(server, model.id)["images_total"] == 0
    found = finished(server, model.id)
    assert (found["status"], found["images_total"]) == ("stopped", 0)
    upstream.faults.clear()
    until(lambda: kept_files(server) == [])
    assert len(server.store.gallery) == 0


def test_a_persons_own_picture_leaves_the_gallery_and_is_not_lost(
    server: RunningServer, tmp_path: Path
) -> None:
    picture = tmp_path / "own.png"
    Image.effect_noise((32, 32), 50).save(picture)
    own = server.store.gallery.add_own(picture, model_id=7)
    assert delete(server, 7) == 1
    assert gallery(server, 7)["images"] == []
    (kept,) = gallery(server, 0)["images"]
    assert kept["id"] == own["id"]
    assert server.get(f"/loras/gallery/media/{own['id']}").content == picture.read_bytes()
    assert delete(server, 0) == 1 and kept_files(server) == []


def test_at_once_each_picture_is_counted_once(server: RunningServer, world: World) -> None:
    model = world.model("vae")
    count = ran(server, model.id)["images_total"]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(delete, server, model.id) for _ in range(4)]
        counts = [each.result() for each in asked]
    assert sum(counts) == count
    until(lambda: thumbs_are_made(server))
    assert not kept_files(server)


def test_the_picture_chosen_for_a_model_stands_for_it_until_it_is_gone(
    server: RunningServer, world: World
) -> None:
    model = world.model("vae")
    found = ran(server, model.id)
    chosen = found["gallery_community"][0]["id"]
    answer = server.post(f"/loras/gallery/{chosen}/set-preview")
    assert answer.json() == {"status": "ok", "model_id": model.id, "civitai_id": chosen}
    assert server.post(f"/loras/gallery/{chosen}/set-preview").json() == answer.json()
    shown = gallery(server, model.id)
    assert (shown["custom_preview"], shown["default_preview"]) == (
        chosen,
        found["default_preview"],
    )
    facts = server.store.gallery.catalog_facts(model.id)
    assert (facts["gallery_thumb"], facts["gallery_thumb_default"]) == (
        chosen,
        found["default_preview"],
    )
    assert server.post("/loras/gallery/404/set-preview").status_code == 404
    other = server.post(f"/loras/gallery/{chosen}/set-preview", params={"model_id": 5})
    assert other.status_code == 404
    delete(server, model.id)
    assert gallery(server, model.id)["custom_preview"] is None
    assert cards_of(world, "vae") and shared_of(world, "vae")
