"""What comes from this machine: own files, ComfyUI's output, Studio's folder; and its size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from comfyui_curator.store import Options
from tests import studio_folders
from tests.browser.screens import card, cards, notice
from tests.serving import RunningServer
from tests.upstream.pictures import comfyui_texts, png

SEED = 987654321012345678
"""More than a number of the page can hold."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """An empty one for all: each test adds pictures of its own."""
    root = tmp_path_factory.mktemp("own") / "root"
    with RunningServer(root, Options()) as running:
        folder = running.store.host.output / "2026-11"
        folder.mkdir(parents=True)
        for number in range(3):
            (folder / f"ComfyUI_{number:05}_.png").write_bytes(drawn(f"output {number}"))
        yield running


def drawn(salt: str) -> bytes:
    return png(salt, 64, 96, comfyui_texts(f"a lantern, {salt}", "blurry", SEED))


def open_sheet(page: Page, server: RunningServer, name: str) -> None:
    page.goto(f"{server.api}/ui/")
    page.get_by_role("button", name="More of the gallery").click()
    page.get_by_role("menuitem", name=name).click()


def test_files_are_added_and_what_is_no_picture_says_so(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "harbour.png").write_bytes(drawn("harbour"))
    (tmp_path / "notes.png").write_bytes(b"no picture")
    open_sheet(page, server, "Add own pictures")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose files").click()
    choosing.value.set_files([tmp_path / "harbour.png", tmp_path / "notes.png"])
    rows = page.locator(".add-row")
    expect(rows.filter(has_text="harbour.png")).to_contain_text("In the gallery")
    expect(page.locator(".add-row.is-failed")).to_contain_text("notes.png")
    complaints.clear()
    rows.get_by_role("button", name="Show").click()
    expect(page.locator(".picture .words").first).to_contain_text("a lantern, harbour")
    expect(page.locator(".picture-foot")).to_contain_text("harbour.png")
    expect(page.locator("dl.facts")).to_contain_text(str(SEED))
    page.get_by_text("All metadata").click()
    expect(page.locator(".picture-raw pre")).to_contain_text(f'"seed": {SEED}')


def test_files_dropped_on_the_gallery_are_taken(server: RunningServer, page: Page) -> None:
    page.goto(f"{server.api}/ui/")
    expect(page.get_by_role("button", name="More of the gallery")).to_be_visible()
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
          const panel = document.querySelector('.curator-panel').shadowRoot;
          const event = new DragEvent("drop", { dataTransfer: data, cancelable: true });
          panel.querySelector('.gallery-list').dispatchEvent(event);
        }""",
        list(drawn("dropped")),
    )
    expect(page.locator(".add-row")).to_contain_text("In the gallery")
    names = [each["name"] for each in server.get("/gallery?source=own").json()["images"]]
    assert "dropped.png" in names


def test_what_comfyui_has_saved_is_picked_from_its_folder(
    server: RunningServer, page: Page
) -> None:
    open_sheet(page, server, "Add own pictures")
    files = page.locator(".output-file")
    expect(files).to_have_count(3)
    page.get_by_role("searchbox", name="Search the output folder").fill("00001")
    expect(files).to_have_count(1)
    files.first.click()
    page.get_by_role("button", name="Add 1", exact=True).click()
    expect(notice(page)).to_contain_text("1 picture in the gallery")
    page.get_by_role("searchbox", name="Search the output folder").fill("nowhere")
    expect(page.get_by_text("No file there has that name.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Added from this machine").click()
    expect(page.locator(".card.has-image").first).to_be_visible()


def test_studios_folder_is_looked_at_before_it_is_adopted(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    before = len(server.store.gallery)
    open_sheet(page, server, "Adopt a Studio folder")
    field = page.get_by_role("textbox", name="Folder of Studio's pictures")
    field.fill(str(tmp_path / "nowhere"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("no such folder")
    complaints.clear()
    field.fill(str(folder))
    page.keyboard.press("Enter")
    report = page.locator(".report")
    expect(report).to_contain_text("Found4New4")
    assert len(server.store.gallery) == before
    page.get_by_role("button", name="Adopt 4").click()
    expect(page.get_by_text("Adopted")).to_be_visible()
    assert len(server.store.gallery) == before + 4
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("button", name="Nothing new to adopt")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(card(page, "1002").locator(".card-star")).to_have_attribute("aria-pressed", "true")


def test_the_room_they_take_is_shown_and_can_be_made(
    server: RunningServer, page: Page, tmp_path: Path
) -> None:
    sent = server.post(
        "/gallery/own", files={"image": ("a.png", drawn("big"))}, params={"model_id": 77}
    )
    assert sent.status_code == 200
    open_sheet(page, server, "Disk space")
    row = page.locator(".disk-row", has_text="Model 77")
    expect(row).to_contain_text("1 picture")
    page.locator("#screen-gallery").get_by_label("Limit in GB").fill("2.5")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".limit")).to_contain_text("until nothing more is added")
    assert server.store.settings.values.gallery_limit_gb == 2.5
    page.get_by_role("button", name="Find: ").click()
    expect(page.locator(".care .task").first).not_to_be_empty()
    expect(page.locator(".care .spinner")).to_have_count(0)
    row.get_by_role("button", name="Delete the pictures of Model 77").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delete the pictures of Model 77").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    server.store.settings.change({"gallery_limit_gb": 0})


def test_what_cannot_be_read_says_so_and_can_be_tried_again(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    held: list[Route] = []
    page.route("**/gallery/disk", lambda route: held.append(route))
    page.route("**/gallery/output?*", lambda route: refuse(route))
    open_sheet(page, server, "Disk space")
    expect(page.get_by_role("region", name="Disk space").locator(".grey-rows")).to_be_visible()
    refuse(held.pop())
    expect(page.get_by_role("alert").filter(has_text="The disk is gone.")).to_be_visible()
    page.unroute("**/gallery/disk")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".disk-row").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More of the gallery").click()
    page.get_by_role("menuitem", name="Add own pictures").click()
    expect(page.get_by_role("alert").filter(has_text="The disk is gone.")).to_be_visible()
    page.unroute("**/gallery/output?*")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".output-file").first).to_be_visible()
    complaints.clear()


@pytest.mark.parametrize("width", [224, 1280])
def test_no_sheet_is_wider_than_the_panel(server: RunningServer, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{server.api}/ui/")
    for name in ("Add own pictures", "Adopt a Studio folder", "Disk space"):
        page.get_by_role("button", name="More of the gallery").click()
        page.get_by_role("menuitem", name=name).click()
        sheet = page.get_by_role("region", name=name)
        expect(sheet).to_be_visible()
        body = sheet.locator(".sheet-body")
        assert body.evaluate("(each) => each.scrollWidth <= each.clientWidth")
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(cards(page).first).to_be_visible()


def refuse(route: Route) -> None:
    text = "The disk is gone."
    route.fulfill(status=500, json={"error": text, "detail": text})


def test_one_picture_is_deleted_after_a_question_and_other_pages_drop_it(
    server: RunningServer, page: Page
) -> None:
    ids: list[str] = []
    for name in ("kept", "wrong"):
        answer = server.post("/gallery/own", files={"image": (f"{name}.png", drawn(name))})
        ids.append(answer.json()["id"])
    kept, wrong = ids
    other = page.context.new_page()
    for each in (page, other):
        each.goto(f"{server.api}/ui/")
        expect(card(each, wrong)).to_be_visible()
    card(page, wrong).click()
    for answer in ("Cancel", "Delete"):
        page.locator(".picture-bar").get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Delete").click()
        question = page.get_by_role("dialog", name="Delete the picture")
        expect(question).to_contain_text("every gallery and collection")
        question.get_by_role("button", name=answer, exact=True).click()
        expect(question).to_be_hidden()
    expect(notice(page)).to_contain_text("Picture deleted")
    for each in (page, other):
        expect(card(each, wrong)).to_have_count(0)
        expect(card(each, kept)).to_have_count(1)
    expect(page.locator(".picture")).to_be_hidden()
    assert server.get(f"/loras/gallery/{wrong}/meta").status_code == 404
    other.close()
