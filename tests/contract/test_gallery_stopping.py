"""A run that is stopped is over at once, for good, and in nobody's way."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import requests

from comfyui_curator.store import Options
from tests.galleries import kept_files
from tests.gallery_runs import MEDIA, finished, gallery, job_of, ran, start
from tests.programs import asking, program
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until

STALLED = ("lora", "locon", "dora")


def hands() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("curator-gallery-")]


def test_three_that_wait_for_civitai_are_over_at_once_and_the_next_has_its_turn(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    models = [world.model(label).id for label in STALLED]
    fault = upstream.faults.add(
        "|".join(f"/api/v1/models/{each}$" for each in models), times=None, delay=600
    )
    for model_id in models:
        start(server, model_id)
    until(lambda: fault.hits == len(models))
    for model_id in models:
        start(server, model_id, "stop")
        assert gallery(server, model_id)["status"] == "stopped"
    assert not list(server.store.database.collection("gallery_runs"))
    assert ran(server, world.model("vae").id, "start:2")["images"]
    until(lambda: not hands())
    assert fault.hits == len(models), "nobody asks again for what nobody waits for"


def test_downloads_that_stall_leave_their_places_to_the_next(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("lora")
    images = [each.uuid for each in world.images_of(model)]
    images += [card.uuid for version in model.versions for card in version.cards]
    cards = sum(len(version.cards) for version in model.versions)
    fault = upstream.faults.add("|".join(images), times=None, stall_after=20)
    start(server, model.id)
    until(lambda: fault.hits >= min(cards, 8))
    start(server, model.id, "stop")
    assert gallery(server, model.id)["status"] == "stopped"
    until(lambda: not hands())
    assert ran(server, world.model("vae").id, "start:2")["images"]


def test_a_busy_servers_pause_is_not_waited_for(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("vae")
    fault = upstream.faults.add("/api/v1/models/", times=None, status=503, retry_after=9)
    start(server, model.id)
    until(lambda: fault.hits)
    start(server, model.id, "stop")
    until(lambda: not hands())
    assert fault.hits == 1


def test_after_a_kill_it_does_not_come_back(
    tmp_path: Path, options: Options, world: World, upstream: Upstream
) -> None:
    model = world.model("vae")
    fault = upstream.faults.add("/api/v1/models/", times=None, delay=600)
    with program("--root", tmp_path / "root", *asking(upstream)) as (process, address):
        base = f"{address}api/admin/loras/{model.id}/gallery"
        for action in ("start:5", "stop"):
            body: dict[str, Any] = {"action": action}
            assert requests.post(base, json=body, timeout=30).status_code == 200
            until(lambda: fault.hits)
        process.kill()
        process.wait()
    upstream.faults.clear()
    asked = len(upstream.requests("/api/v1/models/"))
    with RunningServer(tmp_path / "root", options) as server:
        assert gallery(server, model.id)["status"] == "idle"
        assert finished(server, model.id)["images"] == []
        assert len(upstream.requests("/api/v1/models/")) == asked


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
        until(lambda: len(server.store.gallery) >= 4)
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
            until(lambda: upstream.requests(MEDIA))
        assert not [each for each in threading.enumerate() if each.name == "curator-gallery-run"]
