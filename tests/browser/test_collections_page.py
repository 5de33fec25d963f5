"""Collections: made, filled, put in order, renamed and deleted; on their own page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from comfyui_curator.store import Options
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from tests.browser import library
from tests.browser.screens import card, notice, open_page
from tests.serving import RunningServer
from tests.waiting import until

NAMES = ("amber", "birch", "cedar")
SILENCE = """
  delete window.SharedWorker;
  window.EventSource = class { addEventListener() {} close() {} };
"""


@pytest.fixture
def server(tmp_path: Path, filled_root: Path, options: Options) -> Iterator[RunningServer]:
    """A server with pictures and three LoRAs, hashed."""
    root = tmp_path / "root"
    shutil.copytree(filled_root, root)
    for name in NAMES:
        library.put(root, f"loras/{name}.safetensors", name)
    with RunningServer(root, options) as running:
        library.hashed(running)
        yield running


@pytest.fixture
def best(server: RunningServer) -> str:
    """A collection of the three LoRAs and two pictures, in this order; its id."""
    items: list[dict[str, Any]] = [
        {"kind": "model", "id": library.row(server, name)["sha256"]} for name in NAMES
    ]
    items += [{"kind": "picture", "id": id} for id in ("1030", "1031")]
    id = server.post("/library/collections", json={"name": "Best"}).json()["id"]
    server.post(f"/library/collections/{id}/items", json={"items": items})
    return id


def order(server: RunningServer, id: str) -> list[str]:
    items = server.get(f"/library/collections/{id}/items").json()["items"]
    return [item["model"]["name"] if item["model"] else item["id"] for item in map(whole, items)]


def whole(item: dict[str, Any]) -> dict[str, Any]:
    return {"model": None, **item}


def open_best(page: Page, server: RunningServer) -> Locator:
    library.open_models(page, server)
    library.menu(page, "Collections …")
    page.locator(".collection-open", has_text="Best").click()
    region = page.get_by_role("region", name="Best", exact=True)
    expect(region.locator(".member").nth(4)).to_be_visible()
    return region


def test_a_collection_is_made_filled_and_shows_models_and_pictures(
    server: RunningServer, page: Page
) -> None:
    library.open_models(page, server)
    library.menu(page, "Collections …")
    expect(page.get_by_text("No collections yet")).to_be_visible()
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("textbox", name="Name").fill("Autumn")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    page.get_by_role("tab", name="Gallery").click()
    card(page, "1030").click()
    picture = page.locator(".picture")
    picture.get_by_role("button", name="Add to a collection").click()
    page.get_by_role("option", name="Autumn").click()
    picture.get_by_role("button", name="Open Autumn").or_(
        picture.get_by_title("Open Autumn")
    ).first.click()
    members = page.locator(".member")
    expect(members).to_have_count(1)
    page.get_by_role("button", name="Back to the collections").click()
    expect(page.locator(".collection-open", has_text="Autumn")).to_be_focused()
    page.keyboard.press("Escape")
    view = library.open_model(page, "cedar")
    view.get_by_role("button", name="Add to a collection").click()
    page.get_by_role("option", name="Autumn").click()
    view.get_by_title("Open Autumn").click()
    expect(members).to_have_count(2)
    kinds = page.get_by_role("group", name="Kinds")
    kinds.get_by_role("button", name="Models of this collection").click()
    expect(members).to_have_count(1)
    expect(members).to_have_text("cedarLoRA")
    kinds.get_by_role("button", name="Pictures of this collection").click()
    expect(page.locator(".member img[src$='/thumb/1030']")).to_be_visible()
    members.click()
    expect(page.get_by_role("tab", name="Gallery")).to_have_attribute("aria-selected", "true")
    expect(picture).to_contain_text("number30")


def test_the_order_is_changed_by_keyboard_by_menu_and_by_dragging(
    server: RunningServer, page: Page, best: str
) -> None:
    members = open_best(page, server).locator(".member")
    members.nth(0).focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(members.nth(1)).to_be_focused()
    expect(members.nth(1)).to_contain_text("amber")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Home")
    expect(members.nth(0)).to_contain_text("birch")
    page.keyboard.press("Delete")
    expect(members).to_have_count(4)
    expect(members.nth(0)).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(members.nth(0)).to_contain_text("birch")
    expect(members.nth(0)).to_be_focused()
    members.nth(4).hover()
    members.nth(4).get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Move to the start").click()
    expect(members.nth(0)).to_be_focused()
    members.nth(3).drag_to(members.nth(0), target_position={"x": 5, "y": 50})
    expect(members.nth(0)).to_contain_text("amber")
    expect(page.locator(".notice.is-failed")).to_have_count(0)
    wanted = ["amber.safetensors", "1031", "birch.safetensors", "cedar.safetensors", "1030"]
    until(lambda: order(server, best) == wanted)
    assert server.get(f"/library/collections/{best}").json()["models"] == 3


def test_undo_waits_for_the_keyboard_and_gives_it_to_what_came_back(
    server: RunningServer, page: Page, best: str
) -> None:
    page.clock.install()
    members = open_best(page, server).locator(".member")
    members.nth(4).focus()
    for left in range(4, -1, -1):
        page.keyboard.press("Delete")
        expect(members).to_have_count(left)
    until(lambda: not order(server, best))
    back = page.get_by_role("button", name="Back to the collections")
    expect(back).to_be_focused()
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.clock.run_for(60_000)
    page.keyboard.press("Enter")
    expect(members).to_have_count(1)
    expect(members).to_be_focused()
    expect(notice(page)).to_have_count(0)
    page.keyboard.press("Delete")
    undo.focus()
    page.get_by_role("tab", name="Wanted").evaluate("(tab) => tab.click()")
    undo.press("Enter")
    expect(page.get_by_role("tab", name="Wanted")).to_be_focused()
    until(lambda: len(order(server, best)) == 1)


def test_a_failure_that_is_closed_gives_the_keyboard_back(
    server: RunningServer, page: Page, best: str, complaints: list[str]
) -> None:
    members = open_best(page, server).locator(".member")
    page.route("**/items", lambda route: route.abort())
    members.nth(1).focus()
    page.keyboard.press("Delete")
    expect(members).to_have_count(5)
    page.unroute("**/items")
    notice(page).get_by_role("button", name="Close").press("Enter")
    expect(page.locator(".member:focus")).to_have_count(1)
    complaints.clear()


def test_what_is_taken_out_stays_where_it_is(server: RunningServer, page: Page, best: str) -> None:
    members = open_best(page, server).locator(".member")
    members.nth(1).hover()
    members.nth(1).get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Remove from the collection").click()
    expect(notice(page)).to_contain_text("Removed from Best")
    expect(members).to_have_count(4)
    until(lambda: "birch.safetensors" not in order(server, best))
    assert library.row(server, "birch")["status"] == "present"
    place, away = server.root / "models/loras/cedar.safetensors", server.root / "cedar.safetensors"
    shutil.move(place, away)
    server.post("/library/scan", json={})
    expect(page.locator(".member.is-gone")).to_have_text(["A model that is no longer here"])
    shutil.move(away, place)
    library.hashed(server)
    expect(members.nth(1)).to_contain_text("cedarLoRA")
    expect(page.locator(".member.is-gone")).to_have_count(0)


def test_an_opened_model_stands_beside_its_collection(
    server: RunningServer, page: Page, best: str
) -> None:
    region = open_best(page, server)
    members = region.locator(".member")
    members.nth(2).focus()
    page.keyboard.press("Enter")
    view = page.locator(".model-view")
    expect(view.locator(".model-title")).to_have_text("cedar")
    expect(region).to_be_visible()
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    expect(members.nth(2)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Collections")).to_be_visible()
    page.keyboard.press("Escape")
    expect(library.cards(page)).to_have_count(3)


def test_a_collection_is_renamed_described_and_deleted_after_a_question(
    server: RunningServer, page: Page, best: str, complaints: list[str]
) -> None:
    server.post("/library/collections", json={"name": "Other"})
    open_best(page, server)
    more = page.get_by_role("button", name="More of this collection")
    more.click()
    page.get_by_role("menuitem", name="Rename …").click()
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("Best")
    name.fill("Other")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="has this name")).to_be_visible()
    complaints.clear()
    name.fill("Best of all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Best of all")).to_be_visible()
    more.click()
    page.get_by_role("menuitem", name="Edit description …").click()
    page.get_by_role("textbox", name="Description").fill("For the cover.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".collection .lead")).to_have_text("For the cover.")
    page.get_by_role("button", name="Back to the collections").click()
    shown = page.locator(".collection-row", has_text="Best of all")
    expect(shown).to_contain_text("3 models · 2 pictures")
    for answer in ("Cancel", "Delete"):
        shown.get_by_role("button", name="More of Best of all").click()
        page.get_by_role("menuitem", name="Delete …").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("3 models · 2 pictures")
        dialog.get_by_role("button", name=answer, exact=True).click()
    expect(shown).to_have_count(0)
    named = server.get("/library/collections").json()["collections"]
    assert [each["name"] for each in named] == ["Other"]
    assert len(library.rows(server)) == 3


def test_a_collection_has_a_colour_that_is_seen_wherever_it_is_named(
    server: RunningServer, page: Page, best: str
) -> None:
    server.post("/library/collections", json={"name": "Other"})
    region = open_best(page, server)
    field = region.get_by_label("Colour of Best")
    field.fill("#aa3355")
    until(lambda: server.get(f"/library/collections/{best}").json()["color"] == "#aa3355")
    page.keyboard.press("Escape")
    shown = page.locator(".collection-row", has_text="Best")
    check_dot(shown)
    expect(page.locator(".collection-row", has_text="Other").locator(".dot")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Collection", exact=True).click()
    check_dot(page.get_by_role("option", name="Best"))
    page.get_by_role("option", name="Best").click()
    check_dot(page.get_by_role("button", name="Best", exact=True))
    view = library.open_model(page, "cedar")
    check_dot(view.get_by_title("Open Best"))
    view.get_by_role("button", name="Add to a collection").click()
    check_dot(page.get_by_role("option", name="Best"))
    page.keyboard.press("Escape")
    view.get_by_title("Open Best").click()
    expect(field).to_have_value("#aa3355")
    page.get_by_role("button", name="More of this collection").click()
    page.get_by_role("menuitem", name="No colour").click()
    until(lambda: server.get(f"/library/collections/{best}").json()["color"] == "")
    expect(field).to_have_class(re.compile("is-none"))


def check_dot(named: Locator) -> None:
    expect(named.locator(".dot")).to_have_css("background-color", "rgb(170, 51, 85)")


def test_one_that_is_deleted_elsewhere_leads_back_and_failures_say_so(
    server: RunningServer, page: Page, best: str, complaints: list[str]
) -> None:
    open_best(page, server)
    server.ask("DELETE", f"/library/collections/{best}")
    expect(page.get_by_text("No collections yet")).to_be_visible()
    page.route("**/library/collections?*", lambda route: route.abort())
    page.keyboard.press("Escape")
    library.menu(page, "Collections …")
    failed = page.get_by_role("alert").filter(has_text="could not be read")
    expect(failed).to_be_visible()
    page.unroute("**/library/collections?*")
    failed.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("No collections yet")).to_be_visible()
    complaints.clear()


def test_a_collection_whose_name_could_not_be_read_has_it_after_a_retry(
    server: RunningServer, page: Page, best: str, complaints: list[str]
) -> None:
    # What the library tells of must not mend it before the click does.
    page.add_init_script(SILENCE)
    library.open_models(page, server)
    library.menu(page, "Collections …")
    asked = f"**/library/collections/{best}**"
    page.route(asked, lambda route: route.abort())
    page.locator(".collection-open", has_text="Best").click()
    failed = page.get_by_role("alert").filter(has_text="could not be read")
    expect(failed).to_be_visible()
    page.unroute(asked)
    failed.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("region", name="Best", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="More of this collection")).to_be_visible()
    expect(page.locator(".member")).to_have_count(5)
    complaints.clear()


def test_a_menu_acts_on_its_own_card_also_when_others_have_moved_meanwhile(
    server: RunningServer, page: Page, best: str
) -> None:
    members = open_best(page, server).locator(".member")
    members.nth(1).hover()
    members.nth(1).get_by_role("button", name="More").click()
    entry = page.get_by_role("menuitem", name="Remove from the collection")
    expect(entry).to_be_visible()
    last = {"items": [{"kind": "picture", "id": "1031"}], "before": None}
    first = {"kind": "model", "id": library.row(server, "amber")["sha256"]}
    server.post(f"/library/collections/{best}/order", json={**last, "before": first})
    expect(members.nth(1)).to_contain_text("amber")
    entry.click()
    expect(members).to_have_count(4)
    wanted = ["1031", "amber.safetensors", "cedar.safetensors", "1030"]
    until(lambda: order(server, best) == wanted)


def test_a_collection_can_be_added_while_the_library_changes(
    server: RunningServer, page: Page, best: str
) -> None:
    library.open_models(page, server)
    view = library.open_model(page, "cedar")
    expect(view.get_by_title("Open Best")).to_be_visible()
    held: list[Route] = []
    page.route("**/library/collections?*", lambda route: held.append(route))
    view.get_by_role("button", name="Add to a collection").click()
    key = library.row(server, "cedar")["sha256"]
    with page.expect_response("**/library/collections/of/**"):
        server.ask("PATCH", f"/models/{key}", json={"notes": "New."})
    expect(view).to_contain_text("New.")
    for route in held:
        route.continue_()
    expect(page.get_by_role("option", name="Best")).to_be_visible()


def test_a_collection_opens_from_the_enlarged_picture(
    server: RunningServer, page: Page, best: str
) -> None:
    open_page(page, server)
    card(page, "1030").click()
    page.get_by_role("button", name="Large").click()
    page.get_by_role("dialog").get_by_title("Open Best").click()
    expect(page.get_by_role("region", name="Best", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("tab", name="Wanted").click()
    expect(page.get_by_role("tab", name="Wanted")).to_have_attribute("aria-selected", "true")


def test_a_covered_picture_of_a_collection_does_not_tell_its_prompt(
    server: RunningServer, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / "bold.png"
    Image.new("RGB", (64, 64), "#804020").save(file)
    generation = Generation(prompt="not for everybody")
    server.store.gallery.add_file(file, Facts("3000", nsfw_level=8, generation=generation))
    found = server.post("/library/collections", json={"name": "Best"}).json()["id"]
    items = [{"kind": "picture", "id": "3000"}]
    server.post(f"/library/collections/{found}/items", json={"items": items})
    library.open_models(page, server)
    library.menu(page, "Collections …")
    page.locator(".collection-open", has_text="Best").click()
    expect(page.locator(".member.is-covered")).to_have_accessible_name(
        re.compile("^Covered, level ")
    )


def test_the_models_of_a_collection_are_a_filter_of_the_list(
    server: RunningServer, page: Page, best: str
) -> None:
    server.ask(
        "DELETE",
        f"/library/collections/{best}/items",
        json={"items": [{"kind": "model", "id": library.row(server, "birch")["sha256"]}]},
    )
    library.open_models(page, server)
    page.get_by_role("button", name="Collection", exact=True).click()
    page.get_by_role("option", name="Best").click()
    expect(library.cards(page)).to_have_count(2)
    page.get_by_role("button", name="Best", exact=True).click()
    page.get_by_role("option", name="All collections …").click()
    expect(page.get_by_role("region", name="Collections")).to_be_visible()


@pytest.mark.parametrize("width", [224, 1280])
def test_a_collection_is_never_wider_than_the_panel(
    server: RunningServer, page: Page, best: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    region = open_best(page, server)
    body = region.locator(".sheet-body")
    assert body.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    expect(region.get_by_role("heading", name="Best")).to_be_visible()
    assert region.get_by_role("heading", name="Best").evaluate("(each) => each.offsetWidth > 20")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
