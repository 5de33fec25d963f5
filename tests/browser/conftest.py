"""One browser for all tests here, a fresh context for each, and servers with pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from comfyui_curator.store import Options
from tests import chromium
from tests.browser.pictures import fill
from tests.serving import RunningServer, options_for
from tests.upstream import Upstream

REBOUND = "rebound.example"

# Several browsers on two cores may take their time; nothing waits longer than it has to.
expect.set_options(timeout=20_000)


# Not for the whole session: while Playwright runs, no other test can start an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For it the name `REBOUND` is this machine, as after DNS rebinding."""
    flags = [*chromium.FLAGS, f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.find(), args=flags)
        yield started
        started.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What a page wrote as an error; a test that expects some clears the list."""
    said: list[str] = []
    yield said
    assert not said


@pytest.fixture
def context(browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    # Without motion a thing is where it will be as soon as it is there.
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    context.on("console", lambda note: complaints.extend([note.text] * (note.type == "error")))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="package")
def filled_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with pictures, to copy."""
    root = tmp_path_factory.mktemp("filled") / "root"
    with RunningServer(root, Options()) as running:
        fill(running.store.gallery)
    return root


@pytest.fixture
def options(upstream: Upstream) -> Options:
    return options_for(upstream)


@pytest.fixture
def server(tmp_path: Path, filled_root: Path, options: Options) -> Iterator[RunningServer]:
    """A server over a root with pictures."""
    root = tmp_path / "root"
    shutil.copytree(filled_root, root)
    with RunningServer(root, options) as running:
        yield running
