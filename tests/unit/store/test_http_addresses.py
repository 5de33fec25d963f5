"""Which addresses are fetched, and that a key or a request never goes where it may not."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.errors import BadInput, CuratorError, UpstreamFailed
from comfyui_curator.store.remote import connections
from comfyui_curator.store.remote.addresses import AddressRefused, check_foreign, is_public
from comfyui_curator.store.remote.http import Downloaded, Http, Timeouts
from comfyui_curator.store.settings import Settings
from tests.sites import Site, listening, redirect


@pytest.fixture
def other() -> Iterator[Site]:
    with listening() as other:
        yield other


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Http]]:
    made: list[Http] = []

    def build(civitai: str = "https://civitai.invalid", **values: Any) -> Http:
        options = Options(
            civitai=civitai,
            civitai_images="https://images.invalid/x",
            huggingface="https://huggingface.invalid",
            overrides=values,
        )
        http = Http(Settings(tmp_path / "settings.json", options), timeouts=Timeouts(2, 2))
        made.append(http)
        return http

    yield build
    for http in made:
        http.close()


def get(http: Http, address: str, **how: Any) -> Downloaded:
    return http.download(address, io.BytesIO(), limit=1000, missing="gone", **how)


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """The name service answers with each of these in turn; returns the names it was asked for."""
    asked: list[str] = []
    true = socket.getaddrinfo
    left = list(answers)

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".example"):
            return true(host, port, *args, **kwargs)
        asked.append(str(host))
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.1",
        "198.18.0.1",
        "203.0.113.5",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "not an address",
    ],
)
def test_addresses_of_the_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "104.18.22.206", "172.32.0.1", "2606:4700::6812:16ce", "64:ff9b::101:101"],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "gopher://example.org",
        "//example.org/x",
        "example.org/x",
        "http://",
        "http://user@example.org/",
        "http://user:pass@example.org/",
        "http://example.org:99999/",
        "http://example.org/a b",
        "http://example.org/\r\nX: y",
        "http://[::1/",
        "",
    ],
)
def test_what_is_no_plain_http_address_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_foreign(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::ffff:127.0.0.1]",
    ],
)
def test_this_machine_is_not_reached_in_any_spelling(
    make: Callable[..., Http], site: Site, host: str
) -> None:
    with pytest.raises(CuratorError):
        get(make(), f"http://{host}:{site.port}/")
    assert site.asked == []


def test_the_error_names_no_address(make: Callable[..., Http], site: Site) -> None:
    with pytest.raises(BadInput) as caught:
        get(make(), f"{site.url}/secret-token")
    assert caught.value.field == "url"
    assert "127.0.0.1" not in caught.value.text
    assert "secret-token" not in caught.value.text


def test_private_addresses_are_reached_where_the_setting_allows_it(
    make: Callable[..., Http], site: Site
) -> None:
    got = get(make(allow_private_addresses=True), f"{site.url}/file")
    assert got.size == 6
    assert site.paths() == ["/file"]


def test_a_name_that_means_a_private_address_is_refused(
    make: Callable[..., Http], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "127.0.0.1")
    with pytest.raises(BadInput):
        get(make(), f"http://rebind.example:{site.port}/")
    assert site.asked == []


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(
    make: Callable[..., Http], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Public at the check, this machine ever after; nobody answers at the documentation's address.
    asked = names(monkeypatch, "192.0.2.1", "127.0.0.1")
    monkeypatch.setattr(connections, "check_public", lambda addresses: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - a stand-in
    http = make()
    http.timeouts = Timeouts(0.3, 0.3)
    with pytest.raises(UpstreamFailed):
        get(http, f"http://rebind.example:{site.port}/")
    assert asked == ["rebind.example"]
    assert site.asked == []


def test_a_pinned_connection_still_carries_the_name(
    make: Callable[..., Http], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(connections, "check_public", lambda addresses: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - a stand-in
    get(make(), f"http://pinned.example:{site.port}/")
    assert site.asked[0][1]["Host"] == f"pinned.example:{site.port}"


def test_a_base_on_this_machine_may_lead_to_another_private_address(
    make: Callable[..., Http], site: Site, other: Site
) -> None:
    site.answers["/file"] = redirect(f"{other.url}/there")
    assert get(make(site.url), f"{site.url}/file").size == 6
    assert other.paths() == ["/there"]


def test_a_public_base_may_not_lead_inside(
    make: Callable[..., Http], site: Site, other: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comfyui_curator.store.remote.ways.is_private_host", lambda *_: False)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - a stand-in
    site.answers["/file"] = redirect(f"{other.url}/inside")
    with pytest.raises(UpstreamFailed) as caught:
        get(make(site.url), f"{site.url}/file")
    assert other.asked == []
    assert "127.0.0.1" not in caught.value.text


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://[", "http://a:99999/", "//user@example.org/"]
)
def test_a_redirect_to_what_is_not_fetched_is_not_followed(
    make: Callable[..., Http], site: Site, location: str
) -> None:
    site.answers["/file"] = redirect(location)
    with pytest.raises(UpstreamFailed):
        get(make(site.url), f"{site.url}/file")


def test_redirects_in_circles_end(make: Callable[..., Http], site: Site) -> None:
    site.answers["/file"] = redirect("/file")
    with pytest.raises(UpstreamFailed):
        get(make(site.url), f"{site.url}/file")
    assert len(site.asked) == 9


def test_a_key_goes_to_its_own_origin_only(
    make: Callable[..., Http], site: Site, other: Site
) -> None:
    site.answers["/file"] = redirect("/moved")
    site.answers["/moved"] = redirect(f"{other.url}/back")
    other.answers["/back"] = redirect(f"{site.url}/end")
    get(make(site.url, civitai_key="made-up"), f"{site.url}/file", key=True)
    shown = {path: headers.get("Authorization") for path, headers in site.asked + other.asked}
    assert shown == {
        "/file": "Bearer made-up",
        "/moved": "Bearer made-up",
        "/back": None,
        "/end": None,
    }


def test_a_password_in_an_address_of_a_base_is_not_used(
    make: Callable[..., Http], site: Site
) -> None:
    with pytest.raises(BadInput):
        get(make(site.url), f"http://user:pass@127.0.0.1:{site.port}/file")
    assert site.asked == []


def test_netrc_and_cookies_are_not_used(
    make: Callable[..., Http],
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    def with_cookie(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Set-Cookie", "who=me; Path=/")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.answers["/file"] = with_cookie
    http = make(site.url)
    for _ in range(2):
        get(http, f"{site.url}/file")
    for _, headers in site.asked:
        assert "Authorization" not in headers
        assert "Cookie" not in headers


def test_bases_go_through_the_proxy_and_foreign_addresses_do_not(
    make: Callable[..., Http], site: Site, other: Site
) -> None:
    # A proxy is asked for the whole address.
    http = make("http://base.example", proxy=site.url, allow_private_addresses=True)
    get(http, "http://base.example/file")
    assert site.paths() == ["http://base.example/file"]
    get(http, f"{other.url}/direct")
    assert other.paths() == ["/direct"]
    assert len(site.asked) == 1


def test_foreign_addresses_go_through_the_proxy_where_the_setting_says_so(
    make: Callable[..., Http], site: Site
) -> None:
    http = make(proxy=site.url, proxy_foreign=True)
    get(http, "http://elsewhere.invalid/file")
    assert site.paths() == ["http://elsewhere.invalid/file"]
    with pytest.raises(BadInput):
        get(http, "http://127.0.0.1/inside")
    assert len(site.asked) == 1


def test_the_system_s_proxy_is_used_for_bases_only(
    make: Callable[..., Http], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", site.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    http = make("http://base.example")
    get(http, "http://base.example/file")
    assert site.paths() == ["http://base.example/file"]
    with pytest.raises(CuratorError):
        get(http, "http://127.0.0.1/inside")
    assert len(site.asked) == 1
