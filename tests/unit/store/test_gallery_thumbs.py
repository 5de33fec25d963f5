"""Thumbnails that could not be made: what is tried again, and what is told."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_curator.store import gallery, gallery_files, gallery_served
from comfyui_curator.store.errors import NotFound
from comfyui_curator.store.inputs import copy_to
from comfyui_curator.store.media import Format, format_of
from comfyui_curator.store.names import inside
from comfyui_curator.store.store import Store
from tests.own_pictures import draw
from tests.waiting import until


def added(store: Store, path: Path, colour: str = "red") -> tuple[str, Path]:
    """A picture without a thumbnail: its id, its file."""
    key = store.gallery.add_own(draw(path, colour))["id"]
    thumbnail = store.gallery.thumb(key).path
    assert thumbnail.name.endswith(".thumb.webp")
    thumbnail.unlink()
    return key, store.gallery.media(key).path


def shown(store: Store, key: str) -> str:
    return store.gallery.thumb(key).path.name


def test_trouble_of_the_system_says_nothing_of_the_picture(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, media = added(store, tmp_path / "a.png")

    def too_many(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", too_many)
        assert shown(store, key) == media.name, "the picture itself meanwhile"
    assert shown(store, key) == f"{key}.thumb.webp"


def test_a_broken_picture_is_decoded_once_until_its_file_is_another(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("decoded again")

    key, media = added(store, tmp_path / "a.png")
    good = media.read_bytes()
    media.write_bytes(good[: len(good) // 2])
    assert shown(store, key) == media.name
    assert key in caplog.text, "somebody who looks for it finds why"
    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", never)
        assert shown(store, key) == media.name
    media.write_bytes(good)
    assert shown(store, key) == f"{key}.thumb.webp"


def test_a_file_that_goes_while_it_is_asked_for_is_not_found(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, media = added(store, tmp_path / "a.png")
    calls: list[Callable[[], Any]] = [
        lambda: store.gallery.thumb(key),
        lambda: store.gallery.media(key),
    ]
    data = media.read_bytes()

    def gone(path: Path) -> Format:
        path.unlink()
        return format_of(path)

    monkeypatch.setattr(gallery_served, "format_of", gone)
    for call in calls:
        media.write_bytes(data)
        with pytest.raises(NotFound):
            call()


def test_a_file_that_goes_while_it_is_copied_or_measured_is_not_found(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, media = added(store, tmp_path / "a.png")
    data = media.read_bytes()

    def copied(path: Path) -> Callable[[Path], None]:
        path.unlink()
        return copy_to(path)

    def found(*given: Any) -> Path:
        path = inside(*given)
        path.unlink()
        return path

    monkeypatch.setattr(gallery, "copy_to", copied)
    with pytest.raises(NotFound):
        store.gallery.to_input(key)
    media.write_bytes(data)
    monkeypatch.setattr(gallery_files, "inside", found)
    with pytest.raises(NotFound):
        store.gallery.fix_sizes(key)


def test_a_picture_that_goes_while_its_thumbnail_is_made_is_not_found(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, media = added(store, tmp_path / "a.png")
    real = store.gallery.decoder.run

    def run(work: Callable[[], Any]) -> Any:
        media.unlink()
        return real(work)

    monkeypatch.setattr(store.gallery.decoder, "run", run)
    with pytest.raises(NotFound):
        store.gallery.thumb(key)


def test_what_fails_in_an_unknown_way_costs_only_itself(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [added(store, tmp_path / f"{colour}.png", colour)[0] for colour in ("red", "blue")]
    real = store.gallery.ensure_thumbnail

    def ensure(key: str) -> bool | None:
        if key == keys[0]:
            raise RuntimeError("nobody has thought of this")
        return real(key)

    monkeypatch.setattr(store.gallery, "ensure_thumbnail", ensure)
    store.thumbs_backfill.later(keys)
    assert any(job["kind"] == "thumbs" for job in store.jobs.listed()), "told at once"
    until(lambda: not store.thumbs_backfill.is_busy)
    assert real(keys[1]) is None
    assert real(keys[0]) is True


def test_a_job_for_all_goes_on_beside_what_is_deleted_or_cannot_be_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = ("red", "blue", "green")
    keys = [added(store, tmp_path / f"{colour}.png", colour)[0] for colour in colours]
    real = store.gallery.fix_sizes
    told: list[tuple[str, Any]] = []

    def fix(key: str) -> bool:
        if key == keys[0]:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(tmp_path))
        if key == keys[1]:
            store.gallery.remove_items([key])
        return real(key)

    def hear(name: str, data: Any) -> None:
        told.append((name, data))

    monkeypatch.setattr(store.gallery, "fix_sizes", fix)
    job_id, _ = store.thumbs_backfill.start(hear)
    until(lambda: any(name == "done" for name, _ in told))
    (job,) = [each for each in store.jobs.listed() if each["id"] == job_id]
    assert (job["state"], told[-1][1]["thumbs_generated"]) == ("done", 3)
    logged = [str(data) for name, data in told if name == "log"]
    assert all(any(key in each for each in logged) for key in keys[:2])
    assert str(tmp_path) not in str(told)


def test_an_item_that_comes_again_has_a_thumbnail_again(store: Store, tmp_path: Path) -> None:
    key, media = added(store, tmp_path / "a.png")
    kept = tmp_path / "kept.png"
    shutil.copyfile(media, kept)
    media.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert shown(store, key) == media.name
    store.gallery.remove_items([key])
    assert store.gallery.add_own(kept)["id"] == key
    assert shown(store, key) == f"{key}.thumb.webp"
