"""What a person does with pictures on the page: star, send, add; and how it goes wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.pictures import HOSTILE
from tests.browser.screens import card, cards, notice, open_page, paste
from tests.serving import RunningServer
from tests.upstream import Upstream


def test_a_star_is_set_at_once_and_kept(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    star = card(page, "1039").locator(".card-star")
    card(page, "1039").hover()
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".picture")).to_be_hidden()
    page.reload()
    expect(card(page, "1039").locator(".card-star")).to_have_attribute("aria-pressed", "true")


def test_the_s_key_stars_the_picture_the_keyboard_is_at(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    card(page, "1036").focus()
    with page.expect_response("**/star"):
        page.keyboard.press("s")
    expect(card(page, "1036").locator(".card-star")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Enter")
    with page.expect_response("**/star"):
        page.keyboard.press("s")
    star = page.locator(".picture-bar .star")
    expect(star).to_have_attribute("aria-pressed", "true")
    assert server.store.gallery.meta("1036")["starred"]


def test_a_star_that_could_not_be_kept_goes_back_and_says_why(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    open_page(page, server)
    page.route("**/star", lambda route: refuse(route, 507, "The disk is full."))
    card(page, "1039").hover()
    card(page, "1039").locator(".card-star").click()
    expect(notice(page)).to_contain_text("The disk is full.")
    expect(card(page, "1039").locator(".card-star")).to_have_attribute("aria-pressed", "false")
    complaints.clear()


def test_sent_to_input_the_file_lies_there_and_is_named(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    card(page, "1031").hover()
    card(page, "1031").get_by_role("button", name="Send to input").click()
    expect(notice(page)).to_contain_text("civitai_1031.png")
    assert (server.root / "assets" / "input" / "civitai_1031.png").is_file()
    card(page, "1030").click()
    page.locator(".picture-bar").get_by_role("button", name="Send to input").click()
    expect(notice(page)).to_contain_text("civitai_1030.png")


def test_the_keyboard_stays_at_a_button_that_was_busy(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    held: list[Route] = []
    page.route("**/to-input/**", lambda route: held.append(route))
    card(page, "1031").focus()
    send = card(page, "1031").get_by_role("button", name="Send to input")
    send.focus()
    page.keyboard.press("Enter")
    expect(send).to_be_disabled()
    expect(send).not_to_be_focused()
    held[0].continue_()
    expect(send).to_be_focused()


def test_of_a_video_a_frame_is_sent_or_the_whole(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    for choice, ends in (("Send a frame to input", "png"), ("Send the video to input", "mp4")):
        card(page, "2000").hover()
        card(page, "2000").get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name=choice).click()
        expect(notice(page)).to_contain_text(f".{ends}")
    names = [path.suffix for path in (server.root / "assets" / "input").iterdir()]
    assert sorted(names) == [".mp4", ".png"]


def test_loading_is_offered_only_where_there_is_a_workflow(
    server: RunningServer, page: Page
) -> None:
    open_page(page, server)
    card(page, "1031").click()
    expect(page.get_by_role("button", name="Send to input").first).to_be_visible()
    assert page.locator("#screen-gallery").get_by_text("Load").count() == 0


def test_texts_of_strangers_stay_texts(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    card(page, str(1000 + HOSTILE)).click()
    expect(page.locator(".words").first).to_have_text(
        '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
    )
    page.locator(".stage img").click()
    assert page.evaluate("window.hacked") is None


def test_a_pasted_picture_comes_into_the_gallery_and_opens(
    server: RunningServer, page: Page, upstream: Upstream
) -> None:
    image = upstream.world.image("png_as_jpeg")
    open_page(page, server)
    paste(page, f"https://civitai.com/images/{image.id}")
    row = page.locator(".add-row")
    expect(row).to_contain_text("In the gallery")
    expect(card(page, str(image.id))).to_be_visible()
    row.get_by_role("button", name="Show").click()
    expect(page.locator(".picture .stage img")).to_be_visible()
    expect(page.locator(".add-row")).to_be_hidden()


def test_a_pasted_model_is_shown_first_and_then_comes_into_the_catalog(
    server: RunningServer, page: Page, upstream: Upstream
) -> None:
    version = upstream.world.version("lora")
    open_page(page, server)
    address = f"https://civitai.com/models/{version.model_id}?modelVersionId={version.id}"
    shown = page.get_by_role("region", name="What will be added")
    paste(page, address)
    expect(shown).to_contain_text("Lantern Glow")
    expect(shown).to_contain_text("Will lie in models/loras/lantern_glow")
    shown.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".add-row").first).to_contain_text("In the catalog")
    paste(page, address)
    expect(shown).to_contain_text("It is in the catalog already")
    restricted = upstream.world.version("restricted")
    paste(page, f"urn:air:sdxl:lora:civitai:{restricted.model_id}@{restricted.id}")
    expect(shown).to_contain_text("Only Online")
    shown.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".add-row").first).to_contain_text("Not offered for download")


def test_what_is_no_address_of_anything_says_so(
    server: RunningServer, page: Page, complaints: list[str]
) -> None:
    open_page(page, server)
    page.get_by_role("button", name="Add by address").click()
    field = page.get_by_role("textbox", name="Address of a picture or a model")
    for said, answer in (
        ("https://civitai.com/images/abc", "neither a picture's nor a model's"),
        ("ink samurai", "That is no address"),
    ):
        field.fill(said)
        page.keyboard.press("Enter")
        expect(page.get_by_text(answer)).to_be_visible()
        expect(field).to_have_value(said)
    assert page.locator(".add-row").count() == 0
    field.fill("https://civitai.com/models/999999999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").get_by_role("button", name="Retry")).to_be_visible()
    complaints.clear()


def test_what_cannot_be_added_says_so_in_the_servers_words_and_can_be_tried_again(
    server: RunningServer, page: Page, upstream: Upstream, complaints: list[str]
) -> None:
    image = upstream.world.image("webp_as_jpeg")
    open_page(page, server)
    page.route("**/download-single/*", lambda route: refuse(route, 502, "CivitAI failed: 500."))
    paste(page, f"https://civitai.com/images/{image.id}")
    expect(page.locator(".add-row")).to_contain_text("CivitAI failed: 500.")
    page.unroute("**/download-single/*")
    page.locator(".add-row").get_by_role("button", name="Retry").click()
    expect(page.locator(".add-row")).to_contain_text("In the gallery")
    complaints.clear()
    paste(page, "https://civitai.com/images/99999999")
    expect(page.locator(".add-row.is-failed")).to_have_count(1)
    complaints.clear()


def test_keys_go_in_and_never_come_out(server: RunningServer, page: Page) -> None:
    open_page(page, server)
    page.get_by_role("button", name="Settings", exact=True).click()
    field = page.get_by_label("CivitAI key")
    expect(field).to_have_attribute("placeholder", "Paste it here")
    field.fill("made-up-key-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove", exact=True)).to_be_visible()
    assert server.store.settings.values.civitai_key == "made-up-key-1"
    expect(page.get_by_label("CivitAI key")).to_have_value("")
    assert "made-up-key-1" not in page.evaluate(
        "document.querySelector('.curator-panel').shadowRoot.innerHTML"
    )
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("button", name="Remove", exact=True)).to_have_count(0)
    assert server.store.settings.values.civitai_key == ""


def test_the_page_can_be_dark_or_light_whatever_the_system_says(
    server: RunningServer, page: Page
) -> None:
    open_page(page, server)
    background = "getComputedStyle(document.body).backgroundColor"
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_label("Colours").select_option("dark")
    assert page.evaluate(background) == "rgb(23, 23, 24)"
    page.get_by_label("Colours").select_option("light")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.reload()
    expect(cards(page).first).to_be_visible()
    assert page.evaluate(background) == "rgb(255, 255, 255)"


def refuse(route: Route, status: int, text: str) -> None:
    route.fulfill(status=status, json={"error": text, "detail": text})


@pytest.mark.parametrize("key", ["Delete", "r", "."])
def test_keys_without_a_meaning_do_nothing(server: RunningServer, page: Page, key: str) -> None:
    open_page(page, server)
    cards(page).first.focus()
    page.keyboard.press(key)
    expect(page.locator(".picture")).to_be_hidden()
    expect(cards(page).first).to_be_focused()
