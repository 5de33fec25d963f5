"""Models fetched from every source, once, to their place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import RunningServer
from tests.sites import Site
from tests.transferring import (
    act,
    added,
    begun,
    done,
    downloads,
    failed,
    get,
    hub_entry,
    parts,
    place,
    serving,
    sha256,
    visible,
    write_catalog,
)
from tests.upstream import Upstream, World
from tests.upstream.specs import HOSTILE_NAMES
from tests.waiting import until

KEY = World.civitai_key


TOKEN = World.huggingface_token


class TestSources:
    def test_a_civitai_version_arrives_whole_and_its_key_stays_behind(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        server.store.settings.change({"civitai_key": KEY})
        entry = added(server, world, "lora")
        started = get(server, entry["file"])
        assert started.status_code == 200
        assert started.json() == {"status": "queued", "file": entry["file"]}
        done(server, entry["file"])
        file = world.version("lora").primary
        assert file is not None
        assert place(server, entry).read_bytes() == file.content.data
        assert parts(server.root) == []
        version = str(world.version("lora").id)
        assert server.get("/models/civitai-map").json()["by_version"][version]["status"] == (
            "present"
        )
        assert {request.origin for request in upstream.carrying(KEY)} == {"civitai"}
        assert not any(KEY in request.path + request.query for request in upstream.requests())

    def test_another_file_of_a_version_is_asked_for_by_what_tells_it_apart(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        other = world.version("checkpoint").files[2]
        entry = added(server, world, "checkpoint", file_id=other.id)
        get(server, entry["file"])
        done(server, entry["file"])
        assert sha256(place(server, entry).read_bytes()) == other.content.sha256
        (asked,) = upstream.requests("/api/download/")
        assert asked.parameter("fp") == "fp32"

    def test_a_file_of_hugging_face_is_checked_against_what_is_announced(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        server.store.settings.change({"huggingface_token": TOKEN})
        entry = hub_entry(world, "single", "lora.safetensors")
        write_catalog(server.root, entry)
        get(server, entry["file"])
        done(server, entry["file"])
        file = next(f for f in world.repository("single").files if f.path == "lora.safetensors")
        assert place(server, entry).read_bytes() == file.content.data
        assert {request.origin for request in upstream.carrying(TOKEN)} == {"huggingface"}

    def test_a_small_file_that_no_storage_keeps(self, server: RunningServer, world: World) -> None:
        entry = hub_entry(world, "single", "config.json") | {"file": "config.json"}
        write_catalog(server.root, entry)
        get(server, entry["file"])
        done(server, entry["file"])
        assert place(server, entry).read_bytes() == b"{}\n"

    def test_a_repository_that_has_moved(self, server: RunningServer, world: World) -> None:
        entry = hub_entry(world, "moved", "model.safetensors")
        entry["hf_repo"] = world.repository("moved").moved_from
        write_catalog(server.root, entry)
        get(server, entry["file"])
        done(server, entry["file"])

    def test_a_plain_address(self, server: RunningServer, site: Site) -> None:
        site.answers["/m"] = serving(b"model")
        entry = {"file": "plain.safetensors", "dest": "vae/deep", "url": f"{site.url}/m"}
        write_catalog(server.root, entry)
        get(server, entry["file"])
        done(server, entry["file"])
        assert place(server, entry).read_bytes() == b"model"

    def test_civitai_comes_before_hugging_face_and_that_before_an_address(
        self, server: RunningServer, upstream: Upstream, world: World, site: Site
    ) -> None:
        address = {"url": f"{site.url}/never"}
        hub = hub_entry(world, "single", "lora.safetensors", **address)
        both: dict[str, Any] = {**hub, "file": "both.safetensors"}
        both["civitai_version_id"] = world.version("lora").id
        write_catalog(server.root, hub, both)
        for entry in (hub, both):
            get(server, entry["file"])
            done(server, entry["file"])
        assert downloads(upstream) == ["huggingface_storage", "storage"]
        assert site.asked == []

    def test_a_key_is_named_where_one_is_missing(self, server: RunningServer, world: World) -> None:
        entry = added(server, world, "gated")
        hub = hub_entry(world, "gated", "model.safetensors", dest="vae")
        write_catalog(server.root, hub, catalog="loras")
        for file, dest, field in (
            (entry["file"], "loras", "civitai_key"),
            (hub["file"], "vae", "huggingface_token"),
        ):
            get(server, file, dest)
            shown = failed(server, file)
            assert "settings" in shown["error"]
            assert shown["error_field"] == field
        assert "Accept its terms at" in failed(server, hub["file"])["error"]
        server.store.settings.change({"civitai_key": KEY, "huggingface_token": TOKEN})
        for file in (entry["file"], hub["file"]):
            assert act(server, file, "resume").json() == {"status": "queued", "file": file}
            done(server, file)

    @pytest.mark.parametrize(
        ("label", "path", "words"),
        [
            ("single", "gone.safetensors", "has no file gone.safetensors"),
            ("private", "model.safetensors", "private"),
        ],
    )
    def test_what_hugging_face_does_not_show(
        self, server: RunningServer, world: World, label: str, path: str, words: str
    ) -> None:
        entry = hub_entry(world, label, path)
        write_catalog(server.root, entry)
        get(server, entry["file"])
        assert words in failed(server, entry["file"])["error"]
        assert visible(server.root) == []


class TestPlaces:
    @pytest.mark.parametrize("label", HOSTILE_NAMES)
    def test_names_from_upstream_stay_in_their_folder(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        before = {path for path in server.root.parent.rglob("*") if path.is_file()}
        entry = added(server, world, label)
        assert get(server, entry["file"]).status_code == 200
        done(server, entry["file"])
        new = {path for path in server.root.parent.rglob("*") if path.is_file()} - before
        models = [path for path in new if "curator" not in path.parts]
        assert models == [server.root / "models" / "loras" / entry["file"]]

    def test_another_file_in_its_place_is_kept_and_so_is_what_has_come(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        entry = begun(server, upstream, world, 1000)
        place(server, entry).write_bytes(b"put there by hand")
        upstream.faults.clear()
        assert "another file" in failed(server, entry["file"])["error"]
        assert place(server, entry).read_bytes() == b"put there by hand"
        (part,) = parts(server.root)
        place(server, entry).unlink()
        get(server, entry["file"])
        done(server, entry["file"])
        assert len(downloads(upstream)) == 1
        assert not part.exists()

    def test_the_same_file_in_its_place_is_all_that_is_wanted(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        entry = begun(server, upstream, world, 1000)
        file = world.version("big").primary
        assert file is not None
        place(server, entry).write_bytes(file.content.data)
        inode = place(server, entry).stat().st_ino
        upstream.faults.clear()
        done(server, entry["file"])
        assert place(server, entry).stat().st_ino == inode
        assert parts(server.root) == []

    def test_a_hand_edit_while_a_transfer_ends_is_kept(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        entry = begun(server, upstream, world, 1000)
        path = server.store.host.data / "models.json"
        edited = path.read_text(encoding="utf-8").replace('"Heavy v1', '"Mine, Heavy v1')
        path.write_text(edited, encoding="utf-8")
        upstream.faults.clear()
        done(server, entry["file"])
        assert path.read_text(encoding="utf-8") == edited

        def item() -> dict[str, Any]:
            return server.get("/models").json()["categories"][0]["models"][0]

        until(lambda: item()["name"].startswith("Mine"))
        assert item()["status"] == "present"

    def test_a_file_that_lies_in_another_root_of_comfyui_is_present(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        entry = added(server, world, "lora")
        place(server, entry).parent.mkdir(exist_ok=True)
        place(server, entry).write_bytes(b"anything")
        assert get(server, entry["file"]).json()["status"] == "present"
        assert downloads(upstream) == []
