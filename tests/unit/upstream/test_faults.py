"""What a test can make go wrong, and what it can find out afterwards."""

from __future__ import annotations

import http.client
import re
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.upstream import Switches, Upstream, World

from .conftest import Trpc


def _address(upstream: Upstream) -> str:
    uuid = upstream.world.image("comfyui_png").uuid
    return f"{upstream.civitai_images}/{uuid}/original=true/x.jpeg"


def _true(upstream: Upstream) -> bytes:
    return upstream.world.image("comfyui_png").content.data


def _raw(address: str) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer and as much of its body as comes."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    body = b""
    try:
        # In pieces: memory for what is announced would not do.
        while piece := answer.read(4096):
            body += piece
    except http.client.IncompleteRead as error:
        body += error.partial
    connection.close()
    return answer, body


@pytest.mark.parametrize(
    ("how", "status", "headers", "body"),
    [
        ({"status": 503, "retry_after": 2}, 503, {"Retry-After": "2"}, b"Service Unavailable"),
        ({"status": 429, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 429, {}, b"Too Many"),
        ({"html": True}, 200, {"Content-Type": "text/html; charset=utf-8"}, b"Sign in"),
        ({"status": 403, "html": True}, 403, {}, b"Sign in"),
        ({"json": [1]}, 200, {"Content-Type": "application/json; charset=utf-8"}, b"[1]"),
        ({"body": "{", "content_type": "application/json"}, 200, {}, b"{"),
        ({"headers": {"ETag": '"other"'}}, 200, {"ETag": '"other"'}, b"PNG"),
        ({"content_type": "text/html"}, 200, {"Content-Type": "text/html"}, b"PNG"),
        ({"redirect": "http://127.0.0.1:9/x"}, 302, {"Location": "http://127.0.0.1:9/x"}, b""),
        ({"redirect": "/x", "status": 307}, 307, {"Location": "/x"}, b""),
    ],
)
def test_another_answer_than_the_true_one(
    upstream: Upstream, how: dict[str, Any], status: int, headers: dict[str, str], body: bytes
) -> None:
    upstream.faults.add("original=true", **how)
    answer, data = _raw(_address(upstream))
    assert answer.status == status
    assert body in data
    assert {name: answer.headers[name] for name in headers} == headers
    assert _raw(_address(upstream))[1] == _true(upstream), "once, unless more is asked for"


@pytest.mark.parametrize(
    ("how", "length", "expected"),
    [
        ({"cut": 100}, None, slice(0, 100)),
        ({"cut": 0}, None, slice(0, 0)),
        ({"resize": -5}, -5, slice(0, -5)),
        ({"length": 10**13}, 10**13, slice(None)),
        ({"chunked": True}, "none", slice(None)),
        ({"chunked": True, "cut": 7}, "none", slice(0, 7)),
    ],
)
def test_bodies_that_are_not_what_was_announced(
    upstream: Upstream, how: dict[str, Any], length: Any, expected: slice
) -> None:
    true = _true(upstream)
    upstream.faults.add("original=true", **how)
    answer, data = _raw(_address(upstream))
    assert data == true[expected]
    announced = answer.headers["Content-Length"]
    if length == "none":
        assert announced is None
    elif length is None or length < 0:
        assert int(announced) == len(true) + (length or 0)
    else:
        assert int(announced) == length


def test_other_bytes_of_the_same_length_and_more_of_them(upstream: Upstream) -> None:
    true = _true(upstream)
    upstream.faults.add("original=true", corrupt=True)
    upstream.faults.add("original=true", resize=3)
    data = _raw(_address(upstream))[1]
    assert len(data) == len(true)
    assert data != true
    assert _raw(_address(upstream))[1] == true + bytes(3)


def test_a_part_is_asked_for_and_the_whole_comes(
    upstream: Upstream, session: requests.Session
) -> None:
    upstream.faults.add("original=true", no_range=True)
    answer = session.get(_address(upstream), headers={"Range": "bytes=5-"}, timeout=10)
    assert (answer.status_code, answer.content) == (200, _true(upstream))


def test_a_connection_that_ends_without_an_answer(upstream: Upstream) -> None:
    upstream.faults.add("original=true", drop=True)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        _raw(_address(upstream))


@pytest.mark.parametrize("how", [{"delay": 600}, {"stall_after": 10, "stall": 600}, {"rate": 1}])
def test_what_waits_goes_on_after_a_reset(upstream: Upstream, how: dict[str, Any]) -> None:
    true = _true(upstream)
    if "rate" in how:
        how = {"rate": len(true) * 2, "delay": 600}
    fault = upstream.faults.add("original=true", **how)
    arrived = threading.Event()
    bodies: list[bytes] = []

    def read() -> None:
        bodies.append(_raw(_address(upstream))[1])
        arrived.set()

    reader = threading.Thread(target=read)
    reader.start()
    while not fault.hits:
        assert not arrived.wait(0.01)
    assert not arrived.wait(0.1), "it waits"
    upstream.reset()
    assert arrived.wait(10)
    reader.join()
    assert bodies == [true]


def test_faults_hit_only_what_they_are_for_and_as_often_as_they_should(
    upstream: Upstream, trpc: Trpc, world: World
) -> None:
    image = world.image("tiny").id
    fault = upstream.faults.add(rf'image\.get\?.*"id": {image}', status=500, times=2, skip=1)
    elsewhere = upstream.faults.add("", origin="huggingface", status=500, times=None)
    posted = upstream.faults.add("", method="POST", status=500, times=None)
    statuses = [trpc("image.get", {"id": image}).status_code for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]
    assert (fault.hits, elsewhere.hits, posted.hits) == (2, 0, 0)
    always = upstream.faults.add("", origin="civitai", status=500, times=None)
    assert trpc("image.get", {"id": image}).status_code == 500
    upstream.faults.remove(always)
    assert trpc("image.get", {"id": image}).status_code == 200
    with pytest.raises(ValueError, match="colour"):
        upstream.faults.add("", colour="red")
    with pytest.raises(re.error):
        upstream.faults.add("(")


def test_every_request_is_kept_with_its_key(
    upstream: Upstream, session: requests.Session, world: World
) -> None:
    version = world.version("gated").id
    key = world.civitai_key
    address = f"{upstream.civitai}/api/download/models/{version}"
    session.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=10)
    asked, stored = upstream.requests()
    assert (asked.origin, asked.method, asked.status) == ("civitai", "GET", 307)
    assert asked.header("authorization") == f"Bearer {key}"
    assert (stored.origin, stored.header("Authorization"), stored.status) == ("storage", None, 200)
    assert upstream.carrying(key) == [asked]
    assert upstream.requests(r"/download/", origin="civitai", method="get") == [asked]
    assert upstream.requests(r"/download/", origin="storage") == []
    session.post(f"{upstream.civitai}/api/v1/x?token=a%2Bb", data=b"in the body", timeout=10)
    assert upstream.requests()[-1].parameter("token") == "a+b"
    assert upstream.carrying("a+b") == upstream.carrying("in the body") == upstream.requests("/x")
    upstream.reset()
    assert upstream.requests() == []


def test_how_many_came_at_once_is_known(upstream: Upstream) -> None:
    upstream.faults.add("original=true", times=3, delay=600)
    readers = [threading.Thread(target=_raw, args=(_address(upstream),)) for _ in range(3)]
    for reader in readers:
        reader.start()
    while upstream.peak("civitai_images") < 3:
        time.sleep(0.01)
    upstream.faults.clear()
    for reader in readers:
        reader.join()
    assert upstream.peak("civitai_images") == 3
    _raw(_address(upstream))
    assert upstream.peak("civitai_images") == 3
    upstream.reset()
    assert upstream.peak("civitai_images") == 0


def test_another_process_scripts_it_over_http(
    upstream: Upstream, session: requests.Session
) -> None:
    for base in (upstream.civitai, upstream.huggingface, upstream.storage):
        added = session.post(
            f"{base}/__faults__",
            json={"path": "original=true", "status": 500, "times": 1},
            timeout=10,
        )
        assert added.status_code == 201
        assert _raw(_address(upstream))[0].status == 500
        assert session.get(f"{base}/__faults__", timeout=10).json()[0]["hits"] == 1
        kept = session.get(f"{base}/__requests__?path=original", timeout=10).json()
        assert [each["origin"] for each in kept] == ["civitai_images"]
        assert session.delete(f"{base}/__requests__", timeout=10).status_code == 204
        assert session.delete(f"{base}/__faults__", timeout=10).status_code == 204
        assert upstream.requests() == []
    wrong = session.post(f"{upstream.civitai}/__faults__", json={"colour": 1}, timeout=10)
    assert wrong.status_code == 400
    session.post(f"{upstream.civitai}/__switches__", json={"page_size": 3}, timeout=10)
    assert upstream.switches.page_size == 3
    ids = session.get(f"{upstream.civitai}/__world__", timeout=10).json()
    assert ids["images"]["video"] == upstream.world.image("video").id


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_finds_it_as_new(upstream: Upstream, time: str) -> None:
    assert upstream.requests() == []
    assert upstream.switches == Switches()
    assert _raw(_address(upstream))[0].status == 200
    upstream.switches.page_size = 1
    upstream.faults.add("", status=500, times=None)


def test_an_origin_may_have_a_name(world: World, session: requests.Session) -> None:
    with Upstream(world, names={"storage": "localhost"}) as up:
        version = world.version("lora")
        answer = session.get(f"{up.civitai}/api/download/models/{version.id}", timeout=10)
        assert answer.url.startswith(f"{up.storage}/model/")
        assert urlsplit(up.storage).hostname == "localhost"
        assert answer.content == version.files[0].content.data
        assert not session.get(f"{up.civitai}/none", timeout=10).ok
        assert [each.status for each in up.requests()] in ([302, 200, 404], [307, 200, 404])
    with pytest.raises(requests.ConnectionError):
        session.get(up.civitai, timeout=10)


def test_a_port_that_is_taken_is_an_error(upstream: Upstream, world: World) -> None:
    taken = urlsplit(upstream.civitai).port
    assert taken
    with pytest.raises(OSError), Upstream(world, {"storage": taken}):
        pass
