"""The trash when the process dies, and when the system refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfyui_curator.store.errors import CuratorError
from comfyui_curator.store.host import root_host
from comfyui_curator.store.settings import Options
from comfyui_curator.store.store import Store
from tests.dying import deaths

ENTRY = {"name": "A", "file": "a.safetensors", "dest": "loras"}


def open_store(root: Path) -> Store:
    store = Store(root_host(root), Options(civitai="http://127.0.0.1:9"))
    store.settings.change({"system_trash": False})
    return store


def make_root(root: Path) -> Path:
    (root / "curator").mkdir(parents=True)
    (root / "models" / "loras").mkdir(parents=True)
    data = {"categories": [{"id": "loras", "name": "L", "models": [ENTRY]}]}
    (root / "curator" / "models.json").write_text(json.dumps(data))
    model_in(root).write_bytes(b"weights")
    return root


def model_in(root: Path) -> Path:
    return root / "models" / "loras" / "a.safetensors"


def make_full_trash(root: Path) -> Path:
    store = open_store(make_root(root))
    store.model_files.delete("a.safetensors")
    store.close()
    return root


@pytest.mark.parametrize("act", ["trash", "restore"])
def test_killed_at_any_step_the_file_is_whole_and_in_one_place_that_is_known(
    tmp_path: Path, act: str
) -> None:
    make = make_root if act == "trash" else make_full_trash
    places: set[str] = set()
    for root in deaths(act, lambda step: make(tmp_path / str(step))):
        store = open_store(root)
        try:
            items = store.trash.listed()["items"]
            kept = list((root / "curator" / "trash").glob("*"))
            assert len(items) == len(kept)
            assert len(kept) + model_in(root).exists() == 1, root.name
            if items:
                places.add("trash")
                store.model_files.restore(items[0]["id"])
            else:
                places.add("models")
            assert model_in(root).read_bytes() == b"weights"
        finally:
            store.close()
    assert places == {"trash", "models"}


def test_when_the_system_refuses_the_file_stays_and_nothing_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(make_root(tmp_path / "root"))

    def refuse(self: Path, target: object) -> Path:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(CuratorError, match="in use"):
        store.model_files.delete("a.safetensors")
    assert model_in(tmp_path / "root").read_bytes() == b"weights"
    assert store.trash.listed() == {"items": [], "total": 0}
    store.close()


def test_what_is_on_a_drive_that_is_not_there_is_not_forgotten(tmp_path: Path) -> None:
    root = make_full_trash(tmp_path / "root")
    folder = root / "curator" / "trash"
    folder.rename(tmp_path / "unplugged")
    store = open_store(root)
    trash_id = store.trash.listed()["items"][0]["id"]
    with pytest.raises(CuratorError):
        store.model_files.restore(trash_id)
    (tmp_path / "unplugged").rename(folder)
    store.model_files.restore(trash_id)
    assert model_in(root).read_bytes() == b"weights"
    store.close()
