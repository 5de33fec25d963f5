"""What a gallery run brings: cards and the community's pictures, each once; and filters."""

from __future__ import annotations

import json

import pytest

from tests.gallery_runs import (
    LISTS,
    MEDIA,
    cards_of,
    finished,
    gallery,
    ids,
    job_of,
    list_also,
    ran,
    shared_of,
    start,
)
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until


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
        until(lambda: len(gallery(server, model.id)["gallery_community"]) == 8)
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
