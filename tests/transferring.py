"""What tests of transfers share: entries to fetch, a site that knows ranges, and waiting."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from tests.serving import RunningServer

PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


def write_catalog(root: Path, *entries: dict[str, Any], catalog: str = "models") -> None:
    """`models.json` with these entries, as a person writes it."""
    path = root / "curator" / f"{catalog}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"version": 1, "categories": [{"id": "all", "name": "All", "models": list(entries)}]}
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")


def get(server: RunningServer, file: str, dest: str | None = None) -> requests.Response:
    return act(server, file, "", dest)


def act(server: RunningServer, file: str, what: str, dest: str | None = None) -> requests.Response:
    query = {"dest": dest} if dest else None
    path = f"/models/download/{quote(file, safe='')}"
    return server.post(f"{path}/{what}".rstrip("/"), params=query)


def job(server: RunningServer, file: str) -> dict[str, Any]:
    """The newest job of this file."""
    return next(each for each in server.get("/jobs").json()["jobs"] if each["title"] == file)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for it to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def ended(server: RunningServer, file: str) -> dict[str, Any]:
    """The job of this file, when it is over."""
    until(lambda: job(server, file)["state"] in ("done", "failed", "cancelled"))
    return job(server, file)


def done(server: RunningServer, file: str) -> None:
    """Wait for the transfer; it must end well."""
    over = ended(server, file)
    assert over["state"] == "done", over


def failed(server: RunningServer, file: str) -> dict[str, Any]:
    """What `/models/status` would tell of a transfer that must fail."""
    assert ended(server, file)["state"] == "failed"
    return server.store.downloads.status()[file]


def parts(root: Path) -> list[Path]:
    """Everything that is left of unfinished transfers."""
    return sorted(root.rglob("*.part"))


def part_sizes(root: Path) -> list[int]:
    """Their sizes; a trial whether a rename works there may go while we look."""
    sizes: list[int] = []
    for part in parts(root):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(part.stat().st_size)
    return sizes


def visible(root: Path) -> list[str]:
    """The files in the model folders that anybody would see."""
    found = (root / "models").rglob("*")
    return sorted(path.name for path in found if path.is_file() and path.suffix != ".part")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def serving(data: bytes, *, etag: str = '"one"', **how: Any) -> Callable[[Any], None]:
    """An answer with ranges: `kind`, `length`, `status`, `content_range` say it wrongly."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        named = handler.headers.get("If-Range", etag)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and named == etag else 0
        body = data[start:]
        handler.send_response(how.get("status", 206 if start else 200))
        if start:
            usual = f"bytes {start}-{len(data) - 1}/{len(data)}"
            handler.send_header("Content-Range", how.get("content_range", usual))
        if etag:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Type", how.get("kind", "application/octet-stream"))
        handler.send_header("Content-Length", str(how.get("length", len(body))))
        handler.end_headers()
        handler.wfile.write(body)
        if how.get("length", len(body)) != len(body):
            handler.close_connection = True

    return answer
