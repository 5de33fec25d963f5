"""Entries added and taken out: what becomes of the file, who is told, and what is refused."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.errors import BadInput, Conflict, NotFound
from comfyui_curator.store.events import Event, Events
from comfyui_curator.store.host import Host
from tests.catalog_files import (
    ENTRY,
    INVENTED,
    all_entries,
    items,
    loras,
    models,
    put_file,
    write,
)


class TestReadyMadeEntries:
    def test_bump_the_version_by_one_and_set_the_date(self, catalog: Catalog, host: Host) -> None:
        (host.data / "models.json").write_bytes(INVENTED.read_bytes())
        before = json.loads(INVENTED.read_text("utf-8"))
        assert catalog.add_entries("models", "loras", [ENTRY]) == ["a.safetensors"]
        after = json.loads((host.data / "models.json").read_text("utf-8"))
        assert after["version"] == before["version"] + 1
        assert len(after["date"]) == len("2026-01-02 03:04")
        assert after["date"] != before["date"]
        assert after["maintainer"] == before["maintainer"]
        assert list(after) == list(before)
        assert after["categories"][:-1] == before["categories"]
        assert after["categories"][-1] == {"id": "loras", "name": "LoRAs", "models": [ENTRY]}

    def test_join_their_category_at_its_end(self, catalog: Catalog, host: Host) -> None:
        write(host.data, "models", {"file": "old.safetensors", "dest": "loras"}, own=1)
        catalog.add_entries("models", "loras", [ENTRY])
        data = json.loads((host.data / "models.json").read_text("utf-8"))
        assert [entry["file"] for entry in all_entries(data)] == ["old.safetensors", ENTRY["file"]]
        assert len(data["categories"]) == 1

    def test_are_not_added_twice_in_whichever_catalog_they_are(self, catalog: Catalog) -> None:
        assert catalog.add_entries("loras", "sdxl_loras", [ENTRY, ENTRY]) == ["a.safetensors"]
        twin = {**ENTRY, "file": "A.safetensors", "dest": "loras/sdxl/"}
        assert catalog.add_entries("models", "loras", [ENTRY]) == []
        with pytest.raises(BadInput):
            catalog.add_entries("models", "loras", [twin])
        assert catalog.add_entries("models", "loras", [{**twin, "dest": "loras/sdxl"}]) == []

    @pytest.mark.parametrize(
        "bad,field",
        [
            ({"file": "../x"}, "file"),
            ({"file": "CON"}, "file"),
            ({"file": ""}, "file"),
            ({"file": 7}, "file"),
            ({"dest": "../x"}, "dest"),
            ({"dest": ""}, "dest"),
        ],
    )
    def test_with_names_that_lead_out_are_refused_all(
        self, catalog: Catalog, bad: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(BadInput) as refused:
            catalog.add_entries("models", "loras", [ENTRY, {**ENTRY, **bad}])
        assert refused.value.field == field
        assert models(catalog)["stats"]["total_count"] == 0


class TestRemoving:
    def test_takes_the_entry_out_and_nothing_else(self, catalog: Catalog, host: Host) -> None:
        path = host.data / "models.json"
        path.write_bytes(INVENTED.read_bytes())
        before = json.loads(path.read_text("utf-8"))
        assert catalog.remove("film_high.safetensors") == {
            "status": "removed",
            "file": "film_high.safetensors",
        }
        after = json.loads(path.read_text("utf-8"))
        assert after["version"] == before["version"] + 1
        kept = [e for e in all_entries(before) if e["file"] != "film_high.safetensors"]
        assert all_entries(after) == kept
        assert [c["id"] for c in after["categories"]] == [c["id"] for c in before["categories"]]
        with pytest.raises(NotFound):
            catalog.remove("film_high.safetensors")

    def test_is_refused_while_the_file_is_on_disk(self, catalog: Catalog, host: Host) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        path = put_file(host, "loras/SDXL", "a.safetensors")
        with pytest.raises(Conflict):
            catalog.remove("a.safetensors")
        path.unlink()
        catalog.remove("a.safetensors")
        assert items(models(catalog)) == {}

    def test_asks_which_when_a_name_stands_in_several_folders(self, catalog: Catalog) -> None:
        other = {**ENTRY, "dest": "loras/Pony", "name": "A [Pony]"}
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.add_entries("loras", "sdxl_loras", [other])
        with pytest.raises(Conflict) as refused:
            catalog.remove("a.safetensors")
        assert refused.value.facts["candidates"] == [
            {
                "file": "a.safetensors",
                "dest": "loras/SDXL",
                "catalog": "models",
                "name": "A [SDXL]",
            },
            {
                "file": "a.safetensors",
                "dest": "loras/Pony",
                "catalog": "loras",
                "name": "A [Pony]",
            },
        ]
        catalog.remove("a.safetensors", "loras\\Pony/")
        assert items(loras(catalog)) == {}
        assert list(items(models(catalog))) == ["a.safetensors"]
        with pytest.raises(NotFound):
            catalog.remove("a.safetensors", "loras/Pony")

    def test_takes_one_file_out_of_both_catalogs(self, catalog: Catalog, host: Host) -> None:
        write(host.data, "models", ENTRY)
        write(host.data, "loras", ENTRY)
        catalog.remove("a.safetensors")
        assert items(models(catalog)) == {} == items(loras(catalog))

    def test_tells_case_apart(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        with pytest.raises(NotFound):
            catalog.remove("A.safetensors")

    def test_at_the_same_time_removes_each_once(self, catalog: Catalog) -> None:
        names = [f"{number}.safetensors" for number in range(12)]
        catalog.add_entries("models", "loras", [{**ENTRY, "file": name} for name in names])
        outcomes: list[str] = []

        def remove(name: str) -> None:
            try:
                outcomes.append(catalog.remove(name)["status"])
            except NotFound:
                outcomes.append("unknown")

        threads = [threading.Thread(target=remove, args=(name,)) for name in names * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert items(models(catalog)) == {}
        assert outcomes.count("removed") >= 12
        assert models(catalog)["version"] == 13


class TestEvents:
    def test_tell_each_change_and_by_whom(
        self, catalog: Catalog, host: Host, events: Events
    ) -> None:
        edited = threading.Event()
        told: list[dict[str, Any]] = []

        def listen(event: Event) -> None:
            told.append({"topic": event.topic, **event.data})
            if event.data.get("change") == "edited":
                edited.set()

        events.listen(listen)
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.remove("a.safetensors")
        write(host.data, "loras", {**ENTRY, "civitai_version_id": 5, "civitai_model_id": 4})
        assert edited.wait(10)
        assert told == [
            {"topic": "catalog", "catalog": "models", "change": "added"},
            {"topic": "catalog", "catalog": "models", "change": "removed"},
            {"topic": "catalog", "catalog": "loras", "change": "edited"},
        ]
        assert catalog.lora_model(5) == 4
