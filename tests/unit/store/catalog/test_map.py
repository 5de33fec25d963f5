"""The map of versions, and what list and map show of transfers."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.host import Host
from comfyui_curator.store.transfer_records import TransferFact
from tests.catalog_files import (
    ENTRY,
    items,
    models,
    put_file,
    versions,
)


class TestTheMap:
    def test_has_both_catalogs_by_version_and_by_model(self, catalog: Catalog, host: Host) -> None:
        one = {**ENTRY, "civitai_version_id": 11, "civitai_model_id": 1}
        two = {**one, "file": "b.safetensors", "civitai_version_id": 12, "base_model": "Pony"}
        catalog.add_entries("models", "loras", [one])
        catalog.add_entries("loras", "sdxl_loras", [two])
        catalog.add_entries("models", "loras", [{**ENTRY, "file": "c.safetensors"}])
        put_file(host, "loras/SDXL", "b.safetensors", 9)
        found = versions(catalog)
        assert found["by_model"] == {"1": [11, 12]}
        assert found["by_version"] == {
            "11": {
                "file": "a.safetensors",
                "dest": "loras/SDXL",
                "name": "A [SDXL]",
                "base_model": "",
                "status": "missing",
                "civitai_model_id": 1,
                "civitai_file_id": None,
                "catalog": "models",
                "size_expected": 500_000_000,
            },
            "12": {
                "file": "b.safetensors",
                "dest": "loras/SDXL",
                "name": "A [SDXL]",
                "base_model": "Pony",
                "status": "present",
                "civitai_model_id": 1,
                "civitai_file_id": None,
                "catalog": "loras",
                "size_expected": 500_000_000,
                "size_disk": 9,
            },
        }

    def test_shows_the_best_of_several_files_of_a_version_and_all_of_them(
        self, catalog: Catalog, host: Host
    ) -> None:
        one = {**ENTRY, "civitai_version_id": 11, "civitai_file_id": 1}
        two = {**one, "file": "b.safetensors", "civitai_file_id": 2}
        catalog.add_entries("models", "loras", [one, two])
        put_file(host, "loras/SDXL", "b.safetensors")
        shown = versions(catalog)["by_version"]["11"]
        assert (shown["file"], shown["status"]) == ("b.safetensors", "present")
        assert [(each["file"], each["status"]) for each in shown["files"]] == [
            ("a.safetensors", "missing"),
            ("b.safetensors", "present"),
        ]

    def test_reads_ids_that_a_person_wrote_as_text(self, catalog: Catalog) -> None:
        entry = {**ENTRY, "civitai_version_id": "11", "civitai_model_id": "1"}
        catalog.add_entries("models", "loras", [entry])
        assert versions(catalog)["by_model"] == {"1": [11]}


def test_only_a_lora_gives_its_model(catalog: Catalog) -> None:
    ids = {"civitai_version_id": 5, "civitai_model_id": 4}
    catalog.add_entries("models", "checkpoints", [{**ENTRY, **ids, "dest": "checkpoints"}])
    assert catalog.lora_model(5) is None
    lora = {**ENTRY, "civitai_version_id": 6, "civitai_model_id": 3}
    catalog.add_entries("models", "loras", [lora])
    assert catalog.lora_model(6) == 3
    assert catalog.lora_model(7) is None


class TestTransfers:
    FACT = TransferFact("downloading", 250_000_000, 1_000_000_000, 5e6, 150, None, "x")

    def show(self, catalog: Catalog, fact: TransferFact, stamp: int = 1) -> dict[str, Any]:
        catalog.transfer_facts = lambda: (stamp, {("loras/sdxl", "a.safetensors"): fact})
        return items(models(catalog))["a.safetensors"]

    def test_show_how_far_they_are_in_the_list(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [{**ENTRY, "civitai_version_id": 7}])
        shown = self.show(catalog, self.FACT)
        assert (shown["status"], shown["progress"]) == ("downloading", 25.0)
        assert (shown["on_disk_bytes"], shown["expected_bytes"]) == (250_000_000, 1_000_000_000)
        assert (shown["speed"], shown["speed_bytes"], shown["eta_s"]) == (5_000_000, 5_000_000, 150)
        stats = models(catalog)["stats"]
        assert (stats["downloading_count"], stats["queued_count"]) == (1, 0)
        assert (stats["global_speed"], stats["total_speed_bytes"]) == (5_000_000, 5_000_000)
        assert (stats["present_count"], stats["models_bytes"]) == (0, 0)

    def test_show_in_the_map(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [{**ENTRY, "civitai_version_id": 7}])
        self.show(catalog, self.FACT)
        shown = versions(catalog)["by_version"]["7"]
        assert shown["status"] == "downloading"
        told = (shown["dl_bytes"], shown["dl_total"], shown["dl_speed"])
        assert told == (250_000_000, 1_000_000_000, 5_000_000)

    def test_change_the_tag_of_list_and_map(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [{**ENTRY, "civitai_version_id": 7}])
        seen = {(catalog.models().etag, catalog.civitai_map().etag)}
        for stamp in range(1, 4):
            self.show(catalog, self.FACT._replace(done=stamp), stamp)
            seen.add((catalog.models().etag, catalog.civitai_map().etag))
        assert len({one for one, _ in seen}) == len({other for _, other in seen}) == 4

    @pytest.mark.parametrize("state", ["queued", "paused", "error"])
    def test_have_the_state_as_status(
        self, catalog: Catalog, state: Literal["queued", "paused", "error"]
    ) -> None:
        catalog.add_entries("models", "loras", [{**ENTRY, "civitai_version_id": 7}])
        error = "No room." if state == "error" else None
        shown = self.show(catalog, TransferFact(state, 0, None, 0.0, None, error, "x"))
        assert (shown["status"], shown["error"], shown["progress"]) == (state, error, 0.0)
        assert shown["expected_bytes"] == 500_000_000
        value = versions(catalog)["by_version"]["7"]
        assert (value["status"], value["error"]) == (state, error)
        assert value["dl_total"] == 500_000_000
        assert models(catalog)["stats"]["queued_count"] == (state == "queued")

    def test_of_unknown_size_have_no_progress(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [{**ENTRY, "size_gb": None}])
        fact = self.FACT._replace(total=None)
        assert self.show(catalog, fact)["progress"] is None
