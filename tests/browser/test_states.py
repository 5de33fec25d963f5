"""Empty, loading, failed, locked; ten thousand pictures; and changes made elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from comfyui_curator.store import Options
from tests.browser.pictures import COUNT
from tests.browser.screens import card, cards, open_page, paste, shown_ids
from tests.checkout import ROOT
from tests.serving import RunningServer
from tests.upstream import Upstream

MANY = 10_000


@pytest.fixture
def empty_server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "empty", options) as running:
        yield running


@pytest.fixture(scope="module")
def crowded_server(
    tmp_path_factory: pytest.TempPathFactory, filled_root: Path
) -> Iterator[RunningServer]:
    """MANY records over the files of a few pictures."""
    root = tmp_path_factory.mktemp("crowded") / "root"
    shutil.copytree(filled_root, root)
    with RunningServer(root, Options()) as running:
        gallery = running.store.database.collection("gallery")
        known = [record for record in gallery if record["type"] == "image"]
        with running.store.database.transaction():
            for number in range(MANY - COUNT - 1):
                record = dict(known[number % len(known)])
                record["id"] = record["civitai_id"] = str(500_000 + number)
                record["aliases"] = [record["id"]]
                record["added"] += 1_000_000_000 + number
                gallery.put(record)
        yield running


def test_empty_says_what_would_be_here_and_how_it_comes(
    empty_server: RunningServer, page: Page, upstream: Upstream
) -> None:
    page.goto(empty_server.url)
    expect(page.get_by_text("No pictures yet")).to_be_visible()
    page.get_by_role("button", name="Add a picture", exact=True).click()
    image = upstream.world.image("png_as_jpeg")
    page.keyboard.type(f"https://civitai.com/images/{image.id}")
    page.keyboard.press("Enter")
    expect(card(page, str(image.id))).to_be_visible()
    expect(page.get_by_text("No pictures yet")).to_be_hidden()


def test_grey_cards_stand_in_only_when_it_takes_long(server: RunningServer, page: Page) -> None:
    held: list[Route] = []
    page.route("**/api/admin/gallery?*", lambda route: held.append(route))
    page.goto(f"{server.api}/ui/")
    expect(page.locator(".shade").first).to_be_visible()
    held[0].continue_()
    expect(cards(page).first).to_be_visible()
    expect(page.locator(".shade")).to_have_count(0)


def test_failed_says_what_failed_and_retry_mends_it(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    page.route("**/api/admin/gallery?*", lambda route: route.abort())
    page.goto(f"{server.api}/ui/")
    expect(page.get_by_role("alert")).to_contain_text("Curator's server does not answer.")
    page.unroute("**/api/admin/gallery?*")
    page.get_by_role("button", name="Retry").click()
    expect(cards(page).first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    complaints.clear()


def test_who_needs_the_key_is_asked_for_it(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    server.store.settings.change({"require_key": True})
    page.goto(f"{server.api}/ui/")
    field = page.get_by_role("textbox", name="Key")
    expect(field).to_be_visible()
    assert cards(page).count() == 0
    field.fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The key is wrong.")).to_be_visible()
    complaints.clear()
    field.fill(server.store.access.key)
    page.keyboard.press("Enter")
    expect(page.locator(".card.has-image").first).to_be_visible()
    expect(field).to_be_hidden()
    complaints.clear()


def test_ten_thousand_pictures_are_a_hundred_cards(
    crowded_server: RunningServer, page: Page
) -> None:
    open_page(page, crowded_server)
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(MANY))
    most = 0
    for _ in range(25):
        page.locator("#screen-gallery .grid").evaluate("(grid) => { grid.scrollTop += 15000; }")
        page.wait_for_timeout(30)
        most = max(most, cards(page).count())
    assert most < 120
    last = page.locator(".card-row").evaluate_all(
        "(rows) => Math.max(...rows.map((row) => +row.getAttribute('aria-rowindex')))"
    )
    assert last > 800


def test_the_keyboard_goes_on_where_pictures_were_not_loaded_yet(
    crowded_server: RunningServer, page: Page
) -> None:
    open_page(page, crowded_server)
    cards(page).first.focus()
    for _ in range(3):
        page.keyboard.press("End")
        page.wait_for_timeout(300)
    row = page.locator(".card-row", has=page.locator(".card:focus"))
    expect(row).to_have_count(1)
    assert int(row.get_attribute("aria-rowindex") or 0) >= 200
    page.keyboard.press("Home")
    expect(page.locator(".card-row[aria-rowindex='1'] .card")).to_be_focused()


def test_a_change_in_one_tab_shows_up_in_the_other(
    server: RunningServer, context: BrowserContext, upstream: Upstream
) -> None:
    mine, other = context.new_page(), context.new_page()
    open_page(mine, server)
    open_page(other, server)
    card(other, "1039").hover()
    card(other, "1039").locator(".card-star").click()
    expect(card(mine, "1039").locator(".card-star")).to_have_attribute("aria-pressed", "true")
    image = upstream.world.image("png_as_jpeg")
    paste(other, f"https://civitai.com/images/{image.id}")
    expect(card(mine, str(image.id))).to_be_visible()
    assert shown_ids(mine)[0] == str(image.id)


def test_a_change_elsewhere_moves_nothing_under_the_eye(
    crowded_server: RunningServer, page: Page
) -> None:
    open_page(page, crowded_server)
    page.locator("#screen-gallery .grid").evaluate("(grid) => { grid.scrollTop = 3000; }")
    page.wait_for_timeout(200)
    before = in_sight(page)
    total = page.get_by_role("grid").get_attribute("aria-rowcount")
    record = next(iter(crowded_server.store.database.collection("gallery")))
    newest = {**record, "id": "900001", "aliases": ["900001"], "added": record["added"] + 10**12}
    crowded_server.store.database.collection("gallery").put(newest)
    crowded_server.store.events.publish("gallery", id="900001", change="added")
    expect(page.get_by_role("grid")).not_to_have_attribute("aria-rowcount", str(total))
    after = in_sight(page)
    assert after[: len(before)] == before


def test_many_tabs_share_one_connection(server: RunningServer, context: BrowserContext) -> None:
    """A browser opens six connections to a host: with a stream each, the seventh tab would hang."""
    pages = [context.new_page() for _ in range(7)]
    for page in pages:
        open_page(page, server)
    card(pages[0], "1039").hover()
    card(pages[0], "1039").locator(".card-star").click()
    for page in pages:
        expect(card(page, "1039").locator(".card-star")).to_have_attribute("aria-pressed", "true")


def in_sight(page: Page) -> list[tuple[str, float]]:
    """Id and upper edge of the pictures that are seen, from above."""
    found = page.locator(".card-row").evaluate_all(
        """(rows) => {
          const top = rows[0].closest('.grid').getBoundingClientRect().top;
          return rows
            .map((row) => [row.querySelector('img').src, row.getBoundingClientRect()])
            .filter(([, box]) => box.bottom > top && box.top < innerHeight)
            .map(([address, box]) => [address.split('/').at(-1), box.top, +box.left]);
        }"""
    )
    return [(id, top) for id, top, _ in sorted(found, key=lambda each: (each[1], each[2]))]


def test_styles_that_come_file_by_file_are_the_same_in_the_same_order(
    server: RunningServer, page: Page
) -> None:
    rules = """[...document.querySelector('.curator-panel').shadowRoot.adoptedStyleSheets]
        .flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText)"""
    open_page(page, server)
    together = page.evaluate(rules)
    styles = (ROOT / "web/ui/styles.css").read_text("utf-8")
    page.route(
        "**/ui/styles.css", lambda route: route.fulfill(body=styles, content_type="text/css")
    )
    with page.expect_response("**/ui/gallery/gallery.css"):
        open_page(page, server)
    assert page.evaluate(rules) == together
    assert len(together) > 300
