"""Who is let in: each refusal is tried over a real connection, headers written by hand."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from comfyui_curator.routes.door import Failures
from comfyui_curator.routes.routing import Access, Plain, Routes
from comfyui_curator.store import Options
from tests.serving import RunningServer

KEY = "an-example-key"
PROTECTED = "/api/admin/settings"


@pytest.fixture
def options() -> Options:
    return Options(key=KEY)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that asks everyone for the key."""
    options = Options(key=KEY, overrides={"require_key": True})
    with RunningServer(tmp_path / "strict", options) as running:
        yield running


def ask(
    server: RunningServer,
    path: str = PROTECTED,
    *,
    method: str = "GET",
    version: str = "HTTP/1.1",
    body: str = "",
    **headers: str,
) -> int:
    """The status of one request whose every header is as given; `_` in a name stands for `-`."""
    lines = {"Host": f"127.0.0.1:{server.port}", "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body or method in ("POST", "PATCH"):
        lines["Content-Length"] = str(len(body))
    text = f"{method} {path} {version}\r\n"
    text += "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value) + "\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"{text}{body}".encode("latin-1"))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer.status


def test_who_comes_from_this_machine_needs_nothing(server: RunningServer) -> None:
    assert ask(server) == 200
    assert ask(server, Host=f"localhost:{server.port}") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "203.0.113.9"},
        {"X_Forwarded_Host": "studio.example"},
        {"Forwarded": "for=203.0.113.9"},
        {"X_Real_IP": "203.0.113.9"},
        {"X_Client_IP": "203.0.113.9"},
        {"True_Client_IP": "203.0.113.9"},
        {"CF_Connecting_IP": "203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"Host": "127.0.0.1:1"},
        {"version": "HTTP/1.0"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_signs_of_a_proxy_make_the_key_necessary(
    server: RunningServer, headers: dict[str, str]
) -> None:
    assert ask(server, **headers) == 401
    assert ask(server, X_API_Key=KEY, **headers) == 200


def test_each_request_is_judged_by_its_own_headers(server: RunningServer) -> None:
    proxied, foreign = {"X_Forwarded_For": "203.0.113.9"}, {"Host": "rebound.example"}
    for _ in range(3):
        assert ask(server) == 200
        assert ask(server, **proxied) == 401
        assert ask(server, **foreign) == 403
        assert ask(server, X_API_Key=KEY, **proxied) == 200
        server.store.settings.change({"require_key": True})
        assert ask(server) == 401
        server.store.settings.change({"require_key": None})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": ""} | {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Referer": "http://evil.example/page"},
        {"Referer": "http://127.0.0.1:1/"},
        {"Host": "rebound.example"},
        {"Host": "rebound.example", "Origin": "http://rebound.example"},
        {"Host": "127.0.0.1@evil.example"},
        {"Host": "[::1"},
        {"Host": "127.0.0.1?"} | {"Origin": "http://evil.example"},
        {"Host": "127.0.0.1#@evil.example"},
        {"Origin": "http://["},
        {"Origin": "http://\xe2\x84\x80"},
        {"Origin": "chrome-extension:"},
        {"Referer": "http://["},
    ],
    ids=str,
)
def test_what_another_page_asks_is_refused_even_with_the_key(
    server: RunningServer, headers: dict[str, str]
) -> None:
    assert ask(server, **headers) == 403
    assert ask(server, X_API_Key=KEY, **headers) == 403
    assert ask(server, "/api/admin/hello", **headers) == 403


def test_our_own_page_is_let_in(server: RunningServer) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert ask(server, Origin=own, Referer=f"{own}/x", Sec_Fetch_Site="same-origin") == 200


def test_an_extension_is_let_in_when_it_shows_the_key_in_a_header(server: RunningServer) -> None:
    origin = "chrome-extension://abcdefghijklmnop"
    assert ask(server, Origin=origin) == 403
    assert ask(server, Origin=origin, X_API_Key=KEY) == 200
    assert ask(server, Origin=origin, Cookie="curator_session=x") == 403
    assert ask(server, Origin=origin, X_API_Key="wrong") == 401


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else(server: RunningServer) -> None:
    link = {
        "Sec_Fetch_Site": "cross-site",
        "Sec_Fetch_Mode": "navigate",
        "Sec_Fetch_Dest": "document",
        "Referer": "https://elsewhere.example/",
    }
    assert ask(server, "/api/admin/ui/", **link) == 200
    assert ask(server, "/", **link) == 302
    assert ask(server, "/api/admin/gallery", **link) == 403
    assert ask(server, "/api/admin/ui/", **link | {"Sec_Fetch_Dest": "iframe"}) == 403
    assert ask(server, "/api/admin/ui/", **link | {"Sec_Fetch_Mode": "no-cors"}) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"X_API_Key": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": "Basic " + base64.b64encode(f"{KEY}:secret".encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode(f"someone:{KEY}".encode()).decode()},
    ],
    ids=["X-API-Key", "Bearer", "Basic user", "Basic password"],
)
def test_the_key_opens_in_each_of_its_places(
    strict: RunningServer, headers: dict[str, str]
) -> None:
    assert ask(strict) == 401
    assert ask(strict, **headers) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_API_Key": "wrong"},
        {"X_API_Key": KEY + "x"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Digest something"},
        {"X_API_Key": "schl\xfcssel"},
    ],
    ids=str,
)
def test_a_wrong_key_is_401_from_this_machine_too(
    server: RunningServer, headers: dict[str, str]
) -> None:
    assert ask(server, **headers) == 401


def test_without_a_key_only_the_listed_routes_answer(strict: RunningServer) -> None:
    for path in ("/hello", "/health", "/ui/"):
        assert ask(strict, f"/api/admin{path}") == 200
    assert ask(strict, "/api/health") == 200
    assert ask(strict, "/api/admin/session", method="DELETE") == 200
    for path in ("/gallery", "/models", "/events", "/openapi.json", "/settings", "/no-such-route"):
        assert ask(strict, f"/api/admin{path}") == 401, path


def test_health_tells_whether_this_caller_would_be_let_in(strict: RunningServer) -> None:
    assert strict.get("/health").json()["authenticated"] is False
    shown = strict.get("/health", headers={"X-API-Key": KEY}).json()
    assert shown["authenticated"] is True
    assert strict.get("/health", headers={"X-API-Key": "wrong"}).json()["authenticated"] is False


def test_a_session_stands_for_the_key(strict: RunningServer) -> None:
    opened = strict.post("/session", json={"key": KEY})
    assert opened.status_code == 200
    cookie = opened.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/api/admin", "Max-Age=2592000"):
        assert part in cookie
    assert "Secure" not in cookie
    assert KEY not in cookie
    assert strict.get("/settings").status_code == 200
    assert strict.delete("/session").status_code == 200
    assert strict.get("/settings").status_code == 401


def test_a_session_outlives_a_restart_and_ends_with_the_key(tmp_path: Path) -> None:
    asks = {"require_key": True}
    with RunningServer(tmp_path, Options(key=KEY, overrides=asks)) as server:
        session = server.post("/session", json={"key": KEY}).cookies["curator_session"]
    cookies = {"curator_session": session}
    with RunningServer(tmp_path, Options(key=KEY, overrides=asks)) as server:
        assert server.get("/settings", cookies=cookies).status_code == 200
    with RunningServer(tmp_path, Options(key="another-key", overrides=asks)) as server:
        assert server.get("/settings", cookies=cookies).status_code == 401


def test_wrong_session_keys_are_stopped_after_ten_a_minute(server: RunningServer) -> None:
    for _ in range(10):
        assert server.post("/session", json={"key": "wrong"}).status_code == 401
    stopped = server.post("/session", json={"key": KEY})
    assert stopped.status_code == 429
    assert int(stopped.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in stopped.headers


def test_another_address_of_the_same_ipv6_network_does_not_start_anew() -> None:
    failures = Failures()
    for number in range(10):
        failures.add(f"2001:db8:0:1::{number:x}")
    assert failures.too_many("2001:db8:0:1:ffff::1")
    assert not failures.too_many("2001:db8:0:2::1")
    assert not failures.too_many("192.0.2.1")
    assert not failures.too_many("")


def test_who_comes_with_many_addresses_does_not_clear_the_memory_of_others() -> None:
    failures = Failures()
    for number in range(5_000):
        failures.add(str(ipaddress.IPv4Address(number)))
    for _ in range(10):
        failures.add("192.0.2.1")
    for number in range(9_000):
        failures.add(str(ipaddress.IPv4Address(20_000 + number)))
    assert failures.too_many("192.0.2.1")
    assert len(failures.by_caller) <= 10_000


@pytest.mark.parametrize("cookie", ["made-up", "\xff", '"\\355\\240\\200"', '"\\377"'])
def test_cookies_of_strangers_are_no_key(strict: RunningServer, cookie: str) -> None:
    assert ask(strict, Cookie=f"curator_session={cookie}") == 401


def test_bodies_are_judged_by_their_type(server: RunningServer) -> None:
    def patch(**headers: str) -> int:
        return ask(server, method="PATCH", body='{"proxy_foreign": true}', **headers)

    assert patch(Content_Type="text/plain") == 415
    assert patch(Content_Type="application/x-www-form-urlencoded") == 415
    assert patch(Content_Type="multipart/form-data; boundary=x") == 415
    assert patch() == 415
    assert server.get("/settings").json()["proxy_foreign"] is False
    assert patch(Content_Type="application/json; charset=utf-8") == 200
    assert server.get("/settings").json()["proxy_foreign"] is True


def test_no_answer_allows_other_origins(server: RunningServer) -> None:
    for method, path in [("GET", "/hello"), ("OPTIONS", "/settings"), ("GET", "/nothing")]:
        headers = server.ask(method, path).headers
        assert not [name for name in headers if name.lower().startswith("access-control-")]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_further_host_name_must_be_allowed(tmp_path: Path) -> None:
    options = Options(key=KEY, overrides={"allow_hosts": ["studio.example"]})
    with RunningServer(tmp_path, options) as server:
        assert ask(server, Host="other.example") == 403
        assert ask(server, Host="studio.example") == 401
        assert ask(server, Host="studio.example", X_API_Key=KEY) == 200
        assert (
            ask(server, Host="studio.example", Origin="http://studio.example", X_API_Key=KEY) == 200
        )


def test_the_public_url_is_an_origin_of_ours(tmp_path: Path) -> None:
    options = Options(key=KEY, overrides={"public_url": "https://studio.example"})
    with RunningServer(tmp_path, options) as server:
        host = f"127.0.0.1:{server.port}"
        shown = {"Host": host, "X_API_Key": KEY}
        assert ask(server, Origin="https://studio.example", **shown) == 200
        assert ask(server, Origin="http://studio.example", **shown) == 403


def test_the_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        key = server.store.access.key
        file = server.store.access.path
        assert len(key) >= 24
        assert file.read_text().strip() == key
        assert file.stat().st_mode & 0o077 == 0
    with RunningServer(tmp_path) as server:
        assert server.store.access.key == key


def test_a_route_that_does_not_say_who_may_call_it_cannot_be_declared() -> None:
    routes = Routes()

    async def handler(call: Plain) -> object:
        raise AssertionError

    with pytest.raises(TypeError, match="access"):
        routes.get("/open-to-all", summary="forgot")(handler)  # pyright: ignore
    assert Access.OPEN not in routes


def test_guesses_sent_side_by_side_are_refused_unread(strict: RunningServer) -> None:
    for _ in range(10):
        assert ask(strict, X_API_Key="wrong") == 401
    with ThreadPoolExecutor(12) as threads:
        waiting = [threads.submit(ask, strict, X_API_Key="wrong") for _ in range(11)]
        right = threads.submit(ask, strict, "/api/admin/health", X_API_Key=KEY)
        statuses = [answer.result() for answer in waiting]
        assert right.result() == 200
    assert statuses.count(429) >= 5
    assert set(statuses) == {401, 429}


def test_after_wrong_keys_the_right_one_still_opens(strict: RunningServer) -> None:
    for _ in range(10):
        assert ask(strict, X_API_Key="wrong") == 401
    assert ask(strict, X_API_Key=KEY) == 200
