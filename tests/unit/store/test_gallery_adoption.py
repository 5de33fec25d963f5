"""What ComfyUI Studio has gathered, taken over: all of it, once, its own files untouched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.engine import Record
from comfyui_curator.store.errors import BadInput, NotFound
from comfyui_curator.store.gallery_upkeep import ADOPTION
from comfyui_curator.store.host import root_host
from comfyui_curator.store.store import Store
from tests import studio_folders
from tests.studio_folders import CARD, MODEL


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(root_host(tmp_path / "root"), Options())
    yield store
    store.close()


def adopted(store: Store, path: Path, **how: Any) -> dict[str, Any]:
    job = store.gallery_upkeep.adopt(str(path), **{"dry_run": False, **how})
    store.gallery_upkeep.wait(ADOPTION)
    told = store.gallery_upkeep.told(job["id"])
    assert told["job"]["state"] == "done", told
    return told["report"]


def records(store: Store) -> dict[str, Record]:
    return {record["id"]: record for record in store.database.collection("gallery")}


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("make", [studio_folders.newest, studio_folders.older])
@pytest.mark.parametrize("above", [False, True], ids=["the folder", "Studio's own folder"])
def test_everything_comes_with_stars_versions_previews_and_texts(
    store: Store, tmp_path: Path, make: Callable[[Path], Path], above: bool
) -> None:
    folder = make(tmp_path / "studio")
    before = contents(tmp_path / "studio")
    report = adopted(store, tmp_path / "studio" if above else folder)
    assert (report["found"], report["new"], report["known"], report["stars"]) == (4, 4, 0, 2)
    assert report["previews"] == 2
    assert [each["file"] for each in report["problems"]] == ["broken.jpeg"]
    assert contents(tmp_path / "studio") == before
    found = records(store)
    card, community, single = found[CARD], found["1001"], found["22"]
    assert (card["source"], card["starred"], card["versions"]) == ("original", 1, [70, 71])
    assert card["models"] == community["models"] == [MODEL]
    assert (community["starred"], community["ext"]) == (0, ".webp")
    assert community["prompt"] == "a green lantern"
    assert (community["seed"], community["hashes"]) == (2**60 + 1, ["0123456789"])
    assert (community["username"], community["reactions"]) == ("ada_draws", 3)
    assert community["created_at"] == "2024-05-06T07:08:09.000Z"
    assert (community["tag_ids"], community["nsfw_level"]) == ([5, 6], 4)
    assert (single["models"], single["search_mode"]) == ([0], "single")
    shown = store.gallery.list(MODEL)
    assert shown["custom_preview"] == "1001"
    assert shown["gallery_card"][0]["id"] == CARD
    preview = store.host.data / "lookup" / str(MODEL) / "previews" / "555.jpeg"
    assert preview.read_bytes() == next(folder.rglob("555.jpeg")).read_bytes()
    assert store.gallery.thumb("1001").content_type == "image/webp"
    assert store.gallery.made_with(["0123456789"])["total"] == 4


def test_no_key_of_studio_s_is_kept(store: Store, tmp_path: Path) -> None:
    adopted(store, studio_folders.newest(tmp_path / "studio"))
    assert store.gallery.meta("1001")["civitai_page"] == "https://civitai.com/images/1001"
    for path in (store.host.data / "gallery").rglob("*.json"):
        assert "leaked" not in path.read_text(encoding="utf-8")


def test_the_oldest_layout_is_told_by_its_folders(store: Store, tmp_path: Path) -> None:
    report = adopted(store, studio_folders.oldest(tmp_path / "studio"))
    assert (report["new"], report["stars"], report["failed"]) == (4, 0, 0)
    found = records(store)
    assert {record["models"][0] for record in found.values()} == {MODEL}
    assert found[CARD]["source"] == "original"
    assert found["1001"]["source"] == "community"


def test_again_adds_nothing_and_takes_nothing_back(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    adopted(store, folder)
    store.gallery.star(CARD, False)
    store.gallery.set_preview("1002")
    before = records(store)
    files = contents(store.host.data / "gallery")
    report = adopted(store, folder)
    assert (report["new"], report["known"], report["stars"], report["previews"]) == (0, 4, 0, 0)
    assert records(store) == before
    assert contents(store.host.data / "gallery") == files
    assert store.gallery.list(MODEL)["custom_preview"] == "1002"


def test_the_trial_tells_the_same_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    tried = adopted(store, folder, dry_run=True)
    assert len(store.gallery) == 0
    assert not (store.host.data / "lookup").exists()
    done = adopted(store, folder)
    assert {**tried, "dry_run": False} == done


def test_files_are_linked_and_copied_where_that_is_wanted(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.oldest(tmp_path / "studio")
    source = next(folder.rglob("1001.jpeg"))
    adopted(store, folder)
    assert source.samefile(store.gallery.media("1001").path)
    store.gallery.remove_items(["1001"])
    assert source.exists()
    adopted(store, folder, copy=True)
    assert not source.samefile(store.gallery.media("1001").path)


def test_a_picture_that_is_here_gets_its_star_and_versions(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    adopted(store, folder)
    for record in records(store).values():
        store.database.collection("gallery").update(
            record["id"], {"adopted": 0, "starred": 0, "versions": []}
        )
    report = adopted(store, folder)
    assert (report["new"], report["stars"]) == (0, 2)
    found = records(store)
    assert (found[CARD]["starred"], found[CARD]["versions"]) == (1, [70, 71])


def test_what_is_broken_costs_only_itself(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    next(folder.rglob("1001.jpeg")).write_text("<html>")
    next(folder.rglob("1002.json")).write_text("[" * 100_000)
    next(folder.rglob("22.jpeg")).unlink()
    report = adopted(store, folder)
    assert (report["new"], report["failed"]) == (2, 3)
    assert {each["file"] for each in report["problems"]} == {"1001.jpeg", "22", "broken.jpeg"}
    assert records(store)["1002"]["prompt"] == "the database's prompt"


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(500)])
def test_a_database_that_cannot_be_read_leaves_the_files(
    store: Store, tmp_path: Path, data: bytes
) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    for path in folder.glob("gallery.db*"):
        path.unlink()
    (folder / "gallery.db").write_bytes(data)
    report = adopted(store, folder)
    assert report["new"] == 4
    assert records(store)[CARD]["models"] == [MODEL]


def test_what_a_database_calculates_is_not_waited_for(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    with closing(sqlite3.connect(folder / "gallery.db")) as database:
        database.executescript(
            "DROP TABLE gallery_images; DROP TABLE gallery_previews; DROP TABLE image_versions;"
            "CREATE VIEW gallery_images AS WITH RECURSIVE c(x) AS"
            " (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS civitai_id FROM c WHERE x < 0;"
            "CREATE TABLE gallery_previews (model_id, civitai_id AS (hex(zeroblob(400000000))));"
            "INSERT INTO gallery_previews VALUES (1);"
        )
    report = adopted(store, folder)
    assert report["new"] == 4
    assert str(tmp_path) not in str(report["problems"])


def test_links_in_it_are_told_and_not_followed(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.oldest(tmp_path / "studio")
    secret = tmp_path / "secret.jpeg"
    secret.write_bytes(next(folder.rglob("1001.jpeg")).read_bytes())
    (next(folder.rglob("community")) / "77.jpeg").symlink_to(secret)
    report = adopted(store, folder)
    assert report["problems"] == [
        {"file": "77.jpeg", "reason": "It is a link; links are not followed."}
    ]
    assert "77" not in records(store)


@pytest.mark.parametrize("path", ["assets", "", "\\\\server\\share", "//server/share", "/a\0b"])
def test_what_is_no_whole_path_is_400(store: Store, path: str) -> None:
    with pytest.raises(BadInput):
        store.gallery_upkeep.adopt(path)


def test_a_folder_without_anything_of_studio_s_is_404(store: Store, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound):
            store.gallery_upkeep.adopt(str(path))
