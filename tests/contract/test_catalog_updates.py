"""Newer versions on CivitAI, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from tests.answers import check_error
from tests.catalog_files import all_entries
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until


def check(server: RunningServer) -> None:
    assert server.post("/models/check-updates").status_code == 200
    until(lambda: jobs(server) and all(job["state"] != "running" for job in jobs(server)))


def jobs(server: RunningServer) -> list[dict[str, Any]]:
    return [job for job in server.get("/jobs").json()["jobs"] if job["kind"] == "updates"]


def updates(server: RunningServer, path: str = "/models") -> list[Any]:
    return [item["update"] for item in all_entries(server.get(path).json())]


@pytest.fixture
def older(world: World) -> Any:
    """Of a model with two versions the one that was published first, and the other."""
    return sorted(world.model("lora").versions, key=lambda version: version.created)


def test_shows_a_newer_version_on_every_entry_of_the_model(
    server: RunningServer, world: World, older: Any
) -> None:
    server.post(f"/civitai/add/{older[0].id}")
    server.post(f"/civitai/add/{world.version('vae').id}")
    assert updates(server) == [None, None]
    before = server.get("/models").headers["ETag"]
    check(server)
    shown = updates(server)
    assert shown[1] is None
    assert (shown[0]["version_id"], shown[0]["name"]) == (older[1].id, older[1].name)
    assert shown[0]["base_model"] == "Illustrious"
    assert shown[0]["published"].startswith("2025-")
    assert server.get("/models").headers["ETag"] != before


def test_shows_none_when_the_newest_is_here(server: RunningServer, older: Any) -> None:
    server.post(f"/civitai/add/{older[1].id}")
    check(server)
    assert updates(server) == [None]


def test_shows_it_no_more_as_soon_as_it_is_added_even_to_the_other_catalog(
    server: RunningServer, older: Any
) -> None:
    server.post(f"/civitai/add/{older[0].id}")
    check(server)
    assert updates(server)[0]
    server.post(f"/civitai/add/{older[1].id}")
    server.post(f"/civitai/promote-to-lora/{older[1].id}")
    assert (updates(server), updates(server, "/loras")) == ([None], [None])


def test_a_skipped_version_is_remembered_and_can_be_taken_back(
    tmp_path: Path, options: Options, older: Any
) -> None:
    path = f"/models/updates/{older[0].model_id}/skip"
    with RunningServer(tmp_path / "one", options) as server:
        server.post(f"/civitai/add/{older[0].id}")
        check(server)
        for _ in range(2):
            answer = server.post(path, json={"version_id": older[1].id})
            assert answer.json() == {"model_id": older[0].model_id, "skipped": [older[1].id]}
        assert updates(server) == [None]
    with RunningServer(tmp_path / "one", options) as server:
        assert updates(server) == [None]
        check(server)
        assert updates(server) == [None]
        server.post(path, json={"version_id": older[1].id, "skipped": False})
        assert updates(server)[0]["version_id"] == older[1].id


def test_of_a_model_that_nobody_has_nothing_is_skipped(server: RunningServer) -> None:
    check_error(server.post("/models/updates/5/skip", json={"version_id": 1}), 404)
    check_error(server.post("/models/updates/5/skip", json={}), 400, "version_id")


def test_asks_for_many_at_once_and_alone_for_what_lists_leave_out(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    for label in ("lora", "vae", "locon", "dora"):
        server.post(f"/civitai/add/{world.version(label).id}")
    gone = {"name": "G", "file": "g.pt", "dest": "vae", "civitai_model_id": 99_999_999}
    server.store.catalog.add_entries("models", "vae", [gone])
    before = len(upstream.requests("/api/v1/models"))
    check(server)
    asked = upstream.requests("/api/v1/models")[before:]
    assert [each.path for each in asked] == ["/api/v1/models", "/api/v1/models/99999999"]
    assert jobs(server)[0]["state"] == "done"


def test_when_civitai_fails_the_job_says_so_and_what_was_known_stays(
    server: RunningServer, older: Any, upstream: Upstream
) -> None:
    server.post(f"/civitai/add/{older[0].id}")
    check(server)
    upstream.faults.add("/api/v1/models", status=500, times=None)
    check(server)
    assert jobs(server)[0]["state"] == "failed"
    assert updates(server)[0]["version_id"] == older[1].id


def test_at_once_is_one_check(server: RunningServer, older: Any, upstream: Upstream) -> None:
    server.post(f"/civitai/add/{older[0].id}")
    upstream.faults.add(r"/api/v1/models\?", delay=600, times=None)
    for _ in range(3):
        assert server.post("/models/check-updates").json() == {"queued": 1}
        until(lambda: upstream.requests(r"/api/v1/models\?"))
    upstream.faults.clear()
    until(lambda: updates(server)[0])
    assert len(upstream.requests(r"/api/v1/models\?")) == 1
