"""A gallery as its routes show it: pictures fetched into it, and looks at what came of that."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import requests
from PIL import Image

from tests import answers
from tests.serving import RunningServer
from tests.upstream import World


def fetch(server: RunningServer, image_id: int | str) -> requests.Response:
    return server.post(f"/loras/gallery/download-single/{image_id}", json={})


def fetched(server: RunningServer, world: World, label: str) -> dict[str, Any]:
    answer = fetch(server, world.image(label).id)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(world: World, label: str) -> dict[str, Any]:
    """How CivitAI says that a picture was made."""
    return dict(world.image(label).meta or {})


def check_error(answer: requests.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """As everywhere; and where the stand-ins are is not told."""
    assert "127.0.0.1" not in answer.text
    return answers.check_error(answer, status, field)


def kept_files(server: RunningServer) -> list[str]:
    folder = server.store.host.data / "gallery"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def check_nothing_came(server: RunningServer) -> None:
    assert server.get("/gallery").json()["total"] == 0
    assert kept_files(server) == []


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def bomb(width: int, height: int) -> bytes:
    """A PNG of so many pixels in a few hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
