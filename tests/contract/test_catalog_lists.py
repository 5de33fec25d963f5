"""The catalog's lists over HTTP, its files when a person edits them, and entries taken out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfyui_curator.store import Options
from tests.answers import check_error
from tests.catalog_files import EXAMPLE, INVENTED, all_entries
from tests.catalogs import ENTRY, add, entries, in_map, put_file, stored
from tests.serving import RunningServer
from tests.upstream import World
from tests.waiting import until


class TestTheFilesByHand:
    @pytest.fixture(params=[EXAMPLE, INVENTED], ids=["example", "invented"])
    def source(self, request: pytest.FixtureRequest) -> Path:
        return request.param

    def test_a_whole_catalog_goes_in_and_comes_out(
        self, tmp_path: Path, options: Options, source: Path, world: World
    ) -> None:
        data = tmp_path / "root" / "curator"
        data.mkdir(parents=True)
        (data / "models.json").write_bytes(source.read_bytes())
        original = json.loads(source.read_text("utf-8"))
        with RunningServer(tmp_path / "root", options) as server:
            shown = server.get("/models").json()
            for item, entry in zip(all_entries(shown), all_entries(original), strict=True):
                assert {key: item[key] for key in entry} == entry
            file = add(server, world.version("upscaler").id).json()["file"]
            assert server.delete(f"/models/{file}/catalog").status_code == 200
        kept = (data / "models.json").read_text("utf-8")
        after = json.loads(kept)
        assert after.pop("version") == original.pop("version") + 2
        assert after.pop("date") != original.pop("date")
        if all(category["id"] != "upscalers" for category in original["categories"]):
            assert after["categories"].pop() == {
                "id": "upscalers",
                "name": "Upscalers",
                "models": [],
            }
        assert json.dumps(after) == json.dumps(original)
        assert kept.endswith("}") == source.read_text("utf-8").endswith("}")

    def test_an_edit_by_hand_shows_up_and_survives_what_we_change(
        self, server: RunningServer, world: World
    ) -> None:
        add(server, world.version("vae").id)
        path = server.store.host.data / "models.json"
        data = json.loads(path.read_text("utf-8"))
        data["categories"][0]["models"].append({**ENTRY, "mine": {"deep": [1]}})
        path.write_text(json.dumps(data))
        add(server, world.version("lora").id)
        files = [entry["file"] for entry in all_entries(server.get("/models").json())]
        assert files[1] == "a.safetensors"
        assert len(files) == 3
        assert entries(server)[1]["mine"] == {"deep": [1]}


class TestTheLists:
    @pytest.mark.parametrize("path", ["/models", "/loras", "/models/civitai-map"])
    def test_are_there_when_there_is_nothing(self, server: RunningServer, path: str) -> None:
        answer = server.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        if path == "/models/civitai-map":
            assert answer.json() == {"by_version": {}, "by_model": {}}
        else:
            assert answer.json()["categories"] == []

    @pytest.mark.parametrize("path", ["/models", "/loras", "/models/civitai-map"])
    def test_are_not_sent_again_while_nothing_changes(
        self, server: RunningServer, path: str
    ) -> None:
        lora = {**ENTRY, "civitai_version_id": 5, "civitai_model_id": 4}
        for catalog in ("models", "loras"):
            file = f"{catalog}.safetensors"
            server.store.catalog.add_entries(catalog, "loras", [{**lora, "file": file}])
        first = server.get(path)
        again = server.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        for catalog in ("models", "loras"):
            put_file(server, "loras", f"{catalog}.safetensors")
        known = {"If-None-Match": first.headers["ETag"]}
        until(lambda: server.get(path, headers=known).status_code == 200)
        assert server.get(path).headers["ETag"] != first.headers["ETag"]

    def test_show_a_file_that_is_put_there_by_hand(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("lora")
        file = add(server, version.id).json()["file"]
        assert in_map(server, version.id)["status"] == "missing"
        path = put_file(server, "loras", file, 4321)
        until(lambda: in_map(server, version.id).get("size_disk") == 4321)
        assert in_map(server, version.id)["status"] == "present"
        item = all_entries(server.get("/models").json())[0]
        assert (item["status"], item["on_disk_bytes"]) == ("present", 4321)
        path.unlink()
        until(lambda: in_map(server, version.id)["status"] == "missing")
        assert "size_disk" not in in_map(server, version.id)

    def test_the_map_knows_the_versions_of_a_model(
        self, server: RunningServer, world: World
    ) -> None:
        one, two = world.version("lora"), world.version("lora_second")
        add(server, two.id)
        add(server, one.id)
        found = server.get("/models/civitai-map").json()
        assert found["by_model"] == {str(one.model_id): [two.id, one.id]}
        assert found["by_version"].keys() == {str(one.id), str(two.id)}
        shown = found["by_version"][str(one.id)]
        assert (shown["catalog"], shown["dest"], shown["status"]) == ("models", "loras", "missing")
        assert shown["civitai_model_id"] == one.model_id
        assert shown["size_expected"] == len(one.files[0].content.data)


class TestRemoving:
    def test_takes_the_entry_out_once(self, server: RunningServer, world: World) -> None:
        file = add(server, world.version("lora").id).json()["file"]
        answer = server.delete(f"/models/{file}/catalog")
        assert answer.json() == {"status": "removed", "file": file}
        check_error(server.delete(f"/models/{file}/catalog"), 404)
        assert stored(server)["version"] == 2

    def test_of_a_lora_works_as_well(self, server: RunningServer) -> None:
        server.store.catalog.add_entries("loras", "sdxl_loras", [ENTRY])
        assert server.delete("/models/a.safetensors/catalog").status_code == 200
        assert entries(server, "loras") == []

    def test_of_what_nobody_knows_is_unknown(self, server: RunningServer) -> None:
        for name in ("a.safetensors", "..", "%2e%2e%2fx", "a%00b", "%F0%9F%98%80"):
            answer = server.delete(f"/models/{name}/catalog")
            assert answer.status_code in (404, 405), name

    def test_is_refused_while_the_file_is_on_disk(
        self, server: RunningServer, world: World
    ) -> None:
        file = add(server, world.version("lora").id).json()["file"]
        path = put_file(server, "loras", file)
        check_error(server.delete(f"/models/{file}/catalog"), 409)
        assert path.exists()
        assert len(entries(server)) == 1
        path.unlink()
        assert server.delete(f"/models/{file}/catalog").status_code == 200

    def test_asks_which_of_two_folders_is_meant(self, server: RunningServer) -> None:
        for dest in ("loras/a", "loras/b"):
            server.store.catalog.add_entries("models", "loras", [{**ENTRY, "dest": dest}])
        body = check_error(server.delete("/models/a.safetensors/catalog"), 409, "dest")
        assert body["candidates"] == [
            {"file": "a.safetensors", "dest": dest, "catalog": "models", "name": "A [SDXL]"}
            for dest in ("loras/a", "loras/b")
        ]
        answer = server.delete("/models/a.safetensors/catalog?dest=loras/b")
        assert answer.json() == {"status": "removed", "file": "a.safetensors"}
        assert [entry["dest"] for entry in entries(server)] == ["loras/a"]

    def test_is_refused_while_the_file_is_broken(self, server: RunningServer) -> None:
        server.store.catalog.add_entries("models", "loras", [ENTRY])
        path = server.store.host.data / "models.json"
        path.write_text("{")
        body = check_error(server.delete("/models/a.safetensors/catalog"), 409)
        assert (body["line"], body["column"]) == (1, 2)
        assert path.read_text() == "{"
