"""The gallery: runs, thumbnails, lists."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import Row, gallery_runs, gallery_store


def run() -> Iterator[Row]:
    yield from gallery_runs.rows()
    yield from gallery_store.rows()
