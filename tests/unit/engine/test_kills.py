from __future__ import annotations

import random
from pathlib import Path

from tests.killing import WRITERS, kill_round


def test_twenty_kills_under_eight_writers_lose_and_tear_nothing(tmp_path: Path) -> None:
    rng = random.Random()
    steps = before = [0] * WRITERS
    for _ in range(20):
        before = steps
        steps = kill_round(tmp_path / "store", steps, rng)
    assert sum(steps) > sum(before)
