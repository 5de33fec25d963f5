"""Own pictures, workflows, what a picture was made with, adopting, rebuilding, over HTTP."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from comfyui_curator.routes import gallery_own
from comfyui_curator.store import Options
from tests import studio_folders
from tests.answers import check_error
from tests.own_pictures import PARAMETERS, draw, plain, send, sent
from tests.programs import run
from tests.serving import RunningServer
from tests.upstream.pictures import comfyui_texts, png

TEXTS = comfyui_texts("a lantern <lora:glow:0.8>", "blurry", 7)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One for all: each test has pictures of its own."""
    with RunningServer(tmp_path_factory.mktemp("gallery") / "root", Options()) as running:
        yield running


def ended(server: RunningServer, answer: requests.Response) -> dict[str, Any]:
    """What a job has come to."""
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        told = server.get(f"/gallery/tasks/{answer.json()['id']}").json()
        if told["job"]["state"] not in ("queued", "running"):
            assert told["job"]["state"] == "done", told
            return told["report"]
        time.sleep(0.02)
    raise AssertionError("it does not end")


class TestOwn:
    def test_a_picture_is_sent_listed_starred_searched_and_laid_into_the_workflow(
        self, server: RunningServer
    ) -> None:
        data = plain("#101010")
        item = sent(server, data, "Quiet Harbour.png", model_id=31)
        assert (item["source"], item["model_id"]) == ("own", 31)
        listed = server.get("/loras/31/gallery", params={"limit": 10}).json()["images"]
        assert [each["id"] for each in listed] == [item["id"]]
        assert server.get("/gallery?source=own&type=image&q=quiet").json()["total"] == 1
        assert server.post(f"/loras/gallery/{item['id']}/star").json() == {"starred": True}
        placed = server.post(f"/loras/gallery/to-input/{item['id']}").json()
        assert (server.store.host.input / placed["filename"]).read_bytes() == data
        assert server.get(f"/loras/gallery/media/{item['id']}").content == data

    def test_what_its_generator_wrote_is_told_raw_beside_the_one_form(
        self, server: RunningServer
    ) -> None:
        raw = "a lantern\nNegative prompt: fog\nSteps: 9, Seed: 3, Odd setting: x"
        item = sent(server, png("raw", 16, 16, {"parameters": raw}))
        meta = server.get(f"/loras/gallery/{item['id']}/meta").json()
        assert (meta["parameters"], meta["negative"]) == (raw, "fog")
        without = sent(server, png("without", 16, 16))
        assert server.get(f"/loras/gallery/{without['id']}/meta").json()["parameters"] is None
        file = server.store.host.data / "gallery" / item["file_path"]
        kept = file.rename(file.with_suffix(".away"))
        meta = server.get(f"/loras/gallery/{item['id']}/meta").json()
        assert (meta["parameters"], meta["negative"]) == (None, "fog")
        kept.rename(file)

    def test_sent_again_it_is_the_same_item(self, server: RunningServer) -> None:
        first = sent(server, plain("#202020"))
        again = sent(server, plain("#202020"), "other name.png", model_id=32)
        assert again["id"] == first["id"]
        assert again["model_id"] == 32

    @pytest.mark.parametrize("data", [b"", b"no picture", b"<svg/>", plain("red")[:500]])
    def test_what_is_no_whole_picture_is_415(self, server: RunningServer, data: bytes) -> None:
        before = server.get("/gallery").json()["total"]
        check_error(send(server, data), 415)
        assert server.get("/gallery").json()["total"] == before

    def test_bodies_that_are_no_form_are_refused(self, server: RunningServer) -> None:
        check_error(server.post("/gallery/own"), 400, "image")
        check_error(server.post("/gallery/own", files={"other": b"x"}), 400, "image")
        check_error(server.post("/gallery/own", json={}), 415)
        torn = {"Content-Type": "multipart/form-data; boundary=x"}
        check_error(server.post("/gallery/own", data=b"--y", headers=torn), 400, "image")
        check_error(send(server, plain("red"), model_id=-1), 400, "model_id")

    @pytest.mark.parametrize("size", [1 << 16, 3 << 20], ids=["while it comes", "as announced"])
    def test_what_is_larger_than_the_most_is_413_and_leaves_nothing(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        monkeypatch.setattr(gallery_own, "_LIMIT", 1000)
        check_error(send(server, plain("#303030")[:999] + bytes(size)), 413, "image")
        assert not list((server.store.host.data / "gallery" / "incoming").iterdir())

    def test_the_limit_is_507_and_says_what_to_do(self, server: RunningServer) -> None:
        server.ask("PATCH", "/settings", json={"gallery_limit_gb": 1e-7})
        try:
            answer = send(server, plain("#303030"))
            check_error(answer, 507, "gallery_limit_gb")
            assert answer.headers["x-should-retry"] == "false"
        finally:
            server.ask("PATCH", "/settings", json={"gallery_limit_gb": 0})
        sent(server, plain("#303030"))


class TestOutput:
    def test_new_pictures_of_comfyui_are_listed_and_taken(self, server: RunningServer) -> None:
        folder = server.store.host.output
        (folder / "sub").mkdir(exist_ok=True)
        for number, name in enumerate(("a.png", "sub/b.png", ".hidden.png", "c.txt")):
            (folder / name).write_bytes(plain(f"#4040{number:02}") if number < 3 else b"text")
            os.utime(folder / name, (1_700_000_000 + number, 1_700_000_000 + number))
        listed = server.get("/gallery/output").json()
        assert [each["path"] for each in listed["files"]] == ["sub/b.png", "a.png"]
        assert listed["files"][1]["modified"] == "2023-11-14T22:13:20.000Z"
        assert server.get("/gallery/output?q=B.P&limit=1").json()["total"] == 1
        assert server.get("/gallery/output?limit=1&offset=1").json()["files"][0]["path"] == "a.png"
        thumb = server.get("/gallery/output/thumb", params={"path": "sub/b.png"})
        assert thumb.headers["Content-Type"] == "image/webp"
        unchanged = {"If-None-Match": thumb.headers["ETag"]}
        again = server.get("/gallery/output/thumb?path=sub/b.png", headers=unchanged)
        assert again.status_code == 304
        body = {"paths": ["sub/b.png", "c.txt", "gone.png", "../../x.png"], "model_id": 41}
        taken = server.post("/gallery/own/from-output", json=body).json()
        assert [item["model_id"] for item in taken["items"]] == [41]
        assert [each["path"] for each in taken["failed"]] == ["c.txt", "gone.png", "../../x.png"]
        assert (folder / "sub/b.png").exists()

    def test_odd_names_and_times_cost_the_list_nothing(self, server: RunningServer) -> None:
        folder = server.store.host.output / "odd"
        folder.mkdir()
        for name in ("fine.png", "later.png"):
            (folder / name).write_bytes(plain("#010203"))
        (folder / os.fsdecode(b"no utf-8 \xff.png")).write_bytes(plain("#010204"))
        os.utime(folder / "later.png", (1 << 40, 1 << 40))
        found = server.get("/gallery/output?q=odd/")
        assert found.status_code == 200, found.text
        told = {each["path"]: each["modified"] for each in found.json()["files"]}
        assert set(told) == {"odd/fine.png", "odd/later.png"}

    def test_nothing_outside_is_shown(self, server: RunningServer, tmp_path: Path) -> None:
        secret = tmp_path / "secret.png"
        secret.write_bytes(plain("red"))
        (server.store.host.output / "link.png").symlink_to(secret)
        paths = [entry["path"] for entry in server.get("/gallery/output").json()["files"]]
        assert "link.png" not in paths
        for path in ("link.png", str(secret), "../curator/access-key", "a\0b"):
            check_error(server.get("/gallery/output/thumb", params={"path": path}), 404, None)
        check_error(server.post("/gallery/own/from-output", json={"paths": []}), 400, "paths")


class TestWhatItCarries:
    def test_the_workflow_comes_as_json(self, server: RunningServer) -> None:
        item = sent(server, png("w", 40, 40, TEXTS))
        path = f"/loras/gallery/{item['id']}/workflow"
        assert server.get(path).json() == json.loads(TEXTS["workflow"])
        assert server.get(f"{path}?form=api").json() == json.loads(TEXTS["prompt"])
        assert server.get("/gallery").json()["images"][0]["has_workflow"] is True
        only = sent(server, png("v", 40, 40, {"prompt": TEXTS["prompt"]}))
        found = server.get(f"/loras/gallery/{only['id']}/workflow").json()
        assert found == json.loads(TEXTS["prompt"])

    def test_without_one_it_is_404(self, server: RunningServer) -> None:
        item = sent(server, plain("#505050"))
        check_error(server.get(f"/loras/gallery/{item['id']}/workflow"), 404)
        check_error(server.get("/loras/gallery/999999/workflow"), 404)
        assert server.get(f"/loras/gallery/{item['id']}/workflow?form=x").status_code == 400

    def test_each_model_is_matched_by_hash_then_version_then_name(
        self, server: RunningServer, tmp_path: Path
    ) -> None:
        def entry(name: str, **facts: Any) -> dict[str, Any]:
            return {"file": name, "dest": "loras", "name": name.title(), **facts}

        loras = [
            entry("by-hash.safetensors", hash="aabbccddeeff" + "0" * 52, civitai_version_id=5),
            entry("by-version.safetensors", civitai_version_id=77, civitai_model_id=7),
            entry("glow.safetensors", civitai_version_id=8),
        ]
        server.store.catalog.add_entries("loras", "sdxl_loras", loras)
        (server.store.host.models / "loras" / "glow.safetensors").write_bytes(b"here")
        named = "<lora:glow:0.8> <lora:Nowhere:1>"
        picture = draw(tmp_path / "a.png", parameters=f"{named}\nSteps: 5, Model: gone, Seed: 1")
        item = sent(server, picture.read_bytes())
        told = server.get(f"/loras/gallery/{item['id']}/meta").json()
        shown = {each["name"]: (each["status"], each["file"]) for each in told["made_with"]}
        assert shown == {
            "gone": ("unknown", None),
            "glow": ("present", "glow.safetensors"),
            "Nowhere": ("unknown", None),
        }
        for given, by, file in (
            (PARAMETERS, "hash", "by-hash.safetensors"),
            (PARAMETERS.replace("aabbccddeeff", "unknown"), "version", "by-version.safetensors"),
        ):
            item = sent(server, draw(tmp_path / "b.png", parameters=given).read_bytes())
            told = server.get(f"/loras/gallery/{item['id']}/meta").json()
            lora = next(each for each in told["made_with"] if each["type"] == "lora")
            assert (lora["status"], lora["by"], lora["file"]) == ("missing", by, file)
        assert (lora["civitai_model_id"], lora["civitai_version_id"]) == (7, 77)

    @pytest.mark.parametrize(("size", "width"), [("160", 160), ("320", 320), ("640", 640)])
    def test_thumbnails_come_in_three_widths(
        self, server: RunningServer, size: str, width: int
    ) -> None:
        item = sent(server, plain("#606060"))
        thumb = server.get(f"/loras/gallery/thumb/{item['id']}?size={size}")
        image = Image.open(io.BytesIO(thumb.content))
        assert (image.format, image.width) == ("WEBP", width)
        assert abs(image.height - width * 4 / 3) <= 1
        assert server.get(f"/loras/gallery/thumb/{item['id']}?size=5").status_code == 400


class TestUpkeep:
    def test_a_studio_folder_is_tried_and_then_taken_over(
        self, server: RunningServer, tmp_path: Path
    ) -> None:
        path = str(studio_folders.newest(tmp_path / "studio"))
        before = server.get("/gallery").json()["total"]
        tried = ended(server, server.post("/gallery/adoption", json={"path": path}))
        assert (tried["dry_run"], tried["new"], tried["stars"]) == (True, 4, 2)
        assert server.get("/gallery").json()["total"] == before
        wanted = {"path": path, "dry_run": False, "link": False}
        done = ended(server, server.post("/gallery/adoption", json=wanted))
        assert done["new"] == 4
        assert server.get("/gallery").json()["total"] == before + 4
        assert ended(server, server.post("/gallery/adoption", json=wanted))["new"] == 0
        answer = server.get("/loras/4711/gallery?starred=true").json()
        assert [each["id"] for each in answer["gallery_card"]] == [studio_folders.CARD]
        kinds = [job["kind"] for job in server.get("/jobs").json()["jobs"]]
        assert kinds.count("gallery-adoption") == 3

    def test_wrong_paths_are_told(self, server: RunningServer, tmp_path: Path) -> None:
        for path, status in (("relative", 400), (str(tmp_path), 404), (f"{tmp_path}/x", 404)):
            check_error(server.post("/gallery/adoption", json={"path": path}), status, "path")
        assert server.post("/gallery/adoption", json={}).status_code == 400
        check_error(server.get("/gallery/tasks/nothing"), 404)

    def test_rebuilding_and_clearing_up_are_jobs(self, server: RunningServer) -> None:
        item = sent(server, plain("#707070"))
        server.store.database.collection("gallery").delete(item["id"])
        report = ended(server, server.post("/gallery/rebuild", json={"dry_run": True}))
        assert (report["added"], report["removed"]) == (1, 0)
        assert ended(server, server.post("/gallery/rebuild"))["added"] == 1
        assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 200
        tried = ended(server, server.post("/gallery/cleanup", json={}))
        assert tried["dry_run"] is True
        done = ended(server, server.post("/gallery/cleanup", json={"dry_run": False}))
        assert done["pictures"] == tried["pictures"]
        assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 200

    def test_the_room_it_takes_is_told(self, server: RunningServer) -> None:
        sent(server, plain("#808080"), model_id=51)
        told = server.get("/gallery/disk").json()
        assert told["count"] == server.get("/gallery").json()["total"]
        (model,) = [each for each in told["models"] if each["model_id"] == 51]
        assert 0 < model["bytes"] < told["bytes"] < told["free_bytes"]


def test_the_command_rebuilds_alone_and_through_the_process_that_holds_the_store(
    tmp_path: Path,
) -> None:
    with RunningServer(tmp_path) as server:
        item = sent(server, plain("#909090"))
        pictures = server.store.database.collection("gallery")
        pictures.delete(item["id"])
        asked = run("rebuild", "--gallery", "--dry-run", "--root", tmp_path)
        assert asked.returncode == 0, asked.stderr
        assert "added: 1\n" in asked.stdout
        assert len(pictures) == 0
    done = run("rebuild", "--gallery", "--root", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "added: 1\n" in done.stdout
    with RunningServer(tmp_path) as server:
        assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 200
    assert run("rebuild", "--root", tmp_path).returncode == 2
