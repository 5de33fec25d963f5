"""The gallery: runs, thumbnails, lists."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import Row, gallery_runs


def run() -> Iterator[Row]:
    yield from gallery_runs.rows()
