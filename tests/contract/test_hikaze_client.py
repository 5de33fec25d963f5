"""What Hikaze's page does, call by call, under the names that its client has built in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.predecessors import Predecessor
from tests.serving import RunningServer
from tests.shelves import library_server, picture, put_model, recorded, shown


class Page:
    """Hikaze's page: it keeps what it was told, and sends whole records back."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server

    def ask(self, method: str, path: str, **how: Any) -> Any:
        answer = self.server.ask(method, f"/api{path}", **how)
        assert answer.ok, answer.text
        return answer.json()

    def open(self) -> dict[str, list[dict[str, Any]]]:
        """The tabs, each with its cards."""
        tabs = [*self.ask("GET", "/models/get_types")["types"], "Others"]
        self.tags = self.ask("GET", "/tags")["tags"]
        return {tab: self.ask("GET", f"/models?type={quote(tab)}")["models"] for tab in tabs}

    def model(self, sha256: str) -> dict[str, Any]:
        return self.ask("GET", f"/models/{sha256}")

    def save(self, model: dict[str, Any]) -> dict[str, Any]:
        new = [tag["name"] for tag in model["tags"] if tag["id"] == -1]
        added: list[Any] = []
        if new:
            added = self.ask("POST", "/tags_add", json={"newtags": new})["tags"]
        known = [tag for tag in model["tags"] if tag["id"] != -1]
        return self.ask(
            "PATCH", f"/models/{model['sha256']}", json={**model, "tags": [*known, *added]}
        )

    def count(self, sha256: str) -> int:
        return self.ask("GET", f"/images/get_img_count?sha256={sha256}")["count"]

    def image(self, sha256: str, seq: int, quality: str, rev: int = 0) -> Any:
        name = f"{sha256}_{seq}.webp?quality={quality}&rev={rev}"
        return self.server.get(f"/api/images/{name}")

    def upload(self, sha256: str, data: bytes) -> Any:
        files = {"image": ("picture.png", data)}
        return self.server.post("/api/images/upload", data={"sha256": sha256}, files=files)

    def pending(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/migration/pending_models")["models"]

    def import_(self, ids: list[int], strategy: str | None) -> dict[str, Any]:
        body = {"id": ids, "conflict_strategy": strategy}
        return self.ask("POST", "/migration/import_models", json=body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with library_server(tmp_path_factory.mktemp("hikaze") / "root") as running:
        yield running


@pytest.fixture
def page(server: RunningServer) -> Page:
    return Page(server)


def test_1_opening_it_shows_tabs_cards_and_their_first_pictures(page: Page) -> None:
    _, sha256 = recorded(page.server, "opened.safetensors")
    page.upload(sha256, picture())
    tabs = page.open()
    assert list(tabs)[:-1] == sorted(list(tabs)[:-1])
    card = next(each for each in tabs["loras"] if each["sha256"] == sha256)
    assert set(card) >= {
        "sha256",
        "name",
        "images_count",
        "type",
        "path",
        "size_bytes",
        "created_at",
        "tags",
    }
    assert None not in card.values()
    assert card["name"] == "opened.safetensors"
    for each in [card, *tabs["Others"]]:
        key = each["sha256"] or each["place_id"]
        assert page.image(key, 0, "medium").status_code in (200, 404)
    assert page.count(sha256) == 1
    assert page.image(sha256, 0, "medium").headers["Content-Type"] == "image/webp"


def test_1_the_last_tab_holds_what_has_no_type_of_its_own(page: Page) -> None:
    _, sha256 = recorded(page.server)
    page.save({**page.model(sha256), "type": "my own"})
    assert sha256 in [each["sha256"] for each in page.open()["Others"]]


def test_2_the_details_have_every_picture_in_order(page: Page) -> None:
    _, sha256 = recorded(page.server)
    for colour in ((9, 0, 0), (0, 9, 0)):
        page.upload(sha256, picture(colour, (30, 20)))
    model = page.model(sha256)
    assert set(model["meta_json"]) >= {
        "description",
        "community_links",
        "images_count",
        "prompts",
    }
    images = [page.image(sha256, seq, "high") for seq in range(page.count(sha256))]
    assert [shown(each.content).size for each in images] == [(30, 20)] * 2


def test_3_an_edit_is_answered_with_the_whole_record(page: Page) -> None:
    _, sha256 = recorded(page.server)
    model = page.model(sha256)
    model["name"] = "Edited"
    model["meta_json"]["description"] = "said"
    model["meta_json"]["prompts"] = {"positive": "a", "negative": "b"}
    model["tags"] = [{"id": -1, "name": "fresh"}]
    saved = page.save(model)
    assert [tag["name"] for tag in saved["tags"]] == ["fresh"]
    assert saved["tags"][0]["id"] > 0
    assert saved == {**model, "tags": saved["tags"], "recorded": True}
    assert page.save(saved) == saved == page.model(sha256)


def test_4_pictures_are_added_at_the_end_and_deleted_without_a_gap(page: Page) -> None:
    _, sha256 = recorded(page.server)
    given = [picture((shade, 0, 0)) for shade in (60, 120, 180)]
    for number, data in enumerate(given, 1):
        assert page.upload(sha256, data).json()["base_name"] == f"{sha256}_{number - 1}"
        assert page.count(sha256) == number
    last = page.image(sha256, 2, "high").content
    page.ask("DELETE", f"/images/delete?sha256={sha256}&seq=0")
    assert page.count(sha256) == 2
    assert page.image(sha256, 1, "high", rev=2).content == last
    assert page.image(sha256, 2, "high", rev=2).status_code == 404
    refused = page.upload(sha256, b"no picture")
    assert refused.json()["error"]
    assert page.count(sha256) == 2


def test_5_a_migration_is_imported_with_its_conflicts(page: Page, tmp_path: Path) -> None:
    path, sha256 = recorded(page.server)
    copy, _ = put_model(page.server, f"copy of {path.name}", "checkpoints", path.read_bytes())
    fresh, fresh_hash = put_model(page.server)
    legacy = Predecessor(tmp_path / "legacy")
    address = legacy.model(801, copy, name="Copy", kind="checkpoint", picture=picture((0, 0, 99)))
    legacy.model(802, fresh, name="Fresh", extra={"description": "d"})
    report = page.ask(
        "POST",
        "/migration/migrate_legacy_db",
        json={"legacy_db_path": str(legacy.path), "legacy_images_dir": str(legacy.images)},
    )
    assert report["status"] == "success"
    waiting = {each["id"]: each for each in page.pending()}
    assert waiting.keys() >= {801, 802}
    assert waiting[801]["image"] == address
    for name in (quote(Path(address).name), "801"):
        assert page.server.get(f"/api/images/pending/{name}").status_code == 200
    details = page.ask("GET", "/migration/pending_model?id=802")
    assert details["meta_json"]["description"] == "d"
    first = page.import_([801, 802], None)
    assert first["success"] == [802]
    conflict = first["conflict"][0]
    assert conflict["pending"] == {"id": 801, "path": str(copy)}
    assert conflict["existing"] == {"id": sha256, "path": str(path)}
    second = page.import_([conflict["pending"]["id"]], "merge")
    assert (second["success"], second["conflict"]) == ([801], [])
    assert not {801, 802} & {each["id"] for each in page.pending()}
    assert page.model(fresh_hash)["name"] == "Fresh"
    assert page.count(sha256) == 1


def test_6_pending_rows_have_the_types_of_the_tabs(page: Page, tmp_path: Path) -> None:
    legacy = Predecessor(tmp_path / "legacy")
    legacy.model(901, "/gone/a", kind="lora")
    legacy.model(902, "/gone/b", kind="")
    page.ask("POST", "/migration/migrate_legacy_db", json={"legacy_db_path": str(legacy.path)})
    types = {each["id"]: each["type"] for each in page.pending()}
    assert types[901] in page.ask("GET", "/models/get_types")["types"]
    assert types[902] == ""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/models", 400),
        ("GET", "/models?type=", 400),
        ("GET", f"/models/{'0' * 64}", 404),
        ("PATCH", f"/models/{'0' * 64}", 404),
        ("POST", "/models", 405),
        ("POST", "/tags_add", 400),
        ("GET", "/images/get_img_count", 400),
        ("GET", "/images/nothing.webp", 404),
        ("GET", "/images/pending/999999", 404),
        ("POST", "/images/upload", 400),
        ("DELETE", "/images/delete", 400),
        ("GET", "/migration/pending_model", 400),
        ("GET", "/migration/pending_model?id=x", 400),
        ("GET", "/migration/pending_model?id=999999", 404),
        ("POST", "/migration/migrate_legacy_db", 400),
        ("POST", "/migration/import_models", 400),
        ("GET", "/scan", 405),
        ("DELETE", "/tags", 405),
    ],
)
def test_errors_are_json_that_its_client_reads(
    page: Page, method: str, path: str, status: int
) -> None:
    answer = page.server.ask(method, f"/api{path}")
    assert answer.status_code == status
    assert answer.json()["error"] == answer.json()["detail"] != ""


def test_an_unknown_type_is_an_empty_list_and_names_are_exact(page: Page) -> None:
    recorded(page.server)
    for kind in ("nothing", "LORAS", "lora"):
        assert page.ask("GET", f"/models?type={kind}")["models"] == []
    for others in ("others", "Others", "OTHERS"):
        page.ask("GET", f"/models?type={others}")


def test_a_scan_is_asked_for_by_post_and_tells_both_names(page: Page) -> None:
    path, _ = put_model(page.server)
    told = page.ask("POST", "/scan")
    assert told["added"] == told["pending_added"] == len(told["pending_ids"]) >= 1
    assert page.ask("POST", "/models/scan")["added"] == 0
    assert path.name in [each["name"] for each in page.pending()]


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_foreign_pages_are_refused_under_either_name(page: Page, prefix: str) -> None:
    headers = {"Origin": "http://elsewhere.example"}
    for method, path in (
        ("GET", "/tags"),
        ("POST", "/models/scan"),
        ("POST", "/images/upload"),
        ("DELETE", f"/images/delete?sha256={'0' * 64}&seq=0"),
        ("POST", "/migration/migrate_legacy_db"),
    ):
        assert page.server.ask(method, prefix + path, headers=headers).status_code == 403
    body = {"data": b'{"newtags": ["x"]}', "headers": {"Content-Type": "text/plain"}}
    assert page.server.ask("POST", f"{prefix}/tags_add", **body).status_code == 415
