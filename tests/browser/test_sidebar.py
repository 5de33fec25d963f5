"""The tab in ComfyUI's real page, in each of its versions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.browser.screens import card, cards, notice, paste
from tests.comfyui.processes import RunningComfyUI, data_folder, stand_in
from tests.upstream import Upstream
from tests.upstream.pictures import png
from tests.upstream.weights import safetensors

STYLES = "document.querySelector('.curator-panel').shadowRoot.adoptedStyleSheets"
LOADERS = "app.graph.nodes.filter((node) => node.type === 'LoadImage')"
WORKFLOW: dict[str, Any] = {
    "last_node_id": 1,
    "last_link_id": 0,
    "nodes": [
        {
            "id": 1,
            "type": "KSampler",
            "pos": [0, 0],
            "size": [300, 260],
            "flags": {},
            "order": 0,
            "mode": 0,
            "properties": {},
        }
    ],
    "links": [],
    "version": 0.4,
}
SHOWS = """([id, name]) => {
  const node = app.graph.getNodeById(id);
  const [image] = node.imgs ?? [];
  return node.widgets[0].value === name && image?.naturalWidth > 0
    && image.src.includes(encodeURIComponent(name));
}"""


@pytest.fixture(scope="module")
def stand_in_comfyui(
    frontend_version: str,
    tmp_path_factory: pytest.TempPathFactory,
    filled_root: Path,
    running_upstream: Upstream,
) -> Iterator[RunningComfyUI]:
    base = tmp_path_factory.mktemp("comfyui")
    shutil.copytree(filled_root / "curator", data_folder(base))
    environment = {
        "CURATOR_CIVITAI": running_upstream.civitai,
        "CURATOR_CIVITAI_IMAGES": running_upstream.civitai_images,
    }
    with stand_in(base, frontend_version, environment) as comfyui:
        yield comfyui


@pytest.fixture(scope="package")
def real_base(tmp_path_factory: pytest.TempPathFactory, filled_root: Path) -> Path:
    base = tmp_path_factory.mktemp("real")
    shutil.copytree(filled_root / "curator", data_folder(base))
    return base


# One for all tests of a version: ComfyUI's page takes seconds to load.
@pytest.fixture(scope="module")
def loaded_page(browser: Browser, frontend_version: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(loaded_page: Page) -> Iterator[Page]:
    """Errors of ComfyUI's own page are its own business; ours are not allowed."""
    ours: list[str] = []

    def hear(note: ConsoleMessage) -> None:
        if note.type == "error" and "urator" in note.location.get("url", "") + note.text:
            ours.append(note.text)

    def break_down(error: Error) -> None:
        if "urator" in (error.stack or "") or "/api/admin/" in (error.stack or ""):
            ours.append(str(error))

    loaded_page.on("console", hear)
    loaded_page.on("pageerror", break_down)
    yield loaded_page
    loaded_page.remove_listener("console", hear)
    loaded_page.remove_listener("pageerror", break_down)
    assert not ours


def open_tab(page: Page, comfyui: RunningComfyUI) -> None:
    """An empty workflow, and the tab freshly opened beside it."""
    tab = page.get_by_role("button", name="Curator").first
    if page.url.rstrip("/") != comfyui.url:
        page.goto(comfyui.url)
        page.wait_for_function("window.app?.extensionManager && app.canvas?.graph")
        expect(tab).to_be_visible()
    elif page.locator(".curator-panel").count():
        tab.click()
    page.evaluate("app.graph.clear()")
    tab.click()
    # The panel opens where it was left.
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator(".card.has-image").first).to_be_visible()


def load(page: Page, id: str) -> None:
    """The card's main act."""
    card(page, id).hover()
    card(page, id).get_by_role("button", name="Load in workflow").click()
    expect(notice(page)).to_contain_text(f"civitai_{id}.png")


def test_the_tab_shows_the_gallery_without_a_stream_of_its_own(
    stand_in_comfyui: RunningComfyUI, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_tab(page, stand_in_comfyui)
    assert cards(page).count() > 5
    assert not [url for url in asked if url.endswith("/events")]
    # All styles in one answer.
    assert page.evaluate(f"{STYLES}.map((sheet) => sheet.cssRules.length > 300)") == [True]
    page.get_by_role("button", name="Curator").first.click()
    expect(cards(page)).to_have_count(0)
    page.get_by_role("button", name="Curator").first.click()
    expect(page.locator(".card.has-image").first).to_be_visible()


def test_loading_adds_a_node_in_the_middle_of_what_is_seen_and_it_shows_the_picture(
    stand_in_comfyui: RunningComfyUI, page: Page
) -> None:
    open_tab(page, stand_in_comfyui)
    check_that_loading_adds_a_node(page, stand_in_comfyui)


def test_loading_sets_the_selected_node_and_undo_takes_it_back(
    stand_in_comfyui: RunningComfyUI, page: Page
) -> None:
    open_tab(page, stand_in_comfyui)
    load(page, "1036")
    id = page.evaluate(f"{LOADERS}[0].id")
    load(page, "1037")
    page.wait_for_function(SHOWS, arg=[id, "civitai_1037.png"])
    assert page.evaluate(f"{LOADERS}.length") == 1
    assert "civitai_1037.png" in page.evaluate(f"{LOADERS}[0].widgets[0].options.values")
    page.evaluate("app.extensionManager.command.execute('Comfy.Undo')")
    page.wait_for_function(f"{LOADERS}[0]?.widgets[0].value === 'civitai_1036.png'")


def test_selected_nodes_of_other_kinds_are_left_alone(
    stand_in_comfyui: RunningComfyUI, page: Page
) -> None:
    open_tab(page, stand_in_comfyui)
    page.evaluate(
        """() => {
          const node = LiteGraph.createNode('SaveImage');
          app.graph.add(node);
          app.canvas.select(node);
        }"""
    )
    load(page, "1036")
    saver = "app.graph.nodes.find((node) => node.type === 'SaveImage')"
    assert page.evaluate(f"{saver}.widgets[0].value") == "ComfyUI"
    assert page.evaluate(f"{LOADERS}.length") == 1


def test_the_opened_picture_is_large_over_the_canvas_and_gives_way_to_the_workflow(
    stand_in_comfyui: RunningComfyUI, page: Page
) -> None:
    open_tab(page, stand_in_comfyui)
    card(page, "1038").click()
    page.locator(".stage img").click()
    box = page.get_by_role("dialog", name="Picture").bounding_box()
    assert box is not None and (box["width"], box["height"]) == (1280, 800)
    page.locator(".picture-bar").get_by_role("button", name="Send to input").click()
    expect(notice(page)).to_contain_text("In the input folder: civitai_1038.png")
    page.locator(".picture-bar").get_by_role("button", name="Load in workflow").click()
    expect(page.get_by_role("dialog", name="Picture")).to_be_hidden()
    expect(notice(page)).to_contain_text("In a new Load Image node")
    assert (stand_in_comfyui.base / "input" / "civitai_1038.png").is_file()


def test_the_workflow_inside_of_a_picture_opens_in_a_tab_of_its_own(
    stand_in_comfyui: RunningComfyUI, page: Page, tmp_path: Path
) -> None:
    open_tab(page, stand_in_comfyui)
    load(page, "1036")
    data = png("tab", 64, 64, {"workflow": json.dumps(WORKFLOW)})
    path = "/api/admin/gallery/own?name=harbour.png"
    item = stand_in_comfyui.ask("POST", path, files={"image": ("harbour.png", data)}).json()
    card(page, item["id"]).click()
    page.locator(".picture-bar").get_by_role("button", name="Open its workflow").click()
    expect(notice(page)).to_contain_text("In a new tab: harbour")
    page.wait_for_function("app.graph.nodes.some((node) => node.type === 'KSampler')")
    opened = "app.extensionManager.workflow.openWorkflows.map((each) => each.filename)"
    page.wait_for_function(f"{opened}.includes('harbour') && {opened}.length > 1")
    assert page.evaluate(f"{LOADERS}.length") == 0
    stand_in_comfyui.ask("DELETE", "/api/admin/loras/0/gallery")


def test_keys_and_pastes_in_the_panel_do_nothing_to_the_workflow(
    stand_in_comfyui: RunningComfyUI, page: Page, running_upstream: Upstream
) -> None:
    open_tab(page, stand_in_comfyui)
    load(page, "1036")
    card(page, "1036").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Backspace")
    page.keyboard.press("/")
    page.keyboard.type("number3 w.r")
    page.keyboard.press("Delete")
    expect(page.get_by_role("searchbox")).to_have_value("number3 w.r")
    assert page.evaluate(f"{LOADERS}.length") == 1
    page.keyboard.press("Escape")
    image = running_upstream.world.image("png_as_jpeg")
    paste(page, f"https://civitai.com/images/{image.id}")
    expect(card(page, str(image.id))).to_be_visible()
    assert page.evaluate("app.graph.nodes.length") == 1


def test_a_change_from_elsewhere_shows_up(stand_in_comfyui: RunningComfyUI, page: Page) -> None:
    open_tab(page, stand_in_comfyui)
    stand_in_comfyui.ask("POST", "/api/admin/loras/gallery/1039/star", json={"starred": True})
    expect(card(page, "1039").locator(".card-star")).to_have_attribute("aria-pressed", "true")
    stand_in_comfyui.ask("POST", "/api/admin/loras/gallery/1039/star", json={"starred": False})
    expect(card(page, "1039").locator(".card-star")).to_have_attribute("aria-pressed", "false")


def test_the_catalogs_tab_follows_a_transfer_and_asks_for_nothing_in_between(
    stand_in_comfyui: RunningComfyUI, page: Page, running_upstream: Upstream
) -> None:
    open_tab(page, stand_in_comfyui)
    page.get_by_role("tab", name="Wanted").click()
    version = running_upstream.world.version("vae")
    stand_in_comfyui.ask("POST", f"/api/admin/civitai/add/{version.id}")
    row = page.locator(".entry", has_text="Clear Air")
    row.get_by_role("button", name="Get").click()
    expect(row).to_contain_text("Here")
    asked: list[str] = []
    page.wait_for_timeout(1500)
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert not [url for url in asked if "/api/admin/" in url]


def test_a_lora_gets_a_node_and_then_its_strength_in_it(
    stand_in_comfyui: RunningComfyUI, page: Page
) -> None:
    folder = stand_in_comfyui.base / "models" / "loras" / "styles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inky.safetensors").write_bytes(safetensors("LORA", "inky"))
    open_tab(page, stand_in_comfyui)
    stand_in_comfyui.ask("POST", "/api/admin/library/scan", json={})
    page.get_by_role("tab", name="Models").click()
    lora = page.locator(".model-card", has_text="inky")
    lora.hover()
    lora.get_by_role("button", name="Add to workflow").click()
    expect(notice(page)).to_contain_text("In a new node, Load LoRA")
    values = "node.widgets.slice(0, 3).map((each) => each.value)"
    nodes = f"app.graph.nodes.map((node) => [node.type, ...{values}])"
    assert page.evaluate(nodes) == [["LoraLoader", "styles/inky.safetensors", 1, 1]]
    lora.click()
    view = page.locator(".model-view")
    view.get_by_role("slider", name="Strength").fill("0.6")
    view.get_by_role("button", name="Add to workflow").click()
    expect(notice(page)).to_contain_text("In Load LoRA #")
    assert page.evaluate(nodes) == [["LoraLoader", "styles/inky.safetensors", 0.6, 0.6]]
    view.get_by_role("button", name="Back to the models").click()
    page.get_by_role("tab", name="Gallery").click()


def test_in_real_comfyui_the_node_shows_the_picture(
    real_comfyui: RunningComfyUI, page: Page
) -> None:
    open_tab(page, real_comfyui)
    check_that_loading_adds_a_node(page, real_comfyui)


def check_that_loading_adds_a_node(page: Page, comfyui: RunningComfyUI) -> None:
    load(page, "1036")
    nodes = page.evaluate(f"{LOADERS}.map((node) => node.id)")
    assert len(nodes) == 1
    page.wait_for_function(SHOWS, arg=[nodes[0], "civitai_1036.png"])
    assert (comfyui.base / "input" / "civitai_1036.png").is_file()
    x, y = page.evaluate(
        """(id) => {
          const { pos, size } = app.graph.getNodeById(id);
          const { scale, offset } = app.canvas.ds;
          return [(pos[0] + size[0] / 2 + offset[0]) * scale, (pos[1] + offset[1]) * scale];
        }""",
        nodes[0],
    )
    panel = page.locator(".curator-panel").bounding_box()
    assert panel is not None
    free = panel["x"] + panel["width"]
    assert abs(x - (free + 1280) / 2) < 60
    assert 0 < y < 800
