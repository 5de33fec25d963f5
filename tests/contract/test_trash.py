"""Deleting models and having them back, over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from tests.answers import check_error
from tests.catalogs import entries, put_file
from tests.serving import RunningServer
from tests.small_disk import small_disk

ENTRY = {"name": "A", "file": "a.safetensors", "dest": "loras/mine", "size_gb": 0.5}


@pytest.fixture(autouse=True)
def own_trash(server: RunningServer) -> None:
    """Not that of the desktop on which the tests run."""
    server.store.settings.change({"system_trash": False})
    server.store.catalog.add_entries("models", "loras", [ENTRY])


def trash(server: RunningServer, query: str = "") -> list[dict[str, Any]]:
    return server.get(f"/trash{query}").json()["items"]


def status(server: RunningServer) -> str:
    return server.get("/models").json()["categories"][0]["models"][0]["status"]


def delete(server: RunningServer, file: str = "a.safetensors", query: str = "") -> Any:
    return server.delete(f"/models/{file}{query}")


class TestDeleting:
    def test_takes_the_file_and_leaves_the_entry(self, server: RunningServer) -> None:
        path = put_file(server, "loras/mine", "a.safetensors", 10)
        answer = delete(server)
        assert answer.status_code == 200
        assert answer.json() == {"status": "deleted", "file": "a.safetensors"}
        assert not path.exists()
        assert list(path.parent.iterdir()) == []
        assert entries(server) == [ENTRY]
        item = trash(server)[0]
        told = {key: item[key] for key in ("file", "dest", "catalog", "name", "size")}
        assert told == {
            "file": "a.safetensors",
            "dest": "loras/mine",
            "catalog": "models",
            "name": "A",
            "size": 10,
        }
        assert (item["restorable"], item["system"]) == (True, False)
        assert item["deleted_at"].endswith("Z")

    def test_again_answers_the_same(self, server: RunningServer) -> None:
        put_file(server, "loras/mine", "a.safetensors")
        answers = [delete(server).json() for _ in range(3)]
        assert answers == [{"status": "deleted", "file": "a.safetensors"}] * 3
        assert server.get("/trash").json()["total"] == 1

    def test_of_what_was_never_fetched_answers_the_same(self, server: RunningServer) -> None:
        assert delete(server).json() == {"status": "deleted", "file": "a.safetensors"}
        assert trash(server) == []

    def test_of_what_no_catalog_has_is_unknown_and_touches_no_file(
        self, server: RunningServer
    ) -> None:
        path = put_file(server, "loras", "b.safetensors")
        check_error(delete(server, "b.safetensors"), 404)
        assert path.exists()

    def test_of_one_name_in_two_folders_asks_which(self, server: RunningServer) -> None:
        server.store.catalog.add_entries("models", "loras", [{**ENTRY, "dest": "loras/other"}])
        kept = put_file(server, "loras/mine", "a.safetensors")
        gone = put_file(server, "loras/other", "a.safetensors")
        body = check_error(delete(server), 409, "dest")
        assert [each["dest"] for each in body["candidates"]] == ["loras/mine", "loras/other"]
        assert delete(server, query="?dest=loras/other").status_code == 200
        assert (kept.exists(), gone.exists()) == (True, False)

    def test_sixteen_times_at_once_makes_one_item(self, server: RunningServer) -> None:
        put_file(server, "loras/mine", "a.safetensors", 10)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(delete, [server] * 16))
        assert [answer.status_code for answer in answers] == [200] * 16
        assert [item["size"] for item in trash(server)] == [10]

    @pytest.mark.skipif(os.name == "nt", reason="links need a right there")
    def test_of_a_link_takes_the_link_and_gives_it_back(
        self, server: RunningServer, tmp_path: Path
    ) -> None:
        target = tmp_path / "elsewhere.safetensors"
        target.write_bytes(b"weights")
        link = put_file(server, "loras/mine", "a.safetensors")
        link.unlink()
        link.symlink_to(target)
        delete(server)
        assert not link.is_symlink()
        assert target.read_bytes() == b"weights"
        server.post(f"/trash/{trash(server)[0]['id']}/restore")
        assert link.is_symlink()
        assert link.read_bytes() == b"weights"
        delete(server)
        server.delete("/trash")
        assert target.read_bytes() == b"weights"

    def test_afterwards_the_entry_can_be_removed(self, server: RunningServer) -> None:
        put_file(server, "loras/mine", "a.safetensors")
        check_error(server.delete("/models/a.safetensors/catalog"), 409)
        delete(server)
        assert server.delete("/models/a.safetensors/catalog").status_code == 200

    def test_tells_the_pages(self, server: RunningServer) -> None:
        put_file(server, "loras/mine", "a.safetensors")
        before = server.store.events.seq
        delete(server)
        told = server.store.events.since(before) or []
        assert {"trash", "catalog"} <= {event.topic for event in told}


class TestRestoring:
    def test_puts_the_file_back_with_its_bytes(self, server: RunningServer) -> None:
        path = put_file(server, "loras/mine", "a.safetensors")
        path.write_bytes(b"weights")
        delete(server)
        item = trash(server)[0]
        answer = server.post(f"/trash/{item['id']}/restore")
        assert answer.status_code == 200
        body = answer.json()
        assert (body["status"], body["file"], body["dest"]) == (
            "restored",
            "a.safetensors",
            "loras/mine",
        )
        assert path.read_bytes() == b"weights"
        assert trash(server) == []
        assert list((server.store.host.data / "trash").iterdir()) == []

    def test_again_answers_the_same(self, server: RunningServer) -> None:
        put_file(server, "loras/mine", "a.safetensors")
        delete(server)
        trash_id = trash(server)[0]["id"]
        answers = [server.post(f"/trash/{trash_id}/restore") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert len({answer.text for answer in answers}) == 1

    def test_at_once_happens_once(self, server: RunningServer) -> None:
        put_file(server, "loras/mine", "a.safetensors")
        delete(server)
        path = f"/trash/{trash(server)[0]['id']}/restore"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(server.post, [path] * 8))
        assert [answer.status_code for answer in answers] == [200] * 8

    def test_never_overwrites_another_file(self, server: RunningServer) -> None:
        path = put_file(server, "loras/mine", "a.safetensors")
        path.write_bytes(b"first")
        delete(server)
        path.write_bytes(b"second")
        trash_id = trash(server)[0]["id"]
        check_error(server.post(f"/trash/{trash_id}/restore"), 409)
        assert path.read_bytes() == b"second"
        path.unlink()
        server.post(f"/trash/{trash_id}/restore")
        assert path.read_bytes() == b"first"

    def test_works_where_the_folder_is_gone(self, server: RunningServer) -> None:
        path = put_file(server, "loras/mine", "a.safetensors")
        delete(server)
        path.parent.rmdir()
        server.post(f"/trash/{trash(server)[0]['id']}/restore")
        assert path.exists()

    def test_of_what_is_not_there_is_unknown(self, server: RunningServer) -> None:
        check_error(server.post("/trash/nothing/restore"), 404)

    def test_works_after_a_restart(self, tmp_path: Path, options: Options) -> None:
        with RunningServer(tmp_path / "other", options) as first:
            first.store.settings.change({"system_trash": False})
            first.store.catalog.add_entries("models", "loras", [ENTRY])
            path = put_file(first, "loras/mine", "a.safetensors")
            delete(first)
        with RunningServer(tmp_path / "other", options) as second:
            second.post(f"/trash/{trash(second)[0]['id']}/restore")
            assert path.exists()


class TestTheTrash:
    def test_is_listed_in_pages_the_newest_first(self, server: RunningServer) -> None:
        for number in range(5):
            entry = {**ENTRY, "file": f"{number}.pt"}
            server.store.catalog.add_entries("models", "loras", [entry])
            put_file(server, "loras/mine", f"{number}.pt")
            delete(server, f"{number}.pt")
        answer = server.get("/trash?limit=2&offset=1").json()
        assert [item["file"] for item in answer["items"]] == ["3.pt", "2.pt"]
        assert answer["total"] == 5

    @pytest.mark.parametrize("query,field", [("limit=0", "limit"), ("offset=-1", "offset")])
    def test_of_a_wrong_page_is_bad_input(
        self, server: RunningServer, query: str, field: str
    ) -> None:
        check_error(server.get(f"/trash?{query}"), 400, field)

    def test_keeps_everything_until_it_is_asked_to_empty(self, server: RunningServer) -> None:
        for number in range(3):
            path = put_file(server, "loras/mine", "a.safetensors", number + 1)
            delete(server)
            assert not path.exists()
        one = trash(server)[0]
        assert server.delete(f"/trash/{one['id']}").json() == {
            "status": "deleted",
            "id": one["id"],
            "freed_bytes": 3,
        }
        check_error(server.delete(f"/trash/{one['id']}"), 404)
        assert server.delete("/trash").json() == {"deleted": 2, "freed_bytes": 3}
        assert server.delete("/trash").json() == {"deleted": 0, "freed_bytes": 0}
        assert list((server.store.host.data / "trash").iterdir()) == []

    @pytest.mark.parametrize("place", ["models", "models/loras"])
    def test_takes_files_from_another_drive_and_gives_them_back(
        self, tmp_path: Path, options: Options, place: str
    ) -> None:
        root = tmp_path / "other"
        (root / "models").mkdir(parents=True)
        if place == "models":
            (root / "models").rmdir()
        with small_disk(root / place), RunningServer(root, options) as server:
            server.store.settings.change({"system_trash": False})
            server.store.catalog.add_entries("models", "loras", [ENTRY])
            path = put_file(server, "loras/mine", "a.safetensors")
            path.write_bytes(b"weights")
            os.utime(path, (1000, 1000))
            delete(server)
            assert not path.exists()
            assert list((root / "models" / "loras").rglob("*.*")) == []
            server.post(f"/trash/{trash(server)[0]['id']}/restore")
            assert path.read_bytes() == b"weights"
            assert path.stat().st_mtime == 1000
            assert list(path.parent.iterdir()) == [path]
            path.unlink()


_SEND = """
import sys
from pathlib import Path
from tests.loading import load_pack
load_pack()
from comfyui_curator.store.system_trash import send
print(send(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there a folder says where it is")
class TestTheTrashOfTheDesktop:
    def send(self, path: Path, home: Path) -> bool:
        # In a process of its own: it looks once where its trash is.
        environ = {**os.environ, "XDG_DATA_HOME": str(home), "HOME": str(home)}
        command = [sys.executable, "-c", _SEND, str(path)]
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            command, cwd=root, env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip() == "True"

    def test_takes_the_file_where_there_is_one(self, tmp_path: Path) -> None:
        (tmp_path / "home" / "Trash").mkdir(parents=True)
        path = tmp_path / "a.safetensors"
        path.write_bytes(b"weights")
        assert self.send(path, tmp_path / "home")
        assert not path.exists()
        there = tmp_path / "home" / "Trash" / "files" / "a.safetensors"
        assert there.read_bytes() == b"weights"

    def test_is_not_made_where_there_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        path = tmp_path / "a.safetensors"
        path.write_bytes(b"weights")
        assert not self.send(path, tmp_path / "home")
        assert path.exists()

    def test_has_what_is_listed_without_a_way_back(
        self, server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / "home"
        (home / "Trash").mkdir(parents=True)
        monkeypatch.setenv("XDG_DATA_HOME", str(home))
        # Else a test on another disk than the home would find that disk's own trash.
        monkeypatch.setenv("HOME", str(home))
        plat = pytest.importorskip("send2trash.plat_other")
        monkeypatch.setattr(plat, "HOMETRASH_B", os.fsencode(home / "Trash"))
        monkeypatch.setattr(plat, "XDG_DATA_HOME", os.fsencode(home))
        server.store.settings.change({"system_trash": True})
        put_file(server, "loras/mine", "a.safetensors")
        delete(server)
        item = trash(server)[0]
        assert (item["system"], item["restorable"]) == (True, False)
        check_error(server.post(f"/trash/{item['id']}/restore"), 409)
        assert server.delete("/trash").json() == {"deleted": 1, "freed_bytes": 0}
        assert (home / "Trash" / "files" / "a.safetensors").exists()
