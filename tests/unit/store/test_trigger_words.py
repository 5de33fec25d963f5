"""The shape of trigger words and strengths."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from comfyui_curator.store.trigger_words import Presets, TriggerWords, words_of

WORDS: TypeAdapter[Any] = TypeAdapter(TriggerWords)
PRESETS: TypeAdapter[Any] = TypeAdapter(Presets)


def test_plain_texts_are_words_without_a_group_and_each_word_of_a_group_stands_once() -> None:
    given = [
        "glow",
        {"text": " glow ", "group": "night"},
        "glow",
        {"text": "glow", "group": "night"},
    ]
    assert WORDS.dump_python(WORDS.validate_python(given)) == [
        {"text": "glow", "group": ""},
        {"text": "glow", "group": "night"},
    ]


@pytest.mark.parametrize("given", ["glow", [3], [""], [{"group": "x"}], ["x" * 2001], [[]]])
def test_what_is_no_list_of_words_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        WORDS.validate_python(given)


def test_a_preset_may_leave_out_what_is_not_known() -> None:
    found = PRESETS.validate_python([{"min": -0.5, "max": 1}, {"name": "soft", "recommended": 0.4}])
    assert PRESETS.dump_python(found) == [
        {"name": "", "min": -0.5, "recommended": None, "max": 1.0},
        {"name": "soft", "min": None, "recommended": 0.4, "max": None},
    ]


@pytest.mark.parametrize(
    "given",
    [
        [{}],
        [{"min": 1, "max": 0.5}],
        [{"min": 0, "recommended": 2, "max": 1}],
        [{"max": 101}],
        [{"max": "inf"}],
        [{"max": 1}, {"max": 0.5}],
        {"max": 1},
    ],
)
def test_strengths_that_contradict_each_other_are_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        PRESETS.validate_python(given)


def test_upstreams_words_lose_their_commas_and_twins() -> None:
    assert words_of(["glow, ", "glow", "", "warm, light"]) == [
        {"text": "glow", "group": ""},
        {"text": "warm, light", "group": ""},
    ]
