"""A small library for the screens, and ways around its tab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.serving import RunningServer
from tests.upstream.weights import safetensors
from tests.waiting import until


def put(root: Path, file: str, seed: str) -> None:
    """A model file below the root's models; what it holds follows from the seed."""
    path = root / "models" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors("LORA", seed))


def hashed(server: RunningServer) -> None:
    """Look through the folders, and wait until every file is known by its content."""
    server.post("/library/scan", json={})
    until(lambda: all(row["sha256"] for row in rows(server)) and bool(rows(server)))


def rows(server: RunningServer) -> list[dict[str, Any]]:
    """The library's list."""
    return server.get("/library/models").json()["models"]


def row(server: RunningServer, name: str) -> dict[str, Any]:
    """The model whose path holds this."""
    return next(each for each in rows(server) if name in each["path"])


def full(server: RunningServer, name: str) -> dict[str, Any]:
    """Everything of the model whose path holds this."""
    return server.get(f"/models/{row(server, name)['sha256']}").json()


def open_models(page: Page, server: RunningServer) -> None:
    """The tab, with the first cards shown."""
    page.goto(f"{server.api}/ui/")
    page.get_by_role("tab", name="Models").click()
    expect(page.locator(".model-card:not(.is-waiting)").first).to_be_visible()


def card(page: Page, text: str) -> Locator:
    """The card that says this."""
    return page.locator(".model-place .model-card", has_text=text)


def cards(page: Page) -> Locator:
    """The cards that are in the page."""
    return page.locator(".model-place .model-card")


def open_model(page: Page, text: str) -> Locator:
    """The opened model of the card that says this."""
    card(page, text).click()
    view = page.locator(".model-view")
    expect(view.locator(".model-title")).to_contain_text(text)
    return view


def menu(page: Page, act: str) -> None:
    """An act behind the library's ⋯."""
    page.get_by_role("button", name="More of the library").click()
    page.get_by_role("menuitem", name=act).click()
