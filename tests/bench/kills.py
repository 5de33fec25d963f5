"""200 times: eight writers, `kill -9`, and nothing acknowledged is lost or half there."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import Row, below
from tests.killing import WRITERS, kill_round

_ROUNDS = 200
_A_STORE = 20


def run() -> Iterator[Row]:
    rng = random.Random()
    wrong = 0
    store, steps = Path(), [0] * WRITERS
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_ROUNDS):
            if number % _A_STORE == 0:
                # A fresh one now and then: to look at a long history takes longer and longer.
                store, steps = Path(folder) / str(number), [0] * WRITERS
            try:
                steps = kill_round(store, steps, rng)
            except AssertionError as error:
                print(f"round {number}: {error}", file=sys.stderr)
                wrong += 1
                store, steps = Path(folder) / f"{number}-next", [0] * WRITERS
    yield below(f"rounds of {_ROUNDS} kills that lost or tore a change", wrong, 0, "rounds")
