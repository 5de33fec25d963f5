"""Taking over an older database: its mapping, again and again, and what is no such database."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.answers import check_error
from tests.predecessors import Predecessor
from tests.serving import RunningServer
from tests.shelves import library_server, picture, put_model, recorded, shown, staged

EXTRA = {
    "description": "a description",
    "community_links": "http://example.org/x",
    "prompts": {"positive": "yes", "negative": "no"},
    "params": {},
}
META = {key: EXTRA[key] for key in ("description", "community_links", "prompts")}
GREEN = picture((0, 250, 0))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with library_server(tmp_path / "root") as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """For what changes nothing."""
    with library_server(tmp_path_factory.mktemp("migration") / "root") as running:
        yield running


@pytest.fixture
def legacy(tmp_path: Path) -> Predecessor:
    return Predecessor(tmp_path / "legacy")


def post(server: RunningServer, path: Any, images: Any = None, **how: Any) -> Any:
    body = {"legacy_db_path": path, "legacy_images_dir": images}
    return server.post("/migration/migrate_legacy_db", json=body, **how)


def migrated(server: RunningServer, legacy: Predecessor, *, images: bool = True) -> dict[str, Any]:
    answer = post(server, str(legacy.path), str(legacy.images) if images else None)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["image_migration"] == {
        "processed": told["db_migration"]["images_processed"],
        "errors": told["db_migration"]["image_errors"],
    }
    assert told["status"] == ("failed" if told["db_migration"]["errors"] else "success")
    return told["db_migration"]


def figures(migrated: int = 0, pending: int = 0, errors: int = 0, images: int = 0) -> Any:
    return {
        "migrated": migrated,
        "pending": pending,
        "errors": errors,
        "images_processed": images,
        "image_errors": 0,
    }


def model(server: RunningServer, sha256: str) -> dict[str, Any]:
    answer = server.get(f"/models/{sha256}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def patch(server: RunningServer, sha256: str, **body: Any) -> None:
    assert server.ask("PATCH", f"/models/{sha256}", json=body).status_code == 200


def row(server: RunningServer, number: int) -> dict[str, Any]:
    answer = server.get(f"/migration/pending_model?id={number}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(server: RunningServer) -> list[dict[str, Any]]:
    return server.get("/migration/pending_models").json()["models"]


def names(tags: list[dict[str, Any]]) -> list[str]:
    return [tag["name"] for tag in tags]


def state(server: RunningServer) -> Any:
    """Everything that a migration could change."""
    # What the index finds out meanwhile is shown too.
    assert server.store.library.wait(30) and server.store.library.hashing.wait(30)
    keys = [record["id"] for record in server.store.records]
    return (
        [model(server, key) for key in keys],
        [server.get(f"/images/get_img_num?sha256={key}").json() for key in keys],
        [row(server, each["id"]) for each in rows(server)],
        server.get("/library/tags").json(),
    )


class TestMapping:
    def test_a_hashed_model_becomes_a_record_with_its_picture(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        path, sha256 = put_model(server)
        legacy.tag(7, "style")
        legacy.model(
            3,
            path,
            sha256=sha256.upper(),
            name="Its name",
            size=path.stat().st_size,
            extra=EXTRA,
            tags=[7],
            picture=picture(size=(100, 50)),
        )
        assert migrated(server, legacy) == figures(migrated=1, images=1)
        server.store.library.scan()
        server.store.library.places.hash_now(str(path))
        found = model(server, sha256)
        assert (found["name"], found["type"], found["path"]) == ("Its name", "loras", str(path))
        assert found["created_at"] == 1_700_000_000_000
        assert found["meta_json"] == {**META, "images_count": 1}
        assert found["tags"] == [{"id": 7, "name": "style"}]
        image = server.get(f"/images/{sha256}.webp?quality=medium")
        assert shown(image.content).size == (66, 33)
        assert server.post("/models/scan", json={}).json()["pending_added"] == 0
        assert server.post("/tags_add", json={"newtags": ["next"]}).json()["tags"][0]["id"] == 8

    def test_a_model_without_a_hash_is_pending_under_its_own_id(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        path, sha256 = put_model(server)
        legacy.tag(2, "a")
        address = legacy.model(40, path, name="N", extra=EXTRA, tags=[2], picture=GREEN)
        assert migrated(server, legacy) == figures(pending=1, images=1)
        found = row(server, 40)
        assert (found["name"], found["type"], found["sha256"]) == ("N", "loras", "")
        assert found["meta_json"] == {**META, "images": [address]}
        assert names(found["tags"]) == ["a"]
        assert rows(server)[0]["image"] == address
        base = Path(address).name
        for name in ("40", "40.webp", base, Path(base).stem, f"{Path(base).stem}.webp"):
            answer = server.get(f"/images/pending/{name}")
            assert answer.headers["Content-Type"] == "image/webp", name
        body = {"id": [40], "conflict_strategy": None}
        assert server.post("/migration/import_models", json=body).json()["success"] == [40]
        imported = model(server, sha256)
        assert imported["meta_json"] == {**META, "images_count": 1}
        assert names(imported["tags"]) == ["a"]
        assert server.get(f"/images/{sha256}_0.webp").status_code == 200

    @pytest.mark.parametrize(
        ("kind", "folder", "type_"),
        [
            ("checkpoint", "", "checkpoints"),
            ("lora", "", "loras"),
            ("embedding", "", "embeddings"),
            ("upscale", "", "upscale_models"),
            ("vae", "vae", "vae"),
            ("other", "controlnet/deep", "controlnet"),
            ("ultralytics", "elsewhere", "ultralytics"),
            ("other", "", "other"),
        ],
    )
    def test_types_become_the_host_s(
        self, shared: RunningServer, legacy: Predecessor, kind: str, folder: str, type_: str
    ) -> None:
        number = sum(kind.encode()) + len(folder) * 1000
        path = shared.store.host.models / folder / f"{number}.bin" if folder else f"/x/{number}"
        legacy.model(number, path, kind=kind)
        migrated(shared, legacy)
        assert row(shared, number)["type"] == type_

    def test_two_rows_of_one_hash_are_one_record_with_the_tags_and_pictures_of_both(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        sha256 = "ab" * 32
        legacy.tag(1, "one")
        legacy.tag(2, "two")
        legacy.model(1, "/x/a", sha256=sha256, name="A", tags=[1], picture=picture())
        legacy.model(2, "/x/b", sha256=sha256, name="B", tags=[2], picture=GREEN)
        assert migrated(server, legacy) == figures(migrated=2, images=2)
        found = model(server, sha256)
        assert (found["name"], found["path"], found["status"]) == ("B", "/x/b", "missing")
        assert names(found["tags"]) == ["one", "two"]
        assert server.get(f"/images/get_img_num?sha256={sha256}").json() == {"count": 2}

    @pytest.mark.parametrize(
        ("extra", "errors"),
        [
            (None, 0),
            ("", 0),
            ("{}", 0),
            ("[1]", 1),
            ("5", 1),
            ("null", 1),
            ("{broken", 1),
            ('{"description": 5, "prompts": [], "images": {}, "community_links": null}', 0),
            ('{"images": [5, null], "description": "\\ud800"}', 0),
        ],
    )
    def test_extra_json_that_is_no_object_costs_only_its_texts(
        self, shared: RunningServer, legacy: Predecessor, extra: str | None, errors: int
    ) -> None:
        sha256 = hashlib.sha256(repr(extra).encode()).hexdigest()
        legacy.model(1, f"/e/{sha256}", sha256=sha256, name="Kept", extra=extra)
        assert migrated(shared, legacy) == figures(migrated=1, errors=errors)
        found = model(shared, sha256)
        assert found["name"] == "Kept"
        assert found["meta_json"]["prompts"] == {"positive": "", "negative": ""}

    def test_odd_values_are_nothing(self, server: RunningServer, legacy: Predecessor) -> None:
        legacy.model(1, "/o/a", name=None, size=None, sha256="too short", created=-5)
        legacy.model(2, "/o/b", size=1 << 62, sha256="z" * 64)
        legacy.run("UPDATE models SET size_bytes = 'many', name = x'ff' WHERE id = 2")
        assert migrated(server, legacy) == figures(pending=2)
        first, second = row(server, 1), row(server, 2)
        assert (first["name"], first["size_bytes"], first["created_at"]) == ("", 0, 0)
        assert first["sha256"] == "too short"
        assert (second["name"], second["size_bytes"]) == ("", 0)

    def test_pictures_are_taken_from_their_own_folder_only(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        (legacy.path.parent / "secret.png").write_bytes(GREEN)
        (legacy.images / "link.png").symlink_to(legacy.path.parent / "secret.png")
        (legacy.images / "broken.png").write_bytes(b"no picture")
        (legacy.images / "windows.png").write_bytes(GREEN)
        given = [
            "/media/../secret.png",
            "/media/link.png",
            "/media/none.png",
            "",
            "..",
            "C:\\m\\windows.png",
        ]
        for number, address in enumerate(given, 1):
            legacy.model(number, f"/p/{number}", extra={"images": [address]})
        legacy.model(9, "/p/9", extra={"images": ["/media/broken.png"]})
        told = migrated(server, legacy)
        assert (told["images_processed"], told["image_errors"], told["errors"]) == (1, 1, 0)
        assert server.get(f"/images/pending/{len(given)}").status_code == 200
        assert server.get("/images/pending/1").status_code == 404

    def test_without_a_folder_there_are_no_pictures_and_no_errors(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        legacy.model(1, "/p/1", sha256="12" * 32, picture=GREEN)
        assert migrated(server, legacy, images=False) == figures(migrated=1)
        # With the folder the next run brings them.
        assert migrated(server, legacy) == figures(images=1)
        assert model(server, "12" * 32)["meta_json"]["images_count"] == 1

    def test_more_and_fewer_columns_are_borne(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        legacy.run("ALTER TABLE models ADD COLUMN mtime_ns INTEGER")
        legacy.run("DROP TABLE directories")
        legacy.run("DROP TABLE model_tags")
        legacy.run(
            "INSERT INTO models (path, type, hash_hex, created_at) VALUES ('/a', 'lora', '', 1)"
        )
        legacy.run("ALTER TABLE models DROP COLUMN extra_json")
        assert migrated(server, legacy) == figures(pending=1)


class TestClashes:
    def test_a_tag_whose_name_is_here_joins_it_and_one_whose_number_is_taken_gets_another(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        mine = server.post("/tags_add", json={"newtags": ["zero", "anime"]}).json()["tags"]
        legacy.tag(1, "anime")
        legacy.tag(2, "other")
        legacy.tag(9, "free")
        legacy.model(1, "/c/1", sha256="cd" * 32, tags=[1, 2, 9])
        migrated(server, legacy)
        tags = {tag["name"]: tag["id"] for tag in server.get("/tags").json()["tags"]}
        assert tags["anime"] == mine[1]["id"]
        assert tags["other"] not in (1, 2)
        assert tags["free"] == 9
        assert names(model(server, "cd" * 32)["tags"]) == ["anime", "free", "other"]

    def test_huge_numbers_get_others_so_that_later_ones_stay_exact(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        legacy.tag((1 << 53) - 1, "huge")
        legacy.model((1 << 53) - 1, "/c/huge")
        assert migrated(server, legacy)["pending"] == 1
        later = server.post("/tags_add", json={"newtags": ["later than huge"]}).json()["tags"]
        assert later[0]["id"] < 1 << 40
        assert {each["id"] < 1 << 40 for each in rows(server)} == {True}

    def test_a_pending_row_whose_id_was_ever_given_gets_a_new_one(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        first, second = staged(server, put_model(server)[0], put_model(server)[0])
        body = {"id": [first], "conflict_strategy": "delete"}
        server.post("/migration/import_models", json=body)
        legacy.model(first, "/c/first")
        legacy.model(second, "/c/second")
        assert migrated(server, legacy)["pending"] == 2
        ids = {row(server, each["id"])["path"]: each["id"] for each in rows(server)}
        assert not {ids["/c/first"], ids["/c/second"]} & {first, second}

    def test_a_row_that_is_staged_already_is_filled_where_it_is_empty(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        path, _ = put_model(server)
        number = staged(server, path)[0]
        legacy.tag(3, "t")
        legacy.model(77, path, name="Legacy", extra=EXTRA, tags=[3], picture=GREEN)
        assert migrated(server, legacy) == figures(images=1)
        found = row(server, number)
        assert found["name"] == path.name
        assert found["meta_json"]["description"] == EXTRA["description"]
        assert names(found["tags"]) == ["t"]
        assert len(rows(server)) == 1
        assert server.get(f"/images/pending/{number}").status_code == 200

    def test_what_a_person_said_before_stays(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        _, sha256 = recorded(server)
        patch(server, sha256, name="Mine", meta_json={"description": "mine"}, rating=5)
        legacy.model(1, "/c/x", sha256=sha256, name="Legacy", kind="checkpoint", extra=EXTRA)
        assert migrated(server, legacy)["migrated"] == 1
        found = model(server, sha256)
        assert (found["name"], found["type"], found["rating"]) == ("Mine", "checkpoints", 5)
        assert found["meta_json"]["description"] == "mine"
        assert found["meta_json"]["prompts"] == EXTRA["prompts"]


class TestAgain:
    def fill(self, server: RunningServer, legacy: Predecessor) -> None:
        for number, name in ((1, "one"), (2, "two"), (3, "three")):
            legacy.tag(number, name)
        legacy.model(1, "/a/1", sha256="1a" * 32, name="A", extra=EXTRA, tags=[1, 2], picture=GREEN)
        legacy.model(2, "/a/2", name="B", extra=EXTRA, tags=[1], picture=picture())
        legacy.model(3, put_model(server)[0], name="C", extra=EXTRA, tags=[3])
        legacy.model(4, "/a/4", name="D", tags=[2])
        assert migrated(server, legacy) == figures(migrated=1, pending=3, images=2)

    def test_it_changes_nothing(self, server: RunningServer, legacy: Predecessor) -> None:
        self.fill(server, legacy)
        before = state(server)
        assert migrated(server, legacy) == figures()
        assert state(server) == before

    def test_it_changes_nothing_that_a_person_has_changed_since(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        self.fill(server, legacy)
        meta = {"description": "", "prompts": {"positive": "mine"}}
        patch(server, "1a" * 32, name="Mine", type="vae", tags=[2], meta_json=meta)
        server.delete(f"/images/delete?sha256={'1a' * 32}&seq=0")
        server.ask("PATCH", "/library/tags/1", json={"name": "renamed"})
        server.delete("/library/tags/3")
        server.post("/migration/import_models", json={"id": [3]})
        server.post("/migration/import_models", json={"id": [4], "conflict_strategy": "delete"})
        before = state(server)
        assert migrated(server, legacy) == figures()
        assert state(server) == before
        assert server.get(f"/images/get_img_num?sha256={'1a' * 32}").json() == {"count": 0}
        assert names(row(server, 2)["tags"]) == ["renamed"]

    def test_what_is_new_there_comes_too(self, server: RunningServer, legacy: Predecessor) -> None:
        self.fill(server, legacy)
        legacy.tag(9, "late")
        legacy.model(9, "/a/9", sha256="9a" * 32, tags=[9])
        assert migrated(server, legacy) == figures(migrated=1)

    def test_a_merged_tag_stays_merged(self, server: RunningServer, legacy: Predecessor) -> None:
        self.fill(server, legacy)
        server.post("/library/tags/1/merge", json={"into": 2})
        before = state(server)
        assert migrated(server, legacy) == figures()
        assert state(server) == before

    def test_two_at_once_take_over_once(self, server: RunningServer, legacy: Predecessor) -> None:
        for number in range(1, 20):
            legacy.model(number, f"/t/{number}", sha256=f"{number:064x}" if number % 2 else "")
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(migrated, server, legacy) for _ in range(2)]
        assert sorted(each.result()["migrated"] for each in asked) == [0, 10]
        assert len(rows(server)) == 9


class TestRefused:
    @pytest.mark.parametrize("path", [None, "", 5])
    def test_without_a_path_it_is_400(self, shared: RunningServer, path: Any) -> None:
        check_error(post(shared, path), 400, "legacy_db_path")

    @pytest.mark.parametrize(
        "path", ["//server/share/x.db", "\\\\server\\share\\x.db", "relative.db", "/a\x00b"]
    )
    def test_a_path_that_is_not_of_this_machine_is_400(
        self, shared: RunningServer, legacy: Predecessor, path: str
    ) -> None:
        check_error(post(shared, path), 400, "legacy_db_path")
        check_error(post(shared, str(legacy.path), path), 400, "legacy_images_dir")

    def test_what_is_no_such_database_is_400_and_says_why(
        self, shared: RunningServer, tmp_path: Path
    ) -> None:
        (tmp_path / "text.db").write_text("this is a text file, and not a short one")
        (tmp_path / "empty.db").write_bytes(b"")
        (tmp_path / "torn.db").write_bytes(b"SQLite format 3\x00" + os.urandom(5000))
        tables = {
            "other.db": "CREATE TABLE x (y)",
            "new.db": "CREATE TABLE db_meta (key, value); CREATE TABLE pending_import (id);"
            "CREATE TABLE models (sha256 TEXT PRIMARY KEY, path TEXT);",
        }
        for name, script in tables.items():
            with closing(sqlite3.connect(tmp_path / name)) as connection:
                connection.executescript(script)
        Predecessor(tmp_path / "later", version=3)
        os.mkfifo(tmp_path / "pipe.db")
        given = ["text.db", "empty.db", "torn.db", "other.db", "new.db", "later/hikaze_mm.sqlite3"]
        said: set[str] = set()
        for name in [*given, "pipe.db", "there is none.db", "."]:
            body = check_error(post(shared, str(tmp_path / name)), 400, "legacy_db_path")
            assert str(tmp_path) not in body["error"]
            said.add(body["error"])
        assert len(said) >= 5
        assert any("version 3" in text for text in said)

    def test_one_that_somebody_writes_is_409_and_works_later(
        self, server: RunningServer, legacy: Predecessor
    ) -> None:
        legacy.model(1, "/l/1")
        writer = legacy.open()
        writer.execute("BEGIN EXCLUSIVE")
        check_error(post(server, str(legacy.path)), 409, "legacy_db_path")
        writer.execute("ROLLBACK")
        writer.close()
        assert migrated(server, legacy) == figures(pending=1)


class TestUntouched:
    def listing(self, legacy: Predecessor) -> Any:
        return {
            path.name: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in legacy.path.parent.rglob("*")
            if path.is_file()
        }

    def test_nothing_is_written_beside_it(self, server: RunningServer, legacy: Predecessor) -> None:
        legacy.model(1, "/u/1", picture=GREEN)
        before = self.listing(legacy)
        migrated(server, legacy)
        assert self.listing(legacy) == before

    @pytest.mark.parametrize("ending", ["-wal", "-journal"])
    def test_one_that_was_not_closed_well_is_read_as_it_was_committed(
        self, server: RunningServer, legacy: Predecessor, tmp_path: Path, ending: str
    ) -> None:
        legacy.model(1, "/u/1")
        writer = legacy.open()
        if ending == "-wal":
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("UPDATE models SET path = '/u/committed'")
        else:
            writer.execute("PRAGMA cache_size = 1")
            writer.execute("BEGIN")
            for number in range(2, 2000):
                values = [number, f"/u/{number}", "x" * 200]
                writer.execute(
                    "INSERT INTO models (id, path, name, type, hash_hex, created_at)"
                    " VALUES (?, ?, ?, 'lora', '', 1)",
                    values,
                )
        # As if the machine had lost its power just now.
        copy = Predecessor(tmp_path / "copy")
        shutil.copyfile(legacy.path, copy.path)
        shutil.copyfile(f"{legacy.path}{ending}", f"{copy.path}{ending}")
        writer.close()
        before = self.listing(copy)
        assert migrated(server, copy) == figures(pending=1)
        assert self.listing(copy) == before
        assert row(server, 1)["path"] == ("/u/committed" if ending == "-wal" else "/u/1")
        assert list(server.store.host.data.glob("legacy-*")) == []


def test_ended_before_its_time_it_is_completed_by_the_next_run(
    server: RunningServer, legacy: Predecessor
) -> None:
    for number in range(1, 130):
        legacy.model(number, f"/j/{number}", sha256=f"{number:064x}")

    ended: list[Any] = []

    def cancel(_: list[str]) -> None:
        if not ended:
            ended.append(server.store.jobs.cancel(server.store.jobs.listed()[0]["id"]))

    records = server.store.records
    records.listen(cancel)
    check_error(post(server, str(legacy.path)), 409)
    done = len(records)
    assert 0 < done < 129
    assert migrated(server, legacy) == figures(migrated=129 - done)
    assert len(records) == 129
