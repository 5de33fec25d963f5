"""The garbage collector held still, and let go again whatever happens."""

from __future__ import annotations

import gc
import time

import pytest

from comfyui_curator.store.memory import Stillness, no_collection


def test_it_is_still_for_so_long_at_most() -> None:
    with Stillness(60) as still:
        still.check()
        assert not gc.isenabled()
    assert gc.isenabled()
    with Stillness(0.01) as still:
        assert not gc.isenabled()
        time.sleep(0.02)
        still.check()
        assert gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error_too() -> None:
    with pytest.raises(ValueError, match="within"), Stillness(60):
        raise ValueError("within")
    assert gc.isenabled()


def test_who_found_it_still_leaves_it_so() -> None:
    with Stillness(60):
        with Stillness(60), no_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_only_when_the_last_who_held_it_still_has_let_go() -> None:
    first, second = Stillness(60), Stillness(60)
    first.__enter__()
    second.__enter__()
    first.__exit__()
    with no_collection():
        pass
    assert not gc.isenabled()
    second.__exit__()
    assert gc.isenabled()


def test_who_had_stopped_it_before_finds_it_stopped() -> None:
    gc.disable()
    try:
        with Stillness(60), no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
