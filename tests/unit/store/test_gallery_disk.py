"""The gallery on a disk that fails it: dying at each write, no room at each write, two at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from comfyui_curator.store import Options
from comfyui_curator.store.demo import fill
from comfyui_curator.store.errors import DiskFull, NotFound, WrongType
from comfyui_curator.store.gallery import Facts, Wanted
from comfyui_curator.store.gallery_records import item_key
from comfyui_curator.store.host import root_host
from comfyui_curator.store.snapshot import SnapshotPictures
from comfyui_curator.store.store import Store
from tests.small_disk import full, real_small_disk

ROOT = Path(__file__).resolve().parents[3]
IDS = [str(uuid.UUID(int=number)) for number in range(9)]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.effect_noise((128, 128), 50).convert("RGB").save(path)
    return path


def facts(number: int = 1) -> Facts:
    return Facts(id=IDS[number], file_uuid=IDS[number])


def files_of(store: Store) -> list[str]:
    folder = store.host.data / "gallery"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each death is a forked process")
@pytest.mark.parametrize("act", ["add", "remove", "adopt"])
def test_dying_before_any_write_leaves_no_half_of_a_picture(tmp_path: Path, act: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.gallery_kills", str(tmp_path), act],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout.split()[-1]) > 10


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a real file system of 6 MiB."""
    with real_small_disk(tmp_path / "small", "6m") as folder:
        yield folder


def test_whatever_write_finds_no_room_nothing_is_left_and_the_next_try_works(
    small: Path, picture: Path
) -> None:
    store = Store(root_host(small / "root"), Options())
    try:
        store.gallery.add_file(picture, facts(0))
        # What the journal has reserved is there in any case.
        before = files_of(store)
        ballast = small / "ballast"
        with ballast.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    break
            refused = 0
            room = 0
            while True:
                file.truncate(max(0, file.seek(0, os.SEEK_END) - (4096 if room else 0)))
                room += 4096
                try:
                    store.gallery.add_file(picture, facts(1))
                    break
                except DiskFull as error:
                    refused += 1
                    assert error.status == 507
                    assert files_of(store) == before
                    assert len(store.gallery) == 1
        assert refused > 5
        assert store.gallery.picture(IDS[1]).path.read_bytes() == picture.read_bytes()
    finally:
        store.close()


def test_a_full_input_folder_is_told_and_keeps_nothing(
    small: Path, picture: Path, tmp_path: Path
) -> None:
    store = Store(replace(root_host(tmp_path / "root"), input=small), Options())
    try:
        store.gallery.add_file(picture, facts())
        with full(small):
            with pytest.raises(DiskFull):
                store.gallery.to_input(IDS[1])
            assert [path.name for path in small.iterdir()] == ["ballast"]
        assert store.gallery.to_input(IDS[1])["filename"] == f"civitai_{IDS[1]}.png"
    finally:
        store.close()


def test_a_note_that_nobody_can_read_does_not_keep_the_gallery_shut(tmp_path: Path) -> None:
    incoming = tmp_path / "root" / "curator" / "gallery" / "incoming"
    incoming.mkdir(parents=True)
    for name, text in (("a.json", "{"), ("b.json", "[]"), ("c.json", '{"record": {}}')):
        (incoming / name).write_text(text)
    (incoming / "d.part").write_bytes(bytes(9))
    store = Store(root_host(tmp_path / "root"), Options())
    assert len(store.gallery) == 0
    assert files_of(store) == []
    store.close()


def test_the_same_file_under_one_id_is_taken_once_however_many_ask(
    store: Store, picture: Path
) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = [pool.submit(store.gallery.add_file, picture, facts()) for _ in range(8)]
    items = [each.result() for each in taken]
    assert all(item == items[0] for item in items)
    assert len(store.gallery) == 1
    assert picture.is_file()


def test_a_file_that_is_no_picture_is_refused_and_stays_where_it_was(
    store: Store, tmp_path: Path
) -> None:
    page = tmp_path / "page.png"
    page.write_text("<html></html>")
    with pytest.raises(WrongType):
        store.gallery.add_file(page, facts(), move=True)
    assert page.is_file()
    assert files_of(store) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "../1",
        "1/2",
        "1\\2",
        "1\x00",
        "CON",
        "con.png",
        "1..png",
        "1.",
        " ",
        "１２",
        "12\u202e",
        "9" * 20,
        "a" * 300,
        IDS[1] + "0",
        IDS[1][:-1],
        "1.html.exe",
    ],
)
def test_what_cannot_be_an_id_is_none(store: Store, text: str) -> None:
    assert item_key(text) == ""
    with pytest.raises(NotFound):
        store.gallery.media(text)


@pytest.mark.parametrize("text", [IDS[1], IDS[1].upper(), f" {IDS[1]} ", f"{IDS[1]}.PNG"])
def test_an_id_is_known_in_any_case_and_with_an_extension(text: str) -> None:
    assert item_key(text) == IDS[1]


def test_a_link_out_of_the_data_folder_is_not_followed(
    store: Store, picture: Path, tmp_path: Path
) -> None:
    item = store.gallery.add_file(picture, facts())
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture.read_bytes())
    path = store.host.data / "gallery" / item["file_path"]
    path.unlink()
    path.symlink_to(secret)
    for ask in (store.gallery.media, store.gallery.to_input, store.gallery.picture):
        with pytest.raises(NotFound):
            ask(IDS[1])


def test_pictures_in_several_models_show_in_each(store: Store, picture: Path) -> None:
    store.gallery.add_file(picture, replace(facts(1), model_id=5))
    database = store.database.collection("gallery")
    database.update(IDS[1], {"models": [5, 6]})
    for model in (5, 6):
        assert store.gallery.list(model)["images_total"] == 1
    assert store.gallery.all(Wanted())["total"] == 1


def test_what_another_process_reads_from_the_snapshot_is_the_same(
    store: Store, picture: Path
) -> None:
    store.gallery.add_file(picture, facts())
    pictures = SnapshotPictures(store.host.data)
    assert pictures.picture(IDS[1]) == store.gallery.picture(IDS[1])
    with pytest.raises(NotFound):
        pictures.picture(IDS[2])


def test_the_demo_fills_an_empty_root_whole_and_no_other(store: Store) -> None:
    assert fill(store)
    assert len(store.gallery) >= 36
    kinds = {item["ext"] for item in store.gallery.all(limit=100)["images"]}
    assert {".jpeg", ".png", ".webp"} <= kinds
    assert all(
        store.gallery.thumb(item["id"]).path.is_file()
        for item in store.gallery.all(limit=100)["images"]
    )
    loras = json.loads((store.host.data / "loras.json").read_text("utf-8"))
    numbers = {
        entry["civitai_model_id"] for each in loras["categories"] for entry in each["models"]
    }
    assert {each["model_id"] for each in store.gallery.models()} == numbers
    # CivitAI's own numbers have seven digits.
    assert min(numbers) > 10**12
    before = files_of(store)
    assert not fill(store)
    assert files_of(store) == before
