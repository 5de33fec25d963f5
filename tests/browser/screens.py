"""Ways around Curator's panel that many tests take."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.serving import RunningServer


def open_page(page: Page, server: RunningServer) -> None:
    """The page of its own, with the first pictures shown."""
    page.goto(f"{server.api}/ui/")
    expect(page.locator(".card.has-image").first).to_be_visible()


def cards(page: Page) -> Locator:
    """The cards that are in the page."""
    return page.locator(".card")


def card(page: Page, id: str) -> Locator:
    """The card of one picture."""
    return page.locator(".card", has=page.locator(f"img[src$='/thumb/{id}']"))


def shown_ids(page: Page) -> list[str]:
    """Ids of the pictures in the page, in the order of the list."""
    rows = page.evaluate(
        "[...document.querySelector('.curator-panel').shadowRoot.querySelectorAll('.card-row')]"
        ".map((row) => [+row.getAttribute('aria-rowindex'), row.querySelector('img').src])"
    )
    return [address.rpartition("/")[2] for _, address in sorted(rows)]


def notice(page: Page) -> Locator:
    """The quiet line at the foot."""
    return page.locator(".notice.is-shown")


def paste(page: Page, text: str) -> None:
    """Paste a text where the keyboard is, as a person would."""
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          let place = document.activeElement ?? document.body;
          while (place.shadowRoot?.activeElement) place = place.shadowRoot.activeElement;
          const options = { clipboardData: data, bubbles: true, composed: true, cancelable: true };
          place.dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        text,
    )
