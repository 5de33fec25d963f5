"""Models of CivitAI added to the catalog over HTTP, by many at once and when CivitAI fails."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
import requests

from comfyui_curator.store.names import is_safe_name
from tests.answers import check_error
from tests.catalogs import ENTRY, add, entries, in_map, put_file, stored
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.upstream.specs import HOSTILE_NAMES
from tests.waiting import until


def add_at_once(server: RunningServer, version_ids: list[int]) -> list[requests.Response]:
    def post(version_id: int) -> requests.Response:
        return requests.post(f"{server.api}/civitai/add/{version_id}", json={}, timeout=60)

    with ThreadPoolExecutor(len(version_ids)) as pool:
        return list(pool.map(post, version_ids))


class TestAdding:
    def test_gives_the_entry_all_that_civitai_says(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("lora")
        file = version.files[0]
        answer = add(server, version.id)
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "added",
            "file": file.name,
            "name": "Lantern Glow v1.0 [Illustrious FP16]",
            "category": "loras",
            "dest": "loras",
        }
        entry = entries(server)[0]
        expected = {
            "name": "Lantern Glow v1.0 [Illustrious FP16]",
            "file": file.name,
            "dest": "loras",
            "source": "civitai",
            "civitai_version_id": version.id,
            "civitai_model_id": version.model_id,
            "civitai_file_id": file.id,
            "civitai_model_name": "Lantern Glow",
            "civitai_version": "v1.0",
            "civitai_base_model": "Illustrious",
            "civitai_type": "LORA",
            "civitai_tags": ["style", "lighting", "lantern"],
            "civitai_fp": "fp16",
            "trainedWords": ["lantern glow", "warm light"],
            "base_model": "Illustrious",
            "hash": file.content.sha256.lower(),
        }
        assert {key: entry[key] for key in expected} == expected
        assert round(entry["size_gb"] * 1e9) == len(file.content.data)

    def test_needs_no_body_at_all(self, server: RunningServer, world: World) -> None:
        answer = server.post(f"/civitai/add/{world.version('vae').id}")
        assert answer.json()["status"] == "added"

    def test_again_changes_nothing(self, server: RunningServer, world: World) -> None:
        version = world.version("lora")
        add(server, version.id)
        before = stored(server)
        answer = add(server, version.id)
        assert answer.status_code == 200
        assert answer.json() == {"status": "already_exists", "file": version.files[0].name}
        assert stored(server) == before

    def test_again_answers_though_civitai_is_down_or_has_removed_it(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        version = world.version("lora")
        add(server, version.id)
        upstream.faults.add("/model-versions/", status=500, times=None)
        assert add(server, version.id).json()["status"] == "already_exists"

    def test_64_times_at_once_makes_one_entry(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        version = world.version("lora")
        answers = add_at_once(server, [version.id] * 64)
        assert [answer.status_code for answer in answers] == [200] * 64
        statuses = [answer.json()["status"] for answer in answers]
        assert sorted(statuses) == ["added"] + ["already_exists"] * 63
        assert len(entries(server)) == 1
        assert stored(server)["version"] == 1
        assert len(upstream.requests("/api/v1/model-versions/")) == 1

    def test_different_ones_at_once_keeps_all(self, server: RunningServer, world: World) -> None:
        labels = ["lora", "lora_second", "locon", "dora", "vae", "embedding", "checkpoint", "low"]
        ids = [world.version(label).id for label in labels]
        add_at_once(server, ids)
        assert sorted(entry["civitai_version_id"] for entry in entries(server)) == sorted(ids)
        assert stored(server)["version"] == len(ids)

    def test_of_many_that_wait_for_civitai_lets_the_lists_through(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        version = world.version("lora")
        upstream.faults.add("/api/v1/model-versions/", delay=600, times=None)
        with ThreadPoolExecutor(40) as pool:
            waiting = [
                pool.submit(requests.post, f"{server.api}/civitai/add/{version.id}", timeout=60)
                for _ in range(40)
            ]
            try:
                while not upstream.requests("/api/v1/model-versions/"):
                    time.sleep(0.01)
                assert server.get("/models", timeout=20).status_code == 200
                assert not any(each.done() for each in waiting)
            finally:
                upstream.faults.clear()
            statuses = [each.result().json()["status"] for each in waiting]
        assert sorted(statuses) == ["added"] + ["already_exists"] * 39

    @pytest.mark.parametrize(
        "label,category,dest",
        [
            ("checkpoint", "checkpoints", "checkpoints"),
            ("checkpoint_flux", "diffusion_models", "diffusion_models"),
            ("checkpoint_wan", "diffusion_models", "diffusion_models"),
            ("locon", "loras", "loras"),
            ("dora", "loras", "loras"),
            ("lora_flux", "loras", "loras"),
            ("vae", "vae", "vae"),
            ("embedding", "embeddings", "embeddings"),
            ("controlnet", "controlnet", "controlnet"),
            ("upscaler", "upscalers", "upscale_models"),
        ],
    )
    def test_files_it_by_its_type(
        self, server: RunningServer, world: World, label: str, category: str, dest: str
    ) -> None:
        label = {"lora_flux": "same_name"}.get(label, label)
        answer = add(server, world.version(label).id).json()
        assert (answer["category"], answer["dest"]) == (category, dest)
        assert stored(server)["categories"][0]["id"] == category

    def test_of_what_is_no_model_asks_for_the_folder(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("workflows")
        check_error(add(server, version.id), 422, "dest")
        assert entries(server) == []
        answer = add(server, version.id, "?dest=workflows/two").json()
        assert (answer["status"], answer["dest"]) == ("added", "workflows/two")

    @pytest.mark.parametrize("dest", ["../../x", "/etc", "loras/..", "C:\\x", "a%00b"])
    def test_into_a_folder_that_leads_out_is_refused(
        self, server: RunningServer, world: World, dest: str
    ) -> None:
        answer = add(server, world.version("lora").id, f"?dest={dest}")
        check_error(answer, 400, "dest")
        assert entries(server) == []

    def test_takes_the_file_that_is_asked_for_beside_the_primary_one(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("checkpoint")
        primary, other = version.files[0], version.files[2]
        assert add(server, version.id, f"?file_id={other.id}").json()["file"] == other.name
        assert add(server, version.id).json()["file"] == primary.name
        for query, name in ((f"?file_id={other.id}", other.name), ("", primary.name)):
            again = add(server, version.id, query).json()
            assert again == {"status": "already_exists", "file": name}
        shown = server.get("/models/civitai-map").json()["by_version"][str(version.id)]
        assert [each["file"] for each in shown["files"]] == [other.name, primary.name]
        put_file(server, "checkpoints", primary.name)
        until(lambda: in_map(server, version.id)["status"] == "present")
        assert in_map(server, version.id)["file"] == primary.name

    @pytest.mark.parametrize("file_id,status", [("1", 404), ("x", 400), ("-1", 400), ("", 400)])
    def test_of_a_file_that_the_version_does_not_have_is_an_error(
        self, server: RunningServer, world: World, file_id: str, status: int
    ) -> None:
        answer = add(server, world.version("lora").id, f"?file_id={file_id}")
        check_error(answer, status, "file_id")
        assert entries(server) == []

    def test_finds_it_in_either_catalog(self, server: RunningServer, world: World) -> None:
        version = world.version("lora")
        known = {**ENTRY, "civitai_version_id": version.id, "civitai_file_id": version.files[0].id}
        server.store.catalog.add_entries("loras", "sdxl_loras", [known])
        answer = add(server, version.id).json()
        assert answer == {"status": "already_exists", "file": "a.safetensors"}
        assert entries(server) == []

    def test_finds_it_where_a_person_has_just_written_it(
        self, server: RunningServer, world: World
    ) -> None:
        version = world.version("lora")
        known = {**ENTRY, "civitai_version_id": version.id}
        catalog = {"categories": [{"id": "sdxl_loras", "name": "SDXL", "models": [known]}]}
        (server.store.host.data / "loras.json").write_text(json.dumps(catalog))
        answer = add(server, version.id).json()
        assert answer == {"status": "already_exists", "file": "a.safetensors"}
        assert entries(server) == []

    def test_of_another_version_with_the_same_file_name_gives_it_its_own(
        self, server: RunningServer, world: World
    ) -> None:
        one, two = world.version("same_name"), world.version("same_name_twin")
        assert add(server, one.id).json()["file"] == "v1.safetensors"
        answer = add(server, two.id).json()
        assert (answer["status"], answer["file"]) == ("added", f"v1_{two.id}.safetensors")
        assert add(server, two.id).json() == {
            "status": "already_exists",
            "file": f"v1_{two.id}.safetensors",
        }
        assert [entry["file"] for entry in entries(server)] == [
            "v1.safetensors",
            f"v1_{two.id}.safetensors",
        ]

    def test_takes_a_name_as_taken_that_differs_in_case_only(
        self, server: RunningServer, world: World
    ) -> None:
        known = {**ENTRY, "file": "V1.SafeTensors"}
        server.store.catalog.add_entries("loras", "wan_loras", [known])
        version = world.version("same_name")
        assert add(server, version.id).json()["file"] == f"v1_{version.id}.safetensors"

    def test_of_the_same_file_name_into_another_folder_keeps_the_name(
        self, server: RunningServer, world: World
    ) -> None:
        add(server, world.version("same_name").id)
        answer = add(server, world.version("same_name_twin").id, "?dest=loras/wan").json()
        assert (answer["file"], answer["dest"]) == ("v1.safetensors", "loras/wan")

    @pytest.mark.parametrize("label", ["restricted", "restricted_internal"])
    def test_of_what_is_not_for_download_tells_why(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        for _ in range(2):
            answer = add(server, world.version(label).id)
            assert answer.status_code == 200
            assert answer.json()["status"] == "restricted"
            assert answer.json()["reason"]
        assert entries(server) == []

    @pytest.mark.parametrize("label", ["no_files", "training_data"])
    def test_of_a_version_without_usable_file_is_impossible(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        check_error(add(server, world.version(label).id), 422)
        assert entries(server) == []

    def test_of_a_file_that_is_not_marked_primary_works(
        self, server: RunningServer, world: World
    ) -> None:
        answer = add(server, world.version("no_primary").id).json()
        assert answer["file"] == "unmarked.safetensors"

    @pytest.mark.parametrize("label", HOSTILE_NAMES)
    def test_of_a_hostile_file_name_makes_a_plain_one(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        version = world.version(label)
        answer = add(server, version.id).json()
        assert answer["status"] == "added"
        assert is_safe_name(answer["file"])
        assert answer["file"].endswith(".safetensors")
        assert add(server, version.id).json()["file"] == answer["file"]
        removed = server.delete(f"/models/{quote(answer['file'], safe='')}/catalog")
        assert removed.json() == {"status": "removed", "file": answer["file"]}

    def test_of_names_that_become_the_same_keeps_them_apart(
        self, server: RunningServer, world: World
    ) -> None:
        labels = ["hostile_dots", "hostile_backslash", "hostile_absolute"]
        names = [add(server, world.version(label).id).json()["file"] for label in labels]
        assert len({name.casefold() for name in names}) == 3

    @pytest.mark.parametrize(
        "fault,status,field",
        [
            ({"status": 404, "json": {"error": "Model not found"}}, 404, None),
            ({"status": 410}, 404, None),
            ({"status": 401}, 400, "civitai_key"),
            ({"status": 403}, 400, "civitai_key"),
            ({"status": 500}, 502, None),
            ({"html": True}, 502, None),
            ({"json": ["a", "list"]}, 502, None),
            ({"body": "{broken"}, 502, None),
            ({"cut": 20}, 502, None),
            ({"drop": True}, 502, None),
            ({"status": 429, "retry_after": 60}, 503, None),
            ({"status": 503, "retry_after": 11}, 503, None),
        ],
    )
    def test_passes_on_what_upstream_says_and_works_afterwards(
        self,
        server: RunningServer,
        world: World,
        upstream: Upstream,
        fault: dict[str, Any],
        status: int,
        field: str | None,
    ) -> None:
        version = world.version("lora")
        upstream.faults.add("/api/v1/model-versions/", times=None, **fault)
        answer = add(server, version.id)
        check_error(answer, status, field)
        assert ("Retry-After" in answer.headers) == (status == 503)
        assert entries(server) == []
        upstream.faults.clear()
        if status != 404:
            assert add(server, version.id).json()["status"] == "added"

    def test_waits_for_a_short_retry_after(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        fault = upstream.faults.add("/api/v1/model-versions/", status=503, retry_after=1)
        assert add(server, world.version("lora").id).json()["status"] == "added"
        assert fault.hits == 1

    def test_does_without_tags_when_the_model_cannot_be_asked(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/api/v1/models/", status=500, times=None)
        assert add(server, world.version("lora").id).json()["status"] == "added"
        assert entries(server)[0]["civitai_tags"] == []

    def test_of_a_version_that_nobody_knows_is_unknown(self, server: RunningServer) -> None:
        check_error(add(server, 999_999_999), 404)

    @pytest.mark.parametrize("version_id", ["abc", "-1", "1.5", str(2**63)])
    def test_of_what_is_no_id_is_bad_input(self, server: RunningServer, version_id: str) -> None:
        check_error(server.post(f"/civitai/add/{version_id}", json={}), 400, "version_id")

    def test_is_refused_while_the_file_is_broken_which_stays_as_it_is(
        self, server: RunningServer, world: World
    ) -> None:
        add(server, world.version("vae").id)
        path = server.store.host.data / "models.json"
        path.write_text('{"categories": [],\n  "version" 3}')
        body = check_error(add(server, world.version("lora").id), 409)
        assert (body["file"], body["line"], body["column"]) == ("models.json", 2, 13)
        assert path.read_text() == '{"categories": [],\n  "version" 3}'
        shown = server.get("/models").json()
        assert shown["stats"]["total_count"] == 1
        path.write_text('{"categories": []}')
        assert add(server, world.version("lora").id).json()["status"] == "added"

    def test_never_shows_the_key_and_never_stores_it(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        key = "made-up-key-for-this-test"
        server.ask("PATCH", "/settings", json={"civitai_key": key})
        add(server, world.version("lora").id)
        asked = upstream.requests("/api/v1/model-versions/")
        assert asked
        assert asked[0].header("Authorization") == f"Bearer {key}"
        assert key not in (server.store.host.data / "models.json").read_text("utf-8")
        for path in ("/models", "/models/civitai-map"):
            assert key not in server.get(path).text
