"""Uploads that the server fetches itself: from CivitAI, Hugging Face, and any address."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.transfer_parts import Sink
from comfyui_curator.store.transfer_patience import Patience
from tests.addressed_uploads import begun, complete, create, ended, failed, leftovers, models, shown
from tests.catalogs import all_entries, check_error, entries
from tests.serving import RunningServer
from tests.sites import Site, listening
from tests.transferring import serving, sha256, until
from tests.upstream import Upstream, World, films, pictures, weights


@pytest.fixture
def options(options: Options) -> Options:
    return replace(options, overrides={"allow_private_addresses": True})


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root", options) as running:
        running.store.transfers.patience = Patience(tries=2, first=0.01, longest=0.05)
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    with listening() as site:
        yield site


def content(world: World, label: str, path: str) -> bytes:
    files = world.repository(label).files
    return next(each for each in files if each.path == path).content.data


def headed(data: bytes, disposition: str) -> Any:
    """An answer with a name for the file."""

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Disposition", disposition)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


class TestHuggingFace:
    def test_a_repository_with_one_model_lands_verified_in_its_folder(
        self, server: RunningServer, world: World
    ) -> None:
        name = world.repository("single").name
        upload = complete(server, huggingFaceModelName=name)
        data = content(world, "single", "lora.safetensors")
        assert (upload["source"], upload["provider"]) == ("huggingface", "huggingface")
        assert (upload["kind"], upload["fileName"]) == ("model", "lora.safetensors")
        assert upload["entityId"] == sha256(data)
        assert models(server.root) == ["loras/lora.safetensors"]
        assert (server.root / "models/loras/lora.safetensors").read_bytes() == data
        assert leftovers(server.root) == []
        (entry,) = entries(server)
        assert (entry["hf_repo"], entry["hf_file"], entry["dest"]) == (
            name,
            "lora.safetensors",
            "loras",
        )
        record = server.store.records.get(sha256(data))
        assert record is not None
        assert (record["type"], record["size_bytes"]) == ("loras", len(data))
        (row,) = server.get("/models", params={"type": "loras"}).json()["models"]
        assert (row["sha256"], row["status"]) == (sha256(data), "present")
        assert Path(row["path"]) == server.root / "models" / "loras" / "lora.safetensors"
        (listed,) = all_entries(server.get("/models").json())
        assert listed["status"] == "present"

    @pytest.mark.parametrize(
        ("form", "path"),
        [
            ("{name}/fp16/model.safetensors", "fp16/model.safetensors"),
            ("{name}@v1.0/fp32/model.safetensors", "fp32/model.safetensors"),
            ("{name}/vae", "vae/vae.safetensors"),
            ("{base}/{name}/tree/main/vae", "vae/vae.safetensors"),
            ("{base}/{name}/blob/v1.0/fp16/model.safetensors", "fp16/model.safetensors"),
            ("https://huggingface.co/{name}/tree/{commit}/fp32", "fp32/model.safetensors"),
        ],
    )
    def test_a_revision_a_folder_and_one_file_are_understood(
        self, server: RunningServer, world: World, upstream: Upstream, form: str, path: str
    ) -> None:
        several = world.repository("several")
        address = form.format(name=several.name, base=upstream.huggingface, commit=several.commit)
        upload = complete(server, huggingFaceModelName=address)
        assert upload["entityId"] == sha256(content(world, "several", path))

    @pytest.mark.parametrize(
        ("label", "count", "says"),
        [("several", 3, "several models"), ("diffusers", 3, "diffusers repository")],
    )
    def test_several_models_are_a_list_to_pick_from(
        self, server: RunningServer, world: World, label: str, count: int, says: str
    ) -> None:
        answer = create(server, huggingFaceModelName=world.repository(label).name)
        body = check_error(answer, 422, "huggingFaceModelName")
        assert says in body["error"]
        assert len(body["choices"]) == count
        assert server.get("/uploads").json()["total"] == 0
        picked = body["choices"][1]
        upload = complete(server, huggingFaceModelName=picked["huggingFaceModelName"])
        assert upload["entityId"] == sha256(content(world, label, picked["path"]))

    def test_without_a_model_is_impossible(self, server: RunningServer, world: World) -> None:
        for label, says in (("no_model", "no file of a model"), ("pickled", "allow_pickles")):
            answer = create(server, huggingFaceModelName=world.repository(label).name)
            assert says in check_error(answer, 422, "huggingFaceModelName")["error"]

    def test_gated_ones_say_which_token_is_missing_and_where_the_terms_are(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        name = world.repository("gated").name
        page = f"{upstream.huggingface}/{name}"
        error = check_error(create(server, huggingFaceModelName=name), 400, "huggingface_token")
        assert "make a token" in error["error"]
        assert page in error["error"]
        server.store.settings.change({"huggingface_token": world.huggingface_outsider})
        error = check_error(create(server, huggingFaceModelName=name), 400, "huggingface_token")
        assert f"Accept its terms at {page}" in error["error"]
        server.store.settings.change({"huggingface_token": world.huggingface_token})
        complete(server, huggingFaceModelName=name)
        shown_to = {each.origin for each in upstream.requests() if each.header("Authorization")}
        assert shown_to == {"huggingface"}

    @pytest.mark.parametrize(
        ("address", "status", "field"),
        [
            ("mossgarden/nothing", 400, "huggingface_token"),
            ("mossgarden/single-lora@v9", 404, None),
            ("mossgarden/single-lora/none.safetensors", 404, None),
            ("mossgarden/single-lora/nowhere", 404, "huggingFaceModelName"),
            ("https://civitai.com/models/5", 400, "huggingFaceModelName"),
            ("../..", 400, "huggingFaceModelName"),
            ("mossgarden/single-lora/../../api/whoami", 400, "huggingFaceModelName"),
        ],
    )
    def test_what_is_not_there_is_told_at_once(
        self, server: RunningServer, address: str, status: int, field: str | None
    ) -> None:
        check_error(create(server, huggingFaceModelName=address), status, field)
        assert server.get("/uploads").json()["total"] == 0

    def test_other_kinds_are_fetched_by_their_path(
        self, server: RunningServer, world: World
    ) -> None:
        name = world.repository("single").name
        complete(server, huggingFaceModelName=f"{name}/README.md", kind="text")
        lies = server.root / "assets" / "text" / "README.md"
        assert lies.read_bytes() == content(world, "single", "README.md")

    def test_bytes_that_are_not_the_announced_ones_are_thrown_away(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/repos/", corrupt=True, times=None)
        text = failed(server, huggingFaceModelName=world.repository("single").name)
        assert "announced" in text
        assert models(server.root) == []
        assert entries(server) == []


class TestCivitAI:
    @pytest.mark.parametrize(
        "form",
        [
            "https://civitai.com/models/{model}?modelVersionId={version}",
            "https://civitai.red/models/{model}/name?modelVersionId={version}",
            "https://www.civitai.green/models/{model}?modelVersionId={version}",
            "{base}/api/download/models/{version}?type=Model&format=SafeTensor",
            "urn:air:sdxl:lora:civitai:{model}@{version}",
        ],
    )
    def test_every_address_of_a_version_is_that_version(
        self, server: RunningServer, world: World, upstream: Upstream, form: str
    ) -> None:
        version = world.version("lora_second")
        address = form.format(base=upstream.civitai, model=version.model_id, version=version.id)
        upload = complete(server, civitaiModelUrl=address)
        file = version.files[0]
        assert (upload["source"], upload["provider"]) == ("civitai", "civitai")
        assert upload["entityId"] == file.content.sha256
        assert models(server.root) == [f"loras/{file.name}"]
        (entry,) = entries(server)
        assert (entry["civitai_version_id"], entry["hash"]) == (version.id, file.content.sha256)
        record = server.store.records.get(file.content.sha256)
        assert record is not None
        assert [each["text"] for each in record["trigger_words"]] == list(version.words)
        assert record["base_model"] == version.base_model
        assert (
            server.get("/models/civitai-map").json()["by_version"][str(version.id)]["status"]
            == "present"
        )

    def test_a_models_page_is_the_version_that_it_shows(
        self, server: RunningServer, world: World
    ) -> None:
        model = world.model("checkpoint")
        upload = complete(server, civitaiModelUrl=f"https://civitai.com/models/{model.id}")
        assert upload["entityId"] == model.versions[0].files[0].content.sha256

    def test_a_downloads_address_names_its_file(self, server: RunningServer, world: World) -> None:
        version = world.version("checkpoint")
        address = (
            f"https://civitai.com/api/download/models/{version.id}"
            "?type=Model&format=SafeTensor&size=full&fp=fp32"
        )
        upload = complete(server, civitaiModelUrl=address)
        assert upload["fileName"] == "meadow_v20_full_fp32.safetensors"
        assert models(server.root) == ["checkpoints/meadow_v20_full_fp32.safetensors"]

    def test_what_the_catalog_waits_for_gets_its_place(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("lora")
        server.post(f"/civitai/add/{version.id}", params={"dest": "loras/mine"})
        complete(server, civitaiModelUrl=f"civitai:{version.model_id}@{version.id}")
        assert models(server.root) == [f"loras/mine/{version.files[0].name}"]
        assert len(entries(server)) == 1

    @pytest.mark.parametrize(
        ("label", "status", "field", "says"),
        [
            ("restricted", 422, "civitaiModelUrl", "Generation only"),
            ("no_files", 422, None, "no file"),
            ("training_data", 422, None, "no file"),
            ("missing_file", 404, None, "no model version"),
            ("workflows", 422, "civitaiModelUrl", "no model"),
            ("removed", 404, None, "no model version"),
        ],
    )
    def test_what_cannot_be_had_is_told_at_once(
        self,
        server: RunningServer,
        world: World,
        label: str,
        status: int,
        field: str | None,
        says: str,
    ) -> None:
        address = f"https://civitai.com/model-versions/{world.version(label).id}"
        answer = create(server, civitaiModelUrl=address)
        assert says in check_error(answer, status, field)["error"]

    def test_one_that_wants_a_login_names_the_key(
        self, server: RunningServer, world: World
    ) -> None:
        address = f"https://civitai.com/model-versions/{world.version('gated').id}"
        assert "with a key" in failed(server, civitaiModelUrl=address)
        server.store.settings.change({"civitai_key": world.civitai_key})
        complete(server, civitaiModelUrl=address)

    def test_bytes_that_are_not_the_announced_ones_are_thrown_away(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/model/", origin="storage", corrupt=True, times=None)
        version = world.version("lora")
        assert "announced" in failed(server, civitaiModelUrl=f"civitai:1@{version.id}")
        assert models(server.root) == []

    def test_another_page_is_no_address_of_a_model(self, server: RunningServer) -> None:
        for address in ("https://civitai.com/images/5", "mossgarden/single-lora", "nonsense"):
            check_error(create(server, civitaiModelUrl=address), 400, "civitaiModelUrl")


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
