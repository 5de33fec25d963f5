"""What an upload's address may make this server ask: nothing of the inside, and nothing endless.

With the environment variable SSRF_TABLE each row's answer is added to that file.
"""

from __future__ import annotations

import gzip
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options, upload_sources
from comfyui_curator.store.remote import connections
from comfyui_curator.store.remote.addresses import AddressRefused
from comfyui_curator.store.remote.http import Timeouts
from comfyui_curator.store.transfer_patience import Patience
from tests.addressed_uploads import create, ended, leftovers
from tests.serving import RunningServer
from tests.sites import Answer, Site, listening, redirect
from tests.transferring import PAGE
from tests.waiting import until

_CHUNK = bytes(1 << 16)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with listening() as site:
        yield site


@pytest.fixture(scope="module")
def secret() -> Iterator[Site]:
    """A site of the inside, which must never be asked."""
    with listening() as secret:
        yield secret


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    nowhere = "http://base.invalid"
    options = Options(civitai=nowhere, civitai_images=nowhere, huggingface=nowhere)
    with RunningServer(tmp_path_factory.mktemp("ssrf") / "root", options) as running:
        running.store.transfers.patience = Patience(tries=0)
        running.store.settings.change({"upload_limit_mb": 1})
        yield running


@dataclass(frozen=True)
class Row:
    """An address, with `{port}` of the secret site in it, and what is to be told of it."""

    name: str
    url: str
    says: str
    at_once: bool = True


@pytest.fixture
def note() -> Iterator[Callable[[str, str, str], None]]:
    """Adds a row to the table of the closing note."""
    rows: list[str] = []

    def add(name: str, url: str, answer: str) -> None:
        rows.append(f"| {name} | `{url}` | {answer} |\n")

    yield add
    target = os.environ.get("SSRF_TABLE")
    if target:
        with Path(target).open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(rows)


def outcome(server: RunningServer, url: str, kind: str = "asset") -> tuple[bool, str]:
    """Whether it was refused at once, and what was told."""
    answer = create(server, url=url, kind=kind)
    if answer.status_code != 200:
        body = answer.json()
        assert body["field"] == "url"
        return True, f"{answer.status_code} {body['error']}"
    upload = ended(server, answer.json()["upload"]["id"])
    assert upload["status"] == "failed", upload
    until(lambda: leftovers(server.root) == [])
    return False, f"failed: {upload['errorMessage']}"


_OUTSIDE = "400 The address is not on the public internet."
_NO_HTTP = "400 Only http and https addresses are fetched."

_ROWS = [
    Row("loopback", "http://127.0.0.1:{port}/x", _OUTSIDE),
    Row("loopback by name", "http://localhost:{port}/x", _OUTSIDE),
    Row("another loopback", "http://127.8.9.1:{port}/x", _OUTSIDE),
    Row("all addresses", "http://0.0.0.0:{port}/x", _OUTSIDE),
    Row("private network", "http://10.0.0.1/x", _OUTSIDE),
    Row("private network", "http://192.168.1.1/x", _OUTSIDE),
    Row("carrier's network", "http://100.64.0.1/x", _OUTSIDE),
    Row("link-local", "http://169.254.1.1/x", _OUTSIDE),
    Row("metadata address", "http://169.254.169.254/latest/meta-data/", _OUTSIDE),
    Row("metadata over IPv6", "http://[fd00:ec2::254]/latest/", _OUTSIDE),
    Row("IPv6 loopback", "http://[::1]:{port}/x", _OUTSIDE),
    Row("IPv6 link-local", "http://[fe80::1]/x", _OUTSIDE),
    Row("IPv6-mapped", "http://[::ffff:127.0.0.1]:{port}/x", _OUTSIDE),
    Row("IPv6-mapped in hex", "http://[::ffff:7f00:1]:{port}/x", _OUTSIDE),
    Row("NAT64 of loopback", "http://[64:ff9b::7f00:1]/x", _OUTSIDE),
    Row("6to4 of loopback", "http://[2002:7f00:1::]/x", _OUTSIDE),
    Row("decimal", "http://2130706433:{port}/x", _OUTSIDE),
    Row("hexadecimal", "http://0x7f000001:{port}/x", _OUTSIDE),
    Row("octal", "http://0177.0.0.1:{port}/x", _OUTSIDE),
    Row("short", "http://127.1:{port}/x", _OUTSIDE),
    Row("trailing dot", "http://localhost.:{port}/x", _OUTSIDE),
    Row("upper case", "HTTP://LOCALHOST:{port}/x", _OUTSIDE),
    Row("file", "file:///etc/passwd", _NO_HTTP),
    Row("ftp", "ftp://example.org/x", _NO_HTTP),
    Row("gopher", "gopher://127.0.0.1:{port}/x", _NO_HTTP),
    Row("no scheme", "//127.0.0.1:{port}/x", _NO_HTTP),
    Row("data", "data:text/plain,x", _NO_HTTP),
    Row("credentials", "http://user:pass@example.org/x", "400 An address with a user name"),
    Row("credentials that look like a host", "http://example.org@127.0.0.1:{port}/x", "400 An"),
    Row("line break", "http://127.0.0.1:{port}/x\r\nHost: y", "400"),
    Row("impossible port", "http://example.org:99999/x", "400 This is not an address."),
    Row("broken brackets", "http://[::1/x", "400 This is not an address."),
]


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: f"{row.name}: {row.url}")
def test_addresses_of_the_inside_are_refused_at_once(
    server: RunningServer, secret: Site, row: Row, note: Callable[[str, str, str], None]
) -> None:
    refused, told = outcome(server, row.url.format(port=secret.port))
    note(row.name, row.url.encode("unicode_escape").decode(), told)
    assert refused
    assert told.startswith(row.says)
    assert "127." not in told
    assert secret.asked == []
    assert server.get("/uploads").json()["total"] == 0


def named(
    monkeypatch: pytest.MonkeyPatch, *answers: str, public: tuple[str, ...] = ()
) -> list[str]:
    """`*.example` means each of these in turn; those of `public` count as public here.

    No test may connect to the internet: an address of this machine plays the public one.
    """
    asked: list[str] = []
    true, left = socket.getaddrinfo, list(answers)

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".example"):
            return true(host, port, *args, **kwargs)
        asked.append(str(host))
        address = left.pop(0) if len(left) > 1 else left[0]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in address.split()
        ]

    def check(addresses: Any) -> None:
        if not set(addresses) <= set(public):
            raise AddressRefused("The address is not on the public internet.")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for module in (connections, upload_sources):
        monkeypatch.setattr(module, "check_public", check)
    return asked


class TestNames:
    """127.0.0.1 plays a public address here, 127.0.0.2 one of the inside."""

    PUBLIC = ("127.0.0.1",)

    def test_one_private_answer_taints_a_name(
        self,
        server: RunningServer,
        site: Site,
        monkeypatch: pytest.MonkeyPatch,
        note: Callable[[str, str, str], None],
    ) -> None:
        named(monkeypatch, "127.0.0.1 127.0.0.2", public=self.PUBLIC)
        site.asked.clear()
        refused, told = outcome(server, f"http://both.example:{site.port}/x")
        note("DNS answers public and private", "http://both.example/x", told)
        assert refused
        assert told == _OUTSIDE
        assert site.asked == []

    def test_a_name_that_is_public_first_and_private_then_is_not_asked(
        self,
        server: RunningServer,
        site: Site,
        monkeypatch: pytest.MonkeyPatch,
        note: Callable[[str, str, str], None],
    ) -> None:
        asked = named(monkeypatch, "127.0.0.1", "127.0.0.2", public=self.PUBLIC)
        site.asked.clear()
        refused, told = outcome(server, f"http://rebind.example:{site.port}/x")
        note("DNS answers public first, private then", "http://rebind.example/x", told)
        assert not refused
        assert "not on the public internet" in told
        assert len(asked) == 2, "once when it was asked for, once for the connection"
        assert site.asked == []

    def test_the_checked_address_is_the_one_that_is_connected_to(
        self,
        server: RunningServer,
        site: Site,
        monkeypatch: pytest.MonkeyPatch,
        note: Callable[[str, str, str], None],
    ) -> None:
        asked = named(monkeypatch, "127.0.0.1", "127.0.0.1", "127.0.0.2", public=self.PUBLIC)
        site.asked.clear()
        site.answers["/pinned"] = _body(b"here")
        url = f"http://pinned.example:{site.port}/pinned"
        upload = ended(server, create(server, url=url, kind="asset").json()["upload"]["id"])
        note("DNS answers private after the check", "http://pinned.example/", upload["status"])
        assert upload["status"] == "complete"
        assert len(asked) == 2
        assert site.asked[0][1]["Host"] == f"pinned.example:{site.port}"

    @pytest.mark.parametrize(
        ("name", "location"),
        [
            ("redirect to loopback", "http://127.0.0.2:{port}/x"),
            ("redirect to the metadata address", "http://169.254.169.254/latest/meta-data/"),
            ("redirect to a decimal address", "http://2130706434:{port}/x"),
            ("redirect to IPv6-mapped", "http://[::ffff:127.0.0.2]:{port}/x"),
            ("redirect to file", "file:///etc/passwd"),
            ("redirect with credentials", "http://user:pass@public.example:{site}/x"),
            ("redirect to broken", "http://["),
            ("redirect to a private name", "http://inside.example:{port}/x"),
            ("redirect in circles", "/hop"),
        ],
    )
    def test_a_redirect_is_looked_at_like_the_address_itself(
        self,
        server: RunningServer,
        site: Site,
        secret: Site,
        monkeypatch: pytest.MonkeyPatch,
        note: Callable[[str, str, str], None],
        name: str,
        location: str,
    ) -> None:
        answers = ["127.0.0.1", "127.0.0.1", "127.0.0.2"] if "inside" in location else ["127.0.0.1"]
        named(monkeypatch, *answers, public=self.PUBLIC)
        site.answers["/hop"] = redirect(location.format(port=secret.port, site=site.port))
        refused, told = outcome(server, f"http://public.example:{site.port}/hop")
        note(name, f"http://public.example/ → {location}", told)
        assert not refused
        assert "127." not in told
        assert "passwd" not in told
        assert "redirect" in told.lower()
        assert secret.asked == []


def _body(data: bytes, **headers: str) -> Answer:
    def answer(handler: Any) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def _endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    for _ in range(1000):
        handler.wfile.write(_CHUNK)


def _dripping(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def _dripping_headers(handler: Any) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200:
        handler.wfile.write(bytes([letter]))
        handler.wfile.flush()
        time.sleep(0.05)


def _silent(handler: Any) -> None:
    time.sleep(1.5)
    handler.close_connection = True


class TestBodies:
    @pytest.fixture(autouse=True)
    def private(self, server: RunningServer) -> Iterator[None]:
        """The answers come from this machine."""
        server.store.settings.change({"allow_private_addresses": True})
        yield
        server.store.settings.change({"allow_private_addresses": False})

    @pytest.mark.parametrize(
        ("name", "answer", "says"),
        [
            ("endless body", _endless, "larger than 1 MB"),
            ("too long, announced", _body(bytes(1_000_001)), "larger than 1 MB"),
            ("10 TB announced", None, "larger than 1 MB"),
            (
                "gzip bomb",
                _body(gzip.compress(bytes(10 << 20)), Content_Encoding="gzip"),
                "only packed",
            ),
            ("web page", _body(PAGE, Content_Type="text/html"), "web page"),
            ("login", None, "log in there"),
            ("nothing", _body(b""), "empty file"),
        ],
    )
    def test_bodies_that_do_harm_end_and_leave_nothing(
        self,
        server: RunningServer,
        site: Site,
        note: Callable[[str, str, str], None],
        name: str,
        answer: Answer | None,
        says: str,
    ) -> None:
        site.answers["/harm"] = answer or (_huge if "TB" in name else _login)
        _, told = outcome(server, f"{site.url}/harm", "model")
        note(name, "http://…/harm", told)
        assert says in told

    @pytest.mark.parametrize(
        ("name", "answer"),
        [
            ("slow drip", _dripping),
            ("slow drip of headers", _dripping_headers),
            ("silence", _silent),
        ],
    )
    def test_who_keeps_us_waiting_is_left(
        self,
        server: RunningServer,
        site: Site,
        monkeypatch: pytest.MonkeyPatch,
        note: Callable[[str, str, str], None],
        name: str,
        answer: Answer,
    ) -> None:
        monkeypatch.setattr(server.store.civitai.http, "timeouts", Timeouts(5, 0.4))
        site.answers["/harm"] = answer
        _, told = outcome(server, f"{site.url}/harm", "model")
        note(name, "http://…/harm", told)
        assert "broke off" in told or "not answer in time" in told

    def test_a_redirect_to_private_is_followed_where_the_setting_allows_it(
        self, server: RunningServer, site: Site, note: Callable[[str, str, str], None]
    ) -> None:
        site.answers["/there"] = _body(b"here")
        site.answers["/hop"] = redirect(f"http://localhost:{site.port}/there")
        url = f"{site.url}/hop"
        upload = ended(server, create(server, url=url, kind="asset").json()["upload"]["id"])
        note("private, allow_private_addresses on", "http://127.0.0.1/", upload["status"])
        assert upload["status"] == "complete"


def _huge(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**13))
    handler.end_headers()
    handler.wfile.write(_CHUNK)
    handler.close_connection = True


def _login(handler: Any) -> None:
    handler.send_response(401)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_a_redirect_from_elsewhere_to_a_base_is_followed_without_its_key(
    tmp_path: Path, site: Site
) -> None:
    with listening() as base:
        options = replace(
            Options(civitai=base.url, civitai_images=base.url, huggingface="http://base.invalid"),
            overrides={"allow_private_addresses": True, "civitai_key": "made-up-key"},
        )
        base.answers["/file"] = _body(b"here")
        site.answers["/hop"] = redirect(f"{base.url}/file")
        with RunningServer(tmp_path / "root", options) as server:
            url = f"{site.url}/hop"
            upload = ended(server, create(server, url=url, kind="asset").json()["upload"]["id"])
            assert upload["status"] == "complete"
        assert base.paths() == ["/file"]
        assert all("Authorization" not in headers for _, headers in base.asked)
