"""Adding a model by a pasted address, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.answers import check_error
from tests.catalogs import entries, put_file
from tests.serving import RunningServer
from tests.upstream import Upstream, World


def resolve(server: RunningServer, address: str) -> requests.Response:
    return server.post("/catalog/resolve", json={"address": address})


def add(server: RunningServer, address: str, **more: Any) -> requests.Response:
    return server.post("/catalog/add", json={"address": address, **more})


class TestCivitAI:
    def test_a_models_page_shows_its_versions_to_choose_from(
        self, server: RunningServer, world: World
    ) -> None:
        model = world.model("checkpoint")
        answer = resolve(server, f"https://civitai.com/models/{model.id}/meadow")
        assert answer.status_code == 200
        body = answer.json()
        assert (body["kind"], body["title"], body["selected"]) == ("civitai", "Meadow Mix", None)
        first = body["choices"][0]
        assert (first["version_id"], first["file"]) == (
            world.version("checkpoint").id,
            "meadow_v20_pruned_fp16.safetensors",
        )
        assert (first["dest"], first["category"], first["status"]) == (
            "checkpoints",
            "checkpoints",
            "new",
        )
        assert first["size_bytes"] == len(world.version("checkpoint").files[0].content.data)
        versions = {choice["version_id"] for choice in body["choices"]}
        assert versions == {version.id for version in model.versions}
        assert "loras" in body["folders"]

    @pytest.mark.parametrize(
        "form",
        [
            "https://civitai.com/models/{model}?modelVersionId={version}",
            "{base}/models/{model}?modelVersionId={version}",
            "https://civitai.com/api/download/models/{version}?type=Model",
            "https://civitai.com/model-versions/{version}",
            "urn:air:sdxl:lora:civitai:{model}@{version}",
            "civitai:{model}@{version}",
        ],
    )
    def test_an_address_of_a_version_is_that_version(
        self, server: RunningServer, world: World, upstream: Upstream, form: str
    ) -> None:
        version = world.version("lora_second")
        address = form.format(base=upstream.civitai, model=version.model_id, version=version.id)
        body = resolve(server, address).json()
        assert body["choices"][body["selected"]]["version_id"] == version.id
        assert add(server, address).json()["status"] == "added"
        assert entries(server)[0]["civitai_version_id"] == version.id
        assert add(server, address).json()["status"] == "already_exists"

    def test_tells_what_is_here(self, server: RunningServer, world: World) -> None:
        version = world.version("vae")
        address = f"https://civitai.com/models/{version.model_id}"
        file = add(server, address).json()["file"]
        assert resolve(server, address).json()["choices"][0]["status"] == "missing"
        put_file(server, "vae", file)
        assert resolve(server, address).json()["choices"][0]["status"] == "present"

    def test_of_several_versions_asks_which(self, server: RunningServer, world: World) -> None:
        model = world.model("lora")
        address = f"https://civitai.com/models/{model.id}"
        body = check_error(add(server, address), 422, "version_id")
        assert len(body["choices"]) == 2
        added = add(server, address, version_id=model.versions[1].id).json()
        assert added["file"] == model.versions[1].files[0].name

    def test_of_what_has_no_folder_asks_for_it(self, server: RunningServer, world: World) -> None:
        address = f"https://civitai.com/models/{world.model('workflows').id}"
        assert resolve(server, address).json()["choices"][0]["dest"] is None
        check_error(add(server, address), 422, "dest")
        assert add(server, address, dest="configs").json()["dest"] == "configs"

    def test_of_what_is_not_for_download_tells_why(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("restricted")
        address = f"https://civitai.com/models/{version.model_id}?modelVersionId={version.id}"
        assert add(server, address).json()["status"] == "restricted"

    def test_nobody_knows_is_unknown(self, server: RunningServer) -> None:
        check_error(resolve(server, "https://civitai.com/models/99999999"), 404)
        check_error(add(server, "https://civitai.com/model-versions/99999999"), 404)


class TestHuggingFace:
    def test_a_repository_with_one_model_is_that_one(
        self, server: RunningServer, world: World
    ) -> None:
        repository = world.repository("single")
        for address in (repository.name, f"https://huggingface.co/{repository.name}"):
            body = resolve(server, address).json()
            assert (body["kind"], body["title"]) == ("huggingface", repository.name)
            assert [choice["path"] for choice in body["choices"]] == ["lora.safetensors"]
            assert (body["selected"], body["choices"][0]["dest"]) == (0, None)
        body = check_error(add(server, repository.name), 422, "dest")
        assert "loras" in body["folders"]
        answer = add(server, repository.name, dest="loras/mine").json()
        assert answer == {
            "status": "added",
            "file": "lora.safetensors",
            "name": "lora [single-lora]",
            "dest": "loras/mine",
            "category": "loras",
        }
        entry = entries(server)[0]
        file = next(each for each in repository.files if each.path == "lora.safetensors")
        expected = {
            "source": "huggingface",
            "hf_repo": repository.name,
            "hf_file": "lora.safetensors",
            "hash": file.content.sha256,
        }
        assert {key: entry[key] for key in expected} == expected
        assert round(entry["size_gb"] * 1e9) == len(file.content.data)
        again = add(server, repository.name, dest="loras/mine").json()
        assert again == {"status": "already_exists", "file": "lora.safetensors"}

    @pytest.mark.parametrize("form", ["resolve", "blob"])
    def test_a_files_address_is_that_file_and_its_folder_says_where(
        self, server: RunningServer, world: World, upstream: Upstream, form: str
    ) -> None:
        name = world.repository("several").name
        address = f"{upstream.huggingface}/{name}/{form}/main/vae/vae.safetensors?download=true"
        body = resolve(server, address).json()
        assert [choice["dest"] for choice in body["choices"]] == ["vae"]
        assert add(server, address).json()["dest"] == "vae"

    def test_of_several_models_asks_which(self, server: RunningServer, world: World) -> None:
        name = world.repository("several").name
        assert len(resolve(server, name).json()["choices"]) == 3
        body = check_error(add(server, name), 422, "path")
        path = body["choices"][0]["path"]
        assert add(server, name, path=path, dest="loras").json()["status"] == "added"
        folder = f"https://huggingface.co/{name}/tree/main/fp32"
        assert [each["path"] for each in resolve(server, folder).json()["choices"]] == [
            "fp32/model.safetensors"
        ]

    def test_two_files_with_one_name_are_kept_apart(
        self, server: RunningServer, world: World
    ) -> None:
        name = world.repository("several").name
        files = [
            add(server, name, path=f"{fp}/model.safetensors", dest="loras").json()["file"]
            for fp in ("fp16", "fp32", "fp16")
        ]
        assert len(set(files)) == 2
        assert files[0] == files[2]

    def test_without_models_is_impossible(self, server: RunningServer, world: World) -> None:
        check_error(resolve(server, world.repository("no_model").name), 422, "address")

    def test_that_is_gated_says_what_to_do(self, server: RunningServer, world: World) -> None:
        name = world.repository("gated").name
        check_error(add(server, name, path="model.safetensors"), 400, "huggingface_token")

    def test_files_that_are_not_there_are_unknown(
        self, server: RunningServer, world: World
    ) -> None:
        name = world.repository("single").name
        check_error(add(server, name, path="none.safetensors", dest="loras"), 404)


class TestAddresses:
    ADDRESS = "https://example.org/files/My%20Model.safetensors?token=made-up&v=2"

    def test_are_added_without_their_keys(self, server: RunningServer) -> None:
        body = resolve(server, self.ADDRESS).json()
        assert (body["kind"], body["choices"][0]["file"]) == ("url", "My Model.safetensors")
        check_error(add(server, self.ADDRESS), 422, "dest")
        answer = add(server, self.ADDRESS, dest="vae").json()
        assert (answer["status"], answer["category"]) == ("added", "vae")
        entry = entries(server)[0]
        assert entry["url"] == "https://example.org/files/My%20Model.safetensors?v=2"
        assert "made-up" not in server.get("/models").text
        again = add(server, self.ADDRESS, dest="vae").json()
        assert again == {"status": "already_exists", "file": "My Model.safetensors"}

    def test_at_once_make_one_entry(self, server: RunningServer) -> None:
        def post(_: int) -> str:
            return add(server, self.ADDRESS, dest="vae").json()["status"]

        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(post, range(8)))
        assert statuses == ["added"] + ["already_exists"] * 7
        assert len(entries(server)) == 1

    def test_of_another_file_with_that_name_get_their_own(self, server: RunningServer) -> None:
        add(server, self.ADDRESS, dest="vae")
        other = add(server, "https://example.com/My%20Model.safetensors", dest="vae").json()
        assert other["status"] == "added"
        assert other["file"] != "My Model.safetensors"

    def test_go_to_the_category_where_a_person_keeps_such(self, server: RunningServer) -> None:
        known = {"name": "A", "file": "a.pt", "dest": "vae"}
        server.store.catalog.add_entries("models", "my_vaes", [known])
        assert add(server, self.ADDRESS, dest="vae").json()["category"] == "my_vaes"

    @pytest.mark.parametrize(
        "address",
        [
            "file:///etc/passwd",
            "ftp://example.org/a.pt",
            "https://example.org/",
            "nonsense",
            "https://",
            "https://civitai.com/images/5",
            "https://huggingface.co/datasets/a/b",
            "https://[broken/a.pt",
        ],
    )
    def test_that_name_no_model_are_bad_input(self, server: RunningServer, address: str) -> None:
        check_error(resolve(server, address), 400, "address")
        check_error(add(server, address, dest="vae"), 400, "address")

    @pytest.mark.parametrize("dest", ["../x", "/etc", "a/../b"])
    def test_into_a_folder_that_leads_out_are_refused(
        self, server: RunningServer, dest: str
    ) -> None:
        check_error(add(server, self.ADDRESS, dest=dest), 400, "dest")
        assert entries(server) == []

    def test_of_hostile_names_get_plain_ones(self, server: RunningServer) -> None:
        answer = add(server, "https://example.org/..%2f..%2fCON.pt", dest="vae").json()
        assert answer["file"] == "_CON.pt"

    def test_while_the_catalog_is_broken_are_refused(self, server: RunningServer) -> None:
        (server.store.host.data / "models.json").write_text("{")
        check_error(add(server, self.ADDRESS, dest="vae"), 409)

    def test_that_are_missing_are_bad_input(self, server: RunningServer) -> None:
        check_error(server.post("/catalog/resolve", json={}), 400, "address")
