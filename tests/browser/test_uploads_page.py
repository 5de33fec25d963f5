"""Files from this computer and from an address, on their way to the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from comfyui_curator.store import Options
from tests.serving import RunningServer
from tests.sites import Site, listening, ok
from tests.upstream import pictures

PARTS = 3
SOON = 20_000
WHOLE = bytes(range(256)) * (20 << 12)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One for all: each test uploads files of its own."""
    root = tmp_path_factory.mktemp("uploads") / "root"
    overrides = {"allow_private_addresses": True}
    with RunningServer(root, Options(overrides=overrides)) as running:
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    with listening() as site:
        yield site


@pytest.fixture
def sent(page: Page) -> list[int]:
    """The numbers of the parts that the page sends, in their order."""
    numbers: list[int] = []

    def look(request: Request) -> None:
        if request.method == "PUT" and "/parts/" in request.url:
            numbers.append(part_of(request))

    page.on("request", look)
    return numbers


def part_of(request: Request) -> int:
    return int(request.url.partition("/parts/")[2].partition("?")[0])


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
    server: RunningServer, page: Page, sent: list[int], complaints: list[str]
) -> None:
    failures = [503, 500]

    def fail(route: Route) -> None:
        if failures:
            route.fulfill(status=failures.pop(), json={"error": "Busy."})
        else:
            route.continue_()

    page.route("**/parts/2?*", fail)
    page.goto(f"{server.api}/ui/")
    drop(page, "noise.dat", len(WHOLE))
    page.get_by_role("button", name="Upload 1 file").click()
    done = "In assets/asset/noise.dat"
    expect(row(page, "noise.dat")).to_contain_text(done, timeout=SOON)
    assert sorted(sent) == [1, 2, 2, 2, 3]
    placed = server.store.host.asset_folder("asset") / "noise.dat"
    assert placed.read_bytes() == bytes(len(WHOLE))
    complaints.clear()

    row(page, "noise.dat").get_by_role("button", name="Put away").click()
    expect(row(page, "noise.dat")).to_have_count(0)
    page.get_by_role("button", name="Past uploads").click()
    past = page.locator(".past-list .upload-row", has_text="noise.dat")
    expect(past).to_contain_text(done)
    past.get_by_role("button", name="Forget the upload of noise.dat").click()
    expect(past).to_have_count(0)
    assert placed.exists()


def test_an_upload_goes_on_after_a_reload_with_the_file_chosen_again(
    server: RunningServer, page: Page, sent: list[int], tmp_path: Path, complaints: list[str]
) -> None:
    file, other = tmp_path / "long.dat", tmp_path / "other.dat"
    file.write_bytes(WHOLE)
    other.write_bytes(b"other")
    page.route("**/parts/3?*", lambda route: route.abort())
    page.goto(f"{server.api}/ui/")
    page.get_by_role("button", name="Add by address, or upload files").click()
    choose(page, page.get_by_role("button", name="Upload files …"), file)
    page.get_by_role("button", name="Upload 1 file").click()
    going = row(page, "long.dat")
    expect(going).to_contain_text("Interrupted; trying again")
    expect(going).to_contain_text("14 MB of 21 MB")
    going.get_by_role("button", name="Pause").click()
    expect(going).to_contain_text("Paused")

    page.unroute("**/parts/3?*")
    page.reload()
    complaints.clear()
    sent.clear()
    page.get_by_role("button", name="1 paused").click()
    expect(going).to_contain_text("Choose the file again to go on")
    button = going.get_by_role("button", name="Choose the file …")
    choose(page, button, other)
    expect(page.locator(".notice.is-shown")).to_contain_text("Choose long.dat")
    assert not sent
    choose(page, button, file)
    expect(going).to_contain_text("In assets/asset/long.dat", timeout=SOON)
    assert sent == [PARTS]
    assert (server.store.host.asset_folder("asset") / "long.dat").read_bytes() == WHOLE


def test_what_cannot_be_used_says_why_and_a_cancelled_one_goes(
    server: RunningServer, page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    (tmp_path / "fake.safetensors").write_bytes(b"this is no model" * 9)
    (tmp_path / "slow.txt").write_text("slow")
    slow: list[bool] = []
    page.route("**/parts/1?*", lambda route: route.abort() if slow else route.continue_())
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

    slow.append(True)
    add.click()
    choose(page, page.get_by_role("button", name="Upload files …"), tmp_path / "slow.txt")
    page.get_by_role("button", name="Upload 1 file").click()
    going = row(page, "slow.txt")
    expect(going).to_contain_text("Interrupted; trying again")
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
