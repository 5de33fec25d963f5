"""What the models of galleries are called, and pictures found by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.gallery import Facts
from tests.gallery_runs import ids, list_also, ran
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.upstream.pictures import png


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root", Options()) as running:
        yield running


def names(server: RunningServer) -> dict[int, str]:
    listed = {
        each["model_id"]: each["name"] for each in server.get("/gallery/models").json()["models"]
    }
    disk = {each["model_id"]: each["name"] for each in server.get("/gallery/disk").json()["models"]}
    # Where nobody knows it, the picker says the number.
    assert {key: name for key, name in listed.items() if name != f"Model {key}"} == {
        key: name for key, name in disk.items() if name
    }
    return disk


def found(server: RunningServer, q: str, path: str = "/gallery") -> set[int]:
    return ids(server.get(path, params={"q": q, "limit": 100}).json()["images"])


def take(server: RunningServer, folder: Path, number: int, **known: Any) -> None:
    path = folder / f"{number}.png"
    path.write_bytes(png(f"picture {number}", 16, 16))
    server.store.gallery.add_file(path, Facts(id=str(number), **known))


def share(server: RunningServer, number: int, model_id: int, name: str = "") -> None:
    """Another model shows the picture too."""
    facts = Facts(id=str(number), model_id=model_id, model_name=name)
    server.store.gallery.intake.link(facts)


def test_two_models_that_share_their_newest_picture_have_each_its_own_name(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    mine, other = world.model("lora"), world.model("vae")
    pictures = [each for each in world.images_of(mine) if not each.is_lost]
    list_also(upstream, mine.versions[0], pictures)
    list_also(upstream, other.versions[0], pictures)
    for model in (mine, other):
        ran(server, model.id, "start:50")
    assert names(server) == {mine.id: mine.name, other.id: other.name}


def test_each_is_found_by_its_name_with_its_other_words(
    server: RunningServer, world: World, upstream: Upstream
) -> None:
    mine, other = world.model("lora"), world.model("vae")
    for model in (mine, other):
        ran(server, model.id, "start:9")
    for model in (mine, other):
        all_of_it = ids(server.get("/gallery", params={"limit": 100}).json()["images"])
        shown = ids(server.get(f"/loras/{model.id}/gallery").json()["images"])
        assert shown and shown < all_of_it
        assert found(server, model.name) == shown
        assert found(server, model.name[:-2].upper()) == shown, "the beginning of a word"
        assert found(server, model.name, f"/loras/{model.id}/gallery") == shown
        assert found(server, f"{model.name} zzzz") == set()


def test_words_may_be_partly_of_the_name_and_partly_of_the_picture(
    alone: RunningServer, tmp_path: Path
) -> None:
    for number, (model, author) in enumerate([(5, "ada"), (5, "bob"), (6, "ada")], 1):
        take(alone, tmp_path, number, model_id=model, username=author)
    alone.store.gallery.names.told(5, "Glow of the North")
    assert found(alone, "glow") == {1, 2}
    assert found(alone, "ada north") == {1}
    assert found(alone, "north ada") == {1}
    assert found(alone, "ada") == {1, 3}
    assert found(alone, "glow north bo", "/loras/5/gallery") == {2}
    assert found(alone, "glo north ada") == set(), "only the last word may be a beginning"


def test_a_page_that_was_read_before_the_name_was_known_is_read_anew(
    alone: RunningServer, tmp_path: Path
) -> None:
    take(alone, tmp_path, 1, model_id=5)
    assert found(alone, "glow") == set()
    alone.store.gallery.names.told(5, "Glow")
    assert found(alone, "glow") == {1}


def test_a_name_comes_from_a_picture_of_the_model_alone_or_from_the_catalog_or_is_none(
    alone: RunningServer, tmp_path: Path
) -> None:
    take(alone, tmp_path, 1, model_id=5, model_name="Alpha")
    share(alone, 1, 6)
    take(alone, tmp_path, 2, model_id=5, model_name="Alpha")
    assert names(alone) == {5: "Alpha", 6: ""}
    share(alone, 2, 6, "Beta")
    assert names(alone) == {5: "Alpha", 6: "Beta"}
    share(alone, 2, 7)
    assert names(alone)[7] == ""
    entry = {"name": "x", "file": "x.safetensors", "dest": "loras"}
    entry |= {"civitai_model_id": 7, "civitai_model_name": "Gamma"}
    catalog = {"version": 1, "categories": [{"id": "loras", "name": "L", "models": [entry]}]}
    file = alone.store.catalog.files["loras"]
    file.document.change(lambda _: (catalog, None))
    assert names(alone) == {5: "Alpha", 6: "Beta", 7: "Gamma"}
    assert found(alone, "gamma") == {2}


def test_a_picture_that_leaves_its_first_model_is_called_after_the_one_that_is_left(
    alone: RunningServer, tmp_path: Path
) -> None:
    take(alone, tmp_path, 1, model_id=5, model_name="Alpha")
    share(alone, 1, 6, "Beta")
    alone.delete("/loras/5/gallery")
    (item,) = alone.get("/gallery").json()["images"]
    assert (item["model_id"], item["model_name"]) == (6, "Beta")
    assert names(alone) == {6: "Beta"}


def test_a_picture_of_no_model_gets_the_name_with_the_model(
    alone: RunningServer, tmp_path: Path
) -> None:
    take(alone, tmp_path, 1)
    share(alone, 1, 6, "Beta")
    share(alone, 1, 7, "Gamma")
    (item,) = alone.get("/gallery").json()["images"]
    assert (item["model_id"], item["model_name"]) == (6, "Beta")
    assert names(alone) == {6: "Beta", 7: "Gamma"}
