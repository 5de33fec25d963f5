"""Giving an uploaded file its place: never over another one, never twice, whenever we die."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.errors import DiskFull, Impossible
from comfyui_curator.store.host import root_host
from comfyui_curator.store.model_checks import Checked
from comfyui_curator.store.model_landing import check_type
from comfyui_curator.store.upload_landing import named
from comfyui_curator.store.upload_placing import Placing
from tests.small_disk import small_disk
from tests.transferring import sha256

DATA = b"the model" * 1000

Make = Callable[..., Placing]


class Died(Exception):
    pass


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "curator" / "content"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


@pytest.fixture
def told() -> dict[str, str]:
    """What was remembered."""
    return {}


@pytest.fixture
def make(source: Path, told: dict[str, str]) -> Make:
    def make(check: Callable[[], None] = lambda: None) -> Placing:
        return Placing(source, sha256(DATA), "key", remember=told.update, check=check)

    return make


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "loras" / "a.safetensors"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def without_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)


def test_the_file_lies_there_and_its_source_stays(make: Make, source: Path, target: Path) -> None:
    assert make().put(target) == target
    assert target.read_bytes() == source.read_bytes() == DATA
    assert make().put(target) == target
    assert list(files(target.parent)) == [target.name]


def test_other_content_of_that_name_stays_and_ours_gets_a_free_one(
    make: Make, target: Path
) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(b"other")
    (target.parent / "a_2.safetensors").symlink_to("/nowhere")
    (target.parent / "a_3.safetensors").mkdir()
    for _ in range(2):
        assert make().put(target).name == "a_4.safetensors"
    assert target.read_bytes() == b"other"
    assert (target.parent / "a_2.safetensors").is_symlink()


def test_what_is_promised_to_another_is_not_taken(make: Make, target: Path) -> None:
    assert make().put(target, lambda path: path != target).name == "a_2.safetensors"


def test_where_links_are_not_known_the_source_moves_and_is_found_again(
    make: Make, source: Path, target: Path, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_links(monkeypatch, errno.EPERM)
    assert make().at(told) is None
    assert make().put(target) == target
    assert not source.exists()
    # Killed before anybody wrote down that it lies there.
    assert make().at(told) == target
    target.write_bytes(b"changed")
    with pytest.raises(Impossible):
        make().at(told)


def test_a_source_that_is_gone_is_told(make: Make, source: Path) -> None:
    source.unlink()
    with pytest.raises(Impossible):
        make().at({})


class TestAnotherDisk:
    @pytest.fixture(autouse=True)
    def elsewhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        without_links(monkeypatch, errno.EXDEV)

    def test_gets_a_copy(self, make: Make, source: Path, target: Path) -> None:
        assert make().put(target) == target
        assert files(target.parent) == {target.name: DATA}
        assert source.exists()

    def test_a_copy_that_is_stopped_leaves_nothing(self, make: Make, target: Path) -> None:
        def stop() -> None:
            raise Died

        with pytest.raises(Died):
            make(stop).put(target)
        assert files(target.parent) == {}

    def test_what_a_kill_left_of_a_copy_is_written_over(self, make: Make, target: Path) -> None:
        target.parent.mkdir(parents=True)
        (target.parent / ".key.part").write_bytes(b"half")
        assert make().put(target) == target
        assert files(target.parent) == {target.name: DATA}


def test_a_full_disk_is_told_and_nothing_is_left(make: Make, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "8k") as folder:
        if not os.path.ismount(folder):
            pytest.skip("no small disk can be mounted here")
        with pytest.raises(DiskFull):
            make().put(folder / "a.safetensors")
        assert files(folder) == {}


@pytest.mark.parametrize(
    ("name", "ext", "expected"),
    [
        ("a.safetensors", ".safetensors", "a.safetensors"),
        ("a.SFT", ".safetensors", "a.SFT"),
        ("a.bin", ".safetensors", "a.safetensors"),
        ("model v1.5", ".safetensors", "model v1.5.safetensors"),
        ("a.ckpt", ".pt", "a.ckpt"),
        ("a.jpg", ".jpeg", "a.jpg"),
        ("a.png", ".jpeg", "a.jpeg"),
        ("a.html", "", "a.html"),
        ("../../etc/x.gguf", ".gguf", "_.._etc_x.gguf"),
        ("CON.png", ".png", "_CON.png"),
        ("", ".png", "image.png"),
        ("x" * 400 + ".png", ".png", "x" * 196 + ".png"),
    ],
)
def test_a_name_ends_as_the_file_is(name: str, ext: str, expected: str) -> None:
    assert named(name, Checked("image", "", ext)) == expected


@pytest.mark.parametrize(
    ("wished", "folder"),
    [("", ""), ("lora", "loras"), ("Checkpoint", "checkpoints"), ("loras/SDXL", "loras/SDXL")],
)
def test_a_wished_type_is_a_folder_by_any_of_its_names(
    tmp_path: Path, wished: str, folder: str
) -> None:
    assert check_type(root_host(tmp_path / "root"), {"type": wished}) == folder
