"""What must not break a transfer: cuts of every kind, wrong bytes, hostile answers, full disks."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import requests

from comfyui_curator.store import Options, transfer_workers
from comfyui_curator.store.errors import StoreClosed
from comfyui_curator.store.remote.http import Timeouts
from comfyui_curator.store.transfer_parts import Sink
from comfyui_curator.store.transfer_patience import Patience
from tests.serving import RunningServer
from tests.sites import Answer, Site, listening, redirect
from tests.small_disk import full, small_disk
from tests.transferring import (
    PAGE,
    act,
    done,
    failed,
    get,
    job,
    part_sizes,
    parts,
    serving,
    sha256,
    until,
    visible,
    write_catalog,
)
from tests.upstream import Upstream, World
from tests.upstream.records import Content, Repository, RepositoryFile

_ROOT = Path(__file__).resolve().parents[2]
_BIG = 8 << 20
_HEAVY = 64 << 20
_FILE = "model.safetensors"
_HUB = {"file": _FILE, "dest": "loras", "hf_repo": "faults/heavy", "hf_file": _FILE}
_KEPT_BACK = 1 << 20
"""What a full disk gets back, so that others can write."""


@pytest.fixture
def options(options: Options) -> Options:
    return replace(options, overrides={"allow_private_addresses": True})


@pytest.fixture
def start(options: Options) -> Callable[[Path], contextlib.AbstractContextManager[RunningServer]]:
    @contextlib.contextmanager
    def start(root: Path) -> Generator[RunningServer, None, None]:
        with RunningServer(root, options) as running:
            running.store.transfers.patience = Patience(tries=3, first=0.01, longest=0.05)
            yield running

    return start


@pytest.fixture
def server(
    tmp_path: Path,
    start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
) -> Iterator[RunningServer]:
    with start(tmp_path / "root") as running:
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    with listening() as site:
        yield site


@contextlib.contextmanager
def repository(world: World, size: int) -> Generator[bytes, None, None]:
    """What `_HUB` means, so many bytes of it."""
    content = Content(lambda: random.Random(7).randbytes(size))
    shown = world.repository("single")
    world.repositories["faults/heavy"] = Repository(
        "faults/heavy", "c" * 40, shown.modified, (RepositoryFile(_FILE, content),)
    )
    yield content.data
    del world.repositories["faults/heavy"]


@pytest.fixture
def big(world: World) -> Iterator[bytes]:
    """8 MB at Hugging Face."""
    with repository(world, _BIG) as data:
        yield data


@pytest.fixture
def heavy(world: World) -> Iterator[bytes]:
    """64 MB there."""
    with repository(world, _HEAVY) as data:
        yield data


@contextlib.contextmanager
def program(root: Path, upstream: Upstream) -> Generator[tuple[int, str], None, None]:
    """A process of its own, killed at the end of the block: its pid and the address of its API."""
    command = [sys.executable, str(_ROOT / "tests" / "launcher.py"), "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--root", str(root), "--huggingface", upstream.huggingface],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("CURATOR_")},
    )
    try:
        assert process.stdout is not None
        yield process.pid, f"{process.stdout.readline().strip()}api/admin"
    finally:
        process.kill()
        process.communicate()


def ask(address: str, method: str = "GET") -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, address, timeout=20).json()


def offsets(upstream: Upstream) -> list[int]:
    """Where each request for the file itself began."""
    ranges = [each.header("Range") for each in upstream.requests(origin="huggingface_storage")]
    return [int(each[6:-1]) if each else 0 for each in ranges]


def held(upstream: Upstream, count: int) -> None:
    """From the next request on so many bytes come, and then none for long."""
    upstream.faults.clear()
    upstream.faults.add("/repos/", stall_after=count, times=1)


def put_entry(server: RunningServer, site: Site, *answers: Answer, **more: Any) -> None:
    """An entry whose address gives these answers, one after the other, the last for ever."""
    left = list(answers)

    def answer(handler: Any) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    site.answers["/m"] = answer
    entry = {"file": _FILE, "dest": "loras", "url": f"{site.url}/m", **more}
    write_catalog(server.root, entry)


def target(root: Path) -> Path:
    return root / "models" / "loras" / _FILE


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
    tmp_path: Path,
    heavy: bytes,
    upstream: Upstream,
    start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
) -> None:
    root = tmp_path / "root"
    write_catalog(root, _HUB)
    folder = root / "models" / "loras"
    step = 6 << 20
    reached: list[int] = []
    with small_disk(folder, "69m"):

        def at(count: int) -> None:
            until(lambda: part_sizes(root) == [count])
            reached.append(count)

        # Three cuts of the connection, a pause, and the server's own end.
        with start(root) as server:
            for _ in range(3):
                upstream.faults.add("/repos/", cut=step)
            upstream.faults.add("/repos/", stall_after=step, times=1)
            get(server, _FILE)
            at(4 * step)
            reached[:0] = [step, 2 * step, 3 * step]
            act(server, _FILE, "pause")
            held(upstream, step)
            act(server, _FILE, "resume")
            at(5 * step)
        # Two kills.
        for number in (6, 7):
            held(upstream, step)
            with program(root, upstream):
                at(number * step)
        # A full disk in the middle.
        held(upstream, step)
        with start(root) as server:
            at(8 * step)
            with no_room(folder):
                upstream.faults.clear()
                assert "disk is full" in failed(server, _FILE)["error"]
                assert visible(root) == ([] if not os.path.ismount(folder) else ["ballast"])
            (part,) = parts(root)
            reached[-1] = part.stat().st_size
            # And two more cuts.
            upstream.faults.add("/repos/", cut=1 << 20, times=2)
            assert act(server, _FILE, "resume").json()["status"] == "queued"
            done(server, _FILE)
            reached += [reached[-1] + (1 << 20), reached[-1] + (2 << 20)]
        assert sha256(target(root).read_bytes()) == sha256(heavy)
        assert parts(root) == []
    begun = offsets(upstream)
    assert len(begun) == 11
    # Each goes on at the very byte where the one before ended; the full disk costs one chunk.
    assert begun == [0, *reached]
    assert reached[7] >= 8 * step - _KEPT_BACK


class TestBytes:
    def test_wrong_ones_are_never_seen(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", corrupt=True, times=1)
        get(server, _FILE)
        error = failed(server, _FILE)["error"]
        other = bytes(byte ^ 0x5A for byte in range(256))
        assert sha256(big)[:12] in error
        assert sha256(big.translate(other))[:12] in error
        assert visible(server.root) == []
        assert part_sizes(server.root) == [0]
        act(server, _FILE, "resume")
        done(server, _FILE)
        assert target(server.root).read_bytes() == big

    def test_the_catalogs_own_hash_counts(self, server: RunningServer, site: Site) -> None:
        put_entry(server, site, serving(b"other"), hash=sha256(b"model").upper())
        get(server, _FILE)
        assert "Wrong bytes" in failed(server, _FILE)["error"]
        assert len(site.asked) == 1
        assert visible(server.root) == []

    def test_a_wrong_beginning_is_thrown_away_once(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        held(upstream, 3 << 20)
        get(server, _FILE)
        until(lambda: part_sizes(server.root) == [3 << 20])
        act(server, _FILE, "pause")
        # Its thread still closes the file.
        until(lambda: not any(each.name == "curator-transfer" for each in threading.enumerate()))
        parts(server.root)[0].write_bytes(bytes(3 << 20))
        upstream.faults.clear()
        act(server, _FILE, "resume")
        done(server, _FILE)
        assert target(server.root).read_bytes() == big
        assert offsets(upstream) == [0, 3 << 20, 0]

    def test_another_length_than_announced(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", resize=-5, times=None)
        get(server, _FILE)
        assert f"{_BIG} were announced" in failed(server, _FILE)["error"]
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
        get(server, _FILE)
        assert "as long as it says" in failed(server, _FILE)["error"]
        assert len(site.asked) < 12
        assert visible(server.root) == []

    def test_an_empty_file(self, server: RunningServer, site: Site) -> None:
        put_entry(server, site, serving(b""))
        get(server, _FILE)
        assert "empty" in failed(server, _FILE)["error"]

    @pytest.mark.parametrize("status", [401, 403])
    def test_an_address_that_wants_a_login_is_asked_once(
        self, server: RunningServer, site: Site, status: int
    ) -> None:
        put_entry(server, site, serving(b"no", status=status))
        get(server, _FILE)
        assert "log in" in failed(server, _FILE)["error"]
        assert len(site.asked) == 1

    def test_a_page_instead_of_a_model(
        self, server: RunningServer, site: Site, upstream: Upstream, world: World
    ) -> None:
        put_entry(server, site, serving(PAGE, kind="text/html"))
        get(server, _FILE)
        assert "web page" in failed(server, _FILE)["error"]
        put_entry(server, site, serving(b" \n" + PAGE, kind="application/octet-stream"))
        act(server, _FILE, "resume")
        assert "web page" in failed(server, _FILE)["error"]
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
        get(server, _FILE)
        done(server, _FILE)
        target(server.root).unlink()
        put_entry(server, site, serving(b"other"))
        get(server, _FILE)
        error = failed(server, _FILE)["error"]
        assert sha256(b"first")[:12] in error
        assert sha256(b"other")[:12] in error
        assert visible(server.root) == []
        # Only a person can say whether it is an update; then nothing is fetched again.
        asked = len(site.asked)
        act(server, _FILE, "resume")
        done(server, _FILE)
        assert target(server.root).read_bytes() == b"other"
        assert len(site.asked) == asked


class TestWays:
    @pytest.mark.parametrize(
        "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:pass@127.0.0.1/x"]
    )
    def test_a_redirect_to_what_is_not_fetched(
        self, server: RunningServer, site: Site, location: str
    ) -> None:
        put_entry(server, site, redirect(location))
        get(server, _FILE)
        error = failed(server, _FILE)["error"]
        assert "not fetched" in error
        assert "127.0.0.1" not in error
        assert len(site.asked) == 1

    def test_a_private_address(
        self, tmp_path: Path, options: Options, site: Site, upstream: Upstream
    ) -> None:
        with RunningServer(tmp_path / "careful", replace(options, overrides={})) as server:
            put_entry(server, site, serving(b"inside"))
            get(server, _FILE)
            assert "public" in failed(server, _FILE)["error"]
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
            write_catalog(server.root, _HUB)
            get(server, _FILE)
            assert "not fetched" in failed(server, _FILE)["error"]
        assert site.asked == []

    def test_an_answer_that_is_packed(self, server: RunningServer, site: Site) -> None:
        def packed(handler: Any) -> None:
            handler.send_response(200)
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Content-Length", "3")
            handler.end_headers()
            handler.wfile.write(b"abc")

        put_entry(server, site, packed)
        get(server, _FILE)
        assert "packed" in failed(server, _FILE)["error"]

    def test_what_is_gone(self, server: RunningServer, upstream: Upstream, world: World) -> None:
        entry = server.post(f"/civitai/add/{world.version('lora').id}").json()
        upstream.faults.add("/api/download/", status=410)
        get(server, entry["file"])
        assert "no longer has the file" in failed(server, entry["file"])["error"]
        # Asked again it is looked for again.
        act(server, entry["file"], "resume")
        done(server, entry["file"])


class TestResuming:
    def test_a_file_that_changed_upstream_begins_anew(
        self, server: RunningServer, site: Site
    ) -> None:
        old, new = b"o" * 1000, b"n" * 900
        put_entry(
            server, site, serving(old, length=2000), serving(new, etag='"two"'), hash=sha256(new)
        )
        get(server, _FILE)
        done(server, _FILE)
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
        get(server, _FILE)
        done(server, _FILE)
        assert target(server.root).read_bytes() == data
        assert [headers.get("Range") for _, headers in site.asked] == [None, "bytes=1000-", None]

    def test_a_host_that_knows_no_ranges_sends_all_again(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", cut=1 << 20)
        upstream.faults.add("/repos/", no_range=True)
        get(server, _FILE)
        done(server, _FILE)
        assert target(server.root).read_bytes() == big

    def test_without_etag_date_or_hash_nothing_is_joined(
        self, server: RunningServer, site: Site
    ) -> None:
        data = random.Random(1).randbytes(2000)
        put_entry(server, site, serving(data[:1000], etag="", length=2000), serving(data, etag=""))
        get(server, _FILE)
        done(server, _FILE)
        assert target(server.root).read_bytes() == data
        assert [headers.get("Range") for _, headers in site.asked] == [None, None]

    def test_of_what_has_no_length_the_rest_is_had_too(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", chunked=True, cut=3 << 20)
        get(server, _FILE)
        done(server, _FILE)
        assert target(server.root).read_bytes() == big
        assert offsets(upstream) == [0, 3 << 20]

    def test_a_stalled_connection_is_cut_and_taken_up_again(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        server.store.civitai.http.timeouts = Timeouts(2, 0.3)
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", stall_after=5 << 20)
        get(server, _FILE)
        done(server, _FILE)
        assert offsets(upstream) == [0, 5 << 20]
        assert target(server.root).read_bytes() == big

    def test_all_was_there_but_the_move(
        self,
        tmp_path: Path,
        upstream: Upstream,
        big: bytes,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> None:
        root = tmp_path / "root"
        write_catalog(root, _HUB)
        held(upstream, _BIG - 1)
        with start(root) as server:
            get(server, _FILE)
            until(lambda: part_sizes(root) == [_BIG - 1])
        upstream.faults.clear()
        with parts(root)[0].open("ab") as part:
            part.write(big[-1:])
        with start(root) as server:
            done(server, _FILE)
        assert target(root).read_bytes() == big
        assert offsets(upstream) == [0]


class TestHosts:
    def test_a_busy_one_is_waited_for_as_it_says(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/resolve/", status=429, retry_after=3600)
        get(server, _FILE)
        until(lambda: job(server, _FILE)["error"] is not None)
        waiting = job(server, _FILE)
        assert (waiting["state"], "busy" in waiting["error"]) == ("queued", True)
        assert len(upstream.requests("/resolve/")) == 1
        # Whoever does not want to wait says so.
        act(server, _FILE, "pause")
        act(server, _FILE, "resume")
        done(server, _FILE)

    def test_a_short_wait_is_sat_out(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", status=503, retry_after=1)
        get(server, _FILE)
        done(server, _FILE)

    def test_one_that_is_down_is_tried_a_few_times(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        fault = upstream.faults.add("/repos/", status=500, times=None)
        get(server, _FILE)
        assert "500" in failed(server, _FILE)["error"]
        assert fault.hits == 4
        upstream.faults.clear()
        act(server, _FILE, "resume")
        done(server, _FILE)

    def test_a_refused_signature_is_no_question_of_keys(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", status=403)
        get(server, _FILE)
        done(server, _FILE)


class TestRoom:
    def test_a_model_for_which_there_is_no_room_is_refused_with_figures(
        self, server: RunningServer, site: Site
    ) -> None:
        put_entry(server, site, serving(b"x"), size_gb=50_000_000)
        answer = get(server, _FILE)
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
        get(server, _FILE)
        assert "not enough room" in failed(server, _FILE)["error"]
        assert visible(server.root) == []

    def test_a_full_disk_harms_only_those_who_write_on_it(
        self,
        tmp_path: Path,
        upstream: Upstream,
        big: bytes,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> None:
        root = tmp_path / "root"
        other = {**_HUB, "file": "other.safetensors", "dest": "vae"}
        write_catalog(root, _HUB, other)
        folder = root / "models" / "loras"
        with small_disk(folder, "12m"), start(root) as server:
            upstream.faults.add("/repos/", stall_after=1 << 20, times=2)
            for entry in (_HUB, other):
                get(server, entry["file"])
                until(lambda entry=entry: job(server, entry["file"])["done"] == 1 << 20)
            if os.path.ismount(folder):
                with full(folder):
                    upstream.faults.clear()
                    assert "disk is full" in failed(server, _FILE)["error"]
                    done(server, other["file"])
            upstream.faults.clear()
            get(server, _FILE)
            done(server, _FILE)
            done(server, other["file"])
            assert target(root).read_bytes() == big

    def test_the_room_that_others_will_take_counts(
        self, server: RunningServer, upstream: Upstream, site: Site, big: bytes
    ) -> None:
        other = {"file": "huge.safetensors", "dest": "loras", "url": f"{site.url}/huge"}
        write_catalog(server.root, _HUB, other)
        upstream.faults.add("/repos/", stall_after=1 << 20)
        get(server, _FILE)
        until(lambda: job(server, _FILE)["done"] == 1 << 20)
        # Alone it would fit.
        site.answers["/huge"] = serving(b"x", length=9 << 20)
        usage = SimpleNamespace(free=10 << 20)
        with patch("shutil.disk_usage", return_value=usage):
            get(server, "huge.safetensors")
            assert "not enough room" in failed(server, "huge.safetensors")["error"]
        upstream.faults.clear()
        done(server, _FILE)

    def test_on_a_full_disk_a_transfer_can_be_cancelled(
        self, server: RunningServer, upstream: Upstream, big: bytes
    ) -> None:
        write_catalog(server.root, _HUB)
        upstream.faults.add("/repos/", stall_after=1 << 20)
        get(server, _FILE)
        until(lambda: job(server, _FILE)["done"] == 1 << 20)
        with patch.object(os, "fsync", _no_room):
            assert act(server, _FILE, "pause").json()["status"] == "paused"
            assert act(server, _FILE, "cancel").json()["status"] == "cancelled"
        until(lambda: parts(server.root) == [])


class TestPowerCuts:
    """The last moment: the file is in its place, and its record still says so."""

    @pytest.fixture
    def root(
        self,
        tmp_path: Path,
        upstream: Upstream,
        big: bytes,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> Path:
        root = tmp_path / "root"
        write_catalog(root, _HUB)

        def cut_off(path: Path) -> None:
            raise StoreClosed("The power is gone.")

        with patch.object(transfer_workers, "sync", cut_off), start(root) as server:
            get(server, _FILE)
            done(server, _FILE)
        return root

    def test_what_is_whole_stays(
        self,
        root: Path,
        upstream: Upstream,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> None:
        inode = target(root).stat().st_ino
        with start(root) as server:
            done(server, _FILE)
            until(lambda: len(server.store.database.collection("transfers")) == 0)
        assert target(root).stat().st_ino == inode
        assert offsets(upstream) == [0]

    def test_what_is_torn_is_fetched_again(
        self,
        root: Path,
        upstream: Upstream,
        big: bytes,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> None:
        before = target(root).stat()
        with target(root).open("r+b") as file:
            file.write(bytes(4096))
        os.utime(target(root), ns=(before.st_atime_ns, before.st_mtime_ns))
        with start(root) as server:
            done(server, _FILE)
        assert target(root).read_bytes() == big
        assert offsets(upstream) == [0, 0]

    def test_what_somebody_else_has_put_there_stays(
        self,
        root: Path,
        upstream: Upstream,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> None:
        target(root).unlink()
        target(root).write_bytes(b"mine")
        os.utime(target(root))
        with start(root) as server:
            done(server, _FILE)
        assert target(root).read_bytes() == b"mine"
        assert offsets(upstream) == [0]

    def test_what_somebody_has_taken_away_does_not_come_back(
        self,
        root: Path,
        upstream: Upstream,
        start: Callable[[Path], contextlib.AbstractContextManager[RunningServer]],
    ) -> None:
        target(root).unlink()
        with start(root) as server:
            done(server, _FILE)
        assert visible(root) == []
        assert offsets(upstream) == [0]


def _no_room(descriptor: int) -> None:
    raise OSError(28, "No space left on device")
