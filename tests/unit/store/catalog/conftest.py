"""A catalog over an empty root."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import Host, root_host
from tests import catalog_files


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return root_host(tmp_path)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def catalog(host: Host, events: Events) -> Iterator[Catalog]:
    with catalog_files.opened(host, events) as catalog:
        yield catalog
