"""`python -m tests.screenshots`: the README's pictures, of the demo in the real pages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests import checkout, chromium, frontends, screenshots_catalog
from tests.loading import load_pack

FOLDER = checkout.ROOT / "docs"
LARGEST = 300_000
STEPS = (1, 2, 3, 4, 6, 8)
LANCZOS = Image.Resampling.LANCZOS


def save(page: Page, name: str, *, hovered: Locator | None = None, scale: float = 1) -> None:
    """As a small PNG: a README is read over slow lines too."""
    size = page.viewport_size or {"width": 0, "height": 0}
    page.mouse.move(size["width"] - 2, size["height"] - 2)
    if hovered:
        hovered.hover()
    page.wait_for_timeout(600)
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    shot = shot.resize((round(shot.width * scale), round(shot.height * scale)), LANCZOS)
    packed = BytesIO()
    for step in STEPS:
        # Coarser colours pack far better, and keep greys grey as a palette would not.
        packed = BytesIO()
        coarse = shot.point([round(each / step) * step for each in range(256)] * 3)
        coarse.save(packed, "PNG", optimize=True)
        if len(packed.getvalue()) < LARGEST:
            break
    (FOLDER / name).write_bytes(packed.getvalue())
    print(name, len(packed.getvalue()))


@contextmanager
def a_page(browser: Browser, width: int, height: int, scheme: str = "dark") -> Generator[Page]:
    """A fresh page of this size."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    yield context.new_page()
    context.close()


def shoot_pages(browser: Browser, url: str) -> None:
    """The page of its own: wide, with a picture beside, large, narrow."""
    with a_page(browser, 1200, 750) as page:
        page.goto(url)
        page.locator(".card.has-image").nth(12).wait_for()
        save(page, "page.png")
        page.locator(".card").nth(7).click()
        page.locator(".resource").first.wait_for()
        save(page, "page-picture.png")
        page.locator(".stage img").click()
        save(page, "picture.png", scale=0.8)
    with a_page(browser, 1200, 750, "light") as page:
        page.goto(url)
        page.get_by_title("Choose a model", exact=True).click()
        page.get_by_role("option", name="Ink Samurai Style").click()
        page.get_by_role("button", name="Get pictures").click()
        page.locator(".card.has-image").nth(5).wait_for()
        save(page, "lora-gallery.png", scale=0.8)
    with a_page(browser, 1200, 750) as page:
        page.goto(url)
        page.get_by_role("tab", name="Models").click()
        page.locator(".model-card.has-image").nth(5).wait_for()
        page.locator(".model-card", has_text="Ink Samurai").click()
        page.locator(".made-picture").first.wait_for()
        save(page, "models.png")
    with a_page(browser, 1200, 750, "light") as page:
        page.goto(url)
        page.get_by_role("tab", name="Models").click()
        page.get_by_role("button", name="More of the library").click()
        page.get_by_role("menuitem", name="Collections …").click()
        page.locator(".collection-open").first.click()
        page.locator(".member.has-image").nth(6).wait_for()
        save(page, "collection.png", hovered=page.locator(".member").nth(2), scale=0.8)
    with a_page(browser, 390, 760, "light") as page:
        page.goto(url)
        page.locator(".card.has-image").nth(3).wait_for()
        save(page, "narrow.png")


def shoot_sidebar(browser: Browser, url: str, name: str, palette: str) -> None:
    """The tab in ComfyUI, with a picture loaded into a node."""
    with a_page(browser, 1280, 800) as page:
        page.goto(url)
        page.wait_for_function("window.app?.extensionManager && app.canvas?.graph")
        page.get_by_role("button", name="Curator").first.wait_for()
        page.evaluate(
            f"app.extensionManager.setting.set('Comfy.ColorPalette', '{palette}')"
            f".then(() => app.extensionManager.setting.set('Comfy.Minimap.Visible', false))"
        )
        page.evaluate("app.graph.clear()")
        page.get_by_role("button", name="Curator").first.click()
        page.locator(".card.has-image").nth(3).wait_for()
        card = page.locator(".card").nth(3)
        card.hover()
        card.get_by_role("button", name="Load in workflow").click()
        page.wait_for_function("app.graph.nodes[0]?.imgs?.[0]?.naturalWidth")
        page.locator(".notice.is-shown").wait_for(state="hidden")
        save(page, name, hovered=card)


def shoot_wanted(browser: Browser, folder: Path) -> None:
    """The catalog's tab with transfers, on the page and in ComfyUI."""
    from comfyui_curator.store import Options
    from tests.comfyui.processes import data_folder, stand_in
    from tests.serving import RunningServer

    with screenshots_catalog.slow_site() as site:
        root = folder / "wanted"
        screenshots_catalog.write(root, site.url)
        with RunningServer(root, Options()) as server:
            for file in screenshots_catalog.asked_for():
                server.post(f"/models/download/{file}")
            with a_page(browser, 1200, 750) as page:
                page.goto(server.url)
                show_wanted(page)
                save(page, "wanted.png")
        base = folder / "comfyui-wanted"
        screenshots_catalog.write(base, site.url)
        data_folder(base).parent.mkdir(parents=True)
        (base / "curator").rename(data_folder(base))
        with stand_in(base, frontends.VERSIONS[1]) as comfyui, a_page(browser, 1280, 800) as page:
            for file in screenshots_catalog.asked_for():
                comfyui.ask("POST", f"/api/admin/models/download/{file}")
            page.goto(comfyui.url)
            page.wait_for_function("window.app?.extensionManager && app.canvas?.graph")
            page.get_by_role("button", name="Curator").first.wait_for()
            page.evaluate("app.extensionManager.setting.set('Comfy.Minimap.Visible', false)")
            page.evaluate("app.graph.clear()")
            page.get_by_role("button", name="Curator").first.click()
            show_wanted(page)
            save(page, "wanted-sidebar.png")


def show_wanted(page: Page) -> None:
    """The tab, when a transfer knows how fast it is."""
    page.get_by_role("tab", name="Wanted").click()
    page.locator(".entry[data-state='error']").wait_for()
    page.locator(".tray-words", has_text="2 transfers").wait_for()
    page.locator(".tray-left", has_text="left").wait_for()


def main() -> None:
    """Everything anew."""
    load_pack()
    from comfyui_curator.store import Options
    from comfyui_curator.store.demo import fill
    from tests.comfyui.processes import data_folder, stand_in
    from tests.serving import RunningServer

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        root = Path(name, "root")
        flags = list(chromium.FLAGS)
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=flags)
        with RunningServer(root, Options()) as server:
            fill(server.store)
            shoot_pages(browser, server.url)
        oldest, newest = frontends.VERSIONS
        for palette, version in (("dark", newest), ("light", oldest)):
            base = Path(name, f"comfyui-{palette}")
            shutil.copytree(root / "curator", data_folder(base))
            shutil.copytree(root / "models", base / "models")
            with stand_in(base, version) as comfyui:
                shoot_sidebar(browser, comfyui.url, f"sidebar-{palette}.png", palette)
        shoot_wanted(browser, Path(name))
        browser.close()


if __name__ == "__main__":
    main()
