"""How CivitAI is asked: few at once, patiently, and with a sharp eye on what comes back."""

from __future__ import annotations

import email.utils
import gzip
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.errors import (
    Impossible,
    NotFound,
    StoreClosed,
    UpstreamBusy,
    UpstreamFailed,
)
from comfyui_curator.store.remote.http import Http, Timeouts
from comfyui_curator.store.remote.limits import Missing
from comfyui_curator.store.settings import Settings
from tests.sites import Answer, Site, ok


@pytest.fixture
def settings(site: Site, tmp_path: Path) -> Settings:
    options = Options(
        civitai=site.url,
        civitai_images="https://images.invalid",
        huggingface="https://huggingface.invalid",
    )
    return Settings(tmp_path / "settings.json", options)


@pytest.fixture
def http(settings: Settings) -> Iterator[Http]:
    http = Http(settings, timeouts=Timeouts(2, 0.4))
    yield http
    http.close()


def says(*lines: bytes, pause: float = 0, end: float = 0) -> Answer:
    """Raw bytes of an answer, piece by piece, with pauses between and at the end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            for line in lines:
                handler.wfile.write(line)
                time.sleep(pause)
            time.sleep(end)
        except OSError:
            # Whoever asked has gone, which is what such a test is about.
            return

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def first(answer: Answer, then: Answer = ok) -> Answer:
    """The first request gets one answer, later ones another."""
    left = [answer]
    return lambda handler: (left.pop() if left else then)(handler)


def test_answers_keep_integers_of_any_size_and_lose_what_cannot_be_stored(
    site: Site, http: Http
) -> None:
    body = b'{"seed": 36893488147419103237, "nan": NaN, "half": "a\\ud800b", '
    body += b'"raw": "a\xed\xa0\x80b", "whole": "\\ud83e\\udd8a"}'
    site.answers["/"] = lambda handler: ok(handler, body)
    assert http.json(f"{site.url}/", missing="") == {
        "seed": 36893488147419103237,
        "nan": None,
        "half": "a\ufffdb",
        "raw": "a\ufffd\ufffd\ufffdb",
        "whole": "\U0001f98a",
    }


def test_packed_answers_are_unpacked(site: Site, http: Http) -> None:
    packed = gzip.compress(b'{"a": 1}')

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed)

    site.answers["/"] = answer
    assert http.json(f"{site.url}/", missing="") == {"a": 1}


def test_an_answer_without_end_is_refused(site: Site, http: Http) -> None:
    bomb = gzip.compress(b'"' + bytes(40 << 20) + b'"')

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)

    site.answers["/"] = answer
    with pytest.raises(UpstreamFailed, match="more than 32 MB"):
        http.json(f"{site.url}/", missing="")


@pytest.mark.parametrize(
    "answer",
    [
        says(*[bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200], pause=0.1),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", *[b"x"] * 100, pause=0.1),
        says(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            *[b"1\r\nx\r\n"] * 100,
            pause=0.1,
        ),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nx", end=5),
        says(end=5),
    ],
    ids=["headers by drops", "body by drops", "chunks by drops", "silence", "no answer"],
)
def test_who_sends_next_to_nothing_is_left(site: Site, http: Http, answer: Answer) -> None:
    site.answers["/"] = answer
    with pytest.raises(UpstreamFailed):
        http.download(f"{site.url}/", io.BytesIO(), limit=1000, missing="")
    with pytest.raises(UpstreamFailed):
        http.json(f"{site.url}/", missing="")


@pytest.mark.parametrize(
    "answer",
    [
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nshort"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
        says(b"no http at all\r\n\r\n"),
        says(b""),
    ],
    ids=["shorter than said", "chunks without end", "no http", "nothing"],
)
def test_who_breaks_off_has_failed(site: Site, http: Http, answer: Answer) -> None:
    site.answers["/"] = answer
    with pytest.raises(UpstreamFailed):
        http.download(f"{site.url}/", io.BytesIO(), limit=1000, missing="")


@pytest.mark.parametrize("length", [True, False])
def test_a_file_beyond_the_limit_is_not_taken(site: Site, http: Http, length: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 5000\r\n" if length else b"") + b"\r\n"
    site.answers["/"] = says(head, b"x" * 5000)
    target = io.BytesIO()
    with pytest.raises(Impossible):
        http.download(f"{site.url}/", target, limit=1000, missing="")
    assert len(target.getvalue()) <= 1000


def test_a_retry_after_as_a_date_is_understood(site: Site, http: Http) -> None:
    later = email.utils.formatdate(time.time() + 2, usegmt=True)
    site.answers["/"] = first(status(503, Retry_After=later))
    assert http.json(f"{site.url}/", missing="") == "here"
    far = email.utils.formatdate(time.time() + 600, usegmt=True)
    site.answers["/"] = status(503, Retry_After=far)
    with pytest.raises(UpstreamBusy) as caught:
        http.json(f"{site.url}/", missing="")
    assert caught.value.retry_after == pytest.approx(600, abs=5)


@pytest.mark.parametrize(
    "value", ["-5", "soon", "99999999999", "", "1e3", "Wed, 21 Oct 99999 07:28:00 GMT"]
)
def test_a_retry_after_that_is_nonsense_does_no_harm(site: Site, http: Http, value: str) -> None:
    site.answers["/"] = status(429, Retry_After=value)
    with pytest.raises(UpstreamBusy) as caught:
        http.json(f"{site.url}/", missing="")
    assert 0 < (caught.value.retry_after or 0) <= 86_400


def test_waits_end_after_ten_seconds_in_all(site: Site, http: Http) -> None:
    site.answers["/"] = status(503, Retry_After="6")
    waited: list[float] = []
    http._closing.wait = lambda timeout=None: waited.append(timeout or 0) or False  # pyright: ignore[reportPrivateUsage] - nobody wants to wait here
    with pytest.raises(UpstreamBusy):
        http.json(f"{site.url}/", missing="")
    assert waited == [6]


def test_a_wait_ends_when_the_store_closes(site: Site, http: Http) -> None:
    site.answers["/"] = status(503, Retry_After="9")
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(http.json, f"{site.url}/", missing="")
        while not site.asked:
            time.sleep(0.01)
        http.close()
        with pytest.raises(StoreClosed):
            asking.result(5)


def test_no_more_than_allowed_are_under_way_at_once(
    site: Site, http: Http, settings: Settings
) -> None:
    settings.change({"civitai_in_flight": 2})
    running, peak, lock = 0, 0, threading.Lock()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        ok(handler)

    site.answers["/"] = slow
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(http.json, f"{site.url}/", missing="") for _ in range(8)]
    assert [each.result() for each in asked] == ["here"] * 8
    assert peak == 2


def test_what_is_gone_is_remembered_for_a_while(site: Site, http: Http) -> None:
    site.answers["/"] = status(404)
    for _ in range(3):
        with pytest.raises(NotFound, match="no such thing"):
            http.json(f"{site.url}/", missing="no such thing")
    assert len(site.asked) == 1


def test_what_was_gone_is_asked_for_again_after_a_while() -> None:
    missing = Missing(seconds=0)
    missing.remember("https://example.org/")
    time.sleep(0.001)
    missing.check("https://example.org/", "gone")


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing(site: Site, http: Http) -> None:
    def once(handler: BaseHTTPRequestHandler) -> None:
        ok(handler)
        # Without having said so.
        handler.close_connection = True

    site.answers["/"] = once
    for _ in range(5):
        assert http.json(f"{site.url}/", missing="") == "here"


def test_a_closed_session_asks_nobody(site: Site, http: Http) -> None:
    http.close()
    with pytest.raises(StoreClosed):
        http.json(f"{site.url}/", missing="")
    assert site.asked == []


def test_connections_are_kept(site: Site, http: Http) -> None:
    ports: set[Any] = set()

    def note(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address)
        ok(handler)

    site.answers["/"] = note
    for _ in range(5):
        http.json(f"{site.url}/", missing="")
    assert len(ports) == 1
