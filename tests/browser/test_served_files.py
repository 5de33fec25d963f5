"""Files that would like to run on ComfyUI's origin, opened in a real browser: none does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page

from comfyui_curator.store import Options
from comfyui_curator.store.gallery import Facts
from tests.serving import RunningServer

STAR = "/api/admin/loras/gallery/7/star"
SCRIPT = f"fetch('{STAR}', {{method: 'POST'}}).then(() => document.title = 'ran')"
ATTACKS = {
    "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><script>{SCRIPT}</script></svg>',
    "html": f"<!doctype html><title>x</title><script>{SCRIPT}</script>",
    "html behind a GIF's magic": f"GIF89a<html><script>{SCRIPT}</script></html>",
    "script behind a GIF's magic": f"GIF89a/*{'x' * 20}*/=1;{SCRIPT}",
    "html behind JPEG's magic": f"\xff\xd8\xff\xe0<html><script>{SCRIPT}</script></html>",
    "xml": f'<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"><script>{SCRIPT}</script></x>',
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root", Options()) as running:
        picture = tmp_path / "picture.png"
        Image.new("RGB", (64, 64), "navy").save(picture)
        running.store.gallery.add_file(picture, Facts("7"))
        yield running


def put_in_place_of_the_picture(server: RunningServer, content: str) -> None:
    """What a file would be that got past every check on its way in."""
    server.store.gallery.media("7").path.write_bytes(content.encode("latin-1"))


def is_starred(server: RunningServer) -> bool:
    return bool(server.store.gallery.meta("7")["starred"])


def test_the_attack_itself_works_where_nothing_guards(server: RunningServer, page: Page) -> None:
    """Else the tests below would prove nothing."""
    page.goto(f"{server.api}/ui/")
    page.evaluate(SCRIPT)
    assert is_starred(server)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
@pytest.mark.parametrize("path", ["media", "thumb"])
def test_an_opened_file_runs_nothing(
    server: RunningServer, page: Page, attack: str, path: str
) -> None:
    put_in_place_of_the_picture(server, attack)
    address = f"{server.api}/loras/gallery/{path}/7"
    page.goto(f"{server.api}/ui/")
    page.evaluate(
        """async (address) => {
          const frame = Object.assign(document.createElement('iframe'), {src: address});
          document.body.append(frame);
          const script = Object.assign(document.createElement('script'), {src: address});
          const ran = new Promise(end => { script.onload = script.onerror = end; });
          document.body.append(script);
          await ran;
          await new Promise(end => setTimeout(end, 150));
        }""",
        address,
    )
    assert not is_starred(server)
    try:
        page.goto(address, wait_until="load")
    except Error as error:  # an attachment is no page
        assert "Download is starting" in str(error) or "ERR_ABORTED" in str(error)
    page.wait_for_timeout(150)
    assert not is_starred(server)
