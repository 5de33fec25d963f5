"""Transfers that are cut off, by whatever: each goes on where it was, and the file is right."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.remote.http import Timeouts
from comfyui_curator.store.transfer_parts import Sink
from tests.programs import asking, program
from tests.serving import RunningServer, impatient
from tests.sites import Site
from tests.small_disk import full, small_disk
from tests.transferring import (
    BIG,
    FILE,
    HUB,
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
from tests.upstream import Upstream
from tests.waiting import until

_KEPT_BACK = 1 << 20
"""What a full disk gets back, so that others can write."""


@contextlib.contextmanager
def no_room(folder: Path) -> Generator[None, None, None]:
    """The disk is full: really, where the folder is a small disk; else as the system says it."""

    def refuse(_: Sink, __: memoryview) -> None:
        raise OSError(28, "No space left on device")

    if os.path.ismount(folder):
        with full(folder):
            yield
    else:
        with patch.object(Sink, "_write", refuse):
            yield


def test_ten_cuts_of_every_kind_and_the_file_is_right(
    tmp_path: Path, heavy: bytes, upstream: Upstream, options: Options
) -> None:
    root = tmp_path / "root"
    write_catalog(root, HUB)
    folder = root / "models" / "loras"
    step = 6 << 20
    reached: list[int] = []
    with small_disk(folder, "69m"):

        def at(count: int) -> None:
            until(lambda: part_sizes(root) == [count])
            reached.append(count)

        # Three cuts of the connection, a pause, and the server's own end.
        with impatient(root, options) as server:
            for _ in range(3):
                upstream.faults.add("/repos/", cut=step)
            upstream.faults.add("/repos/", stall_after=step, times=1)
            get(server, FILE)
            at(4 * step)
            reached[:0] = [step, 2 * step, 3 * step]
            act(server, FILE, "pause")
            held(upstream, step)
            act(server, FILE, "resume")
            at(5 * step)
        # Two kills.
        for number in (6, 7):
            held(upstream, step)
            with program("--root", root, *asking(upstream)):
                at(number * step)
        # A full disk in the middle.
        held(upstream, step)
        with impatient(root, options) as server:
            at(8 * step)
            with no_room(folder):
                upstream.faults.clear()
                assert "disk is full" in failed(server, FILE)["error"]
                assert visible(root) == ([] if not os.path.ismount(folder) else ["ballast"])
            (part,) = parts(root)
            reached[-1] = part.stat().st_size
            # And two more cuts.
            upstream.faults.add("/repos/", cut=1 << 20, times=2)
            assert act(server, FILE, "resume").json()["status"] == "queued"
            done(server, FILE)
            reached += [reached[-1] + (1 << 20), reached[-1] + (2 << 20)]
        assert sha256(target(root).read_bytes()) == sha256(heavy)
        assert parts(root) == []
    begun = offsets(upstream)
    assert len(begun) == 11
    # Each goes on at the very byte where the one before ended; the full disk costs one chunk.
    assert begun == [0, *reached]
    assert reached[7] >= 8 * step - _KEPT_BACK


class TestResuming:
    def test_a_file_that_changed_upstream_begins_anew(
        self, server: RunningServer, site: Site
    ) -> None:
        old, new = b"o" * 1000, b"n" * 900
        put_entry(
            server, site, serving(old, length=2000), serving(new, etag='"two"'), hash=sha256(new)
        )
        get(server, FILE)
        done(server, FILE)
        assert target(server.root).read_bytes() == new

    @pytest.mark.parametrize(
        "content_range", ["bytes 0-9/2000", "bytes 1000-1999/3000", "nonsense", "bytes */2000"]
    )
    def test_a_part_that_is_not_what_was_asked_for_is_not_joined(
        self, server: RunningServer, site: Site, content_range: str
    ) -> None:
        data = random.Random(1).randbytes(2000)

        def cut(handler: Any) -> None:
            serving(data[:1000], length=2000)(handler)

        wrong = serving(data, content_range=content_range)
        put_entry(server, site, cut, wrong, serving(data))
        get(server, FILE)
        done(server, FILE)
        assert target(server.root).read_bytes() == data
        assert [headers.get("Range") for _, headers in site.asked] == [None, "bytes=1000-", None]

    def test_a_host_that_knows_no_ranges_sends_all_again(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", cut=1 << 20)
        upstream.faults.add("/repos/", no_range=True)
        get(server, FILE)
        done(server, FILE)
        assert target(server.root).read_bytes() == big

    def test_without_etag_date_or_hash_nothing_is_joined(
        self, server: RunningServer, site: Site
    ) -> None:
        data = random.Random(1).randbytes(2000)
        put_entry(server, site, serving(data[:1000], etag="", length=2000), serving(data, etag=""))
        get(server, FILE)
        done(server, FILE)
        assert target(server.root).read_bytes() == data
        assert [headers.get("Range") for _, headers in site.asked] == [None, None]

    def test_of_what_has_no_length_the_rest_is_had_too(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", chunked=True, cut=3 << 20)
        get(server, FILE)
        done(server, FILE)
        assert target(server.root).read_bytes() == big
        assert offsets(upstream) == [0, 3 << 20]

    def test_a_stalled_connection_is_cut_and_taken_up_again(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        server.store.civitai.http.timeouts = Timeouts(2, 0.3)
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", stall_after=5 << 20)
        get(server, FILE)
        done(server, FILE)
        assert offsets(upstream) == [0, 5 << 20]
        assert target(server.root).read_bytes() == big

    def test_all_was_there_but_the_move(
        self, tmp_path: Path, upstream: Upstream, big: bytes, options: Options
    ) -> None:
        root = tmp_path / "root"
        write_catalog(root, HUB)
        held(upstream, BIG - 1)
        with impatient(root, options) as server:
            get(server, FILE)
            until(lambda: part_sizes(root) == [BIG - 1])
        upstream.faults.clear()
        with parts(root)[0].open("ab") as part:
            part.write(big[-1:])
        with impatient(root, options) as server:
            done(server, FILE)
        assert target(root).read_bytes() == big
        assert offsets(upstream) == [0]
