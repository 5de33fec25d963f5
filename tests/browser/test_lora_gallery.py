"""A LoRA's gallery: getting it, what of it is covered, what pictures were made with, filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from comfyui_curator.store import Options
from tests.browser.screens import card, cards, notice
from tests.serving import RunningServer, impatient, options_for
from tests.upstream import Upstream, World
from tests.waiting import until

ENDED = ("done", "stopped", "idle")
COUNT = 12


@pytest.fixture
def empty_server(tmp_path: Path, options: Options, world: World) -> Iterator[RunningServer]:
    """No pictures, and a catalog with one LoRA."""
    with impatient(tmp_path / "root", options) as running:
        add_lora(running, world)
        yield running


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, running_upstream: Upstream, world: World
) -> Iterator[RunningServer]:
    """A LoRA's cards and COUNT of its community's pictures; for tests that change nothing of it."""
    root = tmp_path_factory.mktemp("gallery") / "root"
    with impatient(root, options_for(running_upstream)) as running:
        add_lora(running, world)
        model = world.model("lora").id
        running.post(f"/loras/{model}/gallery", json={"action": f"start:{COUNT}"})
        until(lambda: running.store.gallery_runs.facts(model)["status"] in ENDED)
        yield running


def add_lora(server: RunningServer, world: World) -> None:
    added = server.post(f"/civitai/add/{world.version('lora').id}").json()
    assert added["status"] == "added"


def open_gallery(page: Page, server: RunningServer, world: World) -> Locator:
    """The LoRA's gallery from its entry in the catalog; the line above the pictures."""
    page.goto(f"{server.api}/ui/")
    page.get_by_role("tab", name="Wanted").click()
    page.locator(".entry", has_text="Lantern Glow").get_by_role("button", name="More of").click()
    page.get_by_role("menuitem", name="Its pictures").click()
    return page.locator(".gallery-bar")


def total(page: Page, count: int) -> None:
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(count))


def test_from_nothing_to_the_pictures_of_a_lora_and_what_failed_of_them(
    empty_server: RunningServer, page: Page, upstream: Upstream, world: World
) -> None:
    broken = world.model("lora").versions[0].cards[0]
    upstream.faults.add(rf"{broken.uuid}.*original=true", status=404, times=None)
    page.goto(f"{empty_server.api}/ui/")
    page.get_by_role("button", name="Pictures of a LoRA").click()
    page.get_by_role("option", name="Lantern Glow").click()
    expect(page.get_by_text("No pictures of Lantern Glow")).to_be_visible()
    page.locator(".state").get_by_role("button", name="Get pictures").click()
    page.locator("#screen-gallery").get_by_label("How many").fill("5")
    page.keyboard.press("Enter")
    bar = page.locator(".gallery-bar")
    expect(bar.get_by_role("status")).to_contain_text("new pictures")
    expect(bar.get_by_role("status")).to_contain_text("failed")
    gallery = empty_server.store.gallery
    assert len(gallery) > 5
    total(page, len(gallery))
    bar.get_by_role("button", name="Failed ones").click()
    expect(page.get_by_role("region", name="Failed pictures")).to_contain_text("no longer has")
    page.keyboard.press("Escape")
    expect(bar).to_be_visible()
    page.reload()
    page.get_by_title("Choose a model", exact=True).click()
    expect(page.get_by_role("option", name="Lantern Glow")).to_contain_text(str(len(gallery)))


def test_a_run_that_is_stopped_keeps_what_is_there_and_a_gallery_goes_after_a_question(
    empty_server: RunningServer,
    page: Page,
    upstream: Upstream,
    world: World,
    complaints: list[str],
) -> None:
    bar = open_gallery(page, empty_server, world)
    upstream.faults.add(r"original=true", delay=0.3, times=None)
    bar.get_by_role("button", name="Get pictures").click()
    page.get_by_role("button", name="Get them").click()
    expect(cards(page).first).to_be_visible()
    bar.get_by_role("button", name="Stop").click()
    expect(bar.get_by_role("status")).to_contain_text("Stopped")
    kept = len(empty_server.store.gallery)
    assert 0 < kept < 30
    total(page, kept)
    bar.get_by_role("button", name="More of the gallery").click()
    page.get_by_role("menuitem", name="Delete this gallery").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(notice(page)).to_contain_text("deleted")
    expect(page.get_by_text("No pictures of Lantern Glow")).to_be_visible()
    assert len(empty_server.store.gallery) == 0
    # The browser may just then have asked for a thumbnail of one that is gone.
    complaints[:] = [each for each in complaints if "404" not in each]


def test_what_is_above_the_level_is_covered_until_it_is_asked_for(
    server: RunningServer, page: Page, world: World
) -> None:
    levels = {each["id"]: each["nsfw_level"] for each in listed(server)}
    high = [id for id, level in levels.items() if level >= 4]
    assert high and len(high) < len(levels)
    open_gallery(page, server, world)
    covered = card(page, high[0])
    expect(covered).to_have_class("card is-covered has-image")
    assert covered.locator("img").evaluate("(each) => getComputedStyle(each).filter") != "none"
    expect(page.locator(".card.is-covered")).to_have_count(len(high))
    covered.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card.is-covered")).to_have_count(len(high) - 1)
    expect(page.locator(".picture")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(".picture .cover")).to_be_hidden()
    page.keyboard.press("Escape")
    page.get_by_title("Choose the highest level").click()
    page.get_by_role("option", name="PG only").click()
    total(page, sum(level <= 1 for level in levels.values()))


def test_a_setting_leaves_pictures_out_or_covers_none(
    server: RunningServer, page: Page, world: World
) -> None:
    levels = [each["nsfw_level"] for each in listed(server)]
    open_gallery(page, server, world)
    total(page, len(levels))
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_label("Leave pictures out").select_option("R and above")
    total(page, sum(level < 4 for level in levels))
    page.get_by_label("Leave pictures out").select_option("None of them")
    page.get_by_label("Blur pictures").select_option("None of them")
    total(page, len(levels))
    expect(page.locator(".card.is-covered")).to_have_count(0)
    server.store.settings.change({"nsfw_blur_from": 4})


def test_pictures_are_found_by_source_kind_version_and_tag(
    server: RunningServer, page: Page, world: World
) -> None:
    items = listed(server)
    cards_of = [each for each in items if each["source"] == "original"]
    open_gallery(page, server, world)
    page.get_by_role("button", name="From the model's own page").click()
    total(page, len(cards_of))
    page.get_by_role("button", name="Videos only").click()
    total(page, sum(each["meta"]["type"] == "video" for each in cards_of))
    page.get_by_role("button", name="Videos only").click()
    page.get_by_role("button", name="From the model's own page").click()
    version = world.version("lora").id
    page.get_by_title("Choose a version of the model").click()
    page.get_by_role("option", name="Lantern Glow").first.click()
    total(page, sum(version in each["versions"] for each in items))
    page.get_by_role("button", name="All versions, not only").click()
    page.get_by_title("Choose a tag of CivitAI").click()
    page.get_by_role("option", name="Ask CivitAI for names").click()
    tag = next(each for each in items if each["tag_ids"])["tag_ids"][0]
    name = f"tag {tag - 1600}"
    page.get_by_role("searchbox", name="Name of the tag").fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    total(page, sum(tag in each["tag_ids"] for each in items))


def test_the_opened_picture_says_what_it_was_made_with_and_gets_what_is_missing(
    empty_server: RunningServer, page: Page, world: World
) -> None:
    image = world.image("png_as_jpeg")
    empty_server.post(f"/loras/gallery/download-single/{image.id}")
    page.goto(f"{empty_server.api}/ui/")
    card(page, str(image.id)).click()
    resources = page.locator(".resource")
    lora = resources.filter(has_text="Lantern Glow")
    lora.get_by_role("button", name="Get Lantern Glow").click()
    expect(lora).to_contain_text("Here")
    other = resources.filter(has=page.get_by_role("button", name="Get")).first
    name = other.locator(".resource-name").inner_text()
    other.get_by_role("button", name="Get").click()
    expect(resources.filter(has_text=name)).to_contain_text("Here")
    assert len(list(empty_server.store.host.models.rglob("*.safetensors"))) == 2
    lora.get_by_role("button", name="Pictures of Lantern Glow").click()
    expect(page.locator(".gallery-bar")).to_contain_text("1 picture")


def test_a_workflow_inside_of_a_picture_can_be_kept_and_all_metadata_be_read(
    server: RunningServer, page: Page, world: World
) -> None:
    image = world.image("comfyui_png")
    open_gallery(page, server, world)
    card(page, str(image.id)).click()
    with page.expect_download() as downloading:
        page.locator(".picture-bar").get_by_role("link", name="Download its workflow").click()
    path = downloading.value.path()
    assert downloading.value.suggested_filename == f"civitai_{image.id}.json"
    assert json.loads(path.read_text(encoding="utf-8"))["nodes"]
    page.locator("#screen-gallery").get_by_text("All metadata").click()
    expect(page.locator("#screen-gallery .picture-raw pre")).to_contain_text('"has_workflow": true')
    page.locator(".picture-bar").get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Set as preview of Lantern Glow").click()
    expect(notice(page)).to_contain_text("preview of Lantern Glow")
    model = world.model("lora").id
    assert server.get(f"/loras/{model}/gallery?limit=1").json()["custom_preview"] == str(image.id)


def listed(server: RunningServer) -> list[dict[str, Any]]:
    return server.get("/gallery?limit=1000").json()["images"]
