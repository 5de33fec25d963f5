"""Disks that are full, or will be; and what a power cut leaves at the last moment."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from comfyui_curator.store import Options, transfer_workers
from comfyui_curator.store.errors import StoreClosed
from tests.serving import RunningServer, impatient
from tests.sites import Site
from tests.small_disk import full, small_disk
from tests.transferring import (
    FILE,
    HUB,
    act,
    done,
    failed,
    get,
    job,
    offsets,
    parts,
    put_entry,
    serving,
    target,
    visible,
    write_catalog,
)
from tests.upstream import Upstream
from tests.waiting import until


class TestRoom:
    def test_a_model_for_which_there_is_no_room_is_refused_with_figures(
        self, server: RunningServer, site: Site
    ) -> None:
        put_entry(server, site, serving(b"x"), size_gb=50_000_000)
        answer = get(server, FILE)
        assert answer.status_code == 507
        assert answer.headers["x-should-retry"] == "false"
        body = answer.json()
        assert body["needed_bytes"] == 52_500_000 * 10**9
        assert 0 < body["free_bytes"] < body["needed_bytes"]
        assert "GB are free" in body["error"]
        assert site.asked == []
        assert server.get("/jobs").json()["total"] == 0

    def test_the_true_length_is_looked_at_too(self, server: RunningServer, site: Site) -> None:
        put_entry(server, site, serving(b"x", length=10**15))
        get(server, FILE)
        assert "not enough room" in failed(server, FILE)["error"]
        assert visible(server.root) == []

    def test_a_full_disk_harms_only_those_who_write_on_it(
        self, tmp_path: Path, upstream: Upstream, big: bytes, options: Options
    ) -> None:
        root = tmp_path / "root"
        other = {**HUB, "file": "other.safetensors", "dest": "vae"}
        write_catalog(root, HUB, other)
        folder = root / "models" / "loras"
        with small_disk(folder, "12m"), impatient(root, options) as server:
            upstream.faults.add("/repos/", stall_after=1 << 20, times=2)
            for entry in (HUB, other):
                get(server, entry["file"])
                until(lambda entry=entry: job(server, entry["file"])["done"] == 1 << 20)
            if os.path.ismount(folder):
                with full(folder):
                    upstream.faults.clear()
                    assert "disk is full" in failed(server, FILE)["error"]
                    done(server, other["file"])
            upstream.faults.clear()
            get(server, FILE)
            done(server, FILE)
            done(server, other["file"])
            assert target(root).read_bytes() == big

    def test_the_room_that_others_will_take_counts(
        self, server: RunningServer, upstream: Upstream, site: Site, big: bytes
    ) -> None:
        other = {"file": "huge.safetensors", "dest": "loras", "url": f"{site.url}/huge"}
        write_catalog(server.root, HUB, other)
        upstream.faults.add("/repos/", stall_after=1 << 20)
        get(server, FILE)
        until(lambda: job(server, FILE)["done"] == 1 << 20)
        # Alone it would fit.
        site.answers["/huge"] = serving(b"x", length=9 << 20)
        usage = SimpleNamespace(free=10 << 20)
        with patch("shutil.disk_usage", return_value=usage):
            get(server, "huge.safetensors")
            assert "not enough room" in failed(server, "huge.safetensors")["error"]
        upstream.faults.clear()
        done(server, FILE)

    def test_on_a_full_disk_a_transfer_can_be_cancelled(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, HUB)
        upstream.faults.add("/repos/", stall_after=1 << 20)
        get(server, FILE)
        until(lambda: job(server, FILE)["done"] == 1 << 20)
        with patch.object(os, "fsync", _no_room):
            assert act(server, FILE, "pause").json()["status"] == "paused"
            assert act(server, FILE, "cancel").json()["status"] == "cancelled"
        until(lambda: parts(server.root) == [])


class TestPowerCuts:
    """The last moment: the file is in its place, and its record still says so."""

    @pytest.fixture
    def root(self, tmp_path: Path, upstream: Upstream, big: bytes, options: Options) -> Path:
        root = tmp_path / "root"
        write_catalog(root, HUB)

        def cut_off(path: Path) -> None:
            raise StoreClosed("The power is gone.")

        with patch.object(transfer_workers, "sync", cut_off), impatient(root, options) as server:
            get(server, FILE)
            done(server, FILE)
        return root

    def test_what_is_whole_stays(self, root: Path, upstream: Upstream, options: Options) -> None:
        inode = target(root).stat().st_ino
        with impatient(root, options) as server:
            done(server, FILE)
            until(lambda: len(server.store.database.collection("transfers")) == 0)
        assert target(root).stat().st_ino == inode
        assert offsets(upstream) == [0]

    def test_what_is_torn_is_fetched_again(
        self, root: Path, upstream: Upstream, big: bytes, options: Options
    ) -> None:
        before = target(root).stat()
        with target(root).open("r+b") as file:
            file.write(bytes(4096))
        os.utime(target(root), ns=(before.st_atime_ns, before.st_mtime_ns))
        with impatient(root, options) as server:
            done(server, FILE)
        assert target(root).read_bytes() == big
        assert offsets(upstream) == [0, 0]

    def test_what_somebody_else_has_put_there_stays(
        self, root: Path, upstream: Upstream, options: Options
    ) -> None:
        target(root).unlink()
        target(root).write_bytes(b"mine")
        os.utime(target(root))
        with impatient(root, options) as server:
            done(server, FILE)
        assert target(root).read_bytes() == b"mine"
        assert offsets(upstream) == [0]

    def test_what_somebody_has_taken_away_does_not_come_back(
        self, root: Path, upstream: Upstream, options: Options
    ) -> None:
        target(root).unlink()
        with impatient(root, options) as server:
            done(server, FILE)
        assert visible(root) == []
        assert offsets(upstream) == [0]


def _no_room(descriptor: int) -> None:
    raise OSError(28, "No space left on device")
