"""One picture removed over HTTP: with its files and all that refers to it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.events import Event
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.host import root_host
from comfyui_curator.store.store import Store
from tests.galleries import check_error, kept_files
from tests.gallery_kills import die_at
from tests.serving import RunningServer
from tests.upstream.pictures import png

UUID = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root", Options()) as running:
        fill(running.store, tmp_path)
        yield running


def fill(store: Store, folder: Path) -> None:
    """Two pictures of model 5, in a collection; the first is the model's preview."""
    for number in (1, 2):
        path = folder / f"{number}.png"
        path.write_bytes(png(f"picture {number}", 16, 16))
        uuid = UUID if number == 1 else ""
        facts = Facts(id=str(number), number=number, file_uuid=uuid, model_id=5)
        store.gallery.add_file(path, facts)
    store.gallery.set_preview("1")
    collection = store.collections.make("Night")["id"]
    for key in ("1", "2"):
        store.collections.add(collection, "picture", key)


def ids(server: RunningServer) -> list[str]:
    return [each["id"] for each in server.get("/gallery").json()["images"]]


@pytest.mark.parametrize("given", ["1", "1.png", UUID])
def test_it_goes_under_any_of_its_ids_and_the_other_stays(
    server: RunningServer, given: str
) -> None:
    answer = server.delete(f"/gallery/{given}")
    assert (answer.status_code, answer.json()) == (200, {"status": "deleted", "id": "1"})
    assert ids(server) == ["2"]
    assert {Path(name).name.partition(".")[0] for name in kept_files(server)} == {"2"}
    for path in ("media/1", "thumb/1", "1/meta"):
        check_error(server.get(f"/loras/gallery/{path}"), 404)
    shown = server.get("/loras/5/gallery").json()
    assert (shown["custom_preview"], shown["images_total"]) == (None, 1)
    store = server.store
    assert store.collections.named("Night")["pictures"] == 1
    assert store.collections.of("picture", "1") == []


def test_again_and_unknown_are_404_and_change_nothing(server: RunningServer) -> None:
    assert server.delete("/gallery/1").status_code == 200
    for key in ("1", "77", "nonsense", "..%2f1"):
        check_error(server.delete(f"/gallery/{key}"), 404)
    assert ids(server) == ["2"]


def test_of_many_at_once_one_has_removed_it(server: RunningServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(server.delete, ["/gallery/1"] * 8)
        codes = [each.status_code for each in answers]
    assert sorted(codes) == [200, *[404] * 7]
    assert ids(server) == ["2"]


def test_the_same_picture_added_later_is_in_no_collection_and_no_preview(
    server: RunningServer, tmp_path: Path
) -> None:
    server.delete("/gallery/1")
    server.store.gallery.add_file(tmp_path / "1.png", Facts(id="1", model_id=5))
    assert server.store.collections.of("picture", "1") == []
    assert server.get("/loras/5/gallery").json()["custom_preview"] is None


def test_other_pages_hear_of_it(server: RunningServer) -> None:
    heard: list[Event] = []
    server.store.events.listen(heard.append)
    server.delete("/gallery/1")
    told = [(each.topic, each.data["change"], each.data.get("id")) for each in heard]
    assert ("gallery", "removed", "1") in told
    assert ("library", "collections", None) in told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each death is a forked process")
def test_dying_anywhere_leaves_it_whole_or_nothing_of_it(tmp_path: Path) -> None:
    count = deaths = 0
    while True:
        count += 1
        root = tmp_path / f"root{count}"
        store = Store(root_host(root), Options())
        fill(store, tmp_path)
        store.close()
        died = die_at(root, lambda store: store.gallery.remove_item("1"), count)
        store = Store(root_host(root), Options())
        is_there = "1" in store.gallery.keys()
        files = [p.name for p in (root / "curator" / "gallery").rglob("1.*") if p.is_file()]
        assert bool(files) == is_there, (count, files)
        assert bool(store.collections.of("picture", "1")) == is_there
        assert store.gallery.list(5)["custom_preview"] == ("1" if is_there else None)
        assert not list((root / "curator" / "gallery" / "incoming").iterdir())
        store.close()
        if not died:
            break
        deaths += 1
    assert deaths > 2 and not is_there
