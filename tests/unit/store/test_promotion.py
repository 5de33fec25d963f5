"""Moving a LoRA from one catalog to the other, with everything that may come in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.errors import Conflict, DiskFull
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import Host, root_host
from comfyui_curator.store.remote.civitai import CivitAI
from comfyui_curator.store.settings import Options, Settings
from tests.catalog_files import all_entries
from tests.dying import deaths
from tests.small_disk import full, small_disk

ENTRY = {
    "name": "A [Pony]",
    "file": "a.safetensors",
    "dest": "loras/mine",
    "civitai_version_id": 5,
    "civitai_base_model": "Pony",
    "trainedWords": ["glow"],
    "mine": {"deep": [1, None]},
}
OTHER = {"file": "b.safetensors", "dest": "vae", "größe": "ü"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return root_host(tmp_path / "root")


@pytest.fixture
def opened() -> Iterator[list[Catalog]]:
    made: list[Catalog] = []
    yield made
    for catalog in made:
        catalog.close()


def write(folder: Path, name: str, *entries: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = {"version": 1, "date": "", "categories": [{"id": "x", "name": "X", "models": entries}]}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(data), "utf-8")
    return path


def files(host: Host, name: str) -> list[str]:
    path = host.data / f"{name}.json"
    if not path.exists():
        return []
    return [entry["file"] for entry in all_entries(json.loads(path.read_text("utf-8")))]


def open_catalog(host: Host, opened: list[Catalog]) -> Catalog:
    settings = Settings(host.data / "settings.json", Options(civitai="http://127.0.0.1:9"))
    catalog = Catalog(host, CivitAI(settings), Events())
    opened.append(catalog)
    return catalog


def half_done(host: Host) -> None:
    """What a process leaves that died between the two files."""
    write(host.data, "models", OTHER, ENTRY)
    write(host.data, "loras", {**ENTRY, "trigger_words": ["glow"]})
    told = {"file": "a.safetensors", "dest": "loras/mine", "version_id": 5}
    (host.data / "promote.json").write_text(json.dumps({"moving": [told]}))


def test_killed_at_any_step_the_entry_is_afterwards_in_exactly_one_of_the_files(
    tmp_path: Path, opened: list[Catalog]
) -> None:
    def make_root(step: int) -> Path:
        write(tmp_path / str(step) / "curator", "models", OTHER, ENTRY)
        write(tmp_path / str(step) / "curator", "loras", {"file": "c.pt", "dest": "loras"})
        return tmp_path / str(step)

    found: list[tuple[int, int]] = []
    for root in deaths("promote", make_root):
        host = root_host(root)
        catalog = open_catalog(host, opened)
        places = [files(host, name).count("a.safetensors") for name in ("models", "loras")]
        assert sum(places) == 1, f"{root.name}: {places}"
        found.append((places[0], places[1]))
        assert files(host, "models")[0] == "b.safetensors"
        assert files(host, "loras")[0] == "c.pt"
        assert not (host.data / "promote.json").exists()
        assert not list(host.data.glob(".*.tmp"))
        catalog.promote(5)
        kept = all_entries(json.loads((host.data / "loras.json").read_text("utf-8")))[1]
        assert kept == {**ENTRY, "trigger_words": ["glow"]}
        assert files(host, "models") == ["b.safetensors"]
    assert {(1, 0), (0, 1)} == set(found)
    assert len(found) >= 12


def test_what_was_half_done_waits_while_a_file_is_broken_and_goes_on_when_it_is_mended(
    host: Host, opened: list[Catalog]
) -> None:
    half_done(host)
    path = host.data / "loras.json"
    good = path.read_text("utf-8")
    path.write_text("{")
    catalog = open_catalog(host, opened)
    assert files(host, "models") == ["b.safetensors", "a.safetensors"]
    with pytest.raises(Conflict):
        catalog.promote(5)
    path.write_text(good)
    assert catalog.promote(5) == {"status": "already_exists", "file": "a.safetensors"}
    assert files(host, "models") == ["b.safetensors"]
    assert files(host, "loras") == ["a.safetensors"]


@pytest.mark.parametrize("kept", ["models", "loras"])
def test_what_was_half_done_respects_who_took_one_of_both_out_by_hand(
    host: Host, opened: list[Catalog], kept: str
) -> None:
    half_done(host)
    write(host.data, "loras" if kept == "models" else "models", OTHER)
    open_catalog(host, opened)
    assert "a.safetensors" in files(host, kept)
    both = files(host, "models") + files(host, "loras")
    assert both.count("a.safetensors") == 1
    assert not (host.data / "promote.json").exists()


def test_an_entry_that_a_person_keeps_in_both_is_left_there(
    host: Host, opened: list[Catalog]
) -> None:
    half_done(host)
    (host.data / "promote.json").unlink()
    open_catalog(host, opened)
    assert files(host, "models") == ["b.safetensors", "a.safetensors"]


@pytest.mark.parametrize("note", ["", "[]", '{"moving": 3}', '{"moving": [{"file": 3}]}'])
def test_a_note_that_makes_no_sense_does_no_harm(
    host: Host, opened: list[Catalog], note: str
) -> None:
    half_done(host)
    (host.data / "promote.json").write_text(note)
    open_catalog(host, opened)
    assert files(host, "models") == ["b.safetensors", "a.safetensors"]
    assert not (host.data / "promote.json").exists()


def test_on_a_full_disk_nothing_changes(tmp_path: Path, opened: list[Catalog]) -> None:
    with small_disk(tmp_path / "disk") as disk:
        host = root_host(disk)
        write(host.data, "models", OTHER, ENTRY)
        catalog = open_catalog(host, opened)
        before = (host.data / "models.json").read_bytes()
        with full(disk), pytest.raises(DiskFull):
            catalog.promote(5)
        assert (host.data / "models.json").read_bytes() == before
        assert files(host, "loras") == []
        assert catalog.promote(5)["status"] == "promoted"
        opened.pop().close()


def test_while_the_second_file_is_broken_nothing_changes(host: Host, opened: list[Catalog]) -> None:
    write(host.data, "models", ENTRY)
    (host.data / "loras.json").write_text("[")
    catalog = open_catalog(host, opened)
    with pytest.raises(Conflict) as caught:
        catalog.promote(5)
    assert caught.value.facts["file"] == "loras.json"
    assert files(host, "models") == ["a.safetensors"]
    assert (host.data / "loras.json").read_text() == "["


def test_the_map_shows_it_once_at_every_moment(host: Host, opened: list[Catalog]) -> None:
    write(host.data, "models", OTHER, *({**ENTRY, "civitai_version_id": n, "file": f"{n}.pt"}
                                       for n in range(20)))  # fmt: skip
    catalog = open_catalog(host, opened)
    with ThreadPoolExecutor(2) as pool:
        moving = pool.submit(lambda: [catalog.promote(n) for n in range(20)])
        while not moving.done():
            shown = json.loads(catalog.civitai_map().body)["by_version"]
            assert len(shown) == 20
            assert not any("files" in each for each in shown.values())
    assert files(host, "models") == ["b.safetensors"]
    assert len(files(host, "loras")) == 20
