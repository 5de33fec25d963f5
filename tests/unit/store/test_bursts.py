"""Few changes are told at once, many together, and none is forgotten."""

from __future__ import annotations

import threading

from comfyui_curator.store.bursts import Bursts


def test_the_first_is_told_at_once_and_the_rest_together() -> None:
    told: list[list[str]] = []
    more = threading.Event()

    def tell(keys: list[str]) -> None:
        told.append(keys)
        if len(told) == 2:
            more.set()

    bursts = Bursts(tell, 0.2)
    bursts.add(["a"])
    assert told == [["a"]]
    for number in range(100):
        bursts.add([str(number), "a"])
    assert len(told) == 1
    assert more.wait(10)
    assert sorted(told[1]) == sorted([*map(str, range(100)), "a"])


def test_what_comes_after_a_rest_is_told_at_once() -> None:
    told: list[list[str]] = []
    bursts = Bursts(told.append, 0.0)
    for key in "abc":
        bursts.add([key])
    assert told == [["a"], ["b"], ["c"]]
