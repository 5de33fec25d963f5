"""A gallery or input folder that takes nothing: full, or read-only."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from comfyui_curator.store import Options
from tests.galleries import check_error, fetch, fetched
from tests.gallery_runs import finished, start
from tests.own_pictures import plain, send, sent
from tests.serving import RunningServer
from tests.small_disk import full, read_only, small_disk
from tests.upstream import World


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Where the gallery's files lie; the records lie elsewhere."""
    with small_disk(tmp_path / "root" / "curator" / "gallery", "4m") as folder:
        yield folder


@pytest.fixture
def server(disk: Path, options: Options) -> Iterator[RunningServer]:
    with RunningServer(disk.parents[1], options) as running:
        yield running


@pytest.mark.parametrize("size", [16, 300], ids=["less than a buffer", "more"])
def test_an_own_picture_finds_no_room(server: RunningServer, disk: Path, size: int) -> None:
    data = noise(size)
    with full(disk):
        body = check_error(send(server, data), 507)
        assert "; the " in body["error"]
        assert server.get("/gallery").json()["total"] == 0
    assert sent(server, data)["type"] == "image"


def noise(size: int) -> bytes:
    target = io.BytesIO()
    Image.effect_noise((size, size), 90).save(target, "PNG")
    return target.getvalue()


def test_a_read_only_gallery_is_read_and_says_what_it_cannot_do(
    server: RunningServer, disk: Path, world: World
) -> None:
    item = fetched(server, world, "png_as_jpeg")
    kept, model_id = item["id"], item["model_id"]
    picture = server.get(f"/loras/gallery/media/{kept}").content
    other = next(image for image in world.images_of(world.model("vae")) if not image.label)
    with read_only(disk):
        for answer in (
            send(server, plain("#302010")),
            fetch(server, other.id),
            server.delete(f"/loras/{model_id}/gallery"),
        ):
            text = check_error(answer, 422)["error"]
            assert "could not be written" in text
            assert ".json" not in text and ".part" not in text
        for size in (160, 320, 640):
            thumb = server.get(f"/loras/gallery/thumb/{kept}?size={size}")
            assert thumb.status_code == 200
            assert thumb.headers["Content-Type"] == "image/webp"
        assert server.get(f"/loras/gallery/media/{kept}").content == picture
        assert server.get(f"/loras/gallery/{kept}/meta").status_code == 200
        assert server.post(f"/loras/gallery/to-input/{kept}").status_code == 200
        assert server.get("/gallery").json()["total"] == 1
    assert server.delete(f"/loras/{model_id}/gallery").json() == {"deleted": 1}
    assert fetch(server, other.id).status_code == 200


def test_without_any_thumbnail_the_picture_itself_is_shown(
    server: RunningServer, disk: Path
) -> None:
    item = sent(server, plain("#405060"))
    (disk / item["thumb_path"]).unlink()
    with read_only(disk):
        thumb = server.get(f"/loras/gallery/thumb/{item['id']}?size=640")
        assert (thumb.status_code, thumb.content) == (200, plain("#405060"))


def test_a_run_says_that_the_gallery_is_read_only(
    server: RunningServer, disk: Path, world: World
) -> None:
    sent(server, plain("#405060"))
    with read_only(disk):
        start(server, world.model("lora").id)
        found = finished(server, world.model("lora").id)
    assert found["status"] == "done" and "could not be written" in found["error"]
    assert found["failed"] == 0


def test_it_opens_read_only_with_what_an_earlier_run_left(disk: Path, options: Options) -> None:
    (disk / "incoming").mkdir()
    for name in ("left.part", "removing-1.json"):
        (disk / "incoming" / name).write_bytes(b"[]")
    with read_only(disk), RunningServer(disk.parents[1], options) as server:
        assert server.get("/gallery").json()["total"] == 0


def test_a_read_only_input_folder_is_said_to_be_so(tmp_path: Path, options: Options) -> None:
    with (
        small_disk(tmp_path / "root" / "assets" / "input") as inputs,
        RunningServer(tmp_path / "root", options) as server,
    ):
        item = sent(server, plain("#405060"))
        with read_only(inputs):
            answer = server.post(f"/loras/gallery/to-input/{item['id']}")
            assert "input folder cannot be written" in check_error(answer, 422)["error"]
        assert server.post(f"/loras/gallery/to-input/{item['id']}").status_code == 200
