"""Transfers as a client begins, pauses, resumes and cancels them, also over a restart."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from tests.serving import RunningServer
from tests.sites import Site
from tests.transferring import (
    act,
    added,
    begun,
    done,
    downloads,
    failed,
    get,
    hub_entry,
    job,
    parts,
    place,
    serving,
    visible,
    write_catalog,
)
from tests.upstream import Upstream, World
from tests.waiting import until


class TestCalls:
    def test_many_at_once_and_again_are_one_transfer(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        entry = added(server, world, "big")
        upstream.faults.add("/model/", origin="storage", stall_after=1000)
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(get, server, entry["file"]) for _ in range(8)]
            answers = [each.result().json() for each in asked]
        assert {answer["status"] for answer in answers} <= {"queued", "downloading"}
        until(lambda: job(server, entry["file"])["done"] > 0)
        assert get(server, entry["file"]).json()["status"] == "downloading"
        upstream.faults.clear()
        done(server, entry["file"])
        assert downloads(upstream) == ["storage"]
        assert get(server, entry["file"]).json() == {"status": "present", "file": entry["file"]}
        assert downloads(upstream) == ["storage"]

    def test_what_is_in_no_catalog(self, server: RunningServer) -> None:
        for what in ("", "pause", "resume", "cancel"):
            answer = act(server, "nope.safetensors", what)
            assert answer.status_code == 404
            assert answer.json()["error"] == "Model 'nope.safetensors' not found in catalog"

    def test_an_entry_that_says_nowhere_where_it_is_had(self, server: RunningServer) -> None:
        write_catalog(server.root, {"file": "a.safetensors", "dest": "loras"})
        assert get(server, "a.safetensors").status_code == 422

    @pytest.mark.parametrize(
        "entry",
        [
            {"file": "CON.safetensors", "dest": "loras"},
            {"file": "x" * 388 + ".safetensors", "dest": "loras"},
            {"file": "../../x.safetensors", "dest": "loras"},
            {"file": "x.safetensors", "dest": "../.."},
            {"file": "x.safetensors", "dest": "C:/windows"},
            {"file": "x.safetensors", "dest": ""},
        ],
    )
    def test_an_entry_whose_place_is_none(
        self, server: RunningServer, entry: dict[str, Any], site: Site
    ) -> None:
        write_catalog(server.root, {**entry, "url": f"{site.url}/m"})
        answer = get(server, entry["file"])
        assert answer.status_code == 422, answer.text
        assert site.asked == []
        assert visible(server.root) == []

    def test_two_entries_of_one_name_are_two_transfers(
        self, server: RunningServer, site: Site
    ) -> None:
        site.answers |= {"/1": serving(b"one"), "/2": serving(b"two")}
        entries = [
            {"file": "v1.safetensors", "dest": f"loras/{n}", "url": f"{site.url}/{n}"}
            for n in (1, 2)
        ]
        write_catalog(server.root, *entries)
        refused = get(server, "v1.safetensors")
        assert refused.status_code == 409
        assert [each["dest"] for each in refused.json()["candidates"]] == ["loras/1", "loras/2"]
        for entry in entries:
            assert get(server, "v1.safetensors", entry["dest"]).json()["status"] == "queued"
        until(lambda: all(place(server, entry).exists() for entry in entries))
        assert [place(server, entry).read_bytes() for entry in entries] == [b"one", b"two"]

    def test_a_batch_takes_what_can_be_had_and_skips_the_rest(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/model/", origin="storage", stall_after=10, times=None)
        first, second = added(server, world, "lora"), added(server, world, "locon")
        get(server, first["file"])
        names = [first["file"], second["file"], "nope", second["file"]]
        answer = server.post("/models/download-batch", json={"filenames": names}).json()
        assert answer == {"queued": [second["file"]], "skipped": [first["file"], "nope"]}
        upstream.faults.clear()
        for entry in (first, second):
            done(server, entry["file"])
        again = server.post("/models/download-batch", json={"filenames": names}).json()
        assert again["queued"] == []

    def test_a_batch_without_names(self, server: RunningServer) -> None:
        answer = server.post("/models/download-batch", json={})
        assert answer.status_code == 400
        assert answer.json()["field"] == "filenames"

    def test_at_most_so_many_at_once_and_from_one_host(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        server.store.settings.change({"transfers_at_once": 3, "transfers_per_host": 2})
        upstream.faults.add("/", origin="storage", stall_after=10, times=None)
        upstream.faults.add("/", origin="huggingface_storage", stall_after=10, times=None)
        files = [added(server, world, label)["file"] for label in ("lora", "locon", "dora")]
        hubs = [hub_entry(world, label, "model.safetensors") for label in ("moved", "no_owner")]
        write_catalog(server.root, *hubs, catalog="loras")
        files += [each["file"] for each in hubs]
        server.post("/models/download-batch", json={"filenames": files})

        def states() -> list[str]:
            return [job(server, file)["state"] for file in files]

        until(lambda: states() == ["running", "running", "queued", "running", "queued"])
        until(lambda: len(downloads(upstream)) == 3)
        upstream.faults.clear()
        for file in files:
            done(server, file)


class TestPauseResumeCancel:
    @pytest.fixture
    def file(self, server: RunningServer, upstream: Upstream, world: World) -> str:
        """A model of which some bytes have come, and no more will."""
        return begun(server, upstream, world, 1_000_000)["file"]

    def test_a_paused_one_goes_on_where_it_was(
        self, server: RunningServer, upstream: Upstream, file: str
    ) -> None:
        for _ in range(2):
            assert act(server, file, "pause").json() == {"status": "paused", "file": file}
        assert job(server, file)["state"] == "paused"
        assert server.store.downloads.status()[file]["status"] == "paused"
        assert visible(server.root) == []
        assert act(server, file, "resume").json() == {"status": "queued", "file": file}
        done(server, file)
        asked = upstream.requests(origin="storage")
        assert [request.header("Range") for request in asked] == [None, "bytes=1000000-"]
        assert asked[1].header("If-Range")

    def test_asking_for_a_paused_one_lets_it_go_on(
        self, server: RunningServer, upstream: Upstream, file: str
    ) -> None:
        act(server, file, "pause")
        assert get(server, file).json()["status"] == "queued"
        done(server, file)
        assert upstream.requests(origin="storage")[1].header("Range") == "bytes=1000000-"

    def test_cancelling_leaves_nothing_and_a_new_one_begins_anew(
        self, server: RunningServer, upstream: Upstream, file: str
    ) -> None:
        for _ in range(2):
            assert act(server, file, "cancel").json() == {"status": "cancelled", "file": file}
        until(lambda: parts(server.root) == [])
        assert job(server, file)["state"] == "cancelled"
        assert server.store.transfers.facts()[1] == {}
        get(server, file)
        done(server, file)
        assert upstream.requests(origin="storage")[1].header("Range") is None

    def test_a_paused_one_is_cancelled_too(self, server: RunningServer, file: str) -> None:
        act(server, file, "pause")
        assert act(server, file, "cancel").status_code == 200
        until(lambda: parts(server.root) == [])

    def test_a_job_ends_like_its_transfer(self, server: RunningServer, file: str) -> None:
        running = job(server, file)
        assert running["kind"] == "transfer"
        assert running["unit"] == "bytes"
        assert running["total"] > running["done"] == 1_000_000
        assert server.post(f"/jobs/{running['id']}/cancel").json()["state"] == "cancelled"
        until(lambda: parts(server.root) == [])
        assert server.post(f"/jobs/{running['id']}/cancel").status_code == 200

    def test_there_is_nothing_to_do_to_what_is_here(
        self, server: RunningServer, upstream: Upstream, file: str
    ) -> None:
        upstream.faults.clear()
        done(server, file)
        for what in ("pause", "resume", "cancel"):
            answer = act(server, file, what)
            assert answer.status_code == 409, what
            assert answer.headers["x-should-retry"] == "false"
        over = job(server, file)["id"]
        assert server.post(f"/jobs/{over}/cancel").status_code == 409
        assert server.post("/jobs/nope/cancel").status_code == 404

    def test_one_whose_entry_was_taken_out_by_hand_can_still_be_cancelled(
        self, server: RunningServer, file: str
    ) -> None:
        server.store.catalog.remove(file)
        assert act(server, file, "cancel").status_code == 200
        until(lambda: parts(server.root) == [])

    def test_an_entry_that_is_removed_takes_its_transfer_along(
        self, server: RunningServer, file: str
    ) -> None:
        assert server.delete(f"/models/{file}/catalog").status_code == 200
        until(lambda: parts(server.root) == [])
        assert job(server, file)["state"] == "cancelled"
        assert act(server, file, "cancel").status_code == 200

    def test_the_status_stream_tells_both_spellings(self, server: RunningServer, file: str) -> None:
        with server.get("/models/status", stream=True) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            assert stream.headers["Cache-Control"] == "no-cache"
            lines = stream.iter_lines()
            told = json.loads(next(line for line in lines if line).removeprefix(b"data: "))
        assert isinstance(told["timestamp"], float)
        one = told["downloads"][file]
        assert one["status"] == "downloading"
        assert one["bytes"] == one["bytes_downloaded"] == 1_000_000
        assert one["total"] == one["bytes_total"] > 8_000_000
        assert one["percent"] == round(100 * one["bytes"] / one["total"], 1)
        assert one["error"] is None

    def test_the_status_stream_ends_with_the_server(self, tmp_path: Path, options: Options) -> None:
        with RunningServer(tmp_path / "other", options) as running:
            stream = running.get("/models/status", stream=True)
            rest: list[bytes] = []
            reader = threading.Thread(target=lambda: rest.append(stream.content))
            reader.start()
        reader.join(10)
        assert rest

    def test_events_tell_each_state(self, server: RunningServer, file: str) -> None:
        act(server, file, "pause")
        told = [e.data for e in server.store.events.since(0) or () if e.topic == "transfers"]
        states = list(dict.fromkeys(each["state"] for each in told if each["file"] == file))
        assert states == ["queued", "downloading", "paused"]
        assert any(event.topic == "jobs" for event in server.store.events.since(0) or ())


class TestRestarts:
    def test_a_new_start_goes_on_and_leaves_alone_what_is_paused(
        self, tmp_path: Path, options: Options, upstream: Upstream, world: World
    ) -> None:
        root = tmp_path / "root"
        upstream.faults.add("/model/", origin="storage", stall_after=5000, times=2)
        with RunningServer(root, options) as server:
            first, second = added(server, world, "big"), added(server, world, "checkpoint")
            for entry in (first, second):
                get(server, entry["file"])
                until(lambda entry=entry: job(server, entry["file"])["done"] == 5000)
            act(server, second["file"], "pause")
        with RunningServer(root, options) as server:
            done(server, first["file"])
            paused = job(server, second["file"])
            assert (paused["state"], paused["done"]) == ("paused", 5000)
            act(server, second["file"], "resume")
            done(server, second["file"])
            ranges = [each.header("Range") for each in upstream.requests(origin="storage")]
            assert ranges == [None, None, "bytes=5000-", "bytes=5000-"]
        with RunningServer(root, options) as server:
            jobs = server.get("/jobs").json()["jobs"]
            assert [each for each in jobs if each["kind"] == "transfer"] == []

    def test_a_failed_one_still_says_why(
        self, tmp_path: Path, options: Options, world: World
    ) -> None:
        root = tmp_path / "root"
        with RunningServer(root, options) as server:
            entry = added(server, world, "gated")
            get(server, entry["file"])
            error = failed(server, entry["file"])["error"]
        with RunningServer(root, options) as server:
            assert failed(server, entry["file"])["error"] == error
