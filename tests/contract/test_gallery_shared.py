"""One picture in the galleries of several models, or of several versions of one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

from comfyui_curator.store import Options
from comfyui_curator.store.gallery_upkeep import REBUILD
from tests.gallery_runs import finished, gallery, ids, list_also, ran, start
from tests.serving import RunningServer
from tests.upstream import Upstream, World, shapes
from tests.upstream.records import Image, Model, Version
from tests.waiting import until


def show_also(upstream: Upstream, world: World, cards: dict[Version, Iterable[Image]]) -> None:
    """From now on the author shows exactly these pictures, and none with other versions."""
    model = world.model_of(next(iter(cards)))
    told: Any = requests.get(f"{upstream.civitai}/api/v1/models/{model.id}", timeout=30).json()
    shown = {version.id: list(images) for version, images in cards.items()}
    for version in told["modelVersions"]:
        version["images"] = [
            {"url": f"{upstream.civitai_images}/{each.uuid}/original=true/{each.id}.jpeg"}
            for each in shown.get(version["id"], ())
        ]
    upstream.faults.add(f"/api/v1/models/{model.id}$", json=told, times=None)


def list_without_versions(upstream: Upstream, version: Version, *pages: Iterable[Image]) -> None:
    """These pages are the version's list, whose pictures do not say which versions they show."""
    for place, images in enumerate(pages):
        page: dict[str, Any] = {"items": [shapes.trpc_image(image) for image in images]}
        for item in page["items"]:
            del item["modelVersionIds"]
        if place + 1 < len(pages):
            page["nextCursor"] = f"{version.id}-{place + 1}"
        asked = f'"cursor": ?"{version.id}-{place}"' if place else '"cursor": ?null'
        upstream.faults.add(
            f'getInfinite(?=.*"modelVersionId": ?{version.id},).*{asked}',
            json={"result": {"data": {"json": page}}},
            times=None,
        )


def some_images(world: World, model: Model, count: int) -> list[Image]:
    """Pictures of the community that are no cards."""
    found = [
        each
        for each in world.images_of(model)
        if not each.is_lost and each.content_type == "image/jpeg"
    ]
    return found[:count]


def numbers(images: Iterable[Image]) -> set[int]:
    return {image.id for image in images}


class TestTwoModels:
    def test_a_card_of_one_is_a_picture_of_the_community_with_the_other(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        mine, other = world.model("lora"), world.model("vae")
        images = some_images(world, mine, 6)
        show_also(upstream, world, {mine.versions[0]: images[:2]})
        show_also(upstream, world, {other.versions[0]: images[2:3]})
        for version in mine.versions:
            list_also(upstream, version, images[2:4])
        list_also(upstream, other.versions[0], [*images[:2], *images[4:6]])
        ran(server, mine.id, "start:9")
        theirs = ran(server, other.id, "start:2")

        assert ids(theirs["gallery_card"]) == numbers(images[2:3])
        assert ids(theirs["gallery_community"]) == numbers(images[:2]), "they count for its number"
        assert theirs["default_preview"] == str(images[2].id)
        assert ids(gallery(server, other.id, source="original")["images"]) == numbers(images[2:3])
        community = gallery(server, other.id, source="community", limit=9)
        assert ids(community["images"]) == numbers(images[:2])
        assert {item["source"] for item in community["images"]} == {"community"}

        found = gallery(server, mine.id)
        assert ids(found["gallery_card"]) == numbers(images[:2])
        assert ids(found["gallery_community"]) == numbers(images[2:4])
        assert int(found["default_preview"]) in numbers(images[:2])
        assert gallery(server, mine.id, limit=1)["default_preview"] == found["default_preview"]
        facts = server.store.gallery.catalog_facts(mine.id)
        assert (facts["gallery_orig_count"], facts["gallery_comm_count"]) == (2, 2)

    def test_it_is_still_so_after_the_database_is_lost(
        self, tmp_path: Path, options: Options, world: World, upstream: Upstream
    ) -> None:
        mine, other = world.model("lora"), world.model("vae")
        images = some_images(world, mine, 3)
        show_also(upstream, world, {mine.versions[0]: images[:1]})
        show_also(upstream, world, {other.versions[0]: images[1:2]})
        for version in (*mine.versions, other.versions[0]):
            list_also(upstream, version, images)
        with RunningServer(tmp_path / "root", options) as server:
            for model in (mine, other):
                ran(server, model.id, "start:9")
            before = [gallery(server, model.id) for model in (mine, other)]
            database = server.store.host.data / "database"
        shutil.rmtree(database)
        with RunningServer(tmp_path / "root", options) as server:
            rebuilt(server)
            after = [gallery(server, model.id) for model in (mine, other)]
        for old, new in zip(before, after, strict=True):
            for name in ("gallery_card", "gallery_community"):
                assert ids(old[name]) == ids(new[name]) != set()

    def test_a_card_that_leaves_its_own_gallery_stays_with_the_other_as_its_picture(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        mine, other = world.model("lora"), world.model("vae")
        images = some_images(world, mine, 2)
        show_also(upstream, world, {mine.versions[0]: images[:1]})
        show_also(upstream, world, {other.versions[0]: images[1:]})
        list_also(upstream, other.versions[0], images)
        ran(server, mine.id, "start:cards")
        ran(server, other.id, "start:5")
        server.delete(f"/loras/{mine.id}/gallery")
        found = server.get("/gallery", params={"source": "community"}).json()["images"]
        assert ids(found) == numbers(images[:1])


class TestTwoVersions:
    def test_what_both_lists_have_is_shown_with_both(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        images = some_images(world, model, 6)
        show_also(upstream, world, {model.versions[0]: []})
        for version, listed in zip(model.versions, (images[:4], images[2:]), strict=True):
            list_without_versions(upstream, version, listed)
        ran(server, model.id, "start:9")
        first, second = (
            ids(gallery(server, model.id, version_id=version.id)["images"])
            for version in model.versions
        )
        assert (first, second) == (numbers(images[:4]), numbers(images[2:]))

    def test_a_later_page_of_the_other_list_adds_its_version(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        first, second = model.versions
        images = some_images(world, model, 6)
        show_also(upstream, world, {first: []})
        list_without_versions(upstream, first, images[:4])
        list_without_versions(upstream, second, images[3:5], images[:3], images[5:])
        found = ran(server, model.id, "start:9")
        assert ids(found["images"]) == numbers(images)
        assert (found["downloaded"], found["skipped"]) == (6, 0)
        listed = gallery(server, model.id, version_id=second.id)["images"]
        assert ids(listed) == numbers(images), "a page of known ones is not its list's end"

    def test_a_killed_run_brings_as_many_as_were_asked_for(
        self, tmp_path: Path, options: Options, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        first, second = model.versions
        images = some_images(world, model, 20)
        show_also(upstream, world, {first: []})
        list_without_versions(upstream, first, images[:5], images[5:10], images[10:15])
        list_without_versions(upstream, second, images[5:10], images[10:15], images[15:])
        upstream.faults.add("original=true", skip=12, times=None, delay=600)
        with RunningServer(tmp_path / "root", options) as server:
            start(server, model.id, "start:18")
            until(lambda: gallery(server, model.id)["pages_fetched"] == 4)
            until(lambda: gallery(server, model.id)["images_total"] == 12)
        for fault in upstream.faults.listed():
            if fault.delay:
                upstream.faults.remove(fault)
        with RunningServer(tmp_path / "root", options) as server:
            found = finished(server, model.id)
            assert len(found["images"]) == 18
            assert (found["downloaded"], found["skipped"]) == (18, 0)

    def test_removing_one_after_the_loss_of_the_database_leaves_what_the_other_shows(
        self, tmp_path: Path, options: Options, world: World, upstream: Upstream
    ) -> None:
        mine, other = world.model("lora"), world.model("vae")
        first, second = mine.versions
        images = some_images(world, mine, 4)
        show_also(upstream, world, {first: [], second: []})
        for version in (first, second, other.versions[0]):
            list_also(upstream, version, images)
        with RunningServer(tmp_path / "root", options) as server:
            for model in (mine, other):
                ran(server, model.id, "start:9")
            database = server.store.host.data / "database"
        shutil.rmtree(database)
        with RunningServer(tmp_path / "root", options) as server:
            rebuilt(server)
            answer = server.delete(f"/loras/{mine.id}/gallery", params={"version_id": first.id})
            assert answer.json() == {"deleted": 0}
            left = gallery(server, mine.id)["images"]
            assert ids(left) == numbers(images)
            assert {second.id} < {each for item in left for each in item["versions"]}
            assert first.id not in {each for item in left for each in item["versions"]}
            answer = server.delete(f"/loras/{mine.id}/gallery", params={"version_id": second.id})
            assert answer.json() == {"deleted": 4}
            assert gallery(server, mine.id)["images"] == []
            assert numbers(images) <= ids(gallery(server, other.id)["images"])


def rebuilt(server: RunningServer) -> None:
    server.store.gallery_upkeep.rebuild(dry_run=False)
    server.store.gallery_upkeep.wait(REBUILD)
