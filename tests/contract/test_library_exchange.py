"""Everything out, and in on another machine; backups."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.backups import check, restore
from comfyui_curator.store.errors import CuratorError
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from comfyui_curator.store.host import root_host
from comfyui_curator.store.settings import Options
from comfyui_curator.store.store import Store
from tests.answers import check_error
from tests.catalog_files import all_entries
from tests.catalogs import stored
from tests.organising import Shelf, made_export, report_of, tree, wait_for
from tests.serving import RunningServer
from tests.small_disk import real_small_disk
from tests.upstream.pictures import png

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A library that somebody has worked on."""
    with RunningServer(tmp_path_factory.mktemp("first") / "root") as running:
        yield Shelf(running)


@pytest.fixture(scope="module")
def keys(first: Shelf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    store = first.server.store
    found = {name: first.lora(f"loras/{name}.safetensors") for name in "ab"}
    first.hashed()
    tag = store.model_tags.add(["own", "light"])
    store.model_tags.change(tag[0]["id"], color="#112233")

    def edit(record: dict[str, Any]) -> None:
        record.update(name="Mine", notes="n", rating=5, tags=[each["id"] for each in tag])
        record["trigger_words"] = [{"text": "glow", "group": "g"}]
        record["meta"]["unknown"] = {"ü": 10**25}

    store.records.change(found["a"], edit)
    store.samples.add(found["a"], png("s", 64, 48))
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "p.png").write_bytes(png("p", 32, 24))
    made = Generation(prompt="a lantern").listing([found["a"]])
    store.gallery.add_file(folder / "p.png", Facts("77", generation=made, username="u"))
    store.gallery.star("77", True)
    (folder / "q.png").write_bytes(png("q", 32, 24))
    found["own"] = store.gallery.add_own(folder / "q.png", name="mine.png")["id"]
    collection = store.collections.make("Night", description="d", color="#000000")["id"]
    store.collections.add(collection, "model", found["b"])
    store.collections.add(collection, "picture", "77")
    store.collections.add(collection, "model", found["a"])
    store.organising.lookup.take(found["a"], {"id": 3, "modelId": 2, "model": {"name": "L"}})
    store.organising.uses.note(["b.safetensors"])
    store.catalog.add_entries("loras", "x", [{"name": "A", "file": "a.pt", "dest": "loras"}])
    return found


@pytest.fixture(scope="module")
def exported(first: Shelf, keys: dict[str, str]) -> bytes:
    report = report_of(first.server, first.server.post("/library/export", json={}))
    assert (report["models"], report["pictures"], report["samples"]) == (1, 2, 1)
    answer = first.server.get(f"/library/exports/{report['name']}")
    assert answer.status_code == 200
    assert len(answer.content) == report["size_bytes"]
    return answer.content


def take(server: RunningServer, data: bytes, **query: Any) -> dict[str, Any]:
    answer = server.post("/library/import/upload", files={"file": data}, params=query)
    report = report_of(server, answer)
    assert not list((server.store.host.data / "exports").rglob("*.zip"))
    return report


_COLLECTIONS = "/library/collections"
_ODD_MODEL: dict[str, Any] = {
    "name": "N",
    "created_at": 10**30,
    "rating": 10**30,
    "meta": {"images_count": "9" * 30, "prompts": 5},
    "presets": ["x", [1]],
    "trigger_words": [1, {"a": 2}],
    "said": {"name": "5", "rating": 10**30},
}


def deep(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


class TestExport:
    def test_is_json_lines_and_pictures_without_model_files(
        self, first: Shelf, exported: bytes, keys: dict[str, str]
    ) -> None:
        with zipfile.ZipFile(io.BytesIO(exported)) as packed:
            assert packed.testzip() is None
            names = packed.namelist()
            assert not [name for name in names if name.endswith(".safetensors")]
            models = [json.loads(line) for line in packed.read("models.jsonl").splitlines()]
            manifest = json.loads(packed.read("manifest.json"))
        assert [(each["id"], each["tag_names"]) for each in models] == [
            (keys["a"], ["light", "own"])
        ]
        assert (manifest["format"], manifest["version"]) == ("curator-export", 1)
        listed = first.server.get("/library/exports").json()
        assert listed["total"] == 1
        assert listed["exports"][0]["size_bytes"] == len(exported)

    def test_can_leave_the_pictures_out_and_be_removed(self, first: Shelf, exported: bytes) -> None:
        server = first.server
        answer = server.post("/library/export", json={"pictures": False})
        report = report_of(server, answer)
        assert (report["pictures"], report["models"]) == (0, 1)
        assert report["size_bytes"] < len(exported)
        path = f"/library/exports/{report['name']}"
        assert server.delete(path).json() == {"status": "deleted"}
        check_error(server.delete(path), 404)
        check_error(server.get("/library/exports/..%2F..%2Fsettings.json"), 404)
        folder = server.store.host.data / "exports"
        (folder / "curator-export-link.zip").symlink_to(server.store.host.data / "access-key")
        check_error(server.get("/library/exports/curator-export-link.zip"), 404)
        (folder / "curator-export-link.zip").unlink()


class TestImport:
    @pytest.fixture
    def second(self, tmp_path: Path, first: Shelf, keys: dict[str, str]) -> Iterator[Shelf]:
        """Another machine, which has one of the two files elsewhere."""
        with RunningServer(tmp_path / "root") as running:
            shelf = Shelf(running)
            data = (first.models / "loras/a.safetensors").read_bytes()
            shelf.put("loras/deep/other name.safetensors", data)
            shelf.hashed()
            yield shelf

    def test_a_dry_run_says_what_would_come_and_changes_nothing(
        self, second: Shelf, exported: bytes
    ) -> None:
        store = second.server.store
        report = take(second.server, exported)
        assert report["dry_run"] is True
        assert report["models"] == {
            "new": 1, "changed": 0, "known": 0, "matched": 1, "unhashed": 0,
        }  # fmt: skip
        assert report["pictures"] == {"new": 2, "known": 0}
        assert report["collections"]["new"] == 1
        assert report["tags"] == {"new": 2, "known": 0}
        assert report["problems"] == []
        assert (len(store.records), len(store.gallery), len(store.model_tags)) == (0, 0, 0)
        assert store.collections.listed() == []

    def test_brings_everything_matched_by_hash_and_nothing_twice(
        self, second: Shelf, exported: bytes, keys: dict[str, str]
    ) -> None:
        store = second.server.store
        before = tree(second.models)
        report = take(second.server, exported, dry_run=False)
        assert report["problems"] == []
        row = second.server.get(f"/models/{keys['a']}").json()
        assert (row["name"], row["rating"], row["notes"]) == ("Mine", 5, "n")
        assert {(tag["name"], tag.get("color", "")) for tag in row["tags"]} == {
            ("own", "#112233"), ("light", ""),
        }  # fmt: skip
        assert row["path"].endswith("other name.safetensors")
        record = store.records.get(keys["a"]) or {}
        assert record["meta"]["unknown"] == {"ü": 10**25}
        assert record["trigger_words"] == [{"text": "glow", "group": "g"}]
        assert "notes" in record["said"]
        assert store.samples.count(keys["a"]) == 1
        meta = store.gallery.meta("77")
        assert (meta["prompt"], meta["username"], meta["starred"]) == ("a lantern", "u", True)
        assert store.gallery.media("77").path.read_bytes() == png("p", 32, 24)
        assert store.gallery.meta(keys["own"])["source"] == "own"
        assert store.gallery.thumb("77").path.is_file()
        night = store.collections.named("night")
        members, _ = store.collections.page(night["id"])
        # The first is not here yet; its place is kept for it.
        assert [item.id for item in members] == [keys["b"], "77", keys["a"]]
        assert report["collections"] == {"new": 1, "known": 0, "items": 3, "unknown": 0}
        shown = second.server.get(f"/library/collections/{night['id']}/items").json()["items"]
        assert [bool(each.get("model") or each.get("picture")) for each in shown] == [
            False,
            True,
            True,
        ]
        assert (store.organising.lookup.get(keys["a"]) or {})["version_id"] == 3
        assert [entry["name"] for entry in all_entries(stored(second.server, "loras"))] == ["A"]
        again = take(second.server, exported, dry_run=False)
        assert again["models"]["known"] == 1
        assert again["pictures"] == {"new": 0, "known": 2}
        assert again["samples"] == {"new": 0, "known": 1}
        assert again["collections"]["items"] == 0
        assert again["entries"] == {"new": 0, "known": 1}
        assert tree(second.models) == before

    def test_what_a_person_has_said_here_stays(
        self, second: Shelf, exported: bytes, keys: dict[str, str]
    ) -> None:
        store = second.server.store
        store.records.change(keys["a"], lambda record: record.update(notes="here", rating=1))
        store.records.change(keys["a"], lambda record: record.update(rating=0))
        report = take(second.server, exported, dry_run=False)
        assert report["models"]["changed"] == 1
        record = store.records.get(keys["a"]) or {}
        assert (record["notes"], record["rating"], record["name"]) == ("here", 0, "Mine")

    def test_an_export_on_the_disk_is_taken_and_stays(
        self, second: Shelf, exported: bytes, tmp_path: Path
    ) -> None:
        server = second.server
        path = tmp_path / "export.zip"
        path.write_bytes(exported)
        body = {"path": str(path), "dry_run": False}
        assert report_of(server, server.post("/library/import", json=body))["models"]["new"] == 1
        assert path.read_bytes() == exported

    def test_on_the_machine_it_came_from_it_changes_nothing(
        self, first: Shelf, exported: bytes, keys: dict[str, str], tmp_path: Path
    ) -> None:
        path = tmp_path / "export.zip"
        path.write_bytes(exported)
        before = first.server.store.records.get(keys["a"])
        body = {"path": str(path), "dry_run": False}
        report = report_of(first.server, first.server.post("/library/import", json=body))
        assert report["models"]["known"] == 1
        assert report["samples"] == {"new": 0, "known": 1}
        assert report["collections"]["items"] == 0
        assert first.server.store.records.get(keys["a"]) == before

    @pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04torn"])
    def test_what_is_no_export_is_refused(self, first: Shelf, data: bytes) -> None:
        files = {"file": data}
        answer = first.server.post("/library/import/upload", files=files)
        told = wait_for(first.server, answer)["job"]
        assert (told["state"], "export" in told["error"]) == ("failed", True)

    def test_hostile_names_and_broken_lines_cost_only_themselves(
        self, second: Shelf, exported: bytes, tmp_path: Path
    ) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(exported)) as old, zipfile.ZipFile(packed, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name == "gallery.jsonl":
                    records = [json.loads(line) for line in data.splitlines()]
                    evil: dict[str, Any] = {
                        **records[0],
                        "id": "99",
                        "aliases": [],
                        "file_path": "../../evil.png",
                    }
                    data += json.dumps(evil).encode() + b"\n"
                if name == "models.jsonl":
                    data = b'{"id": 3}\nno json\n[1]\n' + data.replace(
                        b'"rating":5', b'"rating":"x"'
                    )
                new.writestr(name, data)
            new.writestr("gallery/../../evil.png", png("e", 8, 8))
        report = take(second.server, packed.getvalue(), dry_run=False)
        assert {each["file"] for each in report["problems"]} == {"models.jsonl", "../../evil.png"}
        assert report["models"]["new"] == 1
        assert report["pictures"]["new"] == 2
        assert not list(tmp_path.rglob("evil.png"))
        assert next(iter(second.server.store.records))["rating"] == 0

    def test_what_is_of_another_kind_than_is_kept_costs_only_itself(self, second: Shelf) -> None:
        server, key, other = second.server, "ab" * 32, "cd" * 32
        odd = {"version_id": [1], "base_model": 5}
        use = {"id": other, "last": 1e308, "count": 1}
        report = take(
            server,
            made_export(
                tags=[{"name": "t" * 999}, {"name": " "}, {"name": "fine", "color": "url(x)"}],
                models=[
                    None,
                    {"id": other, "tag_names": 5, "meta": {"images_count": "9" * 30}},
                    {**_ODD_MODEL, "id": key.upper(), "tag_names": [[1], "fine"]},
                    {"id": "ef" * 32, "meta": {"deep": deep(800)}, "notes": "kept"},
                ],
                lookups=[
                    {"sha256": key, "checked": 1, "found": odd},
                    {"sha256": other, "checked": 1e308, "found": None},
                    {"sha256": key, "checked": 1.5, "found": {"version_id": 3}},
                ],
                uses=[use, {**use, "last": "5"}, {**use, "last": 5, "more": deep(3)}],
                samples=[{"key": key, "files": 9}, {"key": key, "files": [[1]]}],
                gallery=[{"id": "5", "aliases": 7, "file_path": "media/x/5.png", "starred": 1}],
                collections=[
                    {"name": "c", "items": 4, "color": "red"},
                    {"name": "d", "items": [4]},
                ],
            ),
            dry_run=False,
        )
        assert report["models"]["new"] == 3
        assert (report["lookups"]["new"], report["uses"]["new"]) == (1, 1)
        for query in ("", "?q=kept", "?sort=rating", "?sort=created_at"):
            rows = server.get(f"/library/models{query}")
            assert rows.status_code == 200, rows.text
        told = server.get(f"/models/{key}").json()
        assert (told["name"], told["rating"], told["presets"]) == ("N", 0, [])
        assert [tag["name"] for tag in told["tags"]] == ["fine"]
        assert "color" not in told["tags"][0]
        assert server.ask("PATCH", f"/models/{key}", json={"notes": "n"}).status_code == 200
        assert server.get(f"/library/models/{key}/civitai").json()["found"]["base_model"] == ""
        assert {each["color"] for each in server.get(_COLLECTIONS).json()["collections"]} == {""}

    def test_a_file_that_is_no_picture_leaves_nothing_in_the_gallery(self, second: Shelf) -> None:
        told: dict[str, Any] = {
            "id": "5",
            "aliases": [],
            "file_path": "media/0/5.png",
            "meta_path": "media/0/5.json",
        }
        files = {"gallery/media/0/5.png": b"no picture", "gallery/media/0/5.json": b"{}"}
        report = take(second.server, made_export(files=files, gallery=[told]), dry_run=False)
        assert [each["file"] for each in report["problems"]] == ["media/0/5.png"]
        gallery = second.server.store.host.data / "gallery"
        assert [path for path in gallery.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize("name", ["models.jsonl", "gallery/media/0/5.png", "more/0"])
    def test_a_zip_that_would_swell_beyond_reason_is_refused_before(
        self, first: Shelf, name: str
    ) -> None:
        packed = io.BytesIO(made_export())
        with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as swollen:
            swollen.writestr(name, bytes(32 << 20))
        assert len(packed.getvalue()) < 100_000
        answer = first.server.post("/library/import/upload", files={"file": packed.getvalue()})
        told = wait_for(first.server, answer)
        assert told["job"]["state"] == "failed"
        assert "more than 100 times its size" in told["job"]["error"]
        assert told["report"] == {}
        assert not list((first.server.store.host.data / "exports" / "incoming").iterdir())

    def test_an_export_whose_pictures_have_no_room_is_refused_before(self, tmp_path: Path) -> None:
        with (
            real_small_disk(tmp_path / "root" / "curator" / "gallery", "8m"),
            RunningServer(tmp_path / "root") as server,
        ):
            data = made_export(files={"gallery/media/0/5.png": os.urandom(9 << 20)})
            answer = server.post("/library/import/upload", files={"file": data})
            told = wait_for(server, answer)
            assert told["job"]["state"] == "failed"
            assert "not enough room" in told["job"]["error"]
            assert told["report"] == {}

    def test_a_sample_larger_than_any_here_costs_only_itself(self, second: Shelf) -> None:
        key = "ab" * 32
        files = {"samples/a.png": png("a", 1500, 1500), "samples/b.png": png("b", 8, 8),
                 "samples/c.png": b"no picture"}  # fmt: skip
        data = made_export(files=files, samples=[{"key": key, "files": list(files)}])
        for dry_run in (True, False):
            report = take(second.server, data, dry_run=dry_run)
            assert report["samples"] == {"new": 1, "known": 0}
            told = {each["file"]: each["reason"] for each in report["problems"]}
            assert set(told) == {"samples/a.png", "samples/c.png"}
            assert "pixels" in told["samples/a.png"]
        assert second.server.store.samples.count(key) == 1

    def test_lines_without_end_are_refused(self, first: Shelf) -> None:
        data = made_export(files={"models.jsonl": b"\n" * 1_000_001})
        answer = first.server.post("/library/import/upload", files={"file": data})
        assert "too many lines" in wait_for(first.server, answer)["job"]["error"]

    def test_an_encrypted_one_and_a_broken_body_are_refused(self, first: Shelf) -> None:
        locked = bytearray(made_export())
        locked[6] |= 1
        locked[locked.index(b"PK\x01\x02") + 8] |= 1
        answer = first.server.post("/library/import/upload", files={"file": bytes(locked)})
        assert "encrypted" in wait_for(first.server, answer)["job"]["error"]
        head = {"Content-Type": "multipart/form-data; boundary=b"}
        for body in (b"--b\r\nno header\r\n\r\nx", b"--b\r\nA: " + b"x" * 20_000 + b"\r\n\r\n"):
            answer = first.server.post("/library/import/upload", data=body, headers=head)
            check_error(answer, 400, "file")

    def test_says_what_is_wrong_with_the_request(self, first: Shelf) -> None:
        server = first.server
        check_error(server.post("/library/import", json={"path": "x.zip"}), 400, "path")
        check_error(server.post("/library/import", json={"path": "//host/x.zip"}), 400, "path")
        check_error(server.post("/library/import", json={"path": "/no/such.zip"}), 400, "path")
        check_error(server.post("/library/import/upload"), 400, "file")
        check_error(server.post("/library/import/upload", files={"other": b"x"}), 400, "file")
        answer = server.post("/library/import/upload", data=b"x")
        check_error(answer, 415)


class TestBackups:
    def test_a_backup_is_checked_listed_and_handed_out_and_old_ones_go(
        self, first: Shelf, keys: dict[str, str]
    ) -> None:
        server = first.server
        server.store.settings.change({"backups_kept": 2})
        names: list[str] = []
        report: dict[str, Any] = {}
        for _ in range(3):
            report = report_of(server, server.post("/library/backups"))
            assert report["records"] > 0
            names.append(report["name"])
        listed = server.get("/library/backups").json()
        assert [each["name"] for each in listed["backups"]] == names[:0:-1]
        assert report["removed"] == names[:1]
        data = server.get(f"/library/backups/{names[2]}").content
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            assert set(packed.namelist()) == {"database/curator.json", "loras.json"}
            assert keys["a"].encode() in packed.read("database/curator.json")
        check_error(server.get("/library/backups/none"), 404)

    def test_one_is_due_when_the_newest_is_older_than_the_setting(self, tmp_path: Path) -> None:
        with RunningServer(tmp_path / "root") as server:
            backups = server.store.library_exchange.backups
            assert backups.is_due()
            report_of(server, server.post("/library/backups"))
            assert not backups.is_due()
            path = backups.path(backups.listed()[0]["name"])
            os.utime(path, (0, 0))
            assert backups.is_due()
            server.store.settings.change({"backup_hours": 0})
            assert not backups.is_due()

    def test_a_damaged_backup_is_not_taken_for_one(self, first: Shelf, tmp_path: Path) -> None:
        server = first.server
        name = report_of(server, server.post("/library/backups"))["name"]
        whole = server.get(f"/library/backups/{name}").content
        bad = tmp_path / "bad.zip"
        bad.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CuratorError):
            check(bad)
        with zipfile.ZipFile(bad, "w") as packed, zipfile.ZipFile(io.BytesIO(whole)) as old:
            text = old.read("database/curator.json")
            packed.writestr("database/curator.json", text.replace(b"Mine", b"Nine"))
        with pytest.raises(CuratorError):
            check(bad)

    def test_killed_while_a_backup_is_checked_the_next_start_leaves_nothing_of_it(
        self, tmp_path: Path
    ) -> None:
        script = (
            "import os, sys\n"
            "from pathlib import Path\n"
            "from tests.loading import load_pack\n"
            "load_pack()\n"
            "from comfyui_curator.store import Options, backups\n"
            "from comfyui_curator.store.host import root_host\n"
            "from comfyui_curator.store.store import Store\n"
            "backups.count_records = lambda folder: os._exit(9)\n"
            "store = Store(root_host(Path(sys.argv[1])), Options())\n"
            "store.library_exchange.back_up()\n"
            "store.organising.tasks.wait('backup')\n"
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 9
        backups = tmp_path / "curator" / "backups"
        assert len(list(backups.iterdir())) == 2
        Store(root_host(tmp_path), Options()).close()
        assert not list(backups.iterdir())

    def test_put_back_everything_is_as_it_was_and_what_was_there_is_kept(
        self, tmp_path: Path
    ) -> None:
        root = tmp_path / "root"
        options = Options(civitai="http://127.0.0.1:9")
        store = Store(root_host(root), options)
        store.records.change("a" * 64, lambda record: record.update(notes="before"))
        store.catalog.add_entries("models", "x", [{"name": "A", "file": "a.pt", "dest": "vae"}])
        job = store.library_exchange.back_up()
        store.organising.tasks.wait("backup")
        name = store.organising.tasks.told(job["id"])["report"]["name"]
        store.records.change("a" * 64, lambda record: record.update(notes="after"))
        store.close()
        (root / "curator" / "models.json").write_text("{broken")
        told = restore(root / "curator", root / "curator" / "backups" / name)
        assert (root / "curator" / told["kept"] / "models.json").read_text() == "{broken"
        again = Store(root_host(root), options)
        try:
            assert (again.records.get("a" * 64) or {})["notes"] == "before"
            assert again.database.recovery.clean
            assert again.catalog.files["models"].index.of_name("a.pt")
            with pytest.raises(CuratorError):
                restore(root / "curator", root / "curator" / "backups" / name)
        finally:
            again.close()
