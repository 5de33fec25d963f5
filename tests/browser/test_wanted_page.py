"""The catalog's tab: finding, fetching, moving, removing, bringing in; on the page of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from comfyui_curator.store import Options
from tests.browser.screens import notice, paste
from tests.catalogs import entries, put_file
from tests.serving import RunningServer
from tests.transferring import write_catalog
from tests.upstream import Upstream, World

MANY = 10_000
SLOW = 400_000


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    """A server without pictures, with a catalog of one file by hand that is here."""
    root = tmp_path / "root"
    write_catalog(root, invented("by_hand.safetensors", tags=["inky"], base_model="Pony"))
    with RunningServer(root, options) as running:
        put_file(running, "loras", "by_hand.safetensors", 2000)
        yield running


def invented(file: str, **more: Any) -> dict[str, Any]:
    return {"name": file.partition(".")[0], "file": file, "dest": "loras", "size_gb": 0.1} | more


def add(server: RunningServer, version: int) -> dict[str, Any]:
    added = server.post(f"/civitai/add/{version}").json()
    assert added["status"] == "added"
    return added


def open_wanted(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.api}/ui/")
    page.get_by_role("tab", name="Wanted").click()
    expect(page.locator(".entry").first).to_be_visible()


def row(page: Page, text: str) -> Locator:
    return page.locator(".entry", has_text=text)


def choose(page: Page, text: str, act: str) -> None:
    """An act behind a row's ⋯."""
    row(page, text).get_by_role("button", name="More of").click()
    page.get_by_role("menuitem", name=act).click()


def answer(page: Page, act: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=act, exact=True).click()


def test_get_shows_how_far_it_is_and_then_the_file_is_here(
    server: RunningServer, page: Page, upstream: Upstream, world: World
) -> None:
    added = add(server, world.version("big").id)
    slow = upstream.faults.add(r"\.safetensors", rate=SLOW, times=None)
    open_wanted(page, server)
    expect(page.get_by_role("tab", name="Wanted")).to_contain_text("1")
    wanted = row(page, "Heavy")
    expect(wanted).to_contain_text("Missing")
    wanted.get_by_role("button", name="Get").click()
    expect(wanted).to_contain_text("Fetching")
    expect(wanted).to_contain_text("/s ·")
    tray = page.get_by_role("region", name="Transfers")
    expect(tray).to_contain_text("1 transfer")
    expect(tray).to_contain_text("left")
    page.get_by_role("tab", name="Gallery").click()
    expect(tray).to_be_visible()
    tray.get_by_role("button").first.click()
    tray.get_by_role("button", name="Pause").click()
    expect(tray.get_by_role("listitem")).to_contain_text("Paused")
    expect(tray).to_contain_text("1 paused")
    page.get_by_role("tab", name="Wanted").click()
    expect(wanted).to_contain_text("Paused")
    upstream.faults.remove(slow)
    wanted.get_by_role("button", name="Resume").click()
    expect(wanted).to_contain_text("Here")
    expect(tray).to_be_hidden()
    file = world.version("big").primary
    assert file is not None
    path = server.root / "models" / added["dest"] / added["file"]
    assert path.read_bytes() == file.content.data


def test_an_address_is_shown_first_then_added_and_fetched(
    server: RunningServer, page: Page, world: World
) -> None:
    version = world.version("checkpoint")
    open_wanted(page, server)
    paste(page, f"https://civitai.com/models/{version.model_id}")
    shown = page.get_by_role("region", name="What will be added")
    expect(shown.get_by_role("combobox", name="Version")).to_be_visible()
    shown.get_by_role("combobox", name="Version").select_option("v2.0")
    shown.get_by_role("combobox", name="File").select_option(index=1)
    shown.get_by_role("combobox", name="Folder below the models").fill("checkpoints/mine")
    expect(shown).to_contain_text("Will lie in models/checkpoints/mine/")
    assert len(entries(server)) == 1
    shown.get_by_role("button", name="Add and get").click()
    added = page.locator(".add-row.is-done")
    expect(added).to_contain_text("In the catalog, and on its way")
    entry = entries(server)[-1]
    assert entry["dest"] == "checkpoints/mine"
    added.get_by_role("button", name="Show").click()
    expect(page.locator(".entry")).to_have_count(1)
    expect(page.locator(".entry")).to_contain_text("Here")
    path = server.root / "models" / entry["dest"] / entry["file"]
    wanted = {file.id: file.content.data for file in version.files}
    assert path.read_bytes() == wanted[entry["civitai_file_id"]]


def test_a_repository_of_hugging_face_asks_for_file_and_folder(
    server: RunningServer, page: Page, upstream: Upstream, world: World
) -> None:
    open_wanted(page, server)
    page.get_by_role("button", name="Add by address").click()
    name = world.repository("single").name
    page.get_by_label("Address of a picture or a model").fill(f"{upstream.huggingface}/{name}")
    page.keyboard.press("Enter")
    shown = page.get_by_role("region", name="What will be added")
    expect(shown).to_contain_text("Say in which folder it belongs.")
    expect(shown.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    shown.get_by_role("combobox", name="Folder below the models").fill("loras")
    shown.get_by_role("button", name="Add", exact=True).click()
    expect(row(page, "lora [")).to_contain_text("Missing")
    assert entries(server)[-1]["hf_repo"] == name


def test_a_transfer_is_cancelled_and_the_entry_is_missing_again(
    server: RunningServer, page: Page, upstream: Upstream, world: World
) -> None:
    add(server, world.version("big").id)
    upstream.faults.add(r"\.safetensors", rate=SLOW, times=None)
    open_wanted(page, server)
    row(page, "Heavy").get_by_role("button", name="Get").click()
    expect(row(page, "Heavy")).to_contain_text("Fetching")
    choose(page, "Heavy", "Cancel the transfer")
    expect(row(page, "Heavy")).to_contain_text("Missing")
    expect(row(page, "Heavy").get_by_role("button", name="Get")).to_be_visible()


def test_what_failed_says_why_leads_to_the_settings_and_retry_mends_it(
    server: RunningServer, page: Page, world: World
) -> None:
    add(server, world.version("gated").id)
    open_wanted(page, server)
    failed = row(page, "Members Only")
    failed.get_by_role("button", name="Get").click()
    expect(failed).to_contain_text("Failed")
    expect(failed.locator(".entry-error")).to_contain_text("key")
    failed.get_by_role("button", name="Open settings").click()
    page.get_by_label("CivitAI key").fill(world.civitai_key)
    page.keyboard.press("Enter")
    expect(page.get_by_text("not set")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Only what has failed").click()
    expect(page.locator(".entry")).to_have_count(1)
    failed.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(failed).to_contain_text("Here")


def test_all_that_is_missing_is_fetched_after_one_question(
    server: RunningServer, page: Page, world: World
) -> None:
    for label in ("lora", "vae"):
        add(server, world.version(label).id)
    open_wanted(page, server)
    page.get_by_role("button", name="Get all 2 missing").click()
    answer(page, "Get all")
    expect(page.locator(".entry[data-state='present']")).to_have_count(3)
    expect(page.get_by_text("All here")).to_be_visible()


def test_a_lora_moves_to_the_loras_and_can_be_taken_out(
    server: RunningServer, page: Page, world: World
) -> None:
    added = add(server, world.version("lora").id)
    open_wanted(page, server)
    choose(page, "Lantern Glow", "Move to the LoRAs")
    expect(notice(page)).to_contain_text("Moved to the LoRAs")
    assert [entry["file"] for entry in entries(server, "loras")] == [added["file"]]
    expect(page.get_by_role("heading", name="SDXL")).to_be_visible()
    expect(row(page, "Lantern Glow")).to_have_count(1)
    choose(page, "Lantern Glow", "Remove from the catalog")
    answer(page, "Cancel")
    expect(row(page, "Lantern Glow")).to_be_visible()
    choose(page, "Lantern Glow", "Remove from the catalog")
    answer(page, "Remove")
    expect(row(page, "Lantern Glow")).to_have_count(0)
    assert entries(server, "loras") == []


def test_a_deleted_file_lies_in_the_trash_and_comes_back_or_goes_for_good(
    server: RunningServer, page: Page
) -> None:
    server.store.settings.change({"system_trash": False})
    path = server.root / "models" / "loras" / "by_hand.safetensors"
    open_wanted(page, server)
    choose(page, "by_hand", "Delete the file")
    answer(page, "Delete")
    expect(row(page, "by_hand")).to_contain_text("Missing")
    assert not path.exists()
    open_trash(page)
    deleted = page.get_by_role("region", name="Trash").get_by_role("listitem")
    expect(deleted).to_contain_text("2 KB")
    expect(deleted).to_contain_text("loras/by_hand.safetensors")
    deleted.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The trash is empty")).to_be_visible()
    assert path.stat().st_size == 2000
    page.keyboard.press("Escape")
    expect(row(page, "by_hand")).to_contain_text("Here")
    choose(page, "by_hand", "Delete the file")
    answer(page, "Delete")
    open_trash(page)
    page.get_by_role("button", name="Empty", exact=True).click()
    answer(page, "Empty")
    expect(page.get_by_text("The trash is empty")).to_be_visible()
    assert not path.exists()


def open_trash(page: Page) -> None:
    page.get_by_role("button", name="More of the catalog").click()
    page.get_by_role("menuitem", name="Trash").click()


def test_a_newer_version_is_told_and_can_be_skipped(
    server: RunningServer, page: Page, world: World
) -> None:
    older, newest = sorted(world.model("lora").versions, key=lambda version: version.created)
    add(server, older.id)
    open_wanted(page, server)
    page.get_by_role("button", name="More of the catalog").click()
    page.get_by_role("menuitem", name="Look for newer versions").click()
    mine = page.locator(".entry", has=page.locator(".entry-badge:not([hidden])"))
    expect(mine.locator(".entry-badge")).to_have_text(f"{newest.name} ↑")
    mine.get_by_role("button", name="More of").click()
    page.get_by_role("menuitem", name=f"See {newest.name}").click()
    shown = page.get_by_role("region", name="What will be added")
    expect(shown.get_by_role("combobox", name="Version")).to_have_value(newest.name)
    page.keyboard.press("Escape")
    mine.get_by_role("button", name="More of").click()
    page.get_by_role("menuitem", name=f"Skip {newest.name}").click()
    expect(mine).to_have_count(0)


def test_an_import_is_shown_before_it_happens(
    server: RunningServer, page: Page, tmp_path: Path
) -> None:
    given = [invented("by_hand.safetensors"), invented("new.safetensors")]
    file = tmp_path / "theirs.json"
    data = {"version": 1, "categories": [{"id": "x", "name": "Theirs", "models": given}]}
    file.write_text(json.dumps(data), encoding="utf-8")
    open_wanted(page, server)
    page.get_by_role("button", name="More of the catalog").click()
    page.get_by_role("menuitem", name="Import").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(file)
    expect(page.get_by_text("1 added, 1 skipped")).to_be_visible()
    expect(page.locator(".import-line", has_text="by_hand")).to_contain_text("Skipped: ")
    assert len(entries(server)) == 1
    page.get_by_role("button", name="Import 1 entry").click()
    expect(row(page, "new")).to_contain_text("Missing")
    assert {entry["file"] for entry in entries(server)} == {
        "by_hand.safetensors",
        "new.safetensors",
    }


def test_a_file_that_is_no_catalog_is_refused_with_its_place(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{"categories": [}', encoding="utf-8")
    open_wanted(page, server)
    page.get_by_role("button", name="More of the catalog").click()
    page.get_by_role("menuitem", name="Import").click()
    page.get_by_role("region", name="Import").locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("line 1, column 17")
    complaints.clear()


def test_a_catalog_broken_by_hand_says_where_and_shows_what_was_read_last(
    server: RunningServer, page: Page
) -> None:
    open_wanted(page, server)
    path = server.store.host.data / "models.json"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace("[", "[,", 1), encoding="utf-8")
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("models.json, line ")
    expect(row(page, "by_hand")).to_be_visible()
    path.write_text(whole, encoding="utf-8")
    expect(banner).to_have_count(0)


def test_ten_thousand_entries_are_few_rows_found_as_one_types(
    server: RunningServer, page: Page
) -> None:
    many = [invented(f"many_{number:05}.safetensors", url="x") for number in range(MANY)]
    server.store.catalog.add_entries("models", "many", many)
    open_wanted(page, server)
    most = 0
    for _ in range(20):
        page.locator(".entries").evaluate("(list) => { list.scrollTop += 28000; }")
        page.wait_for_timeout(30)
        most = max(most, page.locator(".entry").count())
    assert most < 60
    expect(row(page, "many_09999")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("many_04711")
    expect(page.locator(".entry")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator(".entries").evaluate("(list) => { list.scrollTop = 250000; }")
    expect(row(page, "many_04471")).to_be_visible()
    before = page.locator(".entries").evaluate("(list) => list.scrollTop")
    server.store.catalog.add_entries("models", "more", [invented("another.safetensors")])
    expect(page.get_by_text(f"1 of {MANY + 2:,} here")).to_be_visible(timeout=20_000)
    assert page.locator(".entries").evaluate("(list) => list.scrollTop") == before


def test_the_search_the_filters_and_the_chosen_tab(server: RunningServer, page: Page) -> None:
    server.store.catalog.add_entries("models", "vae", [invented("other.safetensors", dest="vae")])
    open_wanted(page, server)
    page.get_by_role("searchbox").fill("INKY pony")
    expect(page.locator(".entry")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Only what is not here").click()
    expect(page.locator(".entry")).to_have_count(1)
    expect(row(page, "other")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="Wanted")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".entry")).to_have_count(2)
    page.get_by_role("tab", name="Wanted").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Gallery")).to_be_focused()
    expect(page.get_by_text("No pictures yet")).to_be_visible()


def test_a_list_that_cannot_be_read_says_so_and_retry_mends_it(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    page.route("**/api/admin/loras", lambda route: route.abort())
    page.goto(f"{server.api}/ui/")
    page.get_by_role("tab", name="Wanted").click()
    expect(page.get_by_text("The catalog could not be read")).to_be_visible()
    page.unroute("**/api/admin/loras")
    page.get_by_role("button", name="Retry").click()
    expect(row(page, "by_hand")).to_be_visible()
    complaints.clear()


def test_the_key_is_asked_for_here_too_and_opens_both_tabs(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    server.store.settings.change({"require_key": True})
    page.goto(f"{server.api}/ui/")
    page.get_by_role("tab", name="Wanted").click()
    field = page.get_by_role("textbox", name="Key")
    field.fill(server.store.access.key)
    page.keyboard.press("Enter")
    expect(row(page, "by_hand")).to_be_visible()
    page.get_by_role("tab", name="Gallery").click()
    expect(page.get_by_text("No pictures yet")).to_be_visible()
    complaints.clear()


def test_nothing_is_asked_for_while_nothing_happens(server: RunningServer, page: Page) -> None:
    open_wanted(page, server)
    page.wait_for_timeout(1500)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []


@pytest.mark.parametrize("width", [224, 312, 1280])
def test_nothing_is_wider_than_the_panel(
    server: RunningServer, page: Page, world: World, width: int
) -> None:
    add(server, world.version("gated").id)
    page.set_viewport_size({"width": width, "height": 700})
    open_wanted(page, server)
    row(page, "Members Only").get_by_role("button", name="Get").click()
    expect(row(page, "Members Only")).to_contain_text("Failed")
    widest = page.evaluate(
        "Math.max(...[...document.querySelector('.curator-panel').shadowRoot"
        ".querySelectorAll('.entry *, .wanted-bar *, .tab')]"
        ".map((each) => each.getBoundingClientRect().right))"
    )
    assert widest <= width
