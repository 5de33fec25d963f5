"""A catalog's list: what it shows of entries, files and galleries, and that it sees changes."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.errors import Conflict
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import Host
from comfyui_curator.store.transfer_records import TransferFact
from tests.catalog_files import (
    ENTRY,
    EXAMPLE,
    INVENTED,
    all_entries,
    items,
    loras,
    models,
    opened,
    put_file,
    versions,
    write,
)
from tests.waiting import until


class TestTheList:
    @pytest.mark.parametrize("source", [EXAMPLE, INVENTED], ids=["example", "invented"])
    def test_shows_a_whole_catalog_with_every_key_in_its_order(
        self, host: Host, source: Path
    ) -> None:
        (host.data / "models.json").write_bytes(source.read_bytes())
        with opened(host) as catalog:
            shown = models(catalog)
        original = json.loads(source.read_text("utf-8"))
        assert (shown["version"], shown["date"]) == (original["version"], original["date"])
        assert [c["id"] for c in shown["categories"]] == [c["id"] for c in original["categories"]]
        for item, entry in zip(all_entries(shown), all_entries(original), strict=True):
            assert {key: item[key] for key in entry} == entry
            assert item["status"] == "missing"
            assert item["expected_bytes"] == int(entry["size_gb"] * 1e9)
        assert shown["stats"]["total_count"] == len(all_entries(original))
        assert (host.data / "models.json").read_bytes() == source.read_bytes()

    def test_has_every_key_that_the_pages_read(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.add_entries("loras", "sdxl_loras", [{**ENTRY, "file": "b.safetensors"}])
        wanted = set(
            "name file dest url source size_gb hf_repo hf_file civitai_model_id civitai_version_id "
            "civitai_file_id civitai_base_model civitai_version civitai_tags trainedWords "
            "base_model tags trigger_words author images quant params context_length "
            "context_default context_max companions status progress on_disk_bytes expected_bytes "
            "speed speed_bytes error civitai_model_name pair_id pair_role".split()
        )
        gallery = set(
            "gallery_count gallery_thumb gallery_thumb_default gallery_thumb_custom "
            "gallery_orig_count gallery_orig_bytes gallery_comm_count gallery_comm_bytes "
            "gallery_dl".split()
        )
        stats = set(
            "queued_count downloading_count present_count total_count global_speed "
            "total_speed_bytes models_bytes free_bytes".split()
        )
        assert wanted <= items(models(catalog))["a.safetensors"].keys()
        assert wanted | gallery <= items(loras(catalog))["b.safetensors"].keys()
        assert models(catalog)["stats"].keys() == stats | {"fetching_count"}
        assert loras(catalog)["stats"].keys() == stats

    def test_tells_present_files_from_missing_ones(self, catalog: Catalog, host: Host) -> None:
        other = {**ENTRY, "file": "b.safetensors"}
        catalog.add_entries("models", "loras", [ENTRY, other])
        put_file(host, "loras/SDXL", "a.safetensors", 1234)
        shown = items(models(catalog))
        here, gone = shown["a.safetensors"], shown["b.safetensors"]
        assert (here["status"], here["progress"]) == ("present", 100.0)
        assert (here["on_disk_bytes"], here["expected_bytes"]) == (1234, 1234)
        assert (gone["status"], gone["progress"]) == ("missing", 0.0)
        assert (gone["on_disk_bytes"], gone["expected_bytes"]) == (0, 500_000_000)
        stats = models(catalog)["stats"]
        assert (stats["present_count"], stats["total_count"], stats["models_bytes"]) == (1, 2, 1234)
        assert stats["free_bytes"] > 0

    def test_sees_files_come_grow_and_go(self, catalog: Catalog, host: Host) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        tags = {catalog.models().etag}

        def shown(key: str) -> Any:
            return items(models(catalog))["a.safetensors"][key]

        path = put_file(host, "loras/SDXL", "a.safetensors", 1)
        until(lambda: shown("on_disk_bytes") == 1)
        tags.add(catalog.models().etag)
        path.write_bytes(bytes(50))
        until(lambda: shown("on_disk_bytes") == 50)
        tags.add(catalog.models().etag)
        path.unlink()
        until(lambda: shown("status") == "missing")
        assert len(tags) == 3

    def test_sees_them_without_a_watcher_too(
        self, host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As where the system has no more watches to give.
        monkeypatch.setitem(sys.modules, "watchfiles", None)
        with opened(host) as catalog:
            catalog.add_entries("models", "loras", [ENTRY])
            assert items(models(catalog))["a.safetensors"]["status"] == "missing"
            put_file(host, "loras/SDXL", "a.safetensors", 1)
            until(lambda: items(models(catalog))["a.safetensors"]["status"] == "present")

    def test_tells_the_pages_of_a_file_that_was_put_there_by_hand(
        self, catalog: Catalog, host: Host, events: Events
    ) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.models()
        before = events.seq
        put_file(host, "loras/SDXL", "a.safetensors", 1)
        until(lambda: events.seq > before)
        assert items(models(catalog))["a.safetensors"]["status"] == "present"
        told = events.since(before) or []
        assert {(event.topic, event.data["change"]) for event in told} == {("catalog", "presence")}

    def test_asks_the_disk_for_nothing_that_is_known(
        self, catalog: Catalog, host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.models()
        catalog.civitai_map()
        asked: list[Any] = []
        mine = threading.get_ident()
        real = os.scandir

        def scandir(path: Any) -> Any:
            if threading.get_ident() == mine:
                asked.append(path)
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        for _ in range(5):
            catalog.models()
            catalog.civitai_map()
        assert asked == []

    def test_has_a_file_as_soon_as_its_transfer_has_ended(
        self, catalog: Catalog, host: Host
    ) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        fact = TransferFact("downloading", 1, 2, 0.0, None, None, "x")
        catalog.transfer_facts = lambda: (1, {("loras/sdxl", "a.safetensors"): fact})
        assert items(models(catalog))["a.safetensors"]["status"] == "downloading"
        put_file(host, "loras/SDXL", "a.safetensors", 1)
        catalog.transfer_facts = lambda: (2, {})
        assert items(models(catalog))["a.safetensors"]["status"] == "present"

    def test_keeps_its_tag_while_nothing_has_changed(self, catalog: Catalog) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        assert catalog.models().etag == catalog.models().etag
        assert catalog.civitai_map().etag == catalog.civitai_map().etag

    def test_looks_into_every_root_of_a_type(self, tmp_path: Path, host: Host) -> None:
        extra = tmp_path / "elsewhere"
        (extra / "SDXL").mkdir(parents=True)
        (extra / "SDXL" / "a.safetensors").write_bytes(b"12345")
        two_roots = Host(
            data=host.data,
            input=host.input,
            output=host.output,
            models=host.models,
            model_folders=lambda: {"loras": [host.models / "loras", extra]},
        )
        with opened(two_roots) as catalog:
            catalog.add_entries("models", "loras", [ENTRY])
            assert items(models(catalog))["a.safetensors"]["on_disk_bytes"] == 5
            put_file(host, "loras/SDXL", "a.safetensors", 2)
            until(lambda: items(models(catalog))["a.safetensors"]["on_disk_bytes"] == 2)

    @pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
    def test_follows_links_and_takes_none_to_nothing(self, catalog: Catalog, host: Host) -> None:
        catalog.add_entries("models", "loras", [ENTRY, {**ENTRY, "file": "b.safetensors"}])
        target = put_file(host, "loras/elsewhere", "target.bin", 77)
        folder = put_file(host, "loras/SDXL", "other").parent
        (folder / "a.safetensors").symlink_to(target)
        (folder / "b.safetensors").symlink_to(folder / "nowhere")
        shown = items(models(catalog))
        assert shown["a.safetensors"]["on_disk_bytes"] == 77
        assert shown["b.safetensors"]["status"] == "missing"

    def test_a_folder_is_no_file(self, catalog: Catalog, host: Host) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        (host.places("loras/SDXL")[0] / "a.safetensors").mkdir(parents=True)
        assert items(models(catalog))["a.safetensors"]["status"] == "missing"

    @pytest.mark.parametrize(
        "odd",
        [
            {},
            {"file": None, "dest": None},
            {"file": 7, "dest": ["x"], "size_gb": "big", "civitai_version_id": {}},
            {"file": "../../../etc/passwd", "dest": "loras"},
            {"file": "passwd", "dest": "../../../../etc"},
            {"file": "passwd", "dest": "/etc"},
            {"file": "a\x00b", "dest": "loras"},
            {"file": "x", "dest": ""},
            {"file": "x", "dest": "loras", "size_gb": 1e300, "civitai_version_id": True},
        ],
    )
    def test_stands_odd_entries_written_by_hand(
        self, catalog: Catalog, host: Host, odd: dict[str, Any]
    ) -> None:
        write(host.data, "models", odd, ENTRY)
        catalog.add_entries("models", "loras", [{**ENTRY, "file": "b.safetensors"}])
        shown = all_entries(models(catalog))
        assert [item["status"] for item in shown] == ["missing"] * 3
        assert {key: shown[0][key] for key in odd} == odd
        assert versions(catalog)["by_version"] == {}

    def test_finds_a_file_that_lies_deeper_than_dest(self, catalog: Catalog, host: Host) -> None:
        write(host.data, "models", {"file": "deep/a.safetensors", "dest": "loras"})
        catalog.add_entries("models", "loras", [ENTRY])
        put_file(host, "loras/deep", "a.safetensors")
        assert items(models(catalog))["deep/a.safetensors"]["status"] == "present"

    def test_base_model_falls_back_to_what_civitai_says(self, catalog: Catalog) -> None:
        entry = {**ENTRY, "base_model": "", "civitai_base_model": "Pony"}
        catalog.add_entries("models", "loras", [entry])
        assert items(models(catalog))["a.safetensors"]["base_model"] == "Pony"

    def test_shows_what_is_wrong_with_the_file_and_the_last_good_state(
        self, catalog: Catalog, host: Host
    ) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        assert models(catalog)["problem"] is None
        (host.data / "models.json").write_text('{\n  "categories": oops\n}')
        with pytest.raises(Conflict) as refused:
            catalog.add_entries("models", "loras", [{**ENTRY, "file": "b.safetensors"}])
        assert refused.value.facts["line"] == 2
        shown = models(catalog)
        assert list(items(shown)) == ["a.safetensors"]
        assert shown["problem"]["file"] == "models.json"
        assert (shown["problem"]["line"], shown["problem"]["column"]) == (2, 17)
        assert loras(catalog)["problem"] is None

    def test_loras_show_what_their_gallery_holds(self, catalog: Catalog, events: Events) -> None:
        catalog.add_entries("loras", "sdxl_loras", [{**ENTRY, "civitai_model_id": 7}])
        catalog.add_entries("loras", "sdxl_loras", [{**ENTRY, "file": "b.safetensors"}])
        catalog.gallery_facts = lambda model_id: {"gallery_count": model_id, "gallery_thumb": "9"}
        shown = items(loras(catalog))
        assert shown["a.safetensors"]["gallery_count"] == 7
        assert shown["a.safetensors"]["gallery_thumb"] == "9"
        assert shown["b.safetensors"]["gallery_count"] == 0
        catalog.gallery_facts = lambda model_id: {"gallery_count": 8}
        events.publish("gallery", id="1", model_id=7, change="added")
        assert items(loras(catalog))["a.safetensors"]["gallery_count"] == 8


@pytest.mark.parametrize(
    "address,shown",
    [
        ("https://example.org/a.pt?token=abc", "https://example.org/a.pt"),
        ("https://example.org/a.pt?b=1&Token=abc&c=%20", "https://example.org/a.pt?b=1&c=%20"),
        ("https://me:secret@example.org/a.pt#x", "https://example.org/a.pt#x"),
        ("https://example.org/a%20b.pt?v=1&v=2", "https://example.org/a%20b.pt?v=1&v=2"),
        ("https://[broken", ""),
    ],
)
def test_keys_in_addresses_are_not_shown(catalog: Catalog, address: str, shown: str) -> None:
    catalog.add_entries("models", "loras", [{**ENTRY, "url": address}])
    assert items(models(catalog))["a.safetensors"]["url"] == shown
