"""The gallery's limit: never exceeded, whoever adds at once, and everything written is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from comfyui_curator.store.errors import GalleryFull
from comfyui_curator.store.gallery import Facts
from tests.gallery_runs import ran
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until

GB = 1_000_000_000


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A picture of much more bytes than its thumbnail."""
    path = tmp_path / "large.png"
    Image.new("RGB", (400, 400), "teal").save(path, compress_level=0)
    return path


def limit(server: RunningServer, size: int) -> None:
    server.store.settings.change({"gallery_limit_gb": size / GB})


def on_disk(server: RunningServer) -> int:
    """Bytes of all pictures and thumbnails."""
    media = server.store.host.data / "gallery" / "media"
    return sum(
        path.stat().st_size
        for path in media.rglob("*")
        if path.is_file() and path.suffix != ".json"
    )


def test_twelve_that_add_at_once_stay_below_it_together(server: RunningServer, large: Path) -> None:
    gallery, size = server.store.gallery, large.stat().st_size
    fit = 4
    limit(server, fit * (size + 30_000))

    def add(number: int) -> bool:
        try:
            gallery.add_file(large, Facts(id=str(number)))
        except GalleryFull:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        added = sum(pool.map(add, range(1, 25)))
    assert added == fit == len(gallery)
    assert on_disk(server) <= server.store.gallery.disk.limit


def test_what_came_to_nothing_gives_its_room_back(
    server: RunningServer, large: Path, tmp_path: Path
) -> None:
    gallery, size = server.store.gallery, large.stat().st_size
    limit(server, size + 30_000)
    broken = tmp_path / "broken.png"
    broken.write_bytes(large.read_bytes()[: size // 2])
    for number in range(1, 9):
        with pytest.raises(Exception, match="."):
            gallery.add_file(broken, Facts(id=str(number)))
    gallery.add_file(large, Facts(id="9"))
    with pytest.raises(GalleryFull):
        gallery.add_file(large, Facts(id="10"))
    gallery.remove_items(["9"])
    gallery.add_file(large, Facts(id="10"))


def test_a_run_stops_before_it_is_exceeded(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    model = world.model("lora")
    upstream.faults.add("original=true", delay=0.2, times=None)
    limit(server, 120_000)
    found = ran(server, model.id, "start:50")
    assert "limit" in found["error"] and found["images_total"]
    assert on_disk(server) <= 120_000


def test_a_picture_whose_announced_size_has_no_room_is_not_fetched(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    image = next(each for each in world.images.values() if not each.is_lost)
    limit(server, len(image.content.data) + 23_000)
    answer = server.post(f"/loras/gallery/download-single/{image.id}")
    assert (answer.status_code, answer.json()["field"]) == (507, "gallery_limit_gb")
    limit(server, len(image.content.data) + 60_000)
    assert server.post(f"/loras/gallery/download-single/{image.id}").status_code == 200


def test_thumbnails_are_counted_when_they_are_made(server: RunningServer, world: World) -> None:
    model = world.model("lora")
    ran(server, model.id, "start:9")
    until(lambda: not server.store.thumbs_backfill.is_busy)
    told = server.get("/gallery/disk").json()
    assert told["bytes"] == on_disk(server)
    for item in server.get("/gallery").json()["images"]:
        for size in ("160", "640"):
            server.get(f"/loras/gallery/thumb/{item['id']}", params={"size": size})
    after = server.get("/gallery/disk").json()
    assert after["bytes"] == on_disk(server) > told["bytes"]
    limit(server, after["bytes"] + 20_000)
    assert server.store.gallery.disk.is_full, "the sum that the limit goes by is the same"


def test_a_full_gallery_shows_the_usual_thumbnail_for_a_larger_one(
    server: RunningServer, large: Path
) -> None:
    server.store.gallery.add_file(large, Facts(id="1"))
    usual = server.get("/loras/gallery/thumb/1").content
    before = on_disk(server)
    limit(server, before + 1)
    assert server.get("/loras/gallery/thumb/1", params={"size": "640"}).content == usual
    assert on_disk(server) == before
    limit(server, 0)
    assert server.get("/loras/gallery/thumb/1", params={"size": "640"}).content != usual
