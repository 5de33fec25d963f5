"""CivitAI's REST API, as contract and checklist have it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.upstream import Upstream, World


@pytest.fixture
def get(upstream: Upstream, session: requests.Session) -> Any:
    def ask(path: str, **query: Any) -> requests.Response:
        return session.get(f"{upstream.civitai}/api/v1/{path}", params=query, timeout=10)

    return ask


def _all_pages(get: Any, **query: Any) -> list[list[int]]:
    pages: list[list[int]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = get("images", **query, **cursor).json()
        pages.append([item["id"] for item in answer["items"]])
        if "nextCursor" not in answer["metadata"]:
            return pages
        cursor = {"cursor": answer["metadata"]["nextCursor"]}


def test_a_model_is_told_with_versions_files_and_images(
    get: Any, upstream: Upstream, world: World
) -> None:
    shown = get(f"models/{world.model('checkpoint').id}").json()
    assert [version["name"] for version in shown["modelVersions"]] == ["v2.0", "v1.0"]
    assert shown["creator"]["username"] in world.creators
    files = shown["modelVersions"][0]["files"]
    assert [file.get("primary") for file in files] == [True, None, None, None]
    assert [file["metadata"].get("fp") for file in files] == ["fp16", "fp16", "fp32", None]
    assert files[0]["downloadUrl"].startswith(f"{upstream.civitai}/api/download/models/")
    assert len({file["downloadUrl"] for file in files}) == 4
    for image in shown["modelVersions"][0]["images"]:
        assert "id" not in image
        assert isinstance(image["nsfwLevel"], int)
        uuid, form, name = image["url"].removeprefix(f"{upstream.civitai_images}/").split("/")
        assert form == "original=true"
        assert world.by_uuid[uuid].id == int(name.removesuffix(".jpeg"))


def test_one_version_has_a_video_and_one_file_is_not_marked(get: Any, world: World) -> None:
    video = get(f"models/{world.model('checkpoint_wan').id}").json()["modelVersions"][0]["images"]
    assert "video" in [image["type"] for image in video]
    assert any(image["url"].endswith(".mp4") for image in video)
    unmarked = get(f"models/{world.model('no_primary').id}").json()["modelVersions"][0]["files"]
    assert all("primary" not in file for file in unmarked)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("models/999", 404, "No model with id 999"),
        ("models/x", 400, "No model with id x"),
        ("models/{removed_model}", 404, "No model with id {removed_model}"),
        ("model-versions/999", 404, "Model not found"),
        ("model-versions/x", 404, "Model not found"),
        ("model-versions/{removed}", 404, "Model not found"),
        ("model-versions/{missing_file}", 404, "Missing model file"),
        ("model-versions/by-hash/" + "0" * 64, 404, "Model not found"),
    ],
)
def test_what_is_not_there_says_so(
    get: Any, world: World, path: str, status: int, text: str
) -> None:
    ids = {
        "removed_model": world.model("removed").id,
        "removed": world.version("removed").id,
        "missing_file": world.version("missing_file").id,
    }
    answer = get(path.format(**ids))
    assert (answer.status_code, answer.json()) == (status, {"error": text.format(**ids)})


@pytest.mark.parametrize(
    ("label", "kind", "usage"),
    [
        ("lora", "LORA", "Download"),
        ("checkpoint", "Checkpoint", "Download"),
        ("vae", "VAE", "Download"),
        ("restricted", "LORA", "Generation"),
        ("restricted_internal", "LORA", "InternalGeneration"),
    ],
)
def test_a_version_says_what_it_may_be_used_for(
    get: Any, world: World, label: str, kind: str, usage: str
) -> None:
    version = world.version(label)
    shown = get(f"model-versions/{version.id}").json()
    assert (shown["model"]["type"], shown["usageControl"]) == (kind, usage)
    assert shown["modelId"] == version.model_id
    assert shown["files"][0]["hashes"] == version.files[0].content.hashes
    assert shown["air"].endswith(f":civitai:{version.model_id}@{version.id}")


def test_versions_without_a_usable_file(get: Any, world: World) -> None:
    assert get(f"model-versions/{world.version('no_files').id}").json()["files"] == []
    training = get(f"model-versions/{world.version('training_data').id}").json()["files"]
    assert [file["type"] for file in training] == ["Training Data"]
    archived = get(f"model-versions/{world.version('archived').id}").json()
    assert (archived["model"]["mode"], archived["files"]) == ("Archived", [])


@pytest.mark.parametrize("kind", ["SHA256", "AutoV1", "AutoV2", "AutoV3", "CRC32"])
def test_a_version_is_found_by_every_hash_in_any_case(get: Any, world: World, kind: str) -> None:
    version = world.version("big")
    text = version.files[0].content.hashes[kind]
    for spelling in (text, text.lower()):
        assert get(f"model-versions/by-hash/{spelling}").json()["id"] == version.id


def test_many_hashes_at_once_give_the_versions_that_are_known(
    upstream: Upstream, session: requests.Session, world: World
) -> None:
    address = f"{upstream.civitai}/api/v1/model-versions/by-hash"
    versions = [world.version(label) for label in ("lora", "vae")]
    hashes = ["0" * 64, *(version.files[0].content.sha256 for version in versions)]
    found = session.post(address, json=hashes, timeout=10).json()
    assert {version["id"] for version in found} == {version.id for version in versions}
    assert found[0]["files"][0]["hashes"]["SHA256"].lower() in hashes
    assert session.post(address, json=["0" * 64] * 101, timeout=10).status_code == 400
    assert session.post(address, json=["short"], timeout=10).status_code == 400
    assert session.post(address, json={"a": 1}, timeout=10).status_code == 400
    assert session.post(address, data=b"{", timeout=10).status_code == 400
    for status in (404, 405):
        upstream.switches.by_hash_batch = status
        assert session.post(address, json=hashes, timeout=10).status_code == status


def test_models_are_found_by_words_and_types(get: Any) -> None:
    items = get("models", query="lantern", types="LORA", limit=3).json()["items"]
    assert [item["name"] for item in items] == ["Lantern Glow"]
    assert items[0]["modelVersions"][0]["files"][0]["downloadUrl"]
    assert get("models", query="lantern", types="TextualInversion").json()["items"] == []
    assert get("models", types="Hat").status_code == 400
    assert get("models", limit=101).status_code == 400


def test_models_go_on_at_the_next_page(get: Any, session: requests.Session, world: World) -> None:
    answer = get("models", limit=10).json()
    names = [item["id"] for item in answer["items"]]
    while "nextPage" in answer["metadata"]:
        answer = session.get(answer["metadata"]["nextPage"], timeout=10).json()
        names += [item["id"] for item in answer["items"]]
    assert names == [model.id for model in world.models.values() if not model.removed]


def test_images_come_page_after_page_with_one_repeated(get: Any, world: World) -> None:
    model = world.model("lora")
    pages = _all_pages(get, modelId=model.id, limit=200, nsfw="X", sort="Newest", period="AllTime")
    assert len(pages) >= 3
    assert all(page[0] == before[-1] for before, page in zip(pages, pages[1:], strict=False))
    assert {number for page in pages for number in page} == {
        image.id for image in world.images_of(model)
    }


def test_pages_are_as_long_as_asked_for_when_the_switch_is_off(
    get: Any, upstream: Upstream, world: World
) -> None:
    upstream.switches.page_size, upstream.switches.repeats = None, False
    model = world.model("lora")
    (page,) = _all_pages(get, modelId=model.id, limit=200)
    assert len(page) == len(set(page)) == len(world.images_of(model))
    assert [len(each) for each in _all_pages(get, modelId=model.id, limit=1)] == [1] * len(page)


def test_one_gallery_ends_with_an_empty_page_and_one_is_empty(get: Any, world: World) -> None:
    pages = _all_pages(get, modelId=world.model("locon").id, limit=200)
    assert len(pages) >= 3
    assert pages[-1] == []
    assert all(pages[:-1])
    assert _all_pages(get, modelId=world.model("empty").id) == [[]]


def test_a_page_fails_once_and_says_when_to_come_back(get: Any, upstream: Upstream) -> None:
    upstream.faults.add(r"/api/v1/images\?.*cursor=", status=503, retry_after=2)
    first = get("images", limit=200).json()
    cursor = first["metadata"]["nextCursor"]
    busy = get("images", limit=200, cursor=cursor)
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")
    assert get("images", limit=200, cursor=cursor).json()["items"]


def test_an_image_is_told_in_the_words_of_rest(get: Any, upstream: Upstream, world: World) -> None:
    image = world.image("comfyui_png")
    (item,) = get("images", imageId=image.id, limit=1).json()["items"]
    assert item["url"] == (
        f"{upstream.civitai_images}/{image.uuid}/original=true/{image.uuid}.jpeg"
    )
    assert (item["nsfwLevel"], item["nsfw"], item["browsingLevel"]) == ("None", False, 1)
    assert item["meta"] is None
    assert item["stats"]["heartCount"] == image.stats["heart"]
    assert item["modelVersionIds"] == list(image.version_ids)
    (item,) = get("images", imageId=image.id, withMeta="true").json()["items"]
    assert item["meta"] == image.meta
    wrapped = world.image("webp_said_jpeg")
    (item,) = get("images", imageId=wrapped.id, withMeta="true").json()["items"]
    assert item["meta"] == {"id": wrapped.id, "meta": wrapped.meta}


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "Most Reactions"},
        {"sort": "Most Comments"},
        {"period": "Month"},
        {"nsfw": "None"},
        {"nsfw": "Soft"},
        {"username": "mossgarden"},
    ],
)
def test_images_are_sorted_and_filtered(
    get: Any, upstream: Upstream, world: World, query: dict[str, str]
) -> None:
    upstream.switches.page_size = None
    model = world.model("lora").id
    items = get("images", modelId=model, limit=200, **query).json()["items"]
    every = get("images", modelId=model, limit=200).json()["items"]
    assert 0 < len(items) <= len(every)
    if "sort" in query:
        names = ["cryCount", "laughCount", "likeCount", "heartCount"]
        names = names if "Reactions" in query["sort"] else ["commentCount"]
        marks = [sum(item["stats"][name] for name in names) for item in items]
        assert marks == sorted(marks, reverse=True)
        return
    assert len(items) < len(every)
    times = [item["createdAt"] for item in items]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 201}, 400),
        ({"limit": "many"}, 400),
        ({"nsfw": "Loud"}, 400),
        ({"sort": "Best"}, 400),
        ({"period": "Hour"}, 400),
        ({"modelId": "x"}, 400),
        ({"cursor": "made up"}, 400),
        ({"page": 6, "limit": 200}, 429),
        ({"page": 5, "limit": 200}, 200),
    ],
)
def test_what_images_does_not_take(get: Any, query: dict[str, Any], status: int) -> None:
    answer = get("images", **query)
    assert answer.status_code == status
    assert ("error" in answer.json()) == (status != 200)


def test_numbered_pages_tell_the_next_one(get: Any) -> None:
    metadata = get("images", page=2, limit=10).json()["metadata"]
    assert (metadata["currentPage"], metadata["pageSize"]) == (2, 10)
    assert parse_qs(urlsplit(str(metadata["nextPage"])).query)["page"] == ["3"]


def test_json_is_compressed_for_who_takes_that(get: Any, upstream: Upstream, world: World) -> None:
    path = f"models/{world.model('lora').id}"
    assert get(path).headers["Content-Encoding"] == "gzip"
    plain = requests.get(
        f"{upstream.civitai}/api/v1/{path}",
        headers={"Accept-Encoding": "identity"},
        proxies={"http": ""},
        timeout=10,
    )
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == get(path).json()


def test_pages_for_people_have_a_title_and_no_script(
    upstream: Upstream, session: requests.Session, world: World
) -> None:
    page = session.get(f"{upstream.civitai}/models/{world.model('hostile').id}/slug", timeout=10)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in page.text
    assert session.get(f"{upstream.civitai}/images/1", timeout=10).status_code == 404
