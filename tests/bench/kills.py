"""200 times: eight writers, `kill -9`, and nothing acknowledged is lost or half there."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import Row, below
from tests.killing import WRITERS, kill_round

_ROUNDS = 200


def run() -> Iterator[Row]:
    rng = random.Random()
    wrong = 0
    steps = [0] * WRITERS
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_ROUNDS):
            store = Path(folder) / str(number // 20)
            # A fresh store now and then: a long history makes looking at it slow.
            steps = steps if number % 20 else [0] * WRITERS
            try:
                steps = kill_round(store, steps, rng)
            except AssertionError as error:
                print(f"round {number}: {error}")
                wrong += 1
                steps = [0] * WRITERS
                break
    yield below(f"rounds of {_ROUNDS} kills that lost or tore a change", wrong, 0, "rounds")
