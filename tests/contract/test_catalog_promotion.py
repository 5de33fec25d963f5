"""Moving a LoRA from `models.json` to `loras.json` over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.answers import check_error
from tests.catalogs import entries, stored
from tests.serving import RunningServer
from tests.upstream import World

ENTRY: dict[str, Any] = {
    "name": "A",
    "file": "a.safetensors",
    "dest": "loras",
    "civitai_version_id": 5,
    "civitai_model_id": 4,
    "civitai_file_id": 50,
    "base_model": "SDXL 1.0",
    "trainedWords": ["glow", "warm"],
    "own": {"größe": 10**30},
}


def promote(server: RunningServer, version_id: int | str = 5) -> requests.Response:
    return server.post(f"/civitai/promote-to-lora/{version_id}", json={})


def add(server: RunningServer, catalog: str, **other: Any) -> None:
    server.store.catalog.add_entries(catalog, "loras", [{**ENTRY, **other}])


def test_it_moves_with_all_its_fields(server: RunningServer) -> None:
    add(server, "models")
    add(server, "models", file="b.safetensors", civitai_version_id=6, civitai_file_id=60)
    answer = promote(server)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "promoted",
        "file": "a.safetensors",
        "category": "sdxl_loras",
    }
    assert entries(server, "loras") == [{**ENTRY, "trigger_words": ["glow", "warm"]}]
    assert [entry["file"] for entry in entries(server)] == ["b.safetensors"]
    assert (stored(server)["version"], stored(server, "loras")["version"]) == (3, 1)
    shown = server.get("/models/civitai-map").json()["by_version"]["5"]
    assert (shown["catalog"], shown["file"]) == ("loras", "a.safetensors")


def test_again_it_is_there_already(server: RunningServer) -> None:
    add(server, "models")
    promote(server)
    before = stored(server), stored(server, "loras")
    for _ in range(2):
        answer = promote(server)
        assert answer.status_code == 200
        assert answer.json()["status"] == "already_exists"
    assert (stored(server), stored(server, "loras")) == before


def test_in_both_already_it_leaves_the_first(server: RunningServer) -> None:
    add(server, "models")
    data = {"categories": [{"id": "sdxl_loras", "name": "S", "models": [{**ENTRY, "rating": 5}]}]}
    (server.store.host.data / "loras.json").write_text(json.dumps(data))
    assert promote(server).json()["status"] == "already_exists"
    assert entries(server) == []
    assert entries(server, "loras") == [{**ENTRY, "rating": 5}]


def test_at_once_sixteen_times_moves_it_once(server: RunningServer) -> None:
    add(server, "models")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(promote, [server] * 16))
    assert [answer.status_code for answer in answers] == [200] * 16
    statuses = sorted(answer.json()["status"] for answer in answers)
    assert statuses == ["already_exists"] * 15 + ["promoted"]
    assert (len(entries(server)), len(entries(server, "loras"))) == (0, 1)


def test_all_files_of_a_version_go_together(server: RunningServer) -> None:
    add(server, "models")
    add(server, "models", file="b.safetensors", civitai_file_id=51)
    assert promote(server).json()["status"] == "promoted"
    assert entries(server) == []
    assert [entry["file"] for entry in entries(server, "loras")] == [
        "a.safetensors",
        "b.safetensors",
    ]


def test_words_that_a_person_has_written_stay_in_front(server: RunningServer) -> None:
    add(server, "models", trigger_words=["mine", "warm"])
    promote(server)
    assert entries(server, "loras")[0]["trigger_words"] == ["mine", "warm", "glow"]


@pytest.mark.parametrize(
    "base_model,category",
    [
        ("Wan Video 14B i2v 480p", "wan_loras"),
        ("wan-i2v-14b", "wan_loras"),
        ("WAN", "wan_loras"),
        ("Flux.1 D", "flux_loras"),
        ("FLUX.1", "flux_loras"),
        ("SDXL 1.0", "sdxl_loras"),
        ("SDXL Lightning", "sdxl_loras"),
        ("Pony", "sdxl_loras"),
        ("Illustrious", "sdxl_loras"),
        ("NoobAI", "sdxl_loras"),
        ("SD 1.5", "sd15_loras"),
        ("SD 1.4", "sd15_loras"),
        ("SD 1.5 LCM", "sd15_loras"),
        ("SD 2.1", "other_loras"),
        ("SD 3.5", "other_loras"),
        ("Hunyuan Video", "other_loras"),
        ("LTXV", "other_loras"),
        ("", "other_loras"),
    ],
)
def test_it_is_filed_by_its_base_model(
    server: RunningServer, base_model: str, category: str
) -> None:
    add(server, "models", base_model="", civitai_base_model=base_model)
    assert promote(server).json()["category"] == category
    assert stored(server, "loras")["categories"][0]["id"] == category


def test_what_came_from_civitai_can_be_moved(server: RunningServer, world: World) -> None:
    version = world.version("lora")
    server.post(f"/civitai/add/{version.id}")
    assert promote(server, version.id).json()["category"] == "sdxl_loras"
    again = server.post(f"/civitai/add/{version.id}").json()
    assert again == {"status": "already_exists", "file": version.files[0].name}
    words = entries(server, "loras")[0]["trigger_words"]
    assert words == ["lantern glow", "warm light"]


def test_of_what_nobody_has_is_unknown(server: RunningServer) -> None:
    check_error(promote(server), 404)


def test_of_what_is_no_lora_is_refused(server: RunningServer) -> None:
    add(server, "models", dest="checkpoints/loras")
    check_error(promote(server), 400, "dest")
    assert len(entries(server)) == 1


@pytest.mark.parametrize("version_id", ["x", "-1", str(2**63)])
def test_of_what_is_no_id_is_bad_input(server: RunningServer, version_id: str) -> None:
    check_error(promote(server, version_id), 400, "version_id")


@pytest.mark.parametrize("broken", ["models", "loras"])
def test_while_a_file_is_broken_it_is_refused_with_its_place(
    server: RunningServer, broken: str
) -> None:
    add(server, "models")
    add(server, "loras", file="c.safetensors", civitai_version_id=7, civitai_file_id=70)
    path = server.store.host.data / f"{broken}.json"
    path.write_text('{"categories": [}')
    body = check_error(promote(server), 409)
    assert (body["file"], body["line"], body["column"]) == (f"{broken}.json", 1, 17)
    assert path.read_text() == '{"categories": [}'
    assert not (server.store.host.data / "promote.json").exists()
