"""Files from this computer and from an address, on their way to the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from comfyui_curator.store import Options
from comfyui_curator.store.errors import UpstreamBusy
from tests.serving import RunningServer
from tests.sites import Site, ok
from tests.upstream import pictures, weights
from tests.waiting import until

SOON = 20_000
WHOLE = bytes(range(256)) * (20 << 12)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One for all: each test uploads files of its own."""
    root = tmp_path_factory.mktemp("uploads") / "root"
    overrides = {"allow_private_addresses": True}
    with RunningServer(root, Options(overrides=overrides)) as running:
        yield running


class Parts:
    """What the server is sent, and which parts it does not take yet."""

    def __init__(self, begin: Any) -> None:
        self.begin = begin
        self.sent: list[int] = []
        self.refused: dict[int, int] = {}
        """How many times still, by the part's number."""

    def __call__(self, upload_id: str, number: int, *rest: Any) -> Any:
        self.sent.append(number)
        if self.refused.get(number):
            self.refused[number] -= 1
            raise UpstreamBusy("Not now.")
        return self.begin(upload_id, number, *rest)


@pytest.fixture
def parts(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Parts:
    parts = Parts(server.store.uploads.begin_part)
    monkeypatch.setattr(server.store.uploads, "begin_part", parts)
    return parts


def received(server: RunningServer, upload: str) -> list[int]:
    parts = server.get(f"/uploads/{upload}").json()["upload"]["parts"]
    return [part["number"] for part in parts if part["received"]]


def row(page: Page, name: str) -> Locator:
    return page.locator(".tray-rows .upload-row", has_text=name)


def choose(page: Page, button: Locator, *files: Path) -> None:
    with page.expect_file_chooser() as choosing:
        button.click()
    choosing.value.set_files(list(files))


def drop(page: Page, name: str, size: int) -> None:
    """Drop a file of that many zeros on the panel."""
    expect(page.locator(".head")).to_be_visible()
    page.evaluate(
        """([name, size]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(size)], name));
          const panel = document.querySelector('.curator-panel').shadowRoot;
          const how = { dataTransfer: data, bubbles: true, cancelable: true };
          panel.querySelector('.head').dispatchEvent(new DragEvent("drop", how));
        }""",
        [name, size],
    )


def test_a_dropped_file_goes_in_parts_and_one_that_fails_goes_again(
    server: RunningServer, page: Page, parts: Parts, complaints: list[str]
) -> None:
    parts.refused[2] = 2
    page.goto(f"{server.api}/ui/")
    drop(page, "noise.dat", len(WHOLE))
    page.get_by_role("button", name="Upload 1 file").click()
    done = "In assets/asset/noise.dat"
    expect(row(page, "noise.dat")).to_contain_text(done, timeout=SOON)
    assert sorted(parts.sent) == [1, 2, 2, 2, 3]
    placed = server.store.host.asset_folder("asset") / "noise.dat"
    assert placed.read_bytes() == bytes(len(WHOLE))
    complaints.clear()

    page.get_by_role("button", name="Past uploads").click()
    past = page.locator(".past-list .upload-row", has_text="noise.dat")
    expect(past).to_contain_text(done)
    past.get_by_role("button", name="Forget the upload of noise.dat").click()
    expect(past).to_have_count(0)
    expect(row(page, "noise.dat")).to_have_count(0)
    assert placed.exists()


def test_an_upload_goes_on_after_a_reload_with_the_file_chosen_again(
    server: RunningServer, page: Page, parts: Parts, tmp_path: Path, complaints: list[str]
) -> None:
    file, other = tmp_path / "long.dat", tmp_path / "other.dat"
    file.write_bytes(WHOLE)
    other.write_bytes(b"other")
    parts.refused[3] = 1000
    page.goto(f"{server.api}/ui/")
    page.get_by_role("button", name="Add by address, or upload files").click()
    choose(page, page.get_by_role("button", name="Upload files …"), file)
    page.get_by_role("button", name="Upload 1 file").click()
    going = row(page, "long.dat")
    expect(going).to_contain_text("Interrupted; trying again · 14 MB of 21 MB", timeout=SOON)
    upload = server.get("/uploads?status=pending").json()["uploads"][0]["id"]
    until(lambda: received(server, upload) == [1, 2])
    going.get_by_role("button", name="Pause").click()
    expect(going).to_contain_text("Paused")

    parts.refused.clear()
    page.reload()
    complaints.clear()
    parts.sent.clear()
    page.get_by_role("button", name="1 paused").click()
    expect(going).to_contain_text("Choose the file again to go on")
    button = going.get_by_role("button", name="Choose the file …")
    choose(page, button, other)
    expect(page.locator(".notice.is-shown")).to_contain_text("Choose long.dat")
    assert not parts.sent
    choose(page, button, file)
    expect(going).to_contain_text("In assets/asset/long.dat", timeout=SOON)
    assert parts.sent == [3]
    assert (server.store.host.asset_folder("asset") / "long.dat").read_bytes() == WHOLE


def test_a_click_counts_although_another_row_comes_in_the_middle_of_it(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "clicked.txt").write_text("once")
    page.goto(f"{server.api}/ui/")

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads", refuse)
    page.get_by_role("button", name="Add by address, or upload files").click()
    choose(page, page.get_by_role("button", name="Upload files …"), tmp_path / "clicked.txt")
    page.get_by_role("button", name="Upload 1 file").click()
    retry = row(page, "clicked.txt").get_by_role("button", name="Retry")
    retry.hover()
    page.mouse.down()
    other = {"fileName": "beside.txt", "fileSize": 4, "parts": 1, "kind": "text"}
    beside = server.post("/uploads", json=other).json()["upload"]["id"]
    expect(row(page, "beside.txt")).to_be_visible()
    retry.hover()  # the list has grown upwards
    with page.expect_request(lambda request: request.method == "POST", timeout=SOON):
        page.mouse.up()
    server.delete(f"/uploads/{beside}")
    complaints.clear()


def test_a_create_whose_answer_was_lost_makes_no_second_upload(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "answerless.txt").write_text("once")
    before = server.get("/uploads").json()["total"]
    page.goto(f"{server.api}/ui/")
    lost: list[Route] = []

    def lose(route: Route) -> None:
        if route.request.method != "POST" or lost:
            return route.continue_()
        lost.append(route)
        route.fetch()
        return route.abort()

    page.route("**/uploads", lose)
    page.get_by_role("button", name="Add by address, or upload files").click()
    choose(page, page.get_by_role("button", name="Upload files …"), tmp_path / "answerless.txt")
    page.get_by_role("button", name="Upload 1 file").click()
    mine = page.locator(".upload-row[data-stage='refused']")
    # By a key: what the server has of it comes as a row that moves this one.
    mine.get_by_role("button", name="Retry").press("Enter")
    # Until it is known to be the same there may be two for a moment.
    expect(row(page, "In assets/text/answerless.txt")).to_have_count(1)
    expect(row(page, "answerless.txt")).to_have_count(1)
    assert server.get("/uploads").json()["total"] == before + 1
    complaints.clear()


def test_two_files_together_send_four_parts_at_once(
    server: RunningServer, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{server.api}/ui/")
    held: list[Route] = []
    free = threading.Event()
    page.route(
        "**/uploads/*/parts/*",
        lambda route: route.continue_() if free.is_set() else held.append(route),
    )
    names = ["left.dat", "right.dat"]
    for name in names:
        (tmp_path / name).write_bytes(WHOLE)
    page.get_by_role("button", name="Add by address, or upload files").click()
    files = [tmp_path / name for name in names]
    choose(page, page.get_by_role("button", name="Upload files …"), *files)
    page.get_by_role("button", name="Upload 2 files").click()
    while len(held) < 4:
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    assert len(held) == 4
    free.set()
    for route in held:
        route.continue_()
    for name in names:
        expect(row(page, name)).to_contain_text(f"In assets/asset/{name}", timeout=SOON)
        assert (server.store.host.asset_folder("asset") / name).read_bytes() == WHOLE


def test_what_cannot_be_used_says_why_and_a_cancelled_one_goes(
    server: RunningServer, page: Page, parts: Parts, tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "fake.safetensors").write_bytes(b"this is no model" * 9)
    (tmp_path / "slow.txt").write_text("slow")
    page.goto(f"{server.api}/ui/")
    add = page.get_by_role("button", name="Add by address, or upload files")
    add.click()
    choose(page, page.get_by_role("button", name="Upload files …"), tmp_path / "fake.safetensors")
    page.get_by_label("What fake.safetensors is and where it goes").select_option("Model in loras")
    page.get_by_role("button", name="Upload 1 file").click()
    failed = row(page, "fake.safetensors")
    expect(failed).to_have_attribute("data-stage", "failed")
    expect(failed).to_contain_text("safetensors")
    expect(failed.get_by_role("button", name="Retry")).to_be_visible()
    failed.get_by_role("button", name="Put away").click()
    expect(page.locator(".tray")).to_be_hidden()

    parts.refused[1] = 1000
    add.click()
    choose(page, page.get_by_role("button", name="Upload files …"), tmp_path / "slow.txt")
    page.get_by_role("button", name="Upload 1 file").click()
    going = row(page, "slow.txt")
    expect(going).to_contain_text("Interrupted; trying again")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        going.get_by_role("button", name="Cancel").click()
    expect(going).to_have_count(0)
    listed = server.get("/uploads").json()["uploads"]
    assert {each["fileName"]: each["status"] for each in listed}["slow.txt"] == "failed"
    complaints.clear()


def test_the_address_of_a_picture_is_fetched_into_the_gallery(
    server: RunningServer, page: Page, site: Site
) -> None:
    picture = pictures.png("lantern", 64, 96)
    site.answers["/lantern.png"] = lambda handler: ok(handler, picture)
    page.goto(f"{server.api}/ui/")
    page.get_by_role("button", name="Add by address, or upload files").click()
    page.get_by_label("Address of a picture or a model").fill(f"{site.url}/lantern.png")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Get 1 file").click()
    fetched = row(page, "lantern.png")
    expect(fetched).to_contain_text("In the gallery")
    fetched.get_by_role("button", name="Show").click()
    expect(page.locator(".picture-foot")).to_contain_text("lantern.png")


def test_a_model_at_an_address_tells_its_folder_itself(
    server: RunningServer, page: Page, site: Site
) -> None:
    model = weights.safetensors("LORA", "addressed")
    site.answers["/ink.safetensors"] = lambda handler: ok(handler, model)
    page.goto(f"{server.api}/ui/")
    page.get_by_role("button", name="Add by address, or upload files").click()
    page.get_by_label("Address of a picture or a model").fill(f"{site.url}/ink.safetensors")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Get and sort").click()
    fetched = row(page, "ink.safetensors")
    expect(fetched).to_contain_text("In models/loras/ink.safetensors")
    fetched.get_by_role("button", name="Show").click()
    expect(page.get_by_role("tab", name="Models")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".has-model")).to_be_visible()


@pytest.mark.parametrize("width", [224, 1280])
def test_uploads_are_never_wider_than_the_panel(
    server: RunningServer, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{server.api}/ui/")
    drop(page, "a-long-name-of-a-file-without-any-place-to-break-it.safetensors", 1)
    form = page.get_by_role("region", name="Upload files")
    expect(form.get_by_role("button", name="Upload 1 file")).to_be_focused()
    assert form.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    form.get_by_role("button", name="Past uploads").click()
    tray = page.locator(".tray")
    expect(tray.locator(".past-body")).to_be_visible()
    assert tray.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    page.keyboard.press("Escape")
    expect(tray.locator(".past-body")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
