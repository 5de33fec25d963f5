"""One library for all tests of a file: each puts its own models there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import RunningServer
from tests.shelves import library_server, recorded


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with library_server(tmp_path_factory.mktemp("library") / "root") as running:
        yield running


@pytest.fixture(scope="module")
def unchanged(server: RunningServer) -> str:
    """The hash of a model that no test changes."""
    return recorded(server)[1]
