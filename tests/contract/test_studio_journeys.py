"""What ComfyUI Studio's browser extension and pages do, call by call, as they do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from comfyui_curator.store import Options
from tests.catalog_files import EXAMPLE, all_entries
from tests.serving import RunningServer
from tests.upstream import Upstream, World
from tests.waiting import until

KEY = "made-up-key-of-the-door"


@pytest.fixture
def server(tmp_path: Path, upstream: Upstream) -> Iterator[RunningServer]:
    options = Options(
        upstream.civitai,
        upstream.civitai_images,
        upstream.huggingface,
        key=KEY,
        overrides={"require_key": True, "civitai_key": World.civitai_key, "system_trash": False},
    )
    with RunningServer(tmp_path / "root", options) as running:
        yield running


class Extension:
    """The client of studio.md §9: what is not 2xx with JSON is an error to it."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def get(self, path: str) -> Any:
        answer = self._server.session.get(
            self._server.url + path, headers={"X-API-Key": KEY}, timeout=30
        )
        return self._read(answer)

    def post(self, path: str, body: Any = None) -> Any:
        headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
        answer = self._server.session.post(
            self._server.url + path, headers=headers, data=json.dumps(body or {}), timeout=30
        )
        return self._read(answer)

    def _read(self, answer: Any) -> Any:
        assert 200 <= answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture
def extension(server: RunningServer) -> Extension:
    return Extension(server)


def test_the_extension_starts(extension: Extension, server: RunningServer) -> None:
    health = extension.get("/api/health")
    assert health["authenticated"] is True
    assert health["app_version"]
    assert "pod_id" in health
    without = server.session.get(f"{server.url}/api/health", timeout=30)
    assert (without.status_code, without.json()["authenticated"]) == (200, False)
    assert extension.get("/api/admin/models/civitai-map") == {"by_version": {}, "by_model": {}}


def test_on_a_models_page_a_version_is_added_fetched_and_there(
    extension: Extension, world: World, server: RunningServer
) -> None:
    version = world.version("lora")
    found = extension.get("/api/admin/models/civitai-map")
    assert str(version.id) not in found["by_version"]
    added = extension.post(f"/api/admin/civitai/add/{version.id}")
    assert (added["status"], added["file"]) == ("added", version.files[0].name)
    assert added["name"].startswith("Lantern Glow")
    extension.post(f"/api/admin/models/download/{quote(added['file'], safe='')}")
    seen: set[str] = set()

    def is_present() -> bool:
        shown = extension.get("/api/admin/models/civitai-map")["by_version"][str(version.id)]
        seen.add(shown["status"])
        return shown["status"] == "present"

    until(is_present)
    assert seen <= {"queued", "downloading", "present"}, "it never looks lost in between"
    shown = extension.get("/api/admin/models/civitai-map")
    assert shown["by_model"][str(version.model_id)] == [version.id]
    data = version.files[0].content.data
    path = server.store.host.models / "loras" / added["file"]
    assert path.read_bytes() == data
    again = extension.post(f"/api/admin/civitai/add/{version.id}")
    assert again == {"status": "already_exists", "file": added["file"]}
    extension.post(f"/api/admin/models/download/{quote(added['file'], safe='')}")


def test_on_a_models_page_a_restricted_version_says_why(extension: Extension, world: World) -> None:
    answer = extension.post(f"/api/admin/civitai/add/{world.version('restricted').id}")
    assert answer["status"] == "restricted"
    assert answer["reason"]


def test_on_a_pictures_page_its_resources_are_added_and_the_picture_kept(
    extension: Extension, world: World
) -> None:
    image = world.image("a1111_png")
    path = f"/api/admin/civitai/image/{image.id}"
    shown = extension.get(path)
    assert shown["detected_type"] == "t2i"
    read = "modelType versionId catalog_status catalog_file strength modelName versionName".split()
    assert set(read) <= shown["resources"][0].keys()
    assert {"prompt", "negativePrompt", "steps", "sampler", "cfgScale", "seed"} <= shown[
        "meta"
    ].keys()
    read = "civitai_version_id catalog_status name type weight civitai_model_name hash source"
    assert set(read.split()) <= shown["detected_deps"][0].keys()
    for resource in shown["resources"]:
        file = extension.post(f"/api/admin/civitai/add/{resource['versionId']}")["file"]
        extension.post(f"/api/admin/models/download/{quote(file, safe='')}")
    until(
        lambda: {each["catalog_status"] for each in extension.get(path)["resources"]} == {"present"}
    )
    extension.post(f"/api/admin/loras/gallery/download-single/{image.id}")
    extension.post(f"/api/admin/loras/gallery/download-single/{image.id}")


def test_the_page_of_models_fetches_deletes_imports_and_refreshes(
    extension: Extension, server: RunningServer, world: World
) -> None:
    def page() -> dict[str, dict[str, Any]]:
        shown = extension.get("/api/admin/models")
        return {item["file"]: item for item in all_entries(shown)}

    def status(file: str) -> Callable[[], bool]:
        return lambda: page()[file]["status"] == "present"

    def ask(method: str, path: str, **how: Any) -> Any:
        return server.ask(method, path, headers={"X-API-Key": KEY}, **how)

    one = extension.post(f"/api/admin/civitai/add/{world.version('vae').id}")["file"]
    two = extension.post(f"/api/admin/civitai/add/{world.version('locon').id}")["file"]
    assert extension.post(f"/api/admin/models/download/{one}")["file"] == one
    batch = extension.post(
        "/api/admin/models/download-batch", {"filenames": [two, "unknown.safetensors"]}
    )
    assert batch == {"queued": [two], "skipped": ["unknown.safetensors"]}
    until(status(one))
    until(status(two))
    assert page()[one]["progress"] == 100.0
    assert extension.get("/api/admin/models")["stats"]["present_count"] == 2

    assert ask("DELETE", f"/models/{one}/catalog").status_code == 409
    assert ask("DELETE", f"/models/{one}").json() == {"status": "deleted", "file": one}
    assert page()[one]["status"] == "missing"
    assert ask("DELETE", f"/models/{one}/catalog").json() == {"status": "removed", "file": one}
    assert one not in page()

    given = {"file": ("models.json", EXAMPLE.read_bytes())}
    imported = ask("POST", "/models/import", files=given).json()
    original = all_entries(json.loads(EXAMPLE.read_text("utf-8")))
    assert imported["total_added"] == len(imported["added"]) == len(original)
    assert len(page()) == len(original) + 1
    shown = page()
    for entry in original:
        item = shown[entry["file"]]
        assert item["tags"] == [*entry["tags"], "imported"]
        assert {key: item[key] for key in entry if key != "tags"} == {
            key: value for key, value in entry.items() if key != "tags"
        }

    promoted = extension.post(f"/api/admin/civitai/promote-to-lora/{world.version('locon').id}")
    assert promoted == {"status": "promoted", "file": two, "category": "sdxl_loras"}
    shown = extension.get("/api/admin/loras")
    assert [item["status"] for item in all_entries(shown)] == ["present"]
    assert "gallery_count" in all_entries(shown)[0]


def test_the_page_of_models_polls_while_metadata_is_fetched(
    extension: Extension, world: World
) -> None:
    file = extension.post(f"/api/admin/civitai/add/{world.version('vae').id}")["file"]
    answer = extension.post("/api/admin/models/fetch-metadata")
    assert answer == {"queued": 1, "files": [file]} or answer["queued"] == 0

    def is_over() -> bool:
        status = extension.get("/api/admin/models/metadata-status")
        return status == {file: {"status": "done"}}

    until(is_over)


def test_the_page_of_loras_looks_up_adds_and_fetches(
    extension: Extension, world: World, upstream: Upstream
) -> None:
    model = world.model("lora")
    looked_up = extension.post(
        "/api/admin/loras/lookup-civitai", {"url": f"https://civitai.com/models/{model.id}"}
    )
    body = {
        "model_id": looked_up["model_id"],
        "model_name": looked_up["name"],
        "author": looked_up["author"],
        "versions": looked_up["versions"][:1],
        "preview_images": looked_up["preview_images"],
    }
    added = extension.post("/api/admin/loras/add-civitai", body)
    assert added["added"] == [model.versions[0].files[0].name]

    def is_present() -> bool:
        items = all_entries(extension.get("/api/admin/loras"))
        return [item["status"] for item in items] == ["present"]

    until(is_present)
    for path in ("/api/admin/loras", "/api/admin/models/civitai-map"):
        assert World.civitai_key not in json.dumps(extension.get(path))
    asked = upstream.carrying(World.civitai_key)
    assert {request.origin for request in asked} == {"civitai"}
    assert not any(World.civitai_key in request.decoded for request in asked)
