"""Uploads that the server fetches itself from any address; and what holds for all it fetches."""

from __future__ import annotations

import contextlib
import errno
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from comfyui_curator.store.transfer_parts import Sink
from tests.addressed_uploads import begun, complete, create, ended, failed, leftovers, models, shown
from tests.answers import check_error
from tests.catalogs import entries
from tests.serving import RunningServer
from tests.sites import Site
from tests.transferring import serving, sha256
from tests.upstream import Upstream, World, films, pictures, weights
from tests.waiting import until


def headed(data: bytes, disposition: str) -> Any:
    """An answer with a name for the file."""

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Disposition", disposition)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


class TestAddresses:
    DATA = weights.safetensors("VAE", "from elsewhere")

    def test_the_name_is_the_announced_one_cleaned(self, server: RunningServer, site: Site) -> None:
        site.answers["/get?id=5"] = headed(self.DATA, 'attachment; filename="../../My <Model>.bin"')
        upload = complete(server, url=f"{site.url}/get?id=5", kind="model")
        assert upload["fileName"] == "My _Model_.safetensors"
        assert models(server.root) == ["vae/My _Model_.safetensors"]
        assert (upload["source"], upload["provider"]) == ("url", "other")
        (entry,) = entries(server)
        assert entry["url"] == f"{site.url}/get?id=5"

    def test_a_base_may_be_named_as_url_too(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        version = world.version("vae")
        upload = complete(server, url=f"{upstream.civitai}/models/{version.model_id}", kind="model")
        assert (upload["source"], upload["provider"]) == ("url", "civitai")
        name = world.repository("single").name
        address = f"{upstream.huggingface}/{name}/resolve/main/lora.safetensors"
        upload = complete(server, url=address, kind="model")
        assert (upload["source"], upload["provider"]) == ("url", "huggingface")
        assert len(entries(server)) == 2

    def test_keys_in_an_address_are_used_and_not_shown(
        self, server: RunningServer, site: Site
    ) -> None:
        path = "/a.safetensors?token=made-up-secret"
        site.answers[path] = headed(self.DATA, "attachment")
        upload = complete(server, url=f"{site.url}{path}", kind="model")
        assert upload["url"] == f"{site.url}/a.safetensors"
        for route in ("/uploads", "/models", "/jobs"):
            assert "made-up-secret" not in server.get(route).text
        kept = (server.root / "curator" / "models.json").read_text()
        assert "made-up-secret" not in kept

    @pytest.mark.parametrize(
        ("kind", "data", "config", "lies"),
        [
            ("image", pictures.png("a", 40, 30), {}, "gallery"),
            ("avatar", pictures.jpeg("b", 40, 30), {}, "gallery"),
            ("video", films.mp4("c", 64, 48), {}, "gallery"),
            ("image", pictures.png("d", 40, 30), {"target": "input"}, "assets/input/thing.png"),
            ("audio", b"fLaC" + bytes(100), {}, "assets/audio/thing.flac"),
            ("text", b"<html>words</html>", {}, "assets/text/thing.dat"),
            ("asset", bytes(200), {}, "assets/asset/thing.dat"),
            ("3d", b'{"asset":{"version":"2.0"}}', {}, "assets/3d/thing.dat.gltf"),
        ],
    )
    def test_every_kind_goes_where_it_belongs(
        self,
        server: RunningServer,
        site: Site,
        kind: str,
        data: bytes,
        config: dict[str, str],
        lies: str,
    ) -> None:
        site.answers["/thing.dat"] = headed(data, "attachment")
        lies = lies.replace("thing.png", "thing.dat.png").replace("thing.flac", "thing.dat.flac")
        upload = complete(server, url=f"{site.url}/thing.dat", kind=kind, config=config)
        if lies == "gallery":
            item = server.get(f"/loras/gallery/{upload['entityId']}/meta").json()
            assert item["sha256"] == sha256(data)
        else:
            assert (server.root / lies).read_bytes() == data
        assert leftovers(server.root) == []

    def test_pictures_go_into_the_collections_that_are_named(
        self, server: RunningServer, site: Site
    ) -> None:
        site.answers["/a.png"] = headed(pictures.png("a", 40, 30), "attachment")
        url = f"{site.url}/a.png"
        made = server.store.collections.make("Mine")["id"]
        upload = complete(server, url=url, kind="image", assetOptions={"collectionIds": [made]})
        assert server.store.collections.members(made, "picture") == [upload["entityId"]]
        nobodys = {"collectionIds": ["nobodys"]}
        answer = create(server, url=url, kind="image", assetOptions=nobodys)
        check_error(answer, 400, "assetOptions.collectionIds")
        answer = create(server, url=url, kind="image", config={"target": "moon"})
        check_error(answer, 400, "config.target")
        site.answers["/a.safetensors"] = headed(self.DATA, "attachment")
        complete(server, url=f"{site.url}/a.safetensors", kind="model", assetOptions=nobodys)

    def test_what_it_is_not_leaves_nothing(self, server: RunningServer, site: Site) -> None:
        site.answers["/a.png"] = headed(b"<svg/>", "attachment")
        assert "Upload a PNG" in failed(server, url=f"{site.url}/a.png", kind="image")
        site.answers["/a.safetensors"] = headed(weights.archive({"a": b"b"}), "attachment")
        text = failed(server, url=f"{site.url}/a.safetensors", kind="model")
        assert "zip archive" in text
        assert models(server.root) == []

    def test_the_same_model_again_is_that_one_and_another_of_its_name_has_its_own(
        self, server: RunningServer, site: Site
    ) -> None:
        for path, data in (
            ("/1/a.safetensors", self.DATA),
            ("/2/a.safetensors", self.DATA),
            ("/3/a.safetensors", weights.safetensors("VAE", "another")),
        ):
            site.answers[path] = headed(data, "attachment")
            complete(server, url=f"{site.url}{path}", kind="model")
        assert models(server.root) == ["vae/a.safetensors", "vae/a_2.safetensors"]

    def test_a_place_that_the_catalog_keeps_for_another_model_is_not_taken(
        self, server: RunningServer, site: Site
    ) -> None:
        kept = {"name": "A", "file": "a.safetensors", "dest": "vae", "url": "http://other.example/"}
        server.store.catalog.add_entries("models", "vae", [kept])
        site.answers["/a.safetensors"] = headed(self.DATA, "attachment")
        complete(server, url=f"{site.url}/a.safetensors", kind="model")
        assert models(server.root) == ["vae/a_2.safetensors"]
        assert [each["file"] for each in entries(server)] == ["a.safetensors", "a_2.safetensors"]

    def test_the_senders_type_wins_and_what_cannot_be_told_is_unsorted(
        self, server: RunningServer, site: Site
    ) -> None:
        site.answers["/a.safetensors"] = headed(self.DATA, "attachment")
        url = f"{site.url}/a.safetensors"
        complete(server, url=url, kind="model", config={"type": "lora"})
        assert models(server.root) == ["loras/a.safetensors"]
        check_error(
            create(server, url=url, kind="model", config={"type": "../x"}), 400, "config.type"
        )
        unknown = weights.safetensors("VAE", "x").replace(b"coder.conv_in", b"zzzzz.zzzz_zz")
        site.answers["/b.safetensors"] = headed(unknown, "attachment")
        complete(server, url=f"{site.url}/b.safetensors", kind="model")
        assert "unsorted/b.safetensors" in models(server.root)
        (row,) = server.get("/models", params={"type": "others"}).json()["models"]
        assert row["sha256"] == sha256(unknown)

    def test_equal_ones_join_while_they_run(self, server: RunningServer, site: Site) -> None:
        go_on: list[bool] = []

        def slowly(handler: Any) -> None:
            until(lambda: bool(go_on))
            headed(self.DATA, "attachment")(handler)

        site.answers["/a.safetensors"] = slowly
        body = {"url": f"{site.url}/a.safetensors", "kind": "model"}
        with ThreadPoolExecutor(8) as pool:
            begins = [pool.submit(begun, server, **body) for _ in range(8)]
            ids = {each.result()["id"] for each in begins}
            other = begun(server, **body, config={"type": "vae"})["id"]
        go_on.append(True)
        assert len(ids) == 1
        assert other not in ids
        for each in (*ids, other):
            assert ended(server, each)["status"] == "complete"
        assert models(server.root) == ["vae/a.safetensors"]
        assert begun(server, **body)["id"] not in ids

    def test_more_than_the_setting_allows_is_not_taken(
        self, server: RunningServer, site: Site, world: World
    ) -> None:
        server.store.settings.change({"upload_limit_mb": 1})
        big = bytes(1_200_000)
        site.answers["/told"] = serving(big)
        assert "upload_limit_mb" in failed(server, url=f"{site.url}/told", kind="asset")
        version = world.version("big")
        check_error(create(server, civitaiModelUrl=f"civitai:1@{version.id}"), 413)

    def test_a_full_disk_is_told_and_cleaned_and_others_go_on(
        self, server: RunningServer, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.answers["/full"] = headed(bytes(1000), "attachment")
        site.answers["/fits"] = headed(bytes(500), "attachment")
        true = Sink.put

        def refuse(sink: Sink, piece: bytes) -> None:
            if len(piece) == 1000:
                raise OSError(errno.ENOSPC, "No space left on device")
            true(sink, piece)

        monkeypatch.setattr(Sink, "put", refuse)
        assert "disk is full" in failed(server, url=f"{site.url}/full", kind="asset")
        complete(server, url=f"{site.url}/fits", kind="asset")
        monkeypatch.undo()
        complete(server, url=f"{site.url}/full", kind="asset")

    def test_what_is_announced_and_has_no_room_is_refused_at_once(
        self, server: RunningServer, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def little(_: Any) -> Any:
            return SimpleNamespace(free=1000)

        monkeypatch.setattr("shutil.disk_usage", little)
        answer = create(server, huggingFaceModelName=world.repository("single").name)
        assert check_error(answer, 507)["free_bytes"] == 1000
        assert server.get("/uploads").json()["total"] == 0

    def test_what_is_not_there_is_told(self, server: RunningServer, site: Site) -> None:
        def gone(handler: Any) -> None:
            handler.send_response(404)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        site.answers["/gone"] = gone
        assert "nothing at this address" in failed(server, url=f"{site.url}/gone", kind="asset")

    def test_an_outage_in_the_middle_is_sat_out_longer_than_one_at_the_beginning(
        self, server: RunningServer, site: Site
    ) -> None:
        asked: list[int] = []

        def failing(begin: int) -> Any:
            def answer(handler: Any) -> None:
                asked.append(begin)
                if len(asked) == 1 and begin:
                    serving(bytes(100_000), length=begin * 100_000)(handler)
                else:
                    handler.send_response(500)
                    handler.send_header("Content-Length", "0")
                    handler.end_headers()

            return answer

        for begin, tries in ((0, 3), (2, 9)):
            asked.clear()
            site.answers["/out"] = failing(begin)
            assert "500" in failed(server, url=f"{site.url}/out", kind="asset")
            assert len(asked) == tries

    def test_an_aborted_one_leaves_nothing_and_asks_for_nothing_more(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        upstream.faults.add("/repos/", stall_after=100, times=None)
        upload_id = begun(server, huggingFaceModelName=world.repository("single").name)["id"]
        until(lambda: bool(upstream.requests(origin="huggingface_storage")))
        assert server.delete(f"/uploads/{upload_id}").status_code == 200
        assert ended(server, upload_id)["errorMessage"] == "aborted"
        until(lambda: leftovers(server.root) == [])
        with contextlib.suppress(KeyError):
            assert shown(server, upload_id)["status"] == "failed"

    def test_fetches_are_not_shown_as_transfers_of_the_catalog(
        self, server: RunningServer, upstream: Upstream, world: World
    ) -> None:
        upstream.faults.add("/repos/", stall_after=100, times=1)
        upload = begun(server, huggingFaceModelName=world.repository("single").name)
        until(lambda: bool(upstream.requests(origin="huggingface_storage")))
        kinds = [job["kind"] for job in server.get("/jobs").json()["jobs"]]
        assert kinds == ["upload"]
        assert server.store.downloads.status() == {}
        upstream.faults.clear()
        assert ended(server, upload["id"])["status"] == "complete"
