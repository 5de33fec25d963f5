"""pytest fixtures: one server for the whole run, as new for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .server import Upstream
from .world import World


@pytest.fixture(scope="session")
def world() -> World:
    """What CivitAI and Hugging Face show in the tests."""
    return World()


@pytest.fixture(scope="session")
def running_upstream(world: World) -> Iterator[Upstream]:
    """The server itself; tests take `upstream`."""
    with Upstream(world) as up:
        yield up


@pytest.fixture
def upstream(running_upstream: Upstream) -> Iterator[Upstream]:
    """The local CivitAI and Hugging Face, without faults and with nothing recorded."""
    running_upstream.reset()
    yield running_upstream
    running_upstream.reset()
