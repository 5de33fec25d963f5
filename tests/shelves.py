"""Model files for tests of the library, and a server over them."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from comfyui_curator.store import Options
from tests.serving import RunningServer

_numbers = itertools.count(1)


@contextmanager
def library_server(root: Path) -> Generator[RunningServer, None, None]:
    """A server that asks nobody upstream."""
    nowhere = "http://127.0.0.1:9"
    options = Options(civitai=nowhere, civitai_images=nowhere, huggingface=nowhere)
    with RunningServer(root, options) as server:
        assert server.store.library.wait()
        yield server


def put_model(
    server: RunningServer, name: str = "", kind: str = "loras", data: bytes | None = None
) -> tuple[Path, str]:
    """A model file with content of its own (unless given), and its hash."""
    number = next(_numbers)
    path = server.store.host.models / kind / (name or f"model {number}.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = f"weights {number}".encode() if data is None else data
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def staged(server: RunningServer, *paths: Path) -> list[int]:
    """The ids of the pending rows of these files, after a scan."""
    assert server.post("/models/scan", json={}).status_code == 200
    found: dict[str, int] = {}
    for model in server.get("/migration/pending_models").json()["models"]:
        row = server.get(f"/migration/pending_model?id={model['id']}").json()
        found[row["path"]] = row["id"]
    return [found[str(path)] for path in paths]


def recorded(server: RunningServer, name: str = "", kind: str = "loras") -> tuple[Path, str]:
    """A model file that was imported."""
    path, sha256 = put_model(server, name, kind)
    answer = server.post("/migration/import_models", json={"id": staged(server, path)})
    assert len(answer.json()["success"]) == 1
    return path, sha256


def place_of(server: RunningServer, path: Path) -> str:
    """The id of the place of a file, after a look at the disk."""
    server.store.library.scan()
    place = server.store.library.places.at_path(str(path))
    assert place
    return place.place_id


def picture(
    colour: tuple[int, int, int] = (200, 0, 0), size: tuple[int, int] = (12, 8), kind: str = "PNG"
) -> bytes:
    """A small picture."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def shown(data: bytes) -> Image.Image:
    """The picture in an answer."""
    return Image.open(io.BytesIO(data))


def upload(server: RunningServer, sha256: str, data: bytes, prefix: str = "") -> Any:
    """The answer to an upload of a sample picture."""
    return server.post(
        f"{prefix}/images/upload", data={"sha256": sha256}, files={"image": ("p.png", data)}
    )
