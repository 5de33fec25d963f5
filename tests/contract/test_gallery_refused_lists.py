"""Where CivitAI's lists by tRPC are refused, the same pictures come by REST."""

from __future__ import annotations

import pytest

from tests.gallery_runs import LISTS, cards_of, ids, ran, shared_of
from tests.serving import RunningServer
from tests.upstream import Upstream, World

REST = "/api/v1/images"


@pytest.mark.parametrize(
    ("status", "mode"), [(401, "fixed"), (403, "trpc"), (404, "fixed"), (500, "fixed")]
)
def test_they_are_asked_for_by_rest(
    server: RunningServer, world: World, upstream: Upstream, status: int, mode: str
) -> None:
    upstream.switches.page_size = 5
    upstream.faults.add(LISTS, status=status, times=None)
    found = ran(server, world.model("lora").id, mode=mode)
    assert found["status"] == "done" and "error" not in found
    assert ids(found["gallery_card"]) == cards_of(world, "lora")
    assert ids(found["gallery_community"]) == shared_of(world, "lora")
    versions = {version.id for version in world.model("lora").versions}
    assert {each for item in found["gallery_community"] for each in item["versions"]} == versions


def test_each_version_is_asked_for_by_itself(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    version = world.model("lora").versions[0]
    upstream.faults.add(LISTS, status=403, times=None)
    found = ran(server, world.model("lora").id, version_id=version.id)
    assert found["gallery_community"]
    assert all(version.id in item["versions"] for item in found["gallery_community"])
    asked = [each.parameter("modelVersionId") for each in upstream.requests(REST)]
    assert asked and set(asked) == {str(version.id)}


def test_only_what_is_refused_is_asked_for_by_rest(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    ran(server, world.model("lora").id)
    assert upstream.requests(LISTS) and not upstream.requests(REST)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_not_asked_another_way(
    server: RunningServer, world: World, upstream: Upstream, status: int
) -> None:
    upstream.faults.add(LISTS, status=status, times=None, retry_after=100)
    found = ran(server, world.model("lora").id)
    assert found["error"]
    assert not upstream.requests(REST)


def test_a_list_that_breaks_off_does_not_begin_anew_another_way(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    upstream.switches.page_size = 3
    upstream.faults.add(f'{LISTS}.*"cursor":"', status=500, times=None)
    found = ran(server, world.model("lora").id)
    assert found["error"] and found["gallery_community"]
    assert not upstream.requests(REST)


def test_where_both_fail_the_run_says_so_and_keeps_what_came(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    upstream.faults.add(LISTS, status=403, times=None)
    upstream.faults.add(REST, status=500, times=None)
    found = ran(server, world.model("lora").id)
    assert found["status"] == "done" and found["error"]
    assert ids(found["images"]) == cards_of(world, "lora")
