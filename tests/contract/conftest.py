"""A running server for every contract test, its upstream the local stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.store import Options
from tests.organising import Shelf
from tests.serving import RunningServer, impatient, options_for
from tests.upstream import Upstream


@pytest.fixture
def options(upstream: Upstream) -> Options:
    """Bases at the stand-in; a test overrides this for other settings."""
    return options_for(upstream)


@pytest.fixture
def server(tmp_path: Path, options: Options) -> Iterator[RunningServer]:
    """A server over an empty root."""
    with impatient(tmp_path / "root", options) as running:
        yield running


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, running_upstream: Upstream) -> Iterator[Shelf]:
    """A library for all tests of a file: each puts its own models there."""
    root = tmp_path_factory.mktemp("shelf") / "root"
    with RunningServer(root, options_for(running_upstream)) as running:
        yield Shelf(running)
