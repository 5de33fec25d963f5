"""A process that dies in the middle of an upload in parts, at each of its steps on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from comfyui_curator.store.host import root_host
from comfyui_curator.store.settings import Options
from comfyui_curator.store.store import Store
from comfyui_curator.store.upload_asked import Asked, Sender
from tests.dying import deaths
from tests.uploading import cut, left, model, models
from tests.waiting import until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="dies by fork")
SENDER = Sender("local", "me")


@contextlib.contextmanager
def opened(root: Path) -> Generator[Store]:
    store = Store(root_host(root), Options(civitai="http://127.0.0.1:9"))
    with contextlib.closing(store):
        yield store


def send(store: Store, upload_id: str, number: int, data: bytes) -> None:
    expires = store.uploads.signer.expiry()
    signature = store.uploads.signer.sign(upload_id, number, expires)
    writer = store.uploads.begin_part(upload_id, number, len(data), expires, signature)
    store.uploads.write_part(writer, [data])
    store.uploads.finish_part(writer)


def begun(root: Path, data: bytes, pieces: list[bytes]) -> None:
    """An upload whose parts are there."""
    with opened(root) as store:
        file = root / "sent.safetensors"
        file.write_bytes(data)
        asked = Asked("model", str(file), file_size=len(data), parts=len(pieces))
        upload = store.uploads.create(asked, SENDER, "body")
        for number, piece in enumerate(pieces, 1):
            send(store, upload["id"], number, piece)


def copies(source: Path, folder: Path) -> Callable[[int], Path]:
    """A root for each step, whose paths are its own: the upload's bytes lie below it."""

    def make(step: int) -> Path:
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(source, root)
        return root

    return make


def settled(root: Path) -> Store:
    store = Store(root_host(root), Options(civitai="http://127.0.0.1:9"))
    (upload,) = store.uploads.listed()["uploads"]
    if upload["status"] == "pending":
        store.uploads.complete(upload["id"])
    until(lambda: store.uploads.get(upload["id"])["status"] in ("complete", "failed"))
    return store


def check(root: Path, data: bytes) -> None:
    with contextlib.closing(settled(root)) as store:
        (upload,) = store.uploads.listed()["uploads"]
        assert upload["status"] == "complete", upload
        assert upload["entityId"] == hashlib.sha256(data).hexdigest()
        assert list(models(root).values()) == [data]
        assert left(root) == []
        record = store.records.get(upload["entityId"])
        assert record is not None


@pytest.mark.parametrize("joined", [False, True])
def test_when_it_is_completed_the_next_start_brings_it_to_its_end(
    tmp_path: Path, joined: bool
) -> None:
    data = model("killed", 6000)
    pieces = [data[:70], data[70:100], data[100:]] if joined else cut(data, 3)
    root = tmp_path / "root"
    begun(root, data, pieces)
    first = Path(shutil.copytree(root, tmp_path / "first"))
    died = 0
    for each in deaths("complete-upload", copies(first, tmp_path), every=2):
        check(each, data)
        died += 1
    assert died > 2


def test_when_a_part_is_sent_again_it_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    data = model("killed", 6000)
    one, two, three = cut(data, 3)
    old = one + bytes(len(two)) + three
    root = tmp_path / "root"
    begun(root, data, [one, bytes(len(two)), three])
    first = Path(shutil.copytree(root, tmp_path / "first"))
    found: set[bytes] = set()
    for each in deaths("send-part", copies(first, tmp_path)):
        with contextlib.closing(settled(each)) as store:
            (upload,) = store.uploads.listed()["uploads"]
            (content,) = models(each).values()
            assert content in (old, data)
            assert upload["entityId"] == hashlib.sha256(content).hexdigest()
            assert left(each) == []
            found.add(content)
    assert old in found
