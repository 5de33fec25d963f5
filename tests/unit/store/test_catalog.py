"""Both catalog files as a person and the pages find them."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.errors import BadInput, Conflict, NotFound
from comfyui_curator.store.events import Event, Events
from comfyui_curator.store.host import Host, root_host
from comfyui_curator.store.remote.civitai import CivitAI
from comfyui_curator.store.settings import Options, Settings
from comfyui_curator.store.transfer_records import TransferFact
from tests.catalogs import EXAMPLE, INVENTED, all_entries, wait_until

ENTRY = {"name": "A [SDXL]", "file": "a.safetensors", "dest": "loras/SDXL", "size_gb": 0.5}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return root_host(tmp_path)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def catalog(host: Host, events: Events) -> Iterator[Catalog]:
    # Nobody listens on port 9 here: what these tests do needs no upstream.
    settings = Settings(host.data / "settings.json", Options(civitai="http://127.0.0.1:9"))
    civitai = CivitAI(settings)
    made = Catalog(host, civitai, events)
    yield made
    made.close()
    civitai.close()


def models(catalog: Catalog) -> dict[str, Any]:
    return json.loads(catalog.models().body)


def loras(catalog: Catalog) -> dict[str, Any]:
    return json.loads(catalog.loras().body)


def versions(catalog: Catalog) -> dict[str, Any]:
    return json.loads(catalog.civitai_map().body)


def items(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["file"]: item for item in all_entries(answer)}


def write(host: Host, name: str, *entries: dict[str, Any], **more: Any) -> Path:
    path = host.data / name
    category = {"id": "loras", "name": "LoRAs", "models": list(entries)}
    data = {"version": 1, "date": "", "categories": [category], **more}
    path.write_text(json.dumps(data, indent=2), "utf-8")
    return path


def put_file(host: Host, dest: str, name: str, size: int = 3) -> Path:
    folder = host.places(dest)[0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    return folder / name


class TestTheList:
    @pytest.mark.parametrize("source", [EXAMPLE, INVENTED], ids=["example", "invented"])
    def test_shows_a_whole_catalog_with_every_key_in_its_order(
        self, host: Host, source: Path, events: Events
    ) -> None:
        (host.data / "models.json").write_bytes(source.read_bytes())
        settings = Settings(host.data / "settings.json", Options())
        opened = Catalog(host, CivitAI(settings), events)
        shown = models(opened)
        opened.close()
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
        wait_until(lambda: shown("on_disk_bytes") == 1)
        tags.add(catalog.models().etag)
        path.write_bytes(bytes(50))
        wait_until(lambda: shown("on_disk_bytes") == 50)
        tags.add(catalog.models().etag)
        path.unlink()
        wait_until(lambda: shown("status") == "missing")
        assert len(tags) == 3

    def test_sees_them_without_a_watcher_too(
        self, host: Host, events: Events, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As where the system has no more watches to give.
        monkeypatch.setitem(sys.modules, "watchfiles", None)
        settings = Settings(host.data / "settings.json", Options())
        opened = Catalog(host, CivitAI(settings), events)
        opened.add_entries("models", "loras", [ENTRY])
        assert items(models(opened))["a.safetensors"]["status"] == "missing"
        put_file(host, "loras/SDXL", "a.safetensors", 1)
        wait_until(lambda: items(models(opened))["a.safetensors"]["status"] == "present")
        opened.close()

    def test_tells_the_pages_of_a_file_that_was_put_there_by_hand(
        self, catalog: Catalog, host: Host, events: Events
    ) -> None:
        catalog.add_entries("models", "loras", [ENTRY])
        catalog.models()
        before = events.seq
        put_file(host, "loras/SDXL", "a.safetensors", 1)
        wait_until(lambda: events.seq > before)
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

    def test_looks_into_every_root_of_a_type(
        self, tmp_path: Path, host: Host, events: Events
    ) -> None:
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
        settings = Settings(host.data / "settings.json", Options())
        opened = Catalog(two_roots, CivitAI(settings), events)
        opened.add_entries("models", "loras", [ENTRY])
        assert items(models(opened))["a.safetensors"]["on_disk_bytes"] == 5
        put_file(host, "loras/SDXL", "a.safetensors", 2)
        wait_until(lambda: items(models(opened))["a.safetensors"]["on_disk_bytes"] == 2)
        opened.close()

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
        write(host, "models.json", odd, ENTRY)
        catalog.add_entries("models", "loras", [{**ENTRY, "file": "b.safetensors"}])
        shown = all_entries(models(catalog))
        assert [item["status"] for item in shown] == ["missing"] * 3
        assert {key: shown[0][key] for key in odd} == odd
        assert versions(catalog)["by_version"] == {}

    def test_finds_a_file_that_lies_deeper_than_dest(self, catalog: Catalog, host: Host) -> None:
        write(host, "models.json", {"file": "deep/a.safetensors", "dest": "loras"})
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
        write(host, "models.json", {"file": "old.safetensors", "dest": "loras"}, own=1)
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
        write(host, "models.json", ENTRY)
        write(host, "loras.json", ENTRY)
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
        write(host, "loras.json", {**ENTRY, "civitai_version_id": 5, "civitai_model_id": 4})
        assert edited.wait(10)
        assert told == [
            {"topic": "catalog", "catalog": "models", "change": "added"},
            {"topic": "catalog", "catalog": "models", "change": "removed"},
            {"topic": "catalog", "catalog": "loras", "change": "edited"},
        ]
        assert catalog.lora_model(5) == 4


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
