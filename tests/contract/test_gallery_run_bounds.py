"""How much a gallery run fetches, how much at once, and what is no start of one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from comfyui_curator.routes.gallery_runs import Start
from tests.galleries import check_error
from tests.gallery_runs import MEDIA, finished, gallery, ran, start
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until


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
        until(lambda: fault.hits)
        upstream.faults.clear()
        finished(server, model.id)
        assert fault.hits == 1
