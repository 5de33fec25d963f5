"""What the server fetches itself: also from this machine, and models at Hugging Face to fetch."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from comfyui_curator.store import Options
from tests.serving import options_for
from tests.transferring import BIG, HUB, published
from tests.upstream import Upstream, World
from tests.upstream.records import Content


@pytest.fixture
def options(upstream: Upstream) -> Options:
    return options_for(upstream, allow_private_addresses=True)


@pytest.fixture
def big(world: World) -> Iterator[bytes]:
    """The model of `HUB`: 8 MB."""
    with published(world, HUB, Content(lambda: random.Random(7).randbytes(BIG))) as data:
        yield data


@pytest.fixture
def heavy(world: World) -> Iterator[bytes]:
    """64 MB there."""
    with published(world, HUB, Content(lambda: random.Random(7).randbytes(8 * BIG))) as data:
        yield data
