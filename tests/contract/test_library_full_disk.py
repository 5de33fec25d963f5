"""No room: each call says so, changes nothing, and works when there is room again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.answers import check_error
from tests.serving import RunningServer
from tests.shelves import library_server, picture, put_model, recorded, staged, upload
from tests.small_disk import full, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "2m") as folder:
        yield folder


@pytest.fixture
def server(disk: Path) -> Iterator[RunningServer]:
    with library_server(disk) as running:
        yield running


def test_without_room_it_is_507_and_nothing_changes(server: RunningServer, disk: Path) -> None:
    _, sha256 = recorded(server)
    upload(server, sha256, picture((9, 0, 0)))
    waiting, content = put_model(server)
    row = staged(server, waiting)[0]
    server.store.library.places.hash_now(str(waiting))
    # What is small may still find room in what the journal has begun.
    known = server.store.staging.get(str(row))
    assert known
    with server.store.database.transaction():
        server.store.staging.change({**known, "meta": {"description": "d" * 9000}})
    for _ in range(40):
        put_model(server, kind="loras/a folder with a name that takes some room in the journal")

    def state() -> Any:
        paths = (f"/models/{sha256}", "/tags", "/migration/pending_models")
        count = server.get(f"/images/get_img_num?sha256={sha256}").json()
        return [server.get(path).json() for path in paths], count

    names = [f"{number}".rjust(200, "x") for number in range(50)]

    def acts() -> list[Any]:
        return [
            server.ask("PATCH", f"/models/{sha256}", json={"notes": "n" * 9000}),
            server.post("/tags_add", json={"newtags": names}),
            upload(server, sha256, picture((0, 9, 0))),
            server.post("/migration/import_models", json={"id": [row]}),
            server.post("/models/scan", json={}),
        ]

    before = state()
    with full(disk):
        for answer in acts():
            check_error(answer, 507)
            assert answer.headers["x-should-retry"] == "false"
        assert state() == before
    assert [answer.status_code for answer in acts()] == [200, 200, 200, 207, 200]
    assert server.get(f"/models/{content}").json()["recorded"] is True
    assert server.get(f"/images/get_img_num?sha256={sha256}").json() == {"count": 2}
    assert len(list((disk / "curator" / "samples").rglob("*.webp"))) == 6
