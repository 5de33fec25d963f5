"""Trigger words in groups, and strengths: what a person notes of how a LoRA is used."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .number_fields import NUMBER

_MOST_WORDS = 500
_MOST_PRESETS = 50
_Strength = Annotated[float, Field(ge=-100, le=100), NUMBER]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class TriggerWord(_Said):
    """A word or phrase for the prompt; words of one `group` (an outfit, a style) go together."""

    text: str = Field(min_length=1, max_length=2_000)
    group: str = Field(default="", max_length=200)


class Preset(_Said):
    """Strengths of a LoRA for one use: between `min` and `max`, best at `recommended`."""

    name: str = Field(default="", max_length=200)
    min: _Strength | None = None
    recommended: _Strength | None = None
    max: _Strength | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Preset:
        told = [each for each in (self.min, self.recommended, self.max) if each is not None]
        if not told:
            raise ValueError("a preset needs at least one of min, recommended and max")
        if told != sorted(told):
            raise ValueError("min, recommended and max must not be in another order")
        return self


def _words(value: Any) -> Any:
    """A plain text counts as a word without a group."""
    if not isinstance(value, list):
        return value
    items = cast("list[Any]", value)
    return [{"text": each} if isinstance(each, str) else each for each in items]


def _each_once(words: list[TriggerWord]) -> list[TriggerWord]:
    seen = dict.fromkeys((word.text, word.group) for word in words)
    return [TriggerWord(text=text, group=group) for text, group in seen]


def _named_once(presets: list[Preset]) -> list[Preset]:
    if len({preset.name for preset in presets}) < len(presets):
        raise ValueError("two presets have the same name")
    return presets


TriggerWords = Annotated[
    list[TriggerWord],
    BeforeValidator(_words),
    AfterValidator(_each_once),
    Field(max_length=_MOST_WORDS),
]
"""`[{text, group}]`, plain texts too; each word of a group once."""

Presets = Annotated[list[Preset], AfterValidator(_named_once), Field(max_length=_MOST_PRESETS)]
"""`[{name, min, recommended, max}]`, each name once."""


def words_of(texts: list[str]) -> list[dict[str, str]]:
    """Words as a record keeps them, from texts that upstream lists; empty ones are left out."""
    cut = [each.strip().rstrip(",").strip()[:2_000] for each in texts]
    return [{"text": each, "group": ""} for each in dict.fromkeys(cut) if each][:_MOST_WORDS]
