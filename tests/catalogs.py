"""Catalogs to test with: a real one where it lies beside the checkout, else one of its shape."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.serving import RunningServer

_ROOT = Path(__file__).resolve().parent.parent
_REAL = _ROOT.parent / "shared" / "data" / "studio-models.json"

INVENTED = _ROOT / "tests" / "data" / "catalog.json"
EXAMPLE = _REAL if _REAL.is_file() else INVENTED


def all_entries(catalog: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for category in catalog["categories"] for entry in category["models"]]


def stored(server: RunningServer, name: str = "models") -> dict[str, Any]:
    return json.loads((server.store.host.data / f"{name}.json").read_text("utf-8"))


def entries(server: RunningServer, name: str = "models") -> list[dict[str, Any]]:
    path = server.store.host.data / f"{name}.json"
    return all_entries(stored(server, name)) if path.exists() else []


def put_file(server: RunningServer, dest: str, name: str, size: int = 3) -> Path:
    folder = server.store.host.places(dest)[0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    return folder / name


def check_error(answer: requests.Response, status: int, field: str | None = None) -> dict[str, Any]:
    body = answer.json()
    assert answer.status_code == status, body
    assert body["error"] == body["detail"] != ""
    assert body.get("field") == field
    assert "Traceback" not in answer.text
    if status == 409:
        assert answer.headers["x-should-retry"] == "false"
    return body


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait for what happens in another thread; AssertionError when it does not."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)
