"""A page of somebody else, on another port, in a real browser: what it tries, and that it fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from comfyui_curator.store import Options
from comfyui_curator.store.gallery import Facts
from tests.serving import RunningServer


class Elsewhere:
    """Pages of another origin; `pages` maps a path to its HTML."""

    def __init__(self) -> None:
        pages = self.pages = dict[str, str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                html = pages.get(self.path, "<title>elsewhere</title>").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(html)))
                self.end_headers()
                self.wfile.write(html)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    pages = Elsewhere()
    yield pages
    pages.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that asks callers from this machine for nothing: the worst case."""
    with RunningServer(tmp_path / "root", Options()) as running:
        add_picture(running, tmp_path)
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def add_picture(server: RunningServer, folder: Path) -> None:
    picture = folder / "picture.png"
    Image.new("RGB", (64, 64), "navy").save(picture)
    server.store.gallery.add_file(picture, Facts("7"))


def is_starred(server: RunningServer) -> bool:
    record = server.store.database.collection("gallery").get("7")
    assert record
    return bool(record["starred"])


FETCHES = """
async (api) => {
  const tries = {
    get: [`${api}/gallery`],
    simplePost: [`${api}/loras/gallery/7/star`, {method: 'POST', body: '{"starred":true}'}],
    noCors: [`${api}/loras/gallery/7/star`, {method: 'POST', mode: 'no-cors'}],
    emptyPost: [`${api}/loras/gallery/7/star`, {method: 'POST'}],
    jsonPost: [`${api}/loras/gallery/7/star`, {method: 'POST', body: '{}',
               headers: {'Content-Type': 'application/json'}}],
    withKey: [`${api}/settings`, {headers: {'X-API-Key': 'guess'}}],
    patch: [`${api}/settings`, {method: 'PATCH', body: '{"proxy_foreign":true}',
            headers: {'Content-Type': 'application/json'}}],
    credentials: [`${api}/gallery`, {credentials: 'include'}],
    noReferrer: [`${api}/gallery`, {referrerPolicy: 'no-referrer'}],
  };
  const read = {};
  for (const [name, [address, how]] of Object.entries(tries)) {
    try {
      const answer = await fetch(address, how);
      read[name] = answer.type === 'opaque' ? 'nothing' : await answer.text();
    } catch { read[name] = 'nothing'; }
  }
  return read;
}
"""


def test_fetch_reads_nothing_and_changes_nothing(
    server: RunningServer, elsewhere: Elsewhere, page: Page
) -> None:
    page.goto(elsewhere.url)
    read = page.evaluate(FETCHES, server.api)
    assert set(read.values()) == {"nothing"}
    assert not is_starred(server)
    assert server.get("/settings").json()["proxy_foreign"] is False


@pytest.mark.parametrize(
    "encoding", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_form_changes_nothing(
    server: RunningServer, elsewhere: Elsewhere, page: Page, encoding: str
) -> None:
    elsewhere.pages["/form"] = (
        f'<form method="post" enctype="{encoding}" action="{server.api}/loras/gallery/7/star">'
        '<input name=\'{"starred":true,"x":"\' value=\'"}\'></form>'
    )
    page.goto(f"{elsewhere.url}/form")
    with page.expect_response(lambda answer: "/star" in answer.url) as answered:
        page.evaluate("document.forms[0].submit()")
    assert answered.value.status == 403
    assert not is_starred(server)


def test_a_sandboxed_frame_whose_origin_is_null_changes_nothing(
    server: RunningServer, elsewhere: Elsewhere, page: Page
) -> None:
    inner = (
        f"<script>fetch('{server.api}/loras/gallery/7/star', {{method:'POST', mode:'no-cors'}})"
        ".finally(() => parent.postMessage('done', '*'))</script>"
    )
    elsewhere.pages["/frame"] = (
        "<script>window.done = new Promise(end => addEventListener('message', end))</script>"
        f'<iframe sandbox="allow-scripts" srcdoc="{inner}"></iframe>'
    )
    page.goto(f"{elsewhere.url}/frame")
    page.evaluate("window.done.then(() => true)")
    assert not is_starred(server)


def test_tags_of_another_page_show_nothing(
    server: RunningServer, elsewhere: Elsewhere, page: Page
) -> None:
    page.goto(elsewhere.url)
    loaded = page.evaluate(
        """async (api) => {
          const load = (tag, attribute, path, more = {}) => new Promise(end => {
            const element = Object.assign(document.createElement(tag), more);
            element.onload = () => end('loaded');
            element.onerror = () => end('refused');
            element[attribute] = api + path;
            document.body.append(element);
          });
          return [
            await load('img', 'src', '/loras/gallery/media/7'),
            await load('img', 'src', '/loras/gallery/thumb/7', {referrerPolicy: 'no-referrer'}),
            await load('script', 'src', '/gallery'),
            await load('link', 'href', '/ui/index.html', {rel: 'stylesheet'}),
          ];
        }""",
        server.api,
    )
    assert loaded == ["refused"] * 4


def test_event_streams_and_web_sockets_stay_closed(
    server: RunningServer, elsewhere: Elsewhere, page: Page
) -> None:
    page.goto(elsewhere.url)
    heard = page.evaluate(
        """async (api) => {
          const first = (source) => new Promise(end => {
            source.onopen = () => end('open');
            source.onmessage = () => end('message');
            source.onerror = () => end('refused');
          });
          return [
            await first(new EventSource(`${api}/events`)),
            await first(new WebSocket(`${api.replace('http', 'ws')}/events`)),
          ];
        }""",
        server.api,
    )
    assert heard == ["refused", "refused"]


def test_a_name_that_was_rebound_to_this_machine_reads_nothing(
    tmp_path: Path, elsewhere: Elsewhere, page: Page
) -> None:
    """The page is loaded from the attacker's server; then the name leads to ours, port and all."""
    port = int(elsewhere.url.rpartition(":")[2])
    page.goto(f"http://rebound.example:{port}/")
    elsewhere.close()
    with RunningServer(tmp_path / "root", Options(), port=port) as server:
        add_picture(server, tmp_path)
        read = page.evaluate(FETCHES, f"http://rebound.example:{port}/api/admin")
        assert len(set(read.values()) - {"nothing"}) == 1
        assert "does not answer to that name" in read["get"]
        assert "does not answer to that name" in read["jsonPost"]
        assert not is_starred(server)
        assert server.get("/settings").json()["proxy_foreign"] is False


def test_a_link_from_elsewhere_opens_the_page(
    server: RunningServer, elsewhere: Elsewhere, page: Page
) -> None:
    elsewhere.pages["/link"] = f'<a href="{server.url}/">Curator</a>'
    page.goto(f"{elsewhere.url}/link")
    page.click("a")
    page.wait_for_url(f"{server.api}/ui/**")
    assert page.title() == "Curator"
