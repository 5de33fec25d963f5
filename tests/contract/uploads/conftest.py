"""One server for the uploads of a file, since each upload is its own; and one for who needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.store import Options
from tests.serving import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of a file: each upload is its own."""
    root = tmp_path_factory.mktemp("uploads") / "root"
    with RunningServer(root, Options(key="an-example-key")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "root") as running:
        yield running
