"""Where a transfer is not led, and hosts that are busy, down or refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from tests.serving import RunningServer
from tests.sites import Site, redirect
from tests.transferring import (
    FILE,
    HUB,
    act,
    done,
    failed,
    get,
    job,
    put_entry,
    serving,
    write_catalog,
)
from tests.upstream import Upstream, World
from tests.waiting import until


class TestWays:
    @pytest.mark.parametrize(
        "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:pass@127.0.0.1/x"]
    )
    def test_a_redirect_to_what_is_not_fetched(
        self, server: RunningServer, site: Site, location: str
    ) -> None:
        put_entry(server, site, redirect(location))
        get(server, FILE)
        error = failed(server, FILE)["error"]
        assert "not fetched" in error
        assert "127.0.0.1" not in error
        assert len(site.asked) == 1

    def test_a_private_address(
        self, tmp_path: Path, options: Options, site: Site, upstream: Upstream
    ) -> None:
        with RunningServer(tmp_path / "careful", replace(options, overrides={})) as server:
            put_entry(server, site, serving(b"inside"))
            get(server, FILE)
            assert "public" in failed(server, FILE)["error"]
        assert site.asked == []

    def test_a_redirect_of_a_public_host_to_a_private_address(
        self,
        tmp_path: Path,
        options: Options,
        site: Site,
        upstream: Upstream,
        big: bytes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def public(host: str, port: int) -> bool:
            return False

        monkeypatch.setattr("comfyui_curator.store.remote.ways.is_private_host", public)
        upstream.faults.add("/resolve/", method="GET", redirect=f"{site.url}/inside", times=None)
        with RunningServer(tmp_path / "careful", replace(options, overrides={})) as server:
            write_catalog(server.root, HUB)
            get(server, FILE)
            assert "not fetched" in failed(server, FILE)["error"]
        assert site.asked == []

    def test_an_answer_that_is_packed(self, server: RunningServer, site: Site) -> None:
        def packed(handler: Any) -> None:
            handler.send_response(200)
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Content-Length", "3")
            handler.end_headers()
            handler.wfile.write(b"abc")

        put_entry(server, site, packed)
        get(server, FILE)
        assert "packed" in failed(server, FILE)["error"]

    def test_what_is_gone(self, server: RunningServer, upstream: Upstream, world: World) -> None:
        entry = server.post(f"/civitai/add/{world.version('lora').id}").json()
        upstream.faults.add("/api/download/", status=410)
        get(server, entry["file"])
        assert "no longer has the file" in failed(server, entry["file"])["error"]
        # Asked again it is looked for again.
        act(server, entry["file"], "resume")
        done(server, entry["file"])


class TestHosts:
    def test_a_busy_one_is_waited_for_as_it_says(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/resolve/", status=429, retry_after=3600)
        get(server, FILE)
        until(lambda: job(server, FILE)["error"] is not None)
        waiting = job(server, FILE)
        assert (waiting["state"], "busy" in waiting["error"]) == ("queued", True)
        assert len(upstream.requests("/resolve/")) == 1
        # Whoever does not want to wait says so.
        act(server, FILE, "pause")
        act(server, FILE, "resume")
        done(server, FILE)

    def test_a_short_wait_is_sat_out(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", status=503, retry_after=1)
        get(server, FILE)
        done(server, FILE)

    def test_one_that_is_down_is_tried_a_few_times(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        fault = upstream.faults.add("/repos/", status=500, times=None)
        get(server, FILE)
        assert "500" in failed(server, FILE)["error"]
        assert fault.hits == 3
        upstream.faults.clear()
        act(server, FILE, "resume")
        done(server, FILE)

    def test_a_refused_signature_is_no_question_of_keys(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", status=403)
        get(server, FILE)
        done(server, FILE)
