"""The library's tab: finding, opening, editing, selecting, moving, staging; on its own page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from comfyui_curator.store import Options
from tests.browser.library import (
    card,
    cards,
    full,
    hashed,
    menu,
    open_model,
    open_models,
    put,
    row,
    rows,
)
from tests.browser.screens import notice
from tests.predecessors import Predecessor
from tests.serving import RunningServer
from tests.upstream.pictures import png
from tests.waiting import until

MANY = 10_000


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    """A server with a LoRA, its copy, and a checkpoint; all of them hashed."""
    root = tmp_path / "root"
    put(root, "loras/inky.safetensors", "inky")
    put(root, "loras/copies/inky_again.safetensors", "inky")
    put(root, "checkpoints/meadow.safetensors", "meadow")
    with RunningServer(root, options) as running:
        hashed(running)
        yield running


def test_a_model_is_found_by_type_words_tags_and_base_model(
    server: RunningServer, page: Page
) -> None:
    tag = server.post("/tags_add", json={"newtags": ["night"]}).json()["tags"][0]["id"]
    key = row(server, "inky")["sha256"]
    change = {"tags": [tag], "base_model": "Pony", "trigger_words": ["brush stroke"]}
    server.ask("PATCH", f"/models/{key}", json=change)
    open_models(page, server)
    expect(page.get_by_role("tab", name="Models")).to_contain_text("2")
    expect(cards(page)).to_have_count(2)
    types = page.get_by_role("group", name="Types")
    types.get_by_role("button", name="Checkpoints").click()
    expect(cards(page)).to_have_count(1)
    expect(card(page, "meadow")).to_be_visible()
    types.get_by_role("button", name="All types").click()
    page.get_by_role("searchbox").fill("BRUSH")
    expect(cards(page)).to_have_count(1)
    expect(card(page, "inky")).to_contain_text("PONY")
    page.get_by_role("searchbox").fill("nowhere")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(cards(page)).to_have_count(2)
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_role("option", name="not night").click()
    expect(cards(page)).to_have_count(1)
    expect(card(page, "meadow")).to_be_visible()
    page.get_by_role("button", name="not night").click()
    page.get_by_role("button", name="Base model", exact=True).click()
    page.get_by_role("option", name="Pony").click()
    expect(cards(page)).to_have_count(1)
    expect(card(page, "inky")).to_contain_text("2×")


def test_ten_thousand_models_are_a_few_cards_in_the_page(tmp_path: Path, page: Page) -> None:
    root = tmp_path / "root"
    folder = root / "models" / "loras"
    folder.mkdir(parents=True)
    for number in range(MANY):
        (folder / f"m{number:05}.safetensors").touch()
    with RunningServer(root, Options()) as server:
        server.post("/library/hashing/pause")
        until(lambda: server.get("/library/status").json()["models"] == MANY, 30)
        open_models(page, server)
        expect(card(page, "m00000")).to_be_visible()
        card(page, "m00000").focus()
        page.keyboard.press("End")
        expect(card(page, "m09999")).to_be_focused()
        assert cards(page).count() < 120
        page.keyboard.press("ArrowUp")
        expect(card(page, "m09999")).not_to_be_focused()
        page.keyboard.press("Home")
        expect(card(page, "m00000")).to_be_focused()
        page.get_by_role("searchbox").fill("m04567")
        expect(cards(page)).to_have_count(1)
        page.goto("about:blank")


def test_a_model_is_edited_in_its_place(server: RunningServer, page: Page) -> None:
    open_models(page, server)
    view = open_model(page, "inky")
    view.get_by_role("button", name="Edit trigger words").click()
    view.get_by_role("textbox", name="Trigger words").fill("ink wash\n# Paper\nrough paper")
    view.get_by_role("button", name="Save").click()
    expect(view.get_by_role("button", name="rough paper")).to_be_visible()
    words = [{"text": "ink wash", "group": ""}, {"text": "rough paper", "group": "Paper"}]
    assert full(server, "inky")["trigger_words"] == words
    view.get_by_role("button", name="Edit strength").click()
    view.get_by_label("Best").fill("0.8")
    page.keyboard.press("Enter")
    expect(view.locator(".strength-value")).to_have_text("0.80")
    view.get_by_role("button", name="4 stars").click()
    expect(view.get_by_role("button", name="No rating")).to_be_visible()
    view.get_by_role("button", name="Favourite").click()
    expect(card(page, "inky").get_by_role("button", name="Remove from favourites")).to_be_visible()
    view.get_by_role("button", name="Add a tag").click()
    page.get_by_role("textbox", name="Tag").fill("moody")
    page.keyboard.press("Enter")
    expect(view.get_by_role("button", name="Remove moody")).to_be_visible()
    view.get_by_role("button", name="Add to a collection").click()
    page.get_by_role("textbox", name="Collection").fill("Best")
    page.keyboard.press("Enter")
    expect(view.get_by_role("button", name="Remove Best")).to_be_visible()
    view.get_by_role("button", name="Edit kind").click()
    view.get_by_label("Base model").fill("SDXL 1.0")
    view.get_by_role("button", name="Save").click()
    expect(card(page, "inky")).to_contain_text("XL")
    said = full(server, "inky")
    assert (said["rating"], said["favorite"], said["base_model"]) == (4, True, "SDXL 1.0")
    assert [tag["name"] for tag in said["tags"]] == ["moody"]
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    expect(card(page, "inky")).to_be_focused()


def test_who_was_slower_is_told_and_loses_nothing(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    open_models(page, server)
    view = open_model(page, "inky")
    view.get_by_role("button", name="Edit notes").click()
    note = view.get_by_role("textbox", name="Notes")
    note.fill("mine")
    key = row(server, "inky")["sha256"]
    page.route(
        re.compile(r"/api/admin/models/[0-9a-f]{64}$"), lambda route: later(route, server, key)
    )
    view.get_by_role("button", name="Save").click()
    problem = view.get_by_role("alert").filter(has_text="changed elsewhere")
    expect(problem).to_contain_text("theirs")
    expect(note).to_have_value("mine")
    assert full(server, "inky")["notes"] == "theirs"
    view.get_by_role("button", name="Save mine").click()
    expect(note).to_be_hidden()
    assert full(server, "inky")["notes"] == "mine"
    complaints.clear()


def later(route: Route, server: RunningServer, key: str) -> None:
    """Another saves between reading and saving."""
    if route.request.method == "PATCH" and full(server, "inky")["notes"] == "":
        server.ask("PATCH", f"/models/{key}", json={"notes": "theirs"})
    route.continue_()


def test_samples_are_added_shown_and_deleted(server: RunningServer, page: Page) -> None:
    open_models(page, server)
    view = open_model(page, "inky")
    expect(view.get_by_role("button", name="Add sample pictures")).to_be_visible()
    files: list[FilePayload] = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": png(name, 60, 80)}
        for name in ("one", "two")
    ]
    view.locator("input[type=file]").set_input_files(files)
    expect(view.get_by_role("button", name="Sample 2 of 2")).to_be_visible()
    expect(page.locator(".model-card.has-image")).to_have_count(1)
    view.get_by_role("button", name="Sample 1 of 2").click()
    large = page.get_by_role("dialog", name="Sample")
    expect(large).to_contain_text("1 of 2")
    page.keyboard.press("ArrowRight")
    expect(large).to_contain_text("2 of 2")
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    view.get_by_role("button", name="Delete sample 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(view.get_by_role("button", name="Sample 1 of 1")).to_be_visible()
    assert server.store.samples.count(row(server, "inky")["sha256"]) == 1


def test_a_click_counts_although_the_models_picture_comes_in_the_middle_of_it(
    server: RunningServer, page: Page
) -> None:
    open_models(page, server)
    card(page, "inky").hover()
    page.mouse.down()
    server.store.samples.add(row(server, "inky")["sha256"], png("one", 60, 80))
    expect(page.locator(".model-card.has-image")).to_have_count(1)
    page.mouse.up()
    expect(page.locator(".model-title")).to_have_text("inky")


def test_a_selection_is_changed_and_moved_and_moved_back(server: RunningServer, page: Page) -> None:
    put(server.root, "loras/second.safetensors", "second")
    hashed(server)
    open_models(page, server)
    expect(cards(page)).to_have_count(3)
    card(page, "second").focus()
    page.keyboard.press("x")
    menu(page, "Select all")
    bar = page.get_by_role("toolbar", name="Selected models")
    expect(bar).to_contain_text("3 models selected")
    bar.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_role("textbox", name="Tag").fill("all of them")
    page.keyboard.press("Enter")
    expect(notice(page)).to_contain_text("3 models changed")
    assert all(each["tags"][0]["name"] == "all of them" for each in rows(server))
    card(page, "meadow").focus()
    page.keyboard.press("x")
    card(page, "inky").focus()
    page.keyboard.press("x")
    expect(bar).to_contain_text("1 model selected")
    bar.get_by_role("button", name="Move").click()
    page.get_by_label("Rule").fill("sorted/{kind}")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator(".move-list")).to_contain_text("sorted/")
    assert (server.root / "models/loras/second.safetensors").is_file()
    page.get_by_role("button", name="Move 1 file").click()
    expect(page.locator(".task .report-line")).to_contain_text("1 file moved")
    assert not (server.root / "models/loras/second.safetensors").exists()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".task .report-line")).to_contain_text("1 file moved back")
    assert (server.root / "models/loras/second.safetensors").is_file()


def test_the_files_of_a_selection_go_to_the_trash_after_a_question(
    server: RunningServer, page: Page
) -> None:
    file = server.root / "models/loras/second.safetensors"
    put(server.root, "loras/second.safetensors", "second")
    hashed(server)
    open_models(page, server)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    card(page, "second").focus()
    page.keyboard.press("x")
    bar = page.get_by_role("toolbar", name="Selected models")
    bar.get_by_role("button", name="More for the selected models").click()
    page.get_by_role("menuitem", name="Delete their files …").click()
    page.get_by_role("button", name="Cancel").click()
    assert file.is_file()
    bar.get_by_role("button", name="More for the selected models").click()
    page.get_by_role("menuitem", name="Delete their files …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(notice(page)).to_contain_text("1 file in the trash")
    assert not file.exists()
    assert server.get("/trash").json()["total"] == 1
    assert sum(url.endswith("/library/delete") for url in asked) == 1


def test_staging_imports_and_decides_what_is_there_already(
    server: RunningServer, page: Page
) -> None:
    open_models(page, server)
    menu(page, "Staging")
    page.get_by_role("button", name="Look for files").click()
    expect(page.locator(".staging-row")).to_have_count(3)
    page.locator(".staging-bar input").check()
    page.get_by_role("button", name="Import 3").click()
    decide = page.locator(".decide")
    expect(decide).to_contain_text("1 model is in the library already")
    for strategy in ("Override", "Merge", "Ignore", "Delete"):
        expect(decide.locator(".strategy", has_text=strategy).first).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="imported")).to_contain_text("2 imported")
    decide.locator(".strategy", has_text="Delete").click()
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    expect(decide).to_be_empty()
    assert server.get("/migration/pending_models").json()["total"] == 0
    page.keyboard.press("Escape")
    menu(page, "Duplicates and unused")
    expect(page.get_by_text("1 model more than once")).to_be_visible()
    name = page.locator(".plain-row .name-button").first
    name.click()
    expect(page.locator(".model-title")).to_be_visible()
    page.keyboard.press("Escape")
    expect(name).to_be_focused()


def test_tags_are_renamed_and_merged(server: RunningServer, page: Page) -> None:
    server.post("/tags_add", json={"newtags": ["inks", "paper", "ink"]})
    bulk = {"keys": [each["sha256"] for each in rows(server)], "add_tags": ["inks"]}
    server.post("/library/bulk", json=bulk)
    open_models(page, server)
    menu(page, "Tags")
    name = page.get_by_role("textbox", name="Name of paper")
    name.fill("Paper texture")
    name.press("Enter")
    expect(page.get_by_role("textbox", name="Name of Paper texture")).to_be_visible()
    name = page.get_by_role("textbox", name="Name of inks")
    name.fill("Ink")
    name.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(name).to_be_hidden()
    tags = server.get("/library/tags").json()["tags"]
    assert {tag["name"]: tag["models"] for tag in tags} == {"ink": 2, "Paper texture": 0}


def test_an_older_database_is_taken_over_with_a_report(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    older = Predecessor(tmp_path / "older")
    older.model(1, server.root / "models/loras/inky.safetensors", name="Inky of old")
    older.model(2, "/long/gone.safetensors", name="Gone")
    open_models(page, server)
    menu(page, "Older database")
    page.get_by_label("Database on the server").fill(str(tmp_path / "none.db"))
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("alert")).to_be_visible()
    complaints.clear()
    page.get_by_label("Database on the server").fill(str(older.path))
    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".figures")).to_contain_text("Waiting in staging2")
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("Nothing new: everything in it was taken over")).to_be_visible()
    page.get_by_role("button", name="Back to the models").click()
    menu(page, "Staging")
    expect(page.locator(".staging-row", has_text="Inky of old")).to_be_visible()


def test_nothing_yet_and_failures_say_so(
    tmp_path: Path, page: Page, options: Options, complaints: list[str]
) -> None:
    with RunningServer(tmp_path / "root", options) as server:
        page.goto(f"{server.api}/ui/")
        page.get_by_role("tab", name="Models").click()
        expect(page.get_by_text("No models yet")).to_be_visible()
        page.route("**/library/models?*", lambda route: route.abort())
        page.get_by_role("searchbox").fill("x")
        expect(page.get_by_text("The models could not be read")).to_be_visible()
        page.unroute("**/library/models?*")
        page.get_by_role("searchbox").fill("")
        expect(page.get_by_text("No models yet")).to_be_visible()
        page.goto("about:blank")
        complaints.clear()
