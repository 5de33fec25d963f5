"""What gets through a plain reverse proxy: real nginx, its own defaults. See docs/security.md."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from comfyui_curator.store import Options
from tests.serving import RunningServer

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
KEY = "an-example-key"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

_CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{target}; {more} }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, target: int, more: str = "") -> Generator[str]:
    """The address of an nginx before the server at port `target`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir()
    text = _CONFIGURATION.format(folder=folder, port=port, target=target, more=more)
    (folder / "nginx.conf").write_text(text)
    assert NGINX
    process = subprocess.Popen(
        [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def status(address: str, **headers: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{address}/api/admin/settings", headers=headers, timeout=10).status_code


def server(folder: Path, *, require_key: bool) -> RunningServer:
    overrides = {"require_key": True} if require_key else {}
    return RunningServer(folder, Options(key=KEY, overrides=overrides))


@pytest.mark.parametrize("require_key", [False, True])
def test_a_proxy_that_speaks_http_1_0_needs_the_key(tmp_path: Path, require_key: bool) -> None:
    """nginx before 1.29.7, by default: no forwarding header, but HTTP/1.0."""
    with (
        server(tmp_path / "root", require_key=require_key) as running,
        nginx(tmp_path / "nginx", running.port, "proxy_http_version 1.0;") as address,
    ):
        assert status(address) == 401
        assert status(address, **{"X-API-Key": KEY}) == 200


def test_a_proxy_that_speaks_http_1_1_and_hides_itself_is_seen_as_this_machine(
    tmp_path: Path,
) -> None:
    """Nothing tells such a proxy from a local caller: this is what `require_key` is for."""
    with (
        server(tmp_path / "root", require_key=False) as running,
        nginx(tmp_path / "nginx", running.port, "proxy_http_version 1.1;") as address,
    ):
        assert status(address) == 200


def test_with_require_key_no_proxy_lets_anyone_in(tmp_path: Path) -> None:
    with (
        server(tmp_path / "root", require_key=True) as running,
        nginx(tmp_path / "nginx", running.port, "proxy_http_version 1.1;") as address,
    ):
        assert status(address) == 401
        assert status(address, **{"X-API-Key": KEY}) == 200


def test_a_proxy_that_says_whom_it_forwards_needs_the_key(tmp_path: Path) -> None:
    more = "proxy_http_version 1.1; proxy_set_header X-Forwarded-For $remote_addr;"
    with (
        server(tmp_path / "root", require_key=False) as running,
        nginx(tmp_path / "nginx", running.port, more) as address,
    ):
        assert status(address) == 401
        assert status(address, **{"X-API-Key": KEY}) == 200


def test_pages_behind_a_proxy_are_foreign_until_the_public_url_names_it(tmp_path: Path) -> None:
    with (
        server(tmp_path / "root", require_key=True) as running,
        nginx(tmp_path / "nginx", running.port) as address,
    ):
        shown = {"X-API-Key": KEY, "Origin": address, "Referer": f"{address}/api/admin/ui/"}
        assert status(address, **shown) == 403
        running.store.settings.change({"public_url": address})
        assert status(address, **shown) == 200
