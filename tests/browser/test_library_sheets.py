"""The screens behind the library's ⋯ that take much in or out: files beside the models, exports,
imports, backups, staging, older databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from comfyui_curator.store import Options
from tests.browser.library import full, hashed, menu, open_model, open_models, put, row
from tests.predecessors import Predecessor
from tests.serving import RunningServer
from tests.upstream import Upstream
from tests.upstream.pictures import png
from tests.waiting import until

INFO = {
    "id": 12,
    "modelId": 11,
    "name": "v2",
    "baseModel": "Pony",
    "trainedWords": ["glowing"],
    "model": {"name": "Inky of CivitAI", "type": "LORA", "tags": ["lamp"]},
}


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    """A server with a LoRA and a checkpoint, hashed."""
    root = tmp_path / "root"
    put(root, "loras/inky.safetensors", "inky")
    put(root, "checkpoints/meadow.safetensors", "meadow")
    with RunningServer(root, options) as running:
        hashed(running)
        yield running


def figures(page: Page) -> Locator:
    """The report's figures; the newest one's."""
    return page.locator(".task .figures").last


def edit(server: RunningServer, file: str, **changes: str) -> None:
    server.ask("PATCH", f"/models/{row(server, file)['sha256']}", json=changes)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_lies_beside_the_models_is_shown_first_and_then_taken_over(
    server: RunningServer, page: Page
) -> None:
    models = server.root / "models"
    (models / "loras/inky.civitai.info").write_text(json.dumps(INFO), encoding="utf-8")
    (models / "loras/inky.preview.png").write_bytes(png("preview", 48, 64))
    (models / "checkpoints/meadow.json").write_text("{", encoding="utf-8")
    edit(server, "inky", name="Mine")
    before = tree(models)
    open_models(page, server)
    menu(page, "Beside the models …")
    page.get_by_role("button", name="Look", exact=True).click()
    told = page.locator(".task")
    expect(told.locator(".report-line")).to_contain_text("1 would learn something · 1 preview")
    expect(told.locator("li", has_text="inky")).to_contain_text("trigger words")
    expect(told.locator("li.is-bad")).to_contain_text("meadow.json")
    assert full(server, "inky")["trigger_words"] == []
    page.get_by_role("button", name="Take over").click()
    expect(told.locator(".report-line")).to_contain_text("1 learned something · 1 preview")
    said = full(server, "inky")
    assert (said["name"], said["base_model"]) == ("Mine", "Pony")
    assert [word["text"] for word in said["trigger_words"]] == ["glowing"]
    assert tree(models) == before
    page.get_by_role("button", name="Look", exact=True).click()
    nothing = page.get_by_role("button", name="Nothing new to take over")
    expect(nothing).to_be_disabled()
    page.set_viewport_size({"width": 224, "height": 700})
    box = nothing.bounding_box()
    assert box and box["x"] + box["width"] <= 224 - 12
    page.get_by_role("button", name="Back to the models").click()
    view = open_model(page, "Mine")
    expect(view.get_by_role("button", name="glowing")).to_be_visible()
    expect(view.get_by_role("button", name="Sample 1 of 1")).to_be_visible()


def test_an_export_is_imported_elsewhere_after_a_look_into_it(
    server: RunningServer, page: Page, tmp_path: Path, options: Options, complaints: list[str]
) -> None:
    edit(server, "inky", name="Travelled", notes="Kept.")
    sample = {"image": ("a.png", png("sample", 48, 64))}
    key = row(server, "inky")["sha256"]
    server.post("/images/upload", data={"sha256": key}, files=sample)
    open_models(page, server)
    menu(page, "Export, import, backups …")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download", exact=True).click()
    file = tmp_path / "export.zip"
    downloading.value.save_as(file)
    page.get_by_role("button", name="Delete the file of").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("link", name="Download the file of")).to_have_count(0)
    assert server.get("/library/exports").json()["total"] == 0

    root = tmp_path / "elsewhere"
    (root / "models/loras/deep").mkdir(parents=True)
    there = root / "models/loras/deep/renamed.safetensors"
    shutil.copy(server.root / "models/loras/inky.safetensors", there)
    with RunningServer(root, options) as other:
        hashed(other)
        open_models(page, other)
        menu(page, "Export, import, backups …")
        with page.expect_file_chooser() as choosing:
            page.get_by_role("button", name="Choose a file").click()
        choosing.value.set_files(file)
        expect(figures(page).locator(".fact")).to_have_text(["New models1", "New samples1"])
        assert full(other, "renamed")["notes"] == ""
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("heading", name="Imported")).to_be_visible()
        said = full(other, "renamed")
        assert (said["name"], said["notes"]) == ("Travelled", "Kept.")

        (tmp_path / "other.zip").write_text("this is no zip")
        with page.expect_file_chooser() as choosing:
            page.get_by_role("button", name="Choose a file").click()
        choosing.value.set_files(tmp_path / "other.zip")
        expect(page.locator(".task").get_by_role("alert")).to_be_visible()
        expect(page.get_by_role("button", name="Retry")).to_be_visible()
        page.goto("about:blank")
    complaints.clear()


def test_a_backup_is_made_at_once_and_as_often_as_is_set(server: RunningServer, page: Page) -> None:
    open_models(page, server)
    menu(page, "Export, import, backups …")
    many = page.get_by_label("How many are kept")
    expect(many).not_to_have_value("")
    many.fill("3")
    many.press("Enter")
    until(lambda: server.get("/settings").json()["backups_kept"] == 3)
    page.get_by_role("button", name="Back up now").click()
    expect(page.locator(".report-line", has_text="Backed up")).to_be_visible()
    link = page.get_by_role("link", name="Download the file of")
    expect(link).to_have_count(server.get("/library/backups").json()["total"])
    with page.expect_download() as downloading:
        link.first.click()
    assert downloading.value.suggested_filename.endswith(".zip")


def test_each_conflict_of_staging_can_be_decided_by_itself(
    server: RunningServer, page: Page, tmp_path: Path
) -> None:
    older = Predecessor(tmp_path / "older")
    names = {"inky": "loras", "meadow": "checkpoints"}
    for number, (name, folder) in enumerate(names.items(), 1):
        path = server.root / f"models/{folder}/{name}.safetensors"
        older.model(number, path, name=f"{name} of old", size=path.stat().st_size)
        edit(server, name, name=f"{name} of mine")
    open_models(page, server)
    menu(page, "Older database")
    page.get_by_label("Database on the server").fill(str(older.path))
    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".figures")).to_contain_text("Waiting in staging2")
    page.get_by_role("button", name="Back to the models").click()
    menu(page, "Staging")
    page.locator(".staging-bar input").check()
    page.get_by_role("button", name="Import 2").click()
    decide = page.locator(".decide")
    expect(decide).to_contain_text("2 models are in the library already")
    sides = [each.bounding_box() for each in decide.locator(".strategy").all()]
    assert len(sides) == 4 and len({side["y"] for side in sides if side}) == 1
    decide.get_by_role("button", name="Override: ").and_(
        decide.get_by_role("button", name="inky")
    ).click()
    expect(decide).to_contain_text("1 model is in the library already")
    assert row(server, "inky")["name"] == "inky of old"
    decide.get_by_role("button", name="Ignore: ").click()
    expect(page.get_by_role("status").filter(has_text="1 ignored")).to_be_visible()
    assert row(server, "meadow")["name"] == "meadow of mine"
    page.get_by_role("button", name="Import", exact=False).and_(
        page.locator(".staging-bar button.main")
    ).click()
    decide.get_by_role("button", name="Merge: ").click()
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    assert row(server, "meadow")["name"] == "meadow of mine"


def test_the_name_of_a_model_is_copied_where_there_is_no_workflow(
    server: RunningServer, page: Page
) -> None:
    put(server.root, "loras/deep/down.safetensors", "down")
    hashed(server)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_models(page, server)
    view = open_model(page, "down")
    view.get_by_role("button", name="Copy name").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "deep/down.safetensors"


def test_a_missing_model_that_civitai_knows_is_got_again(
    server: RunningServer, upstream: Upstream, page: Page
) -> None:
    version = upstream.world.version("lora")
    key = row(server, "inky")["sha256"]
    edit(server, "inky", notes="Do not lose it.")
    found = {"model_id": version.model_id, "version_id": version.id}
    page.route("**/civitai", lambda route: route.fulfill(json={"checked": 1, "found": found}))
    (server.root / "models/loras/inky.safetensors").unlink()
    server.post("/library/scan", json={})
    until(lambda: server.get(f"/models/{key}").json()["status"] == "missing")
    open_models(page, server)
    view = open_model(page, "inky")
    view.get_by_role("button", name="Get", exact=True).click()
    shown = page.get_by_role("region", name="What will be added")
    expect(shown).to_contain_text("Lantern Glow")
    expect(view.get_by_role("button", name="Copy name")).to_have_count(0)
