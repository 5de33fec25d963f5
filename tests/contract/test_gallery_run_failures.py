"""What fails in a gallery run: pictures that cost only themselves, and lists that end it."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_curator.store.remote.http import Timeouts
from tests.galleries import kept_files
from tests.gallery_runs import (
    LISTS,
    MEDIA,
    cards_of,
    finished,
    gallery,
    ids,
    job_of,
    ran,
    shared_of,
    start,
)
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until


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
        until(lambda: kept_files(server) == [])

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
        until(lambda: gallery(server, model.id)["images_total"] == others)
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
