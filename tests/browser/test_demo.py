"""The program as a person starts it to have a look: `serve --demo`, and the page it names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests import checkout
from tests.browser.screens import cards, notice


def test_the_demo_shows_pictures_that_can_be_sent_to_the_input_folder(
    page: Page, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    started = subprocess.Popen(
        [sys.executable, str(checkout.ROOT), "serve", "--port", "0", "--demo", "--root", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUTF8": "1"},
        text=True,
    )
    with started:
        try:
            assert started.stdout is not None
            page.goto(started.stdout.readline().strip())
            expect(page.locator(".card.has-image").nth(3)).to_be_visible(timeout=30_000)
            cards(page).nth(3).click()
            page.locator(".picture-bar").get_by_role("button", name="Send to input").click()
            expect(notice(page)).to_contain_text("In the input folder: ")
            assert len(list((root / "assets" / "input").iterdir())) == 1
        finally:
            started.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
