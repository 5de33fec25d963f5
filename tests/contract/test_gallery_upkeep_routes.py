"""Tags, thumbnails for all, and the pictures of versions that were looked up, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from comfyui_curator.store import Options
from comfyui_curator.store.events import Event
from comfyui_curator.store.gallery import Facts
from tests.galleries import check_error, opened
from tests.gallery_runs import ids, ran
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.upstream.community import tag_ids
from tests.waiting import until

TAGS = "tag.getById"
MODEL = 7


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root", options) as running:
        yield running


def sync(server: RunningServer) -> dict[str, Any]:
    answer = server.post("/civitai/tags/sync")
    assert answer.status_code == 200, answer.text
    return answer.json()


def is_over(server: RunningServer, kind: str) -> bool:
    jobs = [job for job in server.get("/jobs").json()["jobs"] if job["kind"] == kind]
    return bool(jobs) and all(job["state"] == "done" for job in jobs)


class TestTags:
    @pytest.fixture
    def tags(self, server: RunningServer, tmp_path: Path) -> set[int]:
        """Those that pictures carry: more than one batch of them, some unknown to CivitAI."""
        picture = tmp_path / "picture.png"
        Image.effect_noise((32, 32), 50).save(picture)
        found = tag_ids()
        for number, own in enumerate((found[:40], found[20:], found[:3]), 1):
            facts = Facts(id=str(number), model_id=MODEL, tag_ids=tuple(own))
            server.store.gallery.add_file(picture, facts)
        return set(found)

    def test_their_names_come_in_batches_and_only_once(
        self, server: RunningServer, world: World, upstream: Upstream, tags: set[int]
    ) -> None:
        assert server.get("/civitai/tags").json() == {"tags": [], "count": 0, "total": 0}
        known = tags & world.tags.keys()
        lost = tags - known
        assert len(tags) > 50 and lost
        told = sync(server)
        assert told == {
            "synced": len(known),
            "total_known": len(known),
            "unknown_remaining": len(lost),
        }
        asked = upstream.requests(TAGS)
        assert [each.path.count(TAGS) for each in asked] == [50, len(tags) - 50]
        answer = server.get("/civitai/tags")
        listed = answer.json()
        assert {tag["id"]: (tag["name"], tag["type"]) for tag in listed["tags"]} == {
            each: (world.tags[each].name, world.tags[each].kind) for each in known
        }
        names = [tag["name"] for tag in listed["tags"]]
        assert names == sorted(names) and listed["count"] == len(known)
        assert all(tag["synced_at"].endswith("Z") for tag in listed["tags"])
        part = server.get("/civitai/tags", params={"limit": 2, "offset": 1}).json()
        assert [tag["name"] for tag in part["tags"]] == names[1:3]
        assert part["total"] == len(known)
        headers = {"If-None-Match": answer.headers["ETag"]}
        assert server.get("/civitai/tags", headers=headers).status_code == 304
        again = sync(server)
        assert again["synced"] == 0 and again["message"] and len(upstream.requests(TAGS)) == 2

    def test_unknown_ones_are_asked_for_again_after_a_day(
        self, server: RunningServer, world: World, upstream: Upstream, tags: set[int]
    ) -> None:
        sync(server)
        lost = tags - world.tags.keys()
        records = server.store.database.collection("civitai_tags")
        for tag in lost:
            records.update(str(tag), {"asked": time.time() - 86_000})
        count = len(upstream.requests(TAGS))
        sync(server)
        assert len(upstream.requests(TAGS)) == count
        for tag in lost:
            records.update(str(tag), {"asked": time.time() - 86_500})
        assert sync(server)["unknown_remaining"] == len(lost)
        asked = upstream.requests(TAGS)[count:]
        assert [each.path.count(TAGS) for each in asked] == [len(lost)]

    def test_one_that_fails_costs_only_itself_and_is_asked_for_again(
        self, server: RunningServer, upstream: Upstream, tags: set[int]
    ) -> None:
        batch = sorted(tags)[:50]
        error = {"error": {"json": {"message": "x", "data": {"httpStatus": 500}}}}
        told: list[Any] = [
            {"result": {"data": {"json": {"id": tag, "name": f"name {tag}", "type": "Label"}}}}
            for tag in batch
        ]
        told[3], told[5], told[7] = error, None, {"result": {"data": {"json": None}}}
        upstream.faults.add(TAGS, json=told, status=207)
        first = sync(server)
        assert first["synced"] >= 47
        second = sync(server)
        assert second["synced"] == 2, "an error is no answer; null is one"

    def test_civitai_failing_is_told_and_what_came_before_is_kept(
        self, server: RunningServer, upstream: Upstream, tags: set[int]
    ) -> None:
        upstream.faults.add(TAGS, status=500)
        check_error(server.post("/civitai/tags/sync"), 502)
        upstream.faults.add(TAGS, status=503, skip=1)
        assert 0 < sync(server)["synced"] <= 50
        upstream.faults.add(TAGS, json={"no": "list"})
        assert sync(server)["synced"] == 0

    def test_galleries_are_filtered_by_name_or_number(
        self, server: RunningServer, world: World, tags: set[int]
    ) -> None:
        sync(server)
        first, both, last = (sorted(tags)[place] for place in (0, 25, -1))
        assert {first, both, last} <= world.tags.keys()
        for path in (f"/loras/{MODEL}/gallery", "/gallery"):

            def listed(said: str, path: str = path) -> set[int]:
                answer = server.get(path, params={"tags": said, "limit": 1000}).json()
                return ids(answer["images"])

            name, other = world.tags[first].name, world.tags[both].name
            assert listed(name.upper()) == listed(str(first)) == {1, 3}
            assert listed(other) == {1, 2}
            assert listed(f" {name} , {other}") == {1}
            assert listed(f"{name},{last}") == listed("no such tag") == set()
            assert listed("") == {1, 2, 3}


def events(answer: requests.Response) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    name = ""
    for line in answer.text.splitlines():
        kind, _, data = line.partition(": ")
        if kind == "event":
            name = data
        elif kind == "data":
            found.append((name, json.loads(data)))
    return found


class TestThumbnailsForAll:
    PATH = "/loras/gallery/backfill-thumbs"

    @pytest.fixture
    def folder(self, server: RunningServer, world: World) -> Path:
        ran(server, world.model("vae").id)
        until(lambda: all(job["state"] == "done" for job in server.get("/jobs").json()["jobs"]))
        return server.store.host.data / "gallery"

    def test_a_run_leaves_none_without(self, server: RunningServer, folder: Path) -> None:
        assert len(list(folder.rglob("*.thumb.webp"))) == len(server.store.gallery)

    def test_a_run_that_is_over_has_handed_its_pictures_on(
        self, server: RunningServer, world: World
    ) -> None:
        kinds: list[set[str]] = []

        def hear(event: Event) -> None:
            if event.topic == "jobs" and (event.data["kind"], event.data["state"]) == (
                "gallery",
                "done",
            ):
                kinds.append({job["kind"] for job in server.store.jobs.listed()})

        forget = server.store.events.listen(hear)
        ran(server, world.model("vae").id)
        forget()
        assert kinds == [{"gallery", "thumbs"}]

    def test_makes_what_is_missing_and_tells_of_it(
        self, server: RunningServer, folder: Path
    ) -> None:
        thumbs = sorted(folder.rglob("*.thumb.webp"))
        for path in thumbs[:2]:
            path.unlink()
        broken = server.store.gallery.media(thumbs[0].name.partition(".")[0]).path
        broken.write_bytes(b"\xff\xd8\xff no picture any more")
        count = len(thumbs)
        answer = server.get(self.PATH)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        told = events(answer)
        names = {name for name, _ in told}
        assert names == {"log", "progress", "done"}
        last = told[-1]
        assert last[0] == "done" and last[1]["thumbs_generated"] == 1 and last[1]["failed"] == 1
        assert last[1]["sizes_fixed"] >= 1 and "cancelled" not in last[1]
        phases = [data["phase"] for name, data in told if name == "progress"]
        assert set(phases) == {"thumbs", "sizes"}
        ends = [data for name, data in told if name == "progress" and data["phase"] == "thumbs"]
        assert (ends[-1]["current"], ends[-1]["total"]) == (count, count)
        assert all(isinstance(data, str) for name, data in told if name == "log")
        assert len(list(folder.rglob("*.thumb.webp"))) == count - 1

    def test_as_a_job_that_can_be_cancelled(self, server: RunningServer, folder: Path) -> None:
        assert server.post(f"{self.PATH}/cancel").json() == {"status": "cancelling"}
        job_id = server.post("/gallery/thumbs").json()["job_id"]

        def state() -> str:
            jobs = server.get("/jobs").json()["jobs"]
            return next(job["state"] for job in jobs if job["id"] == job_id)

        until(lambda: state() == "done")


class TestPreviews:
    def add(self, server: RunningServer, world: World, label: str) -> int:
        model = world.model(label)
        found = server.post(
            "/loras/lookup-civitai", json={"url": f"https://civitai.com/models/{model.id}"}
        ).json()
        body = {
            "model_id": model.id,
            "model_name": found["name"],
            "author": found["author"],
            "versions": found["versions"],
        }
        answer = server.post("/loras/add-civitai", json=body)
        assert answer.status_code == 200, answer.text
        return model.id

    def preview(self, server: RunningServer, model_id: int, name: str) -> requests.Response:
        return server.get(f"/loras/images/{model_id}/previews/{name}")

    def test_come_when_a_lora_is_added(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add(world.model("lora").versions[0].cards[0].uuid, status=500)
        model_id = self.add(server, world, "lora")
        cards = [card for version in world.model("lora").versions for card in version.cards][1:]
        until(lambda: is_over(server, "previews"))
        for card in cards:
            answer = self.preview(server, model_id, f"{card.id}.jpeg")
            assert answer.status_code == 200 and answer.content == card.content.data
            assert answer.headers["Content-Type"] == Image.MIME[opened(answer.content).format or ""]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            told = self.preview(server, model_id, f"{card.id}.json")
            assert told.json()["id"] == str(card.id)
        lost = world.model("lora").versions[0].cards[0]
        assert self.preview(server, model_id, f"{lost.id}.jpeg").status_code == 404
        asked = len(upstream.requests("original=true"))
        self.add(server, world, "lora")
        until(lambda: self.preview(server, model_id, f"{lost.id}.jpeg").status_code == 200)
        assert len(upstream.requests("original=true")) == asked + 1

    def test_of_nothing_that_is_no_picture_and_from_nowhere_inside(
        self, server: RunningServer, upstream: Upstream
    ) -> None:
        images = [
            {"id": "1", "url": f"{upstream.civitai}/models/30101"},
            {"id": "2", "url": "http://127.0.0.1:9/x.jpeg"},
            {"id": "3", "url": "file:///etc/passwd"},
            {"id": "../4", "url": f"{upstream.civitai}/models/30101"},
            {"id": "5"},
            {"url": 7},
        ]
        file = {"id": 1, "name": "made-up.safetensors"}
        body = {
            "model_id": 5,
            "model_name": "Made up",
            "author": "",
            "versions": [{"version_id": 6, "files": [file], "images": images}],
        }
        assert server.post("/loras/add-civitai", json=body).status_code == 200
        until(lambda: is_over(server, "previews"))
        folder = server.store.host.data / "lookup"
        assert not [path for path in folder.rglob("*") if path.is_file()]

    @pytest.mark.parametrize("name", ["..%2F..%2Fsettings.json", ".hidden", "a%5Cb", "con.jpeg"])
    def test_only_plain_names(self, server: RunningServer, name: str) -> None:
        body = check_error(self.preview(server, 5, name), 400, "filename")
        assert body["error"] == "Invalid path"

    def test_an_unknown_one_is_404(self, server: RunningServer) -> None:
        check_error(self.preview(server, 5, "7.jpeg"), 404)

    def test_a_link_leads_nowhere_outside(self, server: RunningServer, tmp_path: Path) -> None:
        secret = tmp_path / "secret.jpeg"
        secret.write_bytes(b"\xff\xd8\xff secret")
        folder = server.store.host.data / "lookup" / "5" / "previews"
        folder.mkdir(parents=True)
        (folder / "7.jpeg").symlink_to(secret)
        check_error(self.preview(server, 5, "7.jpeg"), 404)
