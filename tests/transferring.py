"""What tests of transfers share: entries to fetch, a site that knows ranges, and waiting."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from tests import catalog_files
from tests.serving import RunningServer
from tests.sites import Answer, Site
from tests.upstream import Upstream, World
from tests.upstream.records import Content, Repository, RepositoryFile
from tests.waiting import until

FILE = "model.safetensors"
HUB = {"file": FILE, "dest": "loras", "hf_repo": "faults/heavy", "hf_file": FILE}
"""The entry of what the fixtures `big` and `heavy` publish."""
BIG = 8 << 20
PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"
_STORAGES = ("storage", "huggingface_storage")


def write_catalog(root: Path, *entries: dict[str, Any], catalog: str = "models") -> None:
    """`models.json` with these entries, as a person writes it."""
    catalog_files.write(root / "curator", catalog, *entries)


def get(server: RunningServer, file: str, dest: str | None = None) -> requests.Response:
    return act(server, file, "", dest)


def act(server: RunningServer, file: str, what: str, dest: str | None = None) -> requests.Response:
    query = {"dest": dest} if dest else None
    path = f"/models/download/{quote(file, safe='')}"
    return server.post(f"{path}/{what}".rstrip("/"), params=query)


def job(server: RunningServer, file: str) -> dict[str, Any]:
    """The newest job of this file."""
    return next(each for each in server.get("/jobs").json()["jobs"] if each["title"] == file)


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


def offsets(upstream: Upstream) -> list[int]:
    """Where each request for the file itself began."""
    ranges = [each.header("Range") for each in upstream.requests(origin="huggingface_storage")]
    return [int(each[6:-1]) if each else 0 for each in ranges]


def held(upstream: Upstream, count: int) -> None:
    """From the next request on so many bytes come, and then none for long."""
    upstream.faults.clear()
    upstream.faults.add("/repos/", stall_after=count, times=1)


def put_entry(server: RunningServer, site: Site, *answers: Answer, **more: Any) -> None:
    """An entry whose address gives these answers, one after the other, the last for ever."""
    left = list(answers)

    def answer(handler: Any) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    site.answers["/m"] = answer
    entry = {"file": FILE, "dest": "loras", "url": f"{site.url}/m", **more}
    write_catalog(server.root, entry)


def target(root: Path) -> Path:
    """Where `FILE` comes to lie."""
    return root / "models" / "loras" / FILE


def added(server: RunningServer, world: World, label: str, **query: Any) -> dict[str, Any]:
    """An entry of the catalog as its add answers it."""
    answer = server.post(f"/civitai/add/{world.version(label).id}", params=query)
    assert answer.json()["status"] == "added", answer.text
    return answer.json()


def begun(server: RunningServer, upstream: Upstream, world: World, count: int) -> dict[str, Any]:
    """An entry of which so many bytes have come, and no more will until the faults are cleared."""
    entry = added(server, world, "big")
    upstream.faults.add("/model/", origin="storage", stall_after=count)
    get(server, entry["file"])
    until(lambda: job(server, entry["file"])["done"] == count)
    return entry


def place(server: RunningServer, entry: dict[str, Any]) -> Path:
    return server.root / "models" / entry["dest"] / entry["file"]


def hub_entry(world: World, label: str, path: str, **more: Any) -> dict[str, Any]:
    """An entry of a file in a repository."""
    entry = {"file": f"{label}.safetensors", "dest": "loras", "hf_file": path}
    return {**entry, "hf_repo": world.repository(label).name, **more}


def downloads(upstream: Upstream) -> list[str]:
    """The storages that were asked for files, in this order."""
    return [request.origin for request in upstream.requests() if request.origin in _STORAGES]


@contextlib.contextmanager
def published(
    world: World, entry: dict[str, str], content: Content
) -> Generator[bytes, None, None]:
    """Hugging Face shows this as the file of an entry; its bytes."""
    name = entry["hf_repo"]
    world.repositories[name] = Repository(
        name,
        hashlib.sha1(name.encode()).hexdigest(),
        world.repository("single").modified,
        (RepositoryFile(entry["hf_file"], content),),
    )
    yield content.data
    del world.repositories[name]
