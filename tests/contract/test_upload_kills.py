"""A process that fetches for uploads and is killed: what the next one makes of it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests import programs
from tests.addressed_uploads import ENDED, leftovers, models
from tests.sites import Site
from tests.transferring import part_sizes, published, sha256
from tests.upstream import Upstream, World, weights
from tests.upstream.records import Content
from tests.waiting import until

_STALL = 1 << 20
_SIZE = 3 << 20


class Program:
    """A running program's API."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, method: str, path: str, **how: Any) -> Any:
        answer = self._session.request(method, self._api + path, timeout=20, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def uploads(self) -> dict[str, dict[str, Any]]:
        return {each["id"]: each for each in self.ask("GET", "/uploads")["uploads"]}

    def close(self) -> None:
        self._session.close()


@contextlib.contextmanager
def program(root: Path, upstream: Upstream) -> Generator[Program, None, None]:
    """A process of its own, killed at the end of the block."""
    more = ("--allow-private", *programs.asking(upstream))
    with programs.program("--root", root, *more) as (_, address):
        running = Program(f"{address}api/admin")
        try:
            yield running
        finally:
            running.close()


@pytest.fixture
def repository(world: World) -> Iterator[bytes]:
    """A model of 3 MB at Hugging Face."""
    content = Content(lambda: weights.safetensors("VAE", "killed", size=_SIZE))
    entry = {"hf_repo": "kills/vae", "hf_file": "vae.safetensors"}
    with published(world, entry, content) as data:
        yield data


class Elsewhere:
    """An address that gives ranges of a file, and at first stops after a megabyte."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.starts: list[int] = []
        self.holds = True

    def __call__(self, handler: Any) -> None:
        wanted = handler.headers.get("Range", "bytes=0-")
        start = int(wanted[6:-1])
        self.starts.append(start)
        rest = self.data[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", '"one"')
        handler.send_header("Content-Disposition", 'attachment; filename="elsewhere.safetensors"')
        if start:
            size = len(self.data)
            handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        with contextlib.suppress(OSError):
            if not self.holds:
                handler.wfile.write(rest)
                return
            handler.wfile.write(rest[:_STALL])
            until(lambda: not self.holds)
            handler.close_connection = True


def test_uploads_of_every_source_go_on_after_kills_and_are_right(
    tmp_path: Path, upstream: Upstream, world: World, site: Site, repository: bytes
) -> None:
    root = tmp_path / "root"
    data = weights.safetensors("Checkpoint", "elsewhere", size=_SIZE)
    elsewhere = site.answers["/get"] = Elsewhere(data)
    version = world.version("big")
    upstream.faults.add("/model/|/repos/", stall_after=_STALL, times=None)
    bodies = [
        {"url": f"{site.url}/get", "kind": "model"},
        {"civitaiModelUrl": f"https://civitai.com/model-versions/{version.id}"},
        {"huggingFaceModelName": "kills/vae"},
    ]
    with program(root, upstream) as first:
        ids = [first.ask("POST", "/uploads", json=body)["upload"]["id"] for body in bodies]
        until(lambda: sorted(part_sizes(root))[-3:] == [_STALL] * 3)
    # A second one is killed somewhere on its way to the third, which may end it all.
    elsewhere.holds = False
    upstream.faults.clear()
    with program(root, upstream) as second:
        assert set(second.uploads()) == set(ids)
        time.sleep(random.random() * 0.4)
    with program(root, upstream) as third:
        until(lambda: {each["status"] for each in third.uploads().values()} <= set(ENDED))
        ended = third.uploads()
        catalog = (root / "curator" / "models.json").read_text("utf-8")
    assert [ended[each]["status"] for each in ids] == ["complete"] * 3, ended
    expected = {
        "checkpoints/elsewhere.safetensors": data,
        f"loras/{version.files[0].name}": version.files[0].content.data,
        "vae/vae.safetensors": repository,
    }
    assert models(root) == sorted(expected)
    for (file, content), upload_id in zip(expected.items(), ids, strict=True):
        assert (root / "models" / file).read_bytes() == content
        assert ended[upload_id]["entityId"] == sha256(content)
        assert catalog.count(sha256(content)) == 1
    assert leftovers(root) == []
    assert _STALL in elsewhere.starts, "what had come was not fetched again"
