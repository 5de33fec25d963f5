"""Gallery runs over HTTP: what comes, what is passed over, what fails, and how they end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.routes.gallery_runs import Start
from comfyui_curator.store import Options
from comfyui_curator.store.remote.http import Timeouts
from tests.catalogs import wait_until
from tests.galleries import check_error, kept_files
from tests.serving import RunningServer
from tests.upstream import Upstream, World, shapes
from tests.upstream.records import Image, Version

ENDED = ("done", "stopped", "idle")
LISTS = "image.getInfinite"
MEDIA = "original=true"


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root", options) as running:
        running.store.gallery_runs.pauses = (0, 0)
        yield running


def start(server: RunningServer, model_id: int, action: str = "start", **how: Any) -> Any:
    answer = server.post(f"/loras/{model_id}/gallery", json={"action": action, **how})
    assert answer.status_code == 200, answer.text
    return answer.json()


def gallery(server: RunningServer, model_id: int, **query: Any) -> dict[str, Any]:
    answer = server.get(f"/loras/{model_id}/gallery", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished(server: RunningServer, model_id: int) -> dict[str, Any]:
    """G as soon as the run has ended."""
    wait_until(lambda: server.store.gallery_runs.facts(model_id)["status"] in ENDED)
    return gallery(server, model_id)


def ran(server: RunningServer, model_id: int, action: str = "start", **how: Any) -> dict[str, Any]:
    start(server, model_id, action, **how)
    return finished(server, model_id)


def job_of(server: RunningServer) -> dict[str, Any]:
    """The newest job of a run."""
    return next(job for job in server.get("/jobs").json()["jobs"] if job["kind"] == "gallery")


def list_also(upstream: Upstream, version: Version, images: Iterable[Image]) -> None:
    """From now on CivitAI lists exactly these pictures for a version."""
    page = {"items": [shapes.trpc_image(image) for image in images]}
    told = {"result": {"data": {"json": page}}}
    upstream.faults.add(f'{LISTS}.*"modelVersionId":{version.id},', json=told, times=None)


def ids(items: list[dict[str, Any]]) -> set[int]:
    return {int(item["id"]) for item in items}


def cards_of(world: World, label: str) -> set[int]:
    return {card.id for version in world.model(label).versions for card in version.cards}


def shared_of(world: World, label: str) -> set[int]:
    """What the community shares of a model and can be fetched, without its cards."""
    images = {image.id for image in world.images_of(world.model(label)) if not image.is_lost}
    return images - cards_of(world, label)


class TestWhatComes:
    def test_the_cards_of_all_versions_and_as_many_of_the_community_as_asked_for(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        assert start(server, model.id, "start:8") == {"status": "downloading"}
        found = finished(server, model.id)
        assert ids(found["gallery_card"]) == cards_of(world, "lora")
        community = ids(found["gallery_community"])
        assert len(community) == 8 and community <= shared_of(world, "lora")
        seen = found["downloaded"] + found["failed"]
        assert (found["status"], found["skipped"], found["total"]) == ("done", 0, seen)
        assert found["downloaded"] == len(cards_of(world, "lora")) + 8
        assert found["counted"] == 0 and found["pages_fetched"] >= 2 and "error" not in found
        assert found["default_preview"] == found["gallery_card"][0]["id"]
        versions = {each for item in found["gallery_community"] for each in item["versions"]}
        assert versions == {version.id for version in model.versions}, "both versions have a turn"
        for item in found["images"]:
            image = world.images[int(item["id"])]
            assert item["nsfw_level"] == image.level
            assert item["model_name"] == model.name
            assert item["meta"]["prompt"] == (image.meta or {}).get("prompt", "")
            author = model.creator if item["source"] == "original" else image.creator
            assert item["meta"]["username"] == author.name
            media = server.get(f"/loras/gallery/media/{item['id']}{item['ext']}")
            assert media.content == image.content.data
        first = found["gallery_community"][0]
        image = world.images[int(first["id"])]
        assert first["tag_ids"] == list(image.tag_ids)
        assert first["meta"]["postId"] == image.post_id
        assert first["createdAt"] == image.created.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        assert not upstream.carrying("Authorization: Bearer")

    def test_the_job_is_shown_and_over_after_it(self, server: RunningServer, world: World) -> None:
        model = world.model("vae")
        ran(server, model.id)
        job = job_of(server)
        assert (job["state"], job["title"]) == ("done", model.name)
        assert job["done"] == server.get("/gallery").json()["total"]

    def test_all_there_is_when_more_is_asked_for(self, server: RunningServer, world: World) -> None:
        model = world.model("locon")  # its last page is an empty one
        found = ran(server, model.id, "start:1000")
        assert ids(found["gallery_community"]) == shared_of(world, "locon")

    def test_only_the_cards(self, server: RunningServer, world: World, upstream: Upstream) -> None:
        found = ran(server, world.model("lora").id, "start:cards")
        assert ids(found["images"]) == cards_of(world, "lora")
        assert not upstream.requests(LISTS)

    def test_by_rest_the_same_pictures_with_their_prompts(
        self, server: RunningServer, world: World
    ) -> None:
        found = ran(server, world.model("locon").id, "start:1000", mode="rest")
        assert ids(found["gallery_community"]) == shared_of(world, "locon")
        for item in found["gallery_community"]:
            image = world.images[int(item["id"])]
            assert item["meta"]["prompt"] == (image.meta or {}).get("prompt", "")
            assert item["nsfw_level"] == (image.level if image.level != 16 else 16)

    def test_what_is_here_is_linked_and_not_fetched(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        first = ran(server, model.id, "start:6")
        fetched = len(upstream.requests(MEDIA))
        again = ran(server, model.id, "start:6")
        assert (again["downloaded"], again["skipped"]) == (0, first["downloaded"])
        assert ids(again["images"]) == ids(first["images"])
        lost = world.image("lost").uuid
        assert all(lost in each.path for each in upstream.requests(MEDIA)[fetched:])
        more = ran(server, model.id, "start:9")
        assert more["downloaded"] == 3 and len(more["gallery_community"]) == 9

    def test_a_picture_of_two_models_is_one_item_in_both_galleries(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        lora, other = world.model("lora"), world.model("vae")
        before = ids(ran(server, lora.id, "start:4")["images"])
        list_also(upstream, other.versions[0], [world.images[each] for each in before])
        both = ids(ran(server, other.id, "start:2")["images"]) & before
        assert len(both) >= 2
        for number in both:
            assert len(upstream.requests(world.images[number].uuid)) == 1
        assert ids(gallery(server, lora.id)["images"]) == before

    def test_a_card_known_by_its_uuid_and_its_number_is_one_item_with_the_richer_record(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.switches.cards_named_by_uuid = True
        model = world.model("vae")
        found = ran(server, model.id)
        uuids = {card.uuid: card for version in model.versions for card in version.cards}
        assert {item["id"] for item in found["gallery_card"]} == set(uuids)
        shown = [item for item in found["gallery_card"] if uuids[item["id"]].community]
        assert shown
        for item in shown:
            image = uuids[item["id"]]
            assert item["number"] == image.id
            assert item["tag_ids"] == list(image.tag_ids)
            assert server.get(f"/loras/gallery/{image.id}/meta").json()["id"] == image.uuid
        assert len(found["images"]) == len(
            {image.uuid for image in uuids.values()}
            | {world.images[number].uuid for number in ids(found["gallery_community"])}
        )

    def test_the_communitys_pictures_do_not_wait_for_a_card_that_is_slow(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        slow = next(card for version in model.versions for card in version.cards)
        upstream.faults.add(f"{slow.uuid}.*{MEDIA}", delay=20)
        start(server, model.id, "start:8")
        wait_until(lambda: len(gallery(server, model.id)["gallery_community"]) == 8)
        found = gallery(server, model.id)
        assert ids(found["gallery_card"]) == cards_of(world, "lora") - {slow.id}
        assert found["status"] == "downloading"
        start(server, model.id, "stop")
        finished(server, model.id)

    def test_a_slow_card_that_the_community_lists_too_does_not_count_as_one_of_its_pictures(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        cards = [card for version in model.versions for card in version.cards if card.community]
        for card in cards:
            upstream.faults.add(f"{card.uuid}.*{MEDIA}", delay=0.5)
        for version in model.versions:
            others = [
                each for each in world.images_of(model) if each.id in shared_of(world, "lora")
            ]
            list_also(upstream, version, [*cards, *others])
        found = ran(server, model.id, "start:8")
        assert cards and ids(found["gallery_card"]) == cards_of(world, "lora")
        assert len(found["gallery_community"]) == 8 and found["skipped"] == 0

    def test_a_community_picture_that_turns_out_to_be_a_card_becomes_one(
        self, server: RunningServer, world: World
    ) -> None:
        card = next(
            card
            for version in world.model("vae").versions
            for card in version.cards
            if card.community
        )
        single = server.post(f"/loras/gallery/download-single/{card.id}").json()
        assert single["source"] == "community"
        found = ran(server, world.model("vae").id, "start:cards")
        assert card.id in ids(found["gallery_card"])


class TestFilters:
    def test_one_version(self, server: RunningServer, world: World) -> None:
        version = world.version("lora_second")
        found = ran(server, version.model_id, "start:1000", version_id=version.id)
        expected = {
            image.id
            for image in world.images_of(world.model("lora"))
            if version.id in image.version_ids and not image.is_lost
        }
        assert ids(found["gallery_community"]) == expected - cards_of(world, "lora")
        assert ids(found["gallery_card"]) == cards_of(world, "lora"), "cards of all versions"
        listed = gallery(server, version.model_id, version_id=version.id)["images"]
        assert expected <= ids(listed)

    def test_a_version_of_another_model_ends_it(self, server: RunningServer, world: World) -> None:
        found = ran(server, world.model("lora").id, version_id=world.version("vae").id)
        assert found["status"] == "done" and "version" in found["error"]

    @pytest.mark.parametrize("mode", ["fixed", "trpc", "rest"])
    def test_videos_only(self, server: RunningServer, world: World, mode: str) -> None:
        model = world.model("checkpoint_wan")
        found = ran(server, model.id, "start:50", types=["video"], mode=mode)
        assert {item["meta"]["type"] for item in found["gallery_community"]} <= {"video"}
        assert {world.image("video_webm").id} <= ids(found["gallery_community"])

    @pytest.mark.parametrize(
        ("mode", "nsfw", "highest"), [("trpc", "None", 1), ("rest", "Soft", 2)]
    )
    def test_up_to_a_level(
        self, server: RunningServer, world: World, mode: str, nsfw: str, highest: int
    ) -> None:
        model = world.model("locon")
        found = ran(server, model.id, "start:1000", nsfw=nsfw, mode=mode)
        wanted = {each for each in shared_of(world, "locon") if world.images[each].level <= highest}
        assert ids(found["gallery_community"]) == wanted
        shown = gallery(server, model.id, max_nsfw=1)["images"]
        assert {item["nsfw_level"] for item in shown} == {1}

    @pytest.mark.parametrize("mode", ["fixed", "rest"])
    def test_with_meta_only(self, server: RunningServer, world: World, mode: str) -> None:
        model = world.model("lora")
        found = ran(server, model.id, "start:20", with_meta=True, mode=mode)
        images = [world.images[each] for each in ids(found["gallery_community"])]
        assert len(images) == 20 and all(image.meta for image in images)
        plain = shared_of(world, "lora") - {image.id for image in images}
        assert any(not world.images[each].meta for each in plain)

    def test_of_a_period_in_an_order(self, server: RunningServer, world: World) -> None:
        model = world.model("locon")
        how = {"period": "Month", "sort": "Most Reactions", "mode": "rest"}
        found = ran(server, model.id, "start:1000", **how)
        days = [(world.now - world.images[each].created).days for each in ids(found["images"])]
        assert len(found["gallery_community"]) == sum(
            (world.now - world.images[each].created).days < 30 for each in shared_of(world, "locon")
        )
        assert days
        server.delete(f"/loras/{model.id}/gallery")
        best = ran(server, model.id, "start:1", period="AllTime", sort="Most Reactions")
        only = world.images[ids(best["gallery_community"]).pop()]

        def reactions(number: int) -> int:
            stats = world.images[number].stats
            return sum(stats[name] for name in ("cry", "laugh", "like", "heart"))

        assert reactions(only.id) == max(map(reactions, shared_of(world, "locon")))

    def test_made_on_the_platform_or_a_remix(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("vae")
        none = ran(server, model.id, from_platform=True)
        assert none["gallery_community"] == [] and none["failed"] == 0
        assert ran(server, model.id, is_remix=True)["gallery_community"] == []
        asked = json.loads(upstream.requests(LISTS)[-1].parameter("input") or "")["json"]
        assert asked["isRemix"] is True
        assert ran(server, model.id, is_remix=False)["gallery_community"]


class TestBounds:
    @pytest.mark.parametrize(
        ("action", "count"),
        [
            ("start", 200),
            ("started", 200),
            ("start:3", 3),
            ("start: 7 ", 7),
            ("start:0", 1),
            ("start:-5", 1),
            ("start:5000", 1000),
            ("start:many", 200),
            ("start:", 200),
            ("start:cards", 0),
        ],
    )
    def test_how_many(self, action: str, count: int) -> None:
        assert Start(action=action).wish().count == count

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"action": "begin"}, "action"),
            ({}, "action"),
            ({"action": 7}, "action"),
            ({"action": "start", "nsfw": "Some"}, "nsfw"),
            ({"action": "start", "sort": "Random"}, "sort"),
            ({"action": "start", "types": ["audio"]}, "types.0"),
            ({"action": "start", "version_id": "x"}, "version_id"),
            ({"action": "start", "mode": "soap"}, "mode"),
        ],
    )
    def test_what_cannot_be_meant_is_said_and_starts_nothing(
        self, server: RunningServer, body: dict[str, Any], field: str
    ) -> None:
        check_error(server.post("/loras/7/gallery", json=body), 400, field)
        assert gallery(server, 7)["status"] == "idle"

    def test_studios_own_keys_are_passed_over(self, server: RunningServer, world: World) -> None:
        model = world.model("vae")
        how = {"modelId": model.id, "limit": 7, "types": None, "is_remix": None, "workers": 99}
        assert ran(server, model.id, "start:2", **how)["status"] == "done"

    def test_a_model_without_a_number_is_refused(self, server: RunningServer) -> None:
        check_error(server.post("/loras/x/gallery", json={"action": "start"}), 400, "model_id")

    def test_no_more_are_under_way_than_is_set_and_each_is_asked_for_once(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        server.ask("PATCH", "/settings", json={"gallery_in_flight": 3})
        upstream.faults.add(MEDIA, times=None, delay=0.03)
        with ThreadPoolExecutor(2) as pool:
            models = [world.model(label).id for label in ("lora", "locon")]
            runs = [pool.submit(ran, server, each, "start:20", workers=20) for each in models]
            assert all(run.result()["status"] == "done" for run in runs)
        assert upstream.peak("civitai_images") == 3
        media = [each.path for each in upstream.requests(MEDIA) if each.status == 200]
        assert len(media) == len(set(media))

    def test_two_starts_at_once_are_one_run(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("vae")
        fault = upstream.faults.add("/api/v1/models/", times=None, delay=30)
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(start, server, model.id) for _ in range(6)]
        answers = [each.result() for each in asked]
        assert answers.count({"status": "downloading"}) == 1
        assert answers.count({"status": "downloading", "message": "Already running"}) == 5
        assert gallery(server, model.id)["status"] == "downloading"
        wait_until(lambda: fault.hits)
        upstream.faults.clear()
        finished(server, model.id)
        assert fault.hits == 1


class TestWhatFails:
    def test_a_model_that_civitai_does_not_know_ends_with_an_error(
        self, server: RunningServer
    ) -> None:
        assert start(server, 99) == {"status": "downloading"}
        found = finished(server, 99)
        assert found["status"] == "done" and "99" in found["error"]
        assert job_of(server)["state"] == "failed"

    @pytest.mark.parametrize(
        "how",
        [
            {"status": 404},
            {"status": 500},
            {"cut": 300},
            {"chunked": True, "cut": 300},
            {"corrupt": True},
            {"html": True},
            {"resize": -400},
            {"status": 429},
            {"redirect": "http://169.254.169.254/x.jpeg"},
        ],
        ids=str,
    )
    def test_a_picture_that_fails_costs_only_itself_and_is_listed(
        self, server: RunningServer, world: World, upstream: Upstream, how: dict[str, Any]
    ) -> None:
        if how == {"status": 429}:
            how = {"status": 429, "retry_after": 1, "times": 2}
        bad = next(
            world.images[number]
            for number in sorted(shared_of(world, "vae"))
            if world.images[number].content_type == "image/jpeg"
        )
        upstream.faults.add(bad.uuid, **{"times": None, **how})
        found = ran(server, world.model("vae").id)
        if how.get("status") == 429:
            assert bad.id in ids(found["images"]), "who asks to come back is asked again"
            return
        assert found["status"] == "done" and "error" not in found
        assert [each["id"] for each in found["failures"]] == [str(bad.id)]
        assert found["failures"][0]["reason"] and found["failed"] == 1
        assert ids(found["gallery_community"]) == shared_of(world, "vae") - {bad.id}
        assert not [name for name in kept_files(server) if str(bad.id) in name]
        upstream.faults.clear()

    def test_one_failure_in_between_is_tried_again(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        for path in (MEDIA, LISTS, "/api/v1/models/"):
            upstream.faults.add(path, status=502)
        upstream.faults.add(MEDIA, skip=2, cut=100)
        found = ran(server, world.model("vae").id)
        assert found["failed"] == 0
        assert ids(found["gallery_community"]) == shared_of(world, "vae")

    def test_failing_ones_make_room_for_others(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add(MEDIA, status=404, times=10)
        found = ran(server, world.model("lora").id, "start:12")
        assert len(found["gallery_community"]) == 12
        assert found["failed"] >= 10

    def test_how_it_was_made_may_stay_unknown(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("getGenerationData", status=500, times=None)
        found = ran(server, world.model("vae").id)
        assert ids(found["gallery_community"]) == shared_of(world, "vae")

    def test_a_cdn_that_only_fails_is_left_alone_after_a_while(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        fault = upstream.faults.add(MEDIA, status=500, times=None)
        found = ran(server, world.model("lora").id, "start:1000")
        assert found["status"] == "done" and "in a row" in found["error"]
        assert fault.hits < 120
        wait_until(lambda: kept_files(server) == [])

    def test_lists_that_fail_end_it_and_keep_what_came(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add(f"{LISTS}|/api/v1/images", status=500, times=None)
        found = ran(server, world.model("lora").id)
        assert found["status"] == "done" and found["error"]
        assert ids(found["images"]) == cards_of(world, "lora")

    @pytest.mark.parametrize("mode", ["fixed", "rest"])
    def test_a_page_that_comes_again_and_again_ends_it(
        self, server: RunningServer, world: World, upstream: Upstream, mode: str
    ) -> None:
        image = world.images[min(shared_of(world, "vae"))]
        item = {"id": image.id, "url": image.uuid, "type": "image", "createdAt": None}
        page: dict[str, Any] = {"items": [item], "nextCursor": "again"}
        told: dict[str, Any] = {"result": {"data": {"json": page}}}
        if mode == "rest":
            item["url"] = f"{upstream.civitai_images}/{image.uuid}/original=true/x.jpeg"
            told = {"items": [item], "metadata": {"nextCursor": "again"}}
        upstream.faults.add(f"{LISTS}|api/v1/images", json=told, times=None)
        found = ran(server, world.model("vae").id, mode=mode)
        assert ids(found["gallery_community"]) == {image.id}
        assert found["pages_fetched"] == 2

    @pytest.mark.parametrize("items", ["x", None, {"1": {}}], ids=str)
    @pytest.mark.parametrize("mode", ["fixed", "rest"])
    def test_a_list_that_is_none_ends_it_with_an_error(
        self, server: RunningServer, world: World, upstream: Upstream, items: Any, mode: str
    ) -> None:
        told: dict[str, Any] = {"items": items, "result": {"data": {"json": {"items": items}}}}
        upstream.faults.add(f"{LISTS}|api/v1/images", json=told, times=None)
        found = ran(server, world.model("vae").id, mode=mode)
        assert found["status"] == "done" and "list of pictures" in found["error"]
        assert job_of(server)["state"] == "failed"
        assert ids(found["images"]) == cards_of(world, "vae")

    def test_a_picture_whose_server_is_busy_again_and_again_is_asked_for_a_few_times(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        bad = world.images[min(shared_of(world, "vae"))]
        fault = upstream.faults.add(bad.uuid, status=429, retry_after=1, times=None)
        found = ran(server, world.model("vae").id)
        assert [each["id"] for each in found["failures"]] == [str(bad.id)]
        assert fault.hits <= 4

    def test_a_list_of_nonsense_is_no_harm(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        items: list[Any] = [7, None, {"id": "x"}, {"id": 5}, {"id": -1, "url": "u"}, {"url": "u"}]
        upstream.faults.add(LISTS, json={"result": {"data": {"json": {"items": items}}}})
        found = ran(server, world.model("vae").id)
        assert found["status"] == "done" and found["gallery_community"] == []

    def test_a_picture_that_stalls_holds_up_no_other_and_stopping_does_not_wait_for_it(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("vae")
        stalled = world.images[min(shared_of(world, "vae"))]
        upstream.faults.add(stalled.uuid, stall_after=50, times=None)
        start(server, model.id)
        others = len(cards_of(world, "vae") | shared_of(world, "vae")) - 1
        wait_until(lambda: gallery(server, model.id)["images_total"] == others)
        assert gallery(server, model.id)["status"] == "downloading"
        assert start(server, model.id, "stop") == {"status": "stopping"}
        found = finished(server, model.id)
        assert (found["status"], found["failed"], found["downloaded"]) == ("stopped", 0, others)

    def test_a_cdn_that_says_nothing_more_is_given_up(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        server.store.civitai.http.timeouts = Timeouts(2, 0.2)
        stalled = world.images[min(shared_of(world, "vae"))]
        upstream.faults.add(stalled.uuid, stall_after=50, times=None)
        found = ran(server, world.model("vae").id)
        assert [each["id"] for each in found["failures"]] == [str(stalled.id)]


class TestStopping:
    def test_stopping_what_does_not_run(self, server: RunningServer) -> None:
        assert start(server, 5, "stop") == {"status": "stopping"}
        assert gallery(server, 5)["status"] == "idle"

    def test_what_is_there_stays_and_nothing_comes_after(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model = world.model("lora")
        upstream.faults.add(MEDIA, skip=5, times=None, delay=60)
        start(server, model.id)
        wait_until(lambda: len(server.store.gallery) >= 4)
        start(server, model.id, "stop")
        kept = kept_files(server)
        there = len(server.store.gallery)
        found = finished(server, model.id)
        assert found["status"] == "stopped" and found["images_total"] == there
        upstream.faults.clear()
        again = ran(server, model.id, "start:5")
        assert again["skipped"] >= there and again["status"] == "done"
        assert set(kept) - set(kept_files(server)) <= {name for name in kept if "part" in name}

    def test_the_jobs_cancel_stops_it_too(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add(MEDIA, times=None, delay=60)
        start(server, world.model("vae").id)
        job = job_of(server)
        server.post(f"/jobs/{job['id']}/cancel")
        assert finished(server, world.model("vae").id)["status"] == "stopped"
        assert job_of(server)["state"] == "cancelled"

    def test_more_models_than_run_at_once_wait_for_their_turn_and_can_be_stopped(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add(MEDIA, times=None, delay=60)
        labels = ("lora", "locon", "dora", "vae", "embedding")
        models = [world.model(label).id for label in labels]
        for model_id in models:
            start(server, model_id)
        assert {gallery(server, each)["status"] for each in models} == {"downloading"}
        start(server, models[-1], "stop")
        assert gallery(server, models[-1])["status"] == "stopped"
        upstream.faults.clear()
        for model_id in models[:-1]:
            assert finished(server, model_id)["gallery_card"]

    def test_closing_does_not_wait_for_what_stalls(
        self, tmp_path: Path, options: Options, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add(MEDIA, times=None, stall_after=10)
        with RunningServer(tmp_path / "closing", options) as server:
            start(server, world.model("vae").id)
            wait_until(lambda: upstream.requests(MEDIA))
        assert not [each for each in threading.enumerate() if each.name == "curator-gallery-run"]
