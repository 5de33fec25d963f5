"""Bytes that are not the model's: wrong, too few, too many, a page; and what is trusted."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.serving import RunningServer
from tests.sites import Site
from tests.transferring import (
    BIG,
    FILE,
    HUB,
    PAGE,
    act,
    done,
    failed,
    get,
    held,
    offsets,
    part_sizes,
    parts,
    put_entry,
    serving,
    sha256,
    target,
    visible,
    write_catalog,
)
from tests.upstream import Upstream, World
from tests.waiting import until


class TestBytes:
    def test_wrong_ones_are_never_seen(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", corrupt=True, times=1)
        get(server, FILE)
        error = failed(server, FILE)["error"]
        other = bytes(byte ^ 0x5A for byte in range(256))
        assert sha256(big)[:12] in error
        assert sha256(big.translate(other))[:12] in error
        assert visible(server.root) == []
        assert part_sizes(server.root) == [0]
        act(server, FILE, "resume")
        done(server, FILE)
        assert target(server.root).read_bytes() == big

    def test_the_catalogs_own_hash_counts(self, server: RunningServer, site: Site) -> None:
        put_entry(server, site, serving(b"other"), hash=sha256(b"model").upper())
        get(server, FILE)
        assert "Wrong bytes" in failed(server, FILE)["error"]
        assert len(site.asked) == 1
        assert visible(server.root) == []

    def test_a_wrong_beginning_is_thrown_away_once(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        held(upstream, 3 << 20)
        get(server, FILE)
        until(lambda: part_sizes(server.root) == [3 << 20])
        act(server, FILE, "pause")
        # Its thread still closes the file.
        until(lambda: not any(each.name == "curator-transfer" for each in threading.enumerate()))
        parts(server.root)[0].write_bytes(bytes(3 << 20))
        upstream.faults.clear()
        act(server, FILE, "resume")
        done(server, FILE)
        assert target(server.root).read_bytes() == big
        assert offsets(upstream) == [0, 3 << 20, 0]

    def test_another_length_than_announced(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", resize=-5, times=None)
        get(server, FILE)
        assert f"{BIG} were announced" in failed(server, FILE)["error"]
        assert visible(server.root) == []

    def test_fewer_bytes_than_the_answer_says_for_ever(
        self, server: RunningServer, site: Site
    ) -> None:
        def never_whole(handler: Any) -> None:
            status = 416 if handler.headers.get("Range") else 200
            handler.send_response(status)
            handler.send_header("ETag", '"one"')
            handler.send_header("Content-Length", "0" if status == 416 else "10")
            if status == 416:
                handler.send_header("Content-Range", "bytes */5")
            handler.end_headers()
            if status == 200:
                handler.wfile.write(b"12345")
            handler.close_connection = True

        put_entry(server, site, never_whole)
        get(server, FILE)
        assert "as long as it says" in failed(server, FILE)["error"]
        assert len(site.asked) < 12
        assert visible(server.root) == []

    def test_an_empty_file(self, server: RunningServer, site: Site) -> None:
        put_entry(server, site, serving(b""))
        get(server, FILE)
        assert "empty" in failed(server, FILE)["error"]

    @pytest.mark.parametrize("status", [401, 403])
    def test_an_address_that_wants_a_login_is_asked_once(
        self, server: RunningServer, site: Site, status: int
    ) -> None:
        put_entry(server, site, serving(b"no", status=status))
        get(server, FILE)
        assert "log in" in failed(server, FILE)["error"]
        assert len(site.asked) == 1

    def test_a_page_instead_of_a_model(
        self, server: RunningServer, site: Site, upstream: Upstream, world: World
    ) -> None:
        put_entry(server, site, serving(PAGE, kind="text/html"))
        get(server, FILE)
        assert "web page" in failed(server, FILE)["error"]
        put_entry(server, site, serving(b" \n" + PAGE, kind="application/octet-stream"))
        act(server, FILE, "resume")
        assert "web page" in failed(server, FILE)["error"]
        assert visible(server.root) == []
        entry = server.post(f"/civitai/add/{world.version('lora').id}").json()
        upstream.faults.add("/api/download/", html=True)
        get(server, entry["file"])
        assert "key" in failed(server, entry["file"])["error"]
        assert visible(server.root) == []

    def test_a_file_of_which_nobody_tells_the_hash_is_remembered(
        self, server: RunningServer, site: Site
    ) -> None:
        put_entry(server, site, serving(b"first"))
        get(server, FILE)
        done(server, FILE)
        target(server.root).unlink()
        put_entry(server, site, serving(b"other"))
        get(server, FILE)
        error = failed(server, FILE)["error"]
        assert sha256(b"first")[:12] in error
        assert sha256(b"other")[:12] in error
        assert visible(server.root) == []
        # Only a person can say whether it is an update; then nothing is fetched again.
        asked = len(site.asked)
        act(server, FILE, "resume")
        done(server, FILE)
        assert target(server.root).read_bytes() == b"other"
        assert len(site.asked) == asked
