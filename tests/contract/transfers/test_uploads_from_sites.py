"""Uploads that the server fetches itself from CivitAI and Hugging Face."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.addressed_uploads import complete, create, failed, leftovers, models
from tests.answers import check_error
from tests.catalog_files import all_entries
from tests.catalogs import entries
from tests.serving import RunningServer
from tests.transferring import sha256
from tests.upstream import Upstream, World


def content(world: World, label: str, path: str) -> bytes:
    files = world.repository(label).files
    return next(each for each in files if each.path == path).content.data


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
