"""What ComfyUI Studio has gathered, taken over: all of it, once, its own files untouched."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.engine import Record
from comfyui_curator.store.errors import BadInput, NotFound
from comfyui_curator.store.gallery import Wanted
from comfyui_curator.store.gallery_upkeep import ADOPTION
from comfyui_curator.store.store import Store
from comfyui_curator.store.studio_times import studio_utc
from tests import studio_folders
from tests.studio_folders import CARD, MODEL


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


def test_without_any_date_a_picture_is_as_old_as_its_file(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.oldest(tmp_path / "studio")
    os.utime(next(folder.rglob("1001.jpeg")), (1_700_000_000, 1_700_000_000))
    adopted(store, folder)
    assert records(store)["1001"]["created_at"] == "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2024-01-15T12:00:00", "2024-01-15T11:00:00.000Z"),
        ("2024-07-15T12:00:00", "2024-07-15T10:00:00.000Z"),
        ("2024-07-15 12:00", "2024-07-15T10:00:00.000Z"),
        ("2024-07-15T12:00:00Z", "2024-07-15T12:00:00.000Z"),
        ("2024-07-15T12:00:00+05:00", "2024-07-15T07:00:00.000Z"),
        ("2024-03-31T01:59:59", "2024-03-31T00:59:59.000Z"),
        ("2024-03-31T03:00:00", "2024-03-31T01:00:00.000Z"),
        ("2024-10-27T01:59:59", "2024-10-26T23:59:59.000Z"),
        ("2024-10-27T03:00:00", "2024-10-27T02:00:00.000Z"),
        ("2024-07-15", "2024-07-15T00:00:00.000Z"),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_studios_times_without_an_offset_are_those_of_rome(told: Any, meant: str) -> None:
    assert studio_utc(told) == meant


def test_times_of_its_database_and_its_json_are_rome_s(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    with closing(sqlite3.connect(folder / "gallery.db")) as database:
        database.execute("UPDATE gallery_images SET created_at = '2024-07-15T12:00:00'")
        database.commit()
    next(folder.rglob("1001.json")).write_text('{"createdAt": "2024-01-15T12:00:00"}')
    next(folder.rglob("1002.json")).unlink()
    adopted(store, folder)
    found = records(store)
    assert found["1001"]["created_at"] == "2024-01-15T11:00:00.000Z"
    assert found["1002"]["created_at"] == "2024-07-15T10:00:00.000Z"


@pytest.mark.parametrize("starred", ["1001", "3"])
def test_a_picture_under_two_ids_is_one_in_the_trial_too(
    store: Store, tmp_path: Path, starred: str
) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    twin = next(folder.rglob("1001.jpeg"))
    copy = folder / "media" / "300" / "000" / "3.jpeg"
    copy.parent.mkdir(parents=True)
    shutil.copyfile(twin, copy)
    with closing(sqlite3.connect(folder / "gallery.db")) as database:
        values = ("3", "media/300/000/3.jpeg", MODEL)
        database.execute(
            "INSERT INTO gallery_images (civitai_id, file_path, model_id) VALUES (?, ?, ?)", values
        )
        uuid = "00000000-0000-4000-8000-000000000abc"
        database.execute(
            "UPDATE gallery_images SET file_uuid = ? WHERE civitai_id IN ('3', '1001')", (uuid,)
        )
        database.execute("UPDATE gallery_images SET starred = 1 WHERE civitai_id = ?", (starred,))
        database.commit()
    tried = adopted(store, folder, dry_run=True)
    done = adopted(store, folder)
    assert {**tried, "dry_run": False} == done
    assert (done["found"], done["new"], done["known"], done["stars"]) == (5, 4, 1, 3)
    one = store.gallery.intake.find("3")
    assert one is not None and one == store.gallery.intake.find("1001") and one["starred"]
    store.gallery.star("3", False)
    assert adopted(store, folder)["stars"] == 0


def test_names_of_tags_come_along_and_known_ones_stay(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    store.civitai_tags.take({6: ("ours", "Label", "")})
    with closing(sqlite3.connect(folder / "gallery.db")) as database:
        database.executescript(
            "CREATE TABLE civitai_tags (id INTEGER PRIMARY KEY, name, type, synced_at);"
            "INSERT INTO civitai_tags VALUES (5, 'fox', 'UserGenerated', '2024-07-15T12:00:00');"
            "INSERT INTO civitai_tags VALUES (6, 'theirs', 'Label', NULL);"
            "INSERT INTO civitai_tags VALUES (7, '', 'Label', NULL);"
            "INSERT INTO civitai_tags VALUES (-8, 'odd', x'00', 3);"
        )
    assert adopted(store, folder, dry_run=True)["tags"] == 1
    assert store.civitai_tags.listed()["total"] == 1
    assert adopted(store, folder)["tags"] == 1
    named = {each["id"]: each for each in store.civitai_tags.listed()["tags"]}
    assert {key: each["name"] for key, each in named.items()} == {5: "fox", 6: "ours"}
    assert named[5]["synced_at"] == "2024-07-15T10:00:00.000Z"
    wanted = Wanted(tags=(store.civitai_tags.numbers("fox"),))
    assert store.gallery.all(wanted)["total"] == 4
    assert adopted(store, folder)["tags"] == 0


def test_the_json_of_previews_comes_along_without_keys(store: Store, tmp_path: Path) -> None:
    folder = studio_folders.newest(tmp_path / "studio")
    beside = next(folder.rglob("555.jpeg")).with_suffix(".json")
    url = "https://example.org/555.jpeg?token=example-of-a-leaked-key"
    beside.write_text(json.dumps({"id": 555, "url": url, "meta": {"prompt": "gold"}}))
    assert adopted(store, folder, dry_run=True)["previews"] == 2
    assert not (store.host.data / "lookup").exists()
    assert adopted(store, folder)["previews"] == 2
    kept = store.host.data / "lookup" / str(MODEL) / "previews" / "555.json"
    told = json.loads(kept.read_text(encoding="utf-8"))
    assert (told["id"], told["meta"]) == (555, {"prompt": "gold"})
    assert "leaked" not in kept.read_text(encoding="utf-8")


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
