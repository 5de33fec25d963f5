"""What tests of uploads share: a client that sends a file in parts, and waiting for its end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

from tests.serving import RunningServer
from tests.upstream.weights import safetensors
from tests.waiting import until

Json = dict[str, Any]


def model(salt: str, size: int = 0) -> bytes:
    """A LoRA's file, its bytes told by `salt`."""
    return safetensors("LORA", salt, size=size)


def body(data: bytes, parts: int = 1, **more: Any) -> Json:
    """What a client sends to begin."""
    said = {"kind": "model", "fileName": "a.safetensors", "contentType": "x/y"}
    return {**said, "fileSize": len(data), "parts": parts, **more}


def create(server: RunningServer, said: Json, **how: Any) -> Json:
    answer = server.post("/uploads", json=said, **how)
    assert answer.status_code == 200, answer.text
    return answer.json()["upload"]


def cut(data: bytes, count: int) -> list[bytes]:
    """The parts as the server places them."""
    size = -(-len(data) // count)
    return [data[start : start + size] for start in range(0, size * count, size)]


def put(url: str, data: Any, **headers: str) -> requests.Response:
    """Send a part as anybody would who has nothing but its address."""
    return requests.put(url, data=data, headers=headers, timeout=30)


def send(upload: Json, data: bytes, numbers: Iterable[int] | None = None) -> None:
    """Send these parts (all)."""
    pieces = cut(data, int(upload["partsCount"]))
    urls = {part["number"]: part["url"] for part in upload["parts"]}
    for number in numbers or sorted(urls):
        answer = put(urls[number], pieces[number - 1])
        assert answer.status_code == 200, answer.text
        assert answer.headers["ETag"]


def act(server: RunningServer, upload: Json, action: str = "complete") -> requests.Response:
    return server.post(f"/uploads/{upload['id']}/action", json={"action": action})


def look(server: RunningServer, upload: Json) -> Json:
    return server.get(f"/uploads/{upload['id']}").json()["upload"]


def ended(server: RunningServer, upload: Json) -> Json:
    """The upload, when it has ended."""
    until(lambda: look(server, upload)["status"] in ("complete", "failed"))
    return look(server, upload)


def completed(server: RunningServer, upload: Json) -> Json:
    """Send the action and wait: it must end well."""
    answer = act(server, upload)
    assert answer.status_code == 200, answer.text
    over = ended(server, upload)
    assert over["status"] == "complete", over
    return over


def upload_all(server: RunningServer, data: bytes, parts: int = 1, **more: Any) -> Json:
    """From the first call to the last."""
    upload = create(server, body(data, parts, **more))
    send(upload, data)
    return completed(server, upload)


def left(root: Path) -> list[Path]:
    """Every file that an upload has left behind, wherever it gathers its bytes."""
    folder = root / "curator" / "uploads"
    inside = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return inside + list((root / "models").rglob("*.part*"))


def models(root: Path) -> dict[str, bytes]:
    """The files in the models folders."""
    return {path.name: path.read_bytes() for path in (root / "models").rglob("*.*")}
