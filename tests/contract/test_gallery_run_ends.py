"""Gallery runs that are broken off: by kill, by closing, by a full disk; and Studio's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from comfyui_curator.store import Options
from tests.gallery_runs import (
    MEDIA,
    cards_of,
    finished,
    gallery,
    ids,
    ran,
    start,
)
from tests.programs import asking, program
from tests.serving import RunningServer
from tests.small_disk import full, small_disk
from tests.upstream import Upstream, World
from tests.waiting import until


def check_whole(server: RunningServer) -> None:
    """Every record has its file and no file is without a record."""
    folder = server.store.host.data / "gallery"
    keys = set(server.store.gallery.keys())

    def of_files() -> set[str]:
        # While thumbnails are made they lie under other names.
        return {path.name.partition(".")[0] for path in folder.rglob("*") if path.is_file()}

    until(lambda: of_files() == keys)
    for key in keys:
        assert server.get(f"/loras/gallery/media/{key}").status_code == 200


def fetched_once(upstream: Upstream, world: World, numbers: set[int]) -> bool:
    return all(len(upstream.requests(world.images[each].uuid)) == 1 for each in numbers)


def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, options: Options, world: World, upstream: Upstream
) -> None:
    model = world.model("lora")
    upstream.faults.add(MEDIA, skip=14, times=None, delay=60)
    with program("--root", tmp_path / "root", *asking(upstream)) as (process, address):
        base = f"{address}api/admin/loras/{model.id}/gallery"

        def there_now() -> set[int]:
            return ids(requests.get(base, params={"limit": 100}, timeout=30).json()["images"])

        body: dict[str, Any] = {"action": "start:20"}
        assert requests.post(base, json=body, timeout=30).json() == {"status": "downloading"}
        until(lambda: len(there_now()) > 8)
        there = there_now()
        process.kill()
        process.wait()
    upstream.faults.clear()
    with RunningServer(tmp_path / "root", options) as server:
        found = finished(server, model.id)
        assert found["status"] == "done" and "error" not in found
        assert ids(found["gallery_card"]) == cards_of(world, "lora")
        assert len(found["gallery_community"]) == 20
        assert (found["downloaded"], found["skipped"]) == (len(found["images"]), 0)
        assert fetched_once(upstream, world, there)
        check_whole(server)
    with RunningServer(tmp_path / "root", options) as server:
        assert gallery(server, model.id)["status"] == "idle", "it is over for good"


def test_a_run_goes_on_after_a_restart_and_a_stopped_one_does_not(
    tmp_path: Path, options: Options, world: World, upstream: Upstream
) -> None:
    going, stopped = world.model("vae"), world.model("embedding")
    upstream.faults.add(MEDIA, skip=2, times=None, delay=60)
    with RunningServer(tmp_path / "root", options) as server:
        start(server, going.id, "start:5")
        start(server, stopped.id, "start:5")
        until(lambda: len(upstream.requests(MEDIA)) > 2)
        start(server, stopped.id, "stop")
        finished(server, stopped.id)
    upstream.faults.clear()
    with RunningServer(tmp_path / "root", options) as server:
        found = finished(server, going.id)
        assert found["status"] == "done"
        assert ids(found["gallery_card"]) == cards_of(world, "vae")
        assert gallery(server, stopped.id)["status"] == "idle"


def test_a_full_disk_ends_it_and_keeps_what_came(
    tmp_path: Path, options: Options, world: World, upstream: Upstream
) -> None:
    model = world.model("vae")
    with (
        small_disk(tmp_path / "small", "8m") as folder,
        RunningServer(folder / "root", options) as server,
    ):
        stalled = upstream.faults.add(MEDIA, skip=3, times=None, delay=60)
        start(server, model.id)
        until(lambda: len(server.store.gallery) == 3)
        with full(folder):
            upstream.faults.remove(stalled)
            upstream.faults.clear()
            found = finished(server, model.id)
            assert found["status"] == "done" and "full" in found["error"]
            assert found["images_total"] == len(server.store.gallery) >= 3
        check_whole(server)
        again = ran(server, model.id)
        assert "error" not in again and again["skipped"] >= 3
        # There is room for deleting even when there is none for anything else.
        with full(folder):
            count = gallery(server, model.id)["images_total"]
            answer = server.delete(f"/loras/{model.id}/gallery")
            assert answer.status_code in (200, 507)
            if answer.status_code == 200:
                assert answer.json() == {"deleted": count}
        check_whole(server)


@pytest.mark.parametrize("limit", [0.00002])
def test_the_gallerys_own_limit_ends_it_clearly(
    tmp_path: Path, options: Options, world: World, limit: float
) -> None:
    with RunningServer(tmp_path / "root", options) as server:
        answer = server.ask("PATCH", "/settings", json={"gallery_limit_gb": limit})
        assert answer.status_code == 200, answer.text
        found = ran(server, world.model("vae").id)
        assert found["status"] == "done" and "limit" in found["error"]
        check_whole(server)


def test_a_gallery_that_cannot_be_written_ends_it_at_once(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    folder = server.store.host.data / "gallery"
    folder.mkdir(exist_ok=True)
    (folder / "incoming").write_bytes(b"a file where the folder belongs")
    found = ran(server, world.model("lora").id)
    assert found["status"] == "done" and "could not be written" in found["error"]
    assert found["images_total"] == 0 and len(upstream.requests(MEDIA)) < 10


class TestStudiosPage:
    """studio.md §10.4, as its page of LoRAs does it."""

    I_KEYS = frozenset("id ext has_thumb starred createdAt meta".split())
    META = frozenset(
        "civitai_id civitai_page url type width height username postId postTitle duration audio "
        "baseModel createdAt".split()
    )

    def test_start_poll_look_star_choose_and_take(
        self, tmp_path: Path, world: World, upstream: Upstream
    ) -> None:
        model = world.model("checkpoint_wan")
        key = World.civitai_key
        options = Options(upstream.civitai, upstream.civitai_images, overrides={"civitai_key": key})
        body: dict[str, Any] = {
            "action": "start:50",
            "mode": "fixed",
            "modelId": model.id,
            "limit": 200,
            "nsfw": "X",
            "sort": "Newest",
            "period": "AllTime",
            "version_id": None,
            "types": ["image", "video"],
            "with_meta": False,
            "from_platform": False,
            "is_remix": None,
            "workers": 6,
        }
        with RunningServer(tmp_path / "root", options) as server:
            path = f"/loras/{model.id}/gallery"
            idle = server.get(path).json()
            assert (idle["status"], idle["total"], idle["default_preview"]) == ("idle", None, None)
            assert server.post(path, json=body).json() == {"status": "downloading"}
            seen: set[str] = set()

            def is_over() -> bool:
                shown = server.get(path).json()
                assert self._is_g(shown)
                seen.add(shown["status"])
                return shown["status"] not in ("downloading", "stopping")

            until(is_over)
            assert seen <= {"downloading", "done"}
            found = server.get(path, params={"starred": "false", "version_id": ""}).json()
            assert found["gallery_card_bytes"] == sum(
                len(world.images[int(item["id"])].content.data) for item in found["gallery_card"]
            )
            for item in [*found["gallery_card"], *found["gallery_community"]]:
                assert self.I_KEYS <= item.keys() and self.META <= item["meta"].keys()
                assert item["meta"]["url"] is None and item["meta"]["audio"] in (True, False)
                assert item["meta"]["civitai_id"] == item["id"]
                assert "token" not in item["meta"]["civitai_page"]
                thumb = server.get(f"/loras/gallery/thumb/{item['id']}")
                assert thumb.headers["Content-Type"].startswith("image/"), item
                media = server.get(f"/loras/gallery/media/{item['id']}{item['ext']}")
                assert media.status_code == 200
                meta = server.get(f"/loras/gallery/{item['id']}/meta").json()
                assert meta["civitai_id"] == item["id"] and "generation_data" in meta
            video = next(item for item in found["images"] if item["meta"]["type"] == "video")
            assert video["ext"] == ".mp4" or video["ext"] == ".webm"
            chosen = found["gallery_community"][0]["id"]
            assert server.post(f"/loras/gallery/{chosen}/star").json() == {"starred": True}
            starred = server.get(path, params={"starred": "true"}).json()
            assert [item["id"] for item in starred["images"]] == [chosen]
            assert server.post(f"/loras/gallery/{chosen}/star").json() == {"starred": False}
            answer = server.post(f"/loras/gallery/{chosen}/set-preview").json()
            assert answer == {"status": "ok", "model_id": model.id, "civitai_id": chosen}
            assert server.get(path).json()["custom_preview"] == chosen
            taken = server.post(f"/loras/gallery/to-input/{chosen}").json()
            assert (server.store.host.input / taken["filename"]).is_file()
            metas = [f"/loras/gallery/{item['id']}/meta" for item in found["images"]]
            assert not any(key in server.get(each).text for each in (path, *metas))
        assert not [each for each in upstream.carrying(key) if each.origin != "civitai"]

    @staticmethod
    def _is_g(shown: dict[str, Any]) -> bool:
        lists = ("gallery_card", "gallery_community", "images")
        counts = ("downloaded", "skipped", "failed", "pages_fetched", "images_total")
        return (
            all(isinstance(shown[name], list) for name in lists)
            and all(isinstance(shown[name], int) for name in counts)
            and shown["counted"] == 0
            and {"total", "default_preview", "custom_preview", "status"} <= shown.keys()
            and isinstance(shown["gallery_community_bytes"], int)
        )
