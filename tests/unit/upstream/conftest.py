"""What the tests of the local CivitAI and Hugging Face ask it with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.upstream import Upstream

Trpc = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """A session that no proxy of the machine gets into."""
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.fixture
def trpc(upstream: Upstream, session: requests.Session) -> Trpc:
    """`trpc(procedure, given)`, with `marks` for superjson's `meta.values`."""

    def ask(procedure: str, given: Any, marks: dict[str, Any] | None = None) -> requests.Response:
        question: dict[str, Any] = {"json": given}
        if marks:
            question["meta"] = {"values": marks}
        address = f"{upstream.civitai}/api/trpc/{procedure}"
        return session.get(address, params={"input": json.dumps(question)}, timeout=10)

    return ask
