"""How the pictures of a run were made: what could not be asked is asked again, and never lost."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_curator.store.gallery_records import Facts, enriched
from tests.gallery_runs import MEDIA, gallery, ran
from tests.serving import RunningServer
from tests.upstream import Upstream, World

ASKED = "getGenerationData"
REFUSED: dict[str, Any] = {"error": {"json": {"data": {"httpStatus": 500}}}}


def prompts(found: dict[str, Any]) -> dict[int, str]:
    return {item["number"]: item["meta"]["prompt"] for item in found["images"]}


def true_prompts(world: World, found: dict[str, Any]) -> dict[int, str]:
    told = {item["number"]: world.images[item["number"]].meta for item in found["images"]}
    return {number: (meta or {}).get("prompt", "") for number, meta in told.items()}


@pytest.mark.parametrize("how", [{"status": 503, "retry_after": 1}, {"status": 500}], ids=str)
def test_what_cannot_be_asked_is_listed_and_asked_by_the_next_run(
    server: RunningServer, world: World, upstream: Upstream, how: dict[str, Any]
) -> None:
    model = world.model("vae")
    fault = upstream.faults.add(ASKED, times=None, **how)
    found = ran(server, model.id, "start:4")
    assert found["status"] == "done" and "error" not in found
    assert found["gallery_community"] and not any(prompts(found).values())
    assert found["failed"] == found["untold"] == found["images_total"] == len(found["failures"])
    assert found["total"] == found["images_total"], "each picture is counted once"
    assert {int(each["id"]) for each in found["failures"]} == set(prompts(found))
    assert all("metadata" in each["reason"] for each in found["failures"])
    assert fault.hits < 40, "who refuses again and again is left alone"

    upstream.faults.clear()
    fetched = len(upstream.requests(MEDIA))
    again = ran(server, model.id, "start:4")
    assert again["failed"] == 0 and again["failures"] == []
    assert prompts(again) == true_prompts(world, found) and any(prompts(again).values())
    assert len(upstream.requests(MEDIA)) == fetched, "the pictures themselves are here"
    asked = len(upstream.requests(ASKED))
    ran(server, model.id, "start:4")
    assert len(upstream.requests(ASKED)) == asked, "that nothing is told is an answer"


def test_one_that_is_refused_among_several_is_asked_for_alone(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    upstream.faults.add(f"{ASKED}.*batch=1", status=207, json=[REFUSED] * 20, times=None)
    found = ran(server, world.model("vae").id, "start:2")
    assert found["failed"] == 0
    assert prompts(found) == true_prompts(world, found) and any(prompts(found).values())


def test_one_that_is_refused_for_good_is_listed_alone(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("vae")
    first = min(card.id for version in model.versions for card in version.cards)
    upstream.faults.add(f"{ASKED}.*batch=1", status=207, json=[REFUSED] * 20, times=None)
    upstream.faults.add(f'{ASKED}\\?input=.*"id": ?{first}\\b', status=500, times=None)
    found = ran(server, model.id, "start:2")
    assert [each["id"] for each in found["failures"]] == [str(first)]
    assert {**true_prompts(world, found), first: ""} == prompts(found)


def test_a_run_that_ends_by_an_error_says_too_of_which_it_could_not_ask(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("vae")
    cards = [card.id for version in model.versions for card in version.cards]
    upstream.faults.add(ASKED, status=500, times=None)
    upstream.faults.add("image.getInfinite|/api/v1/images", status=500, times=None)
    found = ran(server, model.id, "start:4")
    assert "error" in found and found["downloaded"] == found["untold"] == len(cards)
    assert sorted(int(each["id"]) for each in found["failures"]) == sorted(cards)


def test_what_fails_at_first_is_asked_again_before_the_run_ends(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    upstream.faults.add(ASKED, status=503, retry_after=1, times=3)
    found = ran(server, world.model("vae").id, "start:2")
    assert found["failed"] == 0
    assert prompts(found) == true_prompts(world, found)


def test_a_single_download_asks_again_for_a_picture_that_is_here(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("vae")
    upstream.faults.add(ASKED, status=500, times=None)
    found = ran(server, model.id, "start:4")
    number = next(each for each, prompt in true_prompts(world, found).items() if prompt)
    path = f"/loras/gallery/download-single/{number}"
    answer = server.post(path)
    assert answer.status_code == 200 and answer.json()["has_gen_data"] == 0
    upstream.faults.clear()
    answer = server.post(path)
    assert answer.status_code == 200 and answer.json()["has_gen_data"] == 1
    assert prompts(gallery(server, model.id))[number] == true_prompts(world, found)[number]
    assert server.get(f"/loras/gallery/{number}/meta").json()["generation_data"]
    asked = len(upstream.requests(ASKED))
    assert server.post(path).json()["has_gen_data"] == 1
    assert len(upstream.requests(ASKED)) == asked


def test_a_card_without_a_number_gets_what_the_list_knows_of_it(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    upstream.switches.cards_named_by_uuid = True
    model = world.model("vae")
    found = ran(server, model.id)
    uuids = {card.uuid: card for version in model.versions for card in version.cards}
    shown = [item for item in found["gallery_card"] if uuids[item["id"]].community]
    assert shown and any(uuids[item["id"]].meta for item in shown)
    for item in shown:
        image = uuids[item["id"]]
        assert item["meta"]["prompt"] == (image.meta or {}).get("prompt", "")
        assert item["meta"]["reactions"] == image.stats["heart"] + image.stats["like"]
        assert item["meta"]["comments"] == image.stats["comment"]
        meta = server.get(f"/loras/gallery/{item['id']}/meta").json()
        assert meta["stats"] and bool(meta["generation_data"]) == bool(image.meta)


def test_what_is_known_is_never_replaced_by_less(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    found = ran(server, world.model("vae").id, "start:4")
    item = next(each for each in found["gallery_community"] if each["meta"]["prompt"])
    record = server.store.database.collection("gallery").get(item["id"])
    assert record and record["reactions"]
    poor = Facts(item["id"], stats={"heartCount": 0, "likeCount": 1}, model_id=record["model_id"])
    assert enriched(record, poor) == record
