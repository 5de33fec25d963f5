"""The nodes of collections, over a real store and over one that another process holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.nodes.collection import CuratorCollectionModel, CuratorCollectionPicture
from comfyui_curator.store import CuratorError, Opening, Options
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.host import root_host
from comfyui_curator.store.store import Store
from tests.libraries import put
from tests.upstream.pictures import png
from tests.waiting import until

CURRENT = "comfyui_curator.store.opening._current"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """With a collection of two pictures and two LoRAs; nodes find it."""
    for name in ("a", "deep/b"):
        put(tmp_path, f"loras/{name}.safetensors")
    opening = Opening(lambda: root_host(tmp_path), Options())
    monkeypatch.setattr(CURRENT, opening)
    store = opening.get_now()
    until(lambda: all(place.sha256 for place in store.library.scan()))
    made = store.collections.make("Night")["id"]
    for place in sorted(store.library.places.all(), key=lambda place: place.file, reverse=True):
        store.collections.add(made, "model", place.sha256)
    for n in (1, 2):
        path = tmp_path / f"{n}.png"
        path.write_bytes(png(str(n), 8, 8))
        store.gallery.add_file(path, Facts(str(n)))
        store.collections.add(made, "picture", str(n))
    yield store
    store.close()


def test_gives_the_pictures_one_after_the_other(store: Store) -> None:
    node = CuratorCollectionPicture()
    assert [node.choose("night", index) for index in range(3)] == [("1", 2), ("2", 2), ("1", 2)]
    assert node.VALIDATE_INPUTS(" Night ") is True
    assert node.VALIDATE_INPUTS(None) is True, "a link brings it later"
    assert "Enter" in str(node.VALIDATE_INPUTS(""))
    assert "no collection" in str(node.VALIDATE_INPUTS("Day"))
    before = node.IS_CHANGED("Night")
    store.collections.make("Empty")
    assert node.IS_CHANGED("Night") == before
    store.collections.add(store.collections.named("Empty")["id"], "picture", "1")
    assert "no model" in str(CuratorCollectionModel.VALIDATE_INPUTS("Empty"))
    assert math.isnan(float(node.IS_CHANGED("Day")))


def test_gives_models_as_loaders_name_them_with_words_and_strength(store: Store) -> None:
    node = CuratorCollectionModel()
    place = next(each for each in store.library.places.all() if each.file == "a.safetensors")
    words = [{"text": "glow", "group": ""}, {"text": "hat", "group": "x"}]
    presets = [{"name": "", "min": 0, "recommended": 0.6, "max": 1}]
    store.records.change(
        place.sha256, lambda record: record.update(trigger_words=words, presets=presets)
    )
    first = node.choose("Night", 0, "loras")
    assert (Path(first[0]).as_posix(), *first[1:]) == ("deep/b.safetensors", "", 1.0, 2)
    assert node.choose("Night", 1, "") == ("a.safetensors", "glow, hat", 0.6, 2)
    with pytest.raises(CuratorError):
        node.choose("Night", 0, "vae")
    for kind in ("COMBO", "STRING", ["a", "b"]):
        assert not node.RETURN_TYPES[0] != kind, "it fits every input"


def test_while_another_process_has_the_store_its_pictures_are_there(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CURRENT, Opening(lambda: root_host(tmp_path), Options()))
    assert CuratorCollectionPicture().choose("night", 1) == ("2", 2)
    assert "Another process" in str(CuratorCollectionModel.VALIDATE_INPUTS("Night"))


def test_without_a_store_the_person_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CURRENT, None)
    assert "not open" in str(CuratorCollectionPicture.VALIDATE_INPUTS("Night"))
