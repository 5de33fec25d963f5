"""CivitAI's tRPC, as contract and checklist have it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from tests.upstream import Upstream, World

from .conftest import Trpc


def _value(answer: requests.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["data"]["json"]


def _all_pages(trpc: Trpc, *, marks: dict[str, Any] | None = None, **given: Any) -> list[Any]:
    pages: list[Any] = []
    while len(pages) < 50:
        page = _value(trpc("image.getInfinite", given, marks))
        pages.append(page["items"])
        if "nextCursor" not in page:
            break
        given["cursor"] = page["nextCursor"]
    return pages


def test_an_image_is_told_in_the_words_of_trpc(trpc: Trpc, world: World) -> None:
    image = world.image("video")
    shown = _value(trpc("image.get", {"id": image.id}))
    assert (shown["url"], shown["type"]) == (image.uuid, "video")
    assert (shown["width"], shown["height"]) == (320, 240)
    assert shown["user"]["username"] == image.creator.name
    assert shown["metadata"]["duration"] == 1.0
    assert shown["stats"]["heartCountAllTime"] == image.stats["heart"]
    dates = trpc("image.get", {"id": image.id}).json()["result"]["data"]["meta"]["values"]
    assert dates["createdAt"] == ["Date"]


def test_errors_lie_in_the_envelope_and_in_the_status(trpc: Trpc) -> None:
    answer = trpc("image.get", {"id": 5})
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "json": {
                "message": "No image with id 5",
                "code": -32004,
                "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "image.get"},
            }
        }
    }


@pytest.mark.parametrize(
    ("procedure", "given", "code", "status"),
    [
        ("image.get", {}, "BAD_REQUEST", 400),
        ("image.get", {"id": "x"}, "BAD_REQUEST", 400),
        ("image.get", None, "BAD_REQUEST", 400),
        ("image.getGenerationData", {"id": 5}, "NOT_FOUND", 404),
        ("image.getInfinite", {"limit": 201}, "BAD_REQUEST", 400),
        ("image.getInfinite", {"sort": "Best"}, "BAD_REQUEST", 400),
        ("image.getInfinite", {"cursor": "made up"}, "BAD_REQUEST", 400),
        ("user.getCreator", {"username": "nobody"}, "NOT_FOUND", 404),
        ("image.paint", {}, "NOT_FOUND", 404),
    ],
)
def test_what_is_asked_wrongly(
    trpc: Trpc, procedure: str, given: Any, code: str, status: int
) -> None:
    answer = trpc(procedure, given)
    assert answer.status_code == status
    assert answer.json()["error"]["json"]["data"]["code"] == code


def test_a_question_that_is_no_json_and_a_wrong_method(
    upstream: Upstream, session: requests.Session
) -> None:
    address = f"{upstream.civitai}/api/trpc/image.get"
    broken = session.get(address, params={"input": "{"}, timeout=10)
    assert (broken.status_code, broken.json()["error"]["json"]["code"]) == (400, -32700)
    assert session.post(address, json={}, timeout=10).status_code == 405


@pytest.mark.parametrize(
    ("label", "keys"),
    [
        ("version_id_only", {"versionId"}),
        ("model_version_id_only", {"modelVersionId"}),
        ("model_id_only", {"modelId"}),
        ("flux", {"versionId", "modelVersionId", "modelId"}),
    ],
)
def test_resources_name_what_was_used_in_different_ways(
    trpc: Trpc, world: World, label: str, keys: set[str]
) -> None:
    shown = _value(trpc("image.getGenerationData", {"id": world.image(label).id}))
    assert shown["resources"]
    for resource in shown["resources"]:
        assert resource.keys() & {"versionId", "modelVersionId", "modelId"} == keys


def test_generation_data_without_resources_and_without_meta(trpc: Trpc, world: World) -> None:
    bare = _value(trpc("image.getGenerationData", {"id": world.image("no_resources").id}))
    assert bare["resources"] == []
    hidden = _value(trpc("image.getGenerationData", {"id": world.image("no_meta").id}))
    assert "meta" not in hidden
    assert hidden["resources"]
    assert (
        _value(trpc("image.getGenerationData", {"id": world.image("empty_meta").id}))["meta"] == {}
    )
    full = _value(trpc("image.getGenerationData", {"id": world.image("big_seed").id}))
    assert full["meta"]["seed"] > 2**64
    assert full["meta"].keys() >= {"prompt", "negativePrompt", "steps", "sampler", "cfgScale"}
    gone = _value(trpc("image.getGenerationData", {"id": world.image("removed_resource").id}))
    assert gone["resources"][-1]["versionId"] == world.version("removed").id


def test_pages_follow_the_cursor_to_the_end(trpc: Trpc, world: World) -> None:
    version = world.version("lora")
    pages = _all_pages(trpc, modelVersionId=version.id, period="AllTime", sort="Newest", limit=200)
    assert len(pages) >= 3
    first, second = pages[:2]
    assert first[-1]["id"] == second[0]["id"]
    items = [item for page in pages for item in page]
    assert {item["id"] for item in items} == {
        image.id
        for image in world.images.values()
        if image.community and version.id in image.version_ids
    }
    for item in items:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", item["url"])
        assert item["meta"] is None
        assert "heartCountAllTime" in item["stats"]
        assert item["tagIds"]
    titles = {item.get("postTitle") for item in items}
    assert None in titles
    assert len(titles) > 1


def test_a_cursor_that_is_marked_undefined_counts_only_for_a_lenient_server(
    trpc: Trpc, upstream: Upstream, world: World
) -> None:
    marks = {"cursor": ["undefined"]}
    given: dict[str, Any] = {"modelVersionId": world.version("lora").id, "limit": 200}
    pages = _all_pages(trpc, marks=marks, **given)
    assert len(pages) == 50, "the first page again and again"
    assert pages[0] == pages[1]
    upstream.switches.strict_superjson = False
    pages = _all_pages(trpc, marks=marks, **given)
    assert 3 <= len(pages) < 50


def test_a_model_id_taken_for_a_version_id_gives_a_wrong_set(trpc: Trpc, world: World) -> None:
    lora = world.model("lora")
    (items,) = _all_pages(trpc, modelVersionId=lora.id)
    assert items
    assert not {item["id"] for item in items} & {image.id for image in world.images_of(lora)}


def test_images_are_filtered_as_asked(trpc: Trpc, upstream: Upstream, world: World) -> None:
    upstream.switches.page_size = None
    wan = world.version("checkpoint_wan").id
    (items,) = _all_pages(trpc, modelVersionId=wan, types=["video"])
    assert {item["type"] for item in items} == {"video"}
    version = world.version("lora").id
    (every,) = _all_pages(trpc, modelVersionId=version, limit=200, withMeta=True)
    assert any(item["meta"] for item in every)
    excluded = every[0]["tagIds"][0]
    (fewer,) = _all_pages(trpc, modelVersionId=version, limit=200, excludedTagIds=[excluded])
    assert 0 < len(fewer) < len(every)
    (safe,) = _all_pages(trpc, modelVersionId=version, limit=200, browsingLevel=1)
    assert {item["nsfwLevel"] for item in safe} == {1}


def test_a_creator_is_known_by_name(trpc: Trpc, world: World) -> None:
    creator = world.model("dora").creator
    assert _value(trpc("user.getCreator", {"username": creator.name}))["id"] == creator.id


@pytest.mark.parametrize("count", [50, 66])
def test_a_batch_of_tags_has_a_null_in_the_middle(
    upstream: Upstream, session: requests.Session, world: World, count: int
) -> None:
    first = min(world.tags)
    ids = list(range(first, first + count))
    answer = session.get(
        f"{upstream.civitai}/api/trpc/{','.join(['tag.getById'] * count)}",
        params={
            "batch": "1",
            "input": json.dumps({str(n): {"json": {"id": tag}} for n, tag in enumerate(ids)}),
        },
        timeout=10,
    )
    assert answer.status_code == 200
    tags = [each["result"]["data"]["json"] for each in answer.json()]
    assert len(tags) == count
    assert [tag["id"] if tag else None for tag in tags] == [
        tag if tag in world.tags else None for tag in ids
    ]
    assert None in tags[1:-1]
    assert {tag["type"] for tag in tags if tag} <= {
        "Moderation",
        "UserGenerated",
        "Label",
        "System",
    }


@pytest.mark.parametrize(("known", "status"), [(0, 404), (1, 207), (2, 200)])
def test_a_batch_has_the_status_of_all_or_207(
    upstream: Upstream, session: requests.Session, world: World, known: int, status: int
) -> None:
    ids = [*[world.image("tiny").id] * known, *[5] * (2 - known)]
    answer = session.get(
        f"{upstream.civitai}/api/trpc/image.get,image.get",
        params={
            "batch": 1,
            "input": json.dumps({str(n): {"json": {"id": each}} for n, each in enumerate(ids)}),
        },
        timeout=10,
    )
    assert answer.status_code == status
    assert ["result" in each for each in answer.json()] == [True] * known + [False] * (2 - known)
