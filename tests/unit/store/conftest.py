"""A whole store, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.store.host import root_host
from comfyui_curator.store.settings import Options
from comfyui_curator.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(root_host(tmp_path / "root"), Options())
    yield store
    store.close()
