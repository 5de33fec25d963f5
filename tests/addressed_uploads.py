"""What tests of uploads by address share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from tests.serving import RunningServer
from tests.waiting import until

ENDED = ("complete", "failed")


def create(server: RunningServer, **body: Any) -> requests.Response:
    return server.post("/uploads", json=body)


def begun(server: RunningServer, **body: Any) -> dict[str, Any]:
    """The upload, as its create answers it."""
    answer = create(server, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()["upload"]


def shown(server: RunningServer, upload_id: str) -> dict[str, Any]:
    return server.get(f"/uploads/{upload_id}").json()["upload"]


def ended(server: RunningServer, upload_id: str) -> dict[str, Any]:
    """The upload when it is over."""
    until(lambda: shown(server, upload_id)["status"] in ENDED)
    return shown(server, upload_id)


def complete(server: RunningServer, **body: Any) -> dict[str, Any]:
    """An upload that must end well."""
    upload = ended(server, begun(server, **body)["id"])
    assert upload["status"] == "complete", upload
    return upload


def failed(server: RunningServer, **body: Any) -> str:
    """The message of an upload that must fail; nothing is left of it."""
    upload = ended(server, begun(server, **body)["id"])
    assert upload["status"] == "failed", upload
    until(lambda: leftovers(server.root) == [])
    return str(upload["errorMessage"])


def leftovers(root: Path) -> list[Path]:
    """Every file of bytes that belongs to no place."""
    below = root / "curator"
    kept = [path for name in ("uploads", "transfers") for path in (below / name).glob("*")]
    return sorted({*kept, *root.rglob("*.part")})


def models(root: Path) -> list[str]:
    """The files in the models folders, relative to them."""
    folder = root / "models"
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
