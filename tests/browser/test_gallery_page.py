"""The gallery as a page of its own: looking, finding, moving around."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.pictures import COUNT
from tests.browser.screens import card, cards, open_page, shown_ids
from tests.serving import RunningServer

ALL = COUNT + 1


def test_the_root_leads_to_the_gallery_with_what_came_last_first(
    server: RunningServer, page: Page
) -> None:
    page.goto(server.url)
    expect(page.locator(".card.has-image").first).to_be_visible()
    assert page.url == f"{server.api}/ui/"
    assert shown_ids(page)[:3] == ["2000", str(1000 + COUNT - 1), str(1000 + COUNT - 2)]
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(ALL))


def test_the_page_asks_nobody_but_its_own_server(server: RunningServer, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, server)
    card(page, "1030").click()
    expect(page.locator(".picture-foot")).to_be_visible()
    assert asked and all(url.startswith(server.url) for url in asked)


def test_cards_have_the_pictures_proportions_before_the_pictures_come(
    server: RunningServer, page: Page
) -> None:
    held: list[Route] = []
    page.route("**/thumb/*", lambda route: held.append(route))
    page.goto(f"{server.api}/ui/")
    expect(card(page, "1038")).to_be_visible()
    before = {id: card(page, id).bounding_box() for id in ("1039", "1038", "1037", "1036")}
    for route in held:
        route.continue_()
    held.clear()
    page.route("**/thumb/*", lambda route: route.continue_())
    expect(page.locator(".card.has-image")).to_have_count(cards(page).count())
    for id, box in before.items():
        assert box is not None
        assert card(page, id).bounding_box() == box
    upright = before["1036"]
    assert upright is not None
    assert upright["height"] / upright["width"] == pytest.approx(152 / 104, abs=0.02)


def test_the_keyboard_walks_the_columns_opens_and_comes_back(
    server: RunningServer, page: Page
) -> None:
    open_page(page, server)
    cards(page).first.focus()
    first = focused_box(page)
    page.keyboard.press("ArrowRight")
    right = focused_box(page)
    assert right["x"] > first["x"] + 50
    page.keyboard.press("ArrowDown")
    below = focused_box(page)
    assert below["x"] == right["x"] and below["y"] > right["y"]
    page.keyboard.press("ArrowLeft")
    assert focused_box(page)["x"] == first["x"]
    name = page.evaluate(FOCUSED_NAME)
    page.keyboard.press("Enter")
    expect(page.locator(".picture")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".picture")).to_be_hidden()
    assert page.evaluate(FOCUSED_NAME) == name


def test_only_one_card_is_a_stop_of_the_tab_key(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    assert page.locator(".card[tabindex='0']").count() == 1


def test_arrow_keys_lead_through_the_opened_pictures(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    card(page, "1030").click()
    expect(page.get_by_text("picture number30,")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("picture number29,")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("picture number31,")).to_be_visible()
    expect(page.locator(".card[aria-selected='true']")).to_have_count(1)


def test_the_opened_picture_tells_how_it_was_made(
    server: RunningServer, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, server)
    card(page, "1030").click()
    picture = page.get_by_role("region", name="Picture")
    for text in ("lowres, watermark", "Euler a", "4030", "152 × 104", "Meadow Mix", "author_0"):
        expect(picture.get_by_text(text, exact=True).first).to_be_visible()
    link = picture.get_by_role("link", name="CivitAI")
    expect(link).to_have_attribute("href", "https://civitai.com/images/1030")
    picture.get_by_role("button", name="Copy prompt").click()
    expect(page.get_by_role("status")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "picture number30, quiet hills"


def test_large_fills_the_window_and_closes_step_by_step(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    card(page, "1030").click()
    page.locator(".stage img").click()
    large = page.get_by_role("dialog")
    box = large.bounding_box()
    assert box is not None and (box["width"], box["height"]) == (1280, 800)
    for part in (".picture-left", ".picture-right"):
        inside = large.locator(part).bounding_box()
        assert inside is not None and inside["y"] == 0 and inside["height"] == 800
        assert inside["x"] >= 0 and inside["x"] + inside["width"] <= 1280
    page.keyboard.press("ArrowRight")
    expect(large.get_by_text("picture number29,")).to_be_visible()
    large.locator(".film-frame").nth(0).click()
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(page.locator(".picture")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".picture")).to_be_hidden()


def test_a_video_shows_its_length_and_plays(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    expect(card(page, "2000").locator(".card-badge")).to_have_text("0:02")
    card(page, "2000").click()
    expect(page.locator("video")).to_have_js_property("videoWidth", 128)


def test_filters_narrow_the_list_and_can_be_taken_back(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    page.get_by_role("button", name="Starred only").click()
    expect(cards(page)).to_have_count(7)
    page.get_by_role("button", name="From the model's own page").click()
    expect(cards(page)).to_have_count(7)
    page.get_by_role("button", name="Made by others").click()
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(ALL))
    page.get_by_role("button", name="Videos only").click()
    expect(cards(page)).to_have_count(1)


def test_a_model_is_chosen_from_those_with_pictures(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    page.get_by_title("Choose a model").click()
    page.get_by_role("option", name="Neon Castle").click()
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "13")
    assert all((int(id) - 1000) % 3 == 1 for id in shown_ids(page))
    page.get_by_role("button", name="All models, not only Neon Castle").click()
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(ALL))


def test_the_slash_key_leads_to_the_search_for_prompt_author_and_model(
    server: RunningServer, page: Page
) -> None:
    open_page(page, server)
    page.keyboard.press("/")
    page.keyboard.type("number17")
    expect(cards(page)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(ALL))
    page.get_by_role("searchbox").fill("author_3")
    expect(cards(page)).to_have_count(8)
    page.get_by_role("searchbox").fill("castle")
    page.get_by_role("button", name="Neon Castle").click()
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "13")


def test_narrow_the_picture_covers_the_list_wide_it_stands_beside_it(
    server: RunningServer, page: Page
) -> None:
    open_page(page, server)
    card(page, "1030").click()
    expect(card(page, "1031")).to_be_visible()
    list_box = page.locator(".gallery-list").bounding_box()
    picture = page.locator(".picture").bounding_box()
    assert list_box and picture and picture["x"] >= list_box["x"] + list_box["width"] - 1
    page.set_viewport_size({"width": 300, "height": 700})
    expect(page.locator(".tabs")).to_be_hidden()
    narrow = page.locator(".picture").bounding_box()
    assert narrow and narrow["x"] == 0 and narrow["width"] == 300
    page.get_by_role("button", name="Back to the list").click()
    assert len({box["x"] for box in boxes(page)}) == 2


def test_what_can_be_done_with_a_picture_stands_in_one_row_where_there_is_room(
    server: RunningServer, page: Page
) -> None:
    page.set_viewport_size({"width": 312, "height": 700})
    open_page(page, server)
    menu = page.get_by_role("button", name="More of the gallery")
    wide = page.get_by_role("button", name="Settings")
    ends = [each.evaluate("(e) => e.getBoundingClientRect().right") for each in (menu, wide)]
    assert ends[0] == ends[1]
    cards(page).first.click()
    acts = page.locator(".picture-bar > :visible")
    expect(acts).to_have_count(3)
    assert len(set(acts.evaluate_all("(all) => all.map((each) => each.offsetTop)"))) == 1


@pytest.mark.parametrize("width", [224, 312, 700, 1280, 2400])
def test_nothing_is_wider_than_the_panel(server: RunningServer, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    open_page(page, server)
    for opened in (False, True):
        if opened:
            cards(page).nth(2).click()
        room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert room[0] <= room[1]
        for box in boxes(page):
            assert 0 <= box["x"] and box["x"] + box["width"] <= width


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_texts_stand_out_from_what_is_behind_them(
    server: RunningServer, page: Page, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_page(page, server)
    cards(page).nth(2).click()
    page.get_by_role("button", name="Settings", exact=True).click()
    expect(page.get_by_text("Hugging Face token")).to_be_visible()
    assert page.evaluate(CONTRASTS) >= 4.5


def boxes(page: Page) -> list[dict[str, float]]:
    return page.evaluate(
        "[...document.querySelector('.curator-panel').shadowRoot.querySelectorAll('.card')]"
        ".map((each) => each.getBoundingClientRect().toJSON())"
    )


def focused_box(page: Page) -> dict[str, float]:
    return page.evaluate(f"({FOCUSED}).getBoundingClientRect().toJSON()")


FOCUSED = "document.activeElement.shadowRoot.activeElement"
FOCUSED_NAME = f"({FOCUSED}).getAttribute('aria-label')"

# The least contrast of texts against the panel; colours by the browser's own mixing.
CONTRASTS = """() => {
  const panel = document.querySelector('.curator-panel').shadowRoot.querySelector('.panel');
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((each) => {
      const part = each / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const back = light(getComputedStyle(panel).backgroundColor);
  const kinds = '.hint, .tab, .chip, .bar-figures, dt, dd, .link, h1, label, .mark';
  const texts = panel.querySelectorAll(kinds);
  const shown = [...texts].filter((each) => each.checkVisibility());
  const main = getComputedStyle(panel.querySelector('.button.main'));
  return Math.min(
    ratio(light(main.color), light(main.backgroundColor)),
    ...shown.map((each) => ratio(light(getComputedStyle(each).color), back)),
  );
}"""
