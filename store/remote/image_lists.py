"""What CivitAI is asked for lists of pictures and for tags, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from ..json_values import integer, is_object, mapping, text

PAGE = 200
"""Pictures of a page at most, as CivitAI has it."""

UNDEFINED: Final = object()
"""superjson's word for a value that is not there."""

_LEVELS = {"none": 1, "soft": 2, "mature": 4, "x": 8, "blocked": 32}
_BELOW = {"None": 1, "Soft": 2, "Mature": 4, "X": 16}


class ListedPage(NamedTuple):
    """Pictures as CivitAI tells them, and the cursor of the next page; None: this is the last."""

    items: list[dict[str, Any]]
    cursor: Any


@dataclass(frozen=True)
class ImageQuery:
    """Which pictures a list is to have; empty and None: any."""

    model_id: int
    version_id: int | None = None
    rest: bool = False
    types: tuple[str, ...] = ()
    nsfw: str = "X"
    """The highest level: None, Soft, Mature, X."""
    sort: str = "Newest"
    period: str = "AllTime"
    with_meta: bool = False
    from_platform: bool = False
    is_remix: bool | None = None

    def parameters(self, cursor: Any) -> dict[str, Any]:
        """The query of `GET /api/v1/images`; the meta is asked for in any case."""
        asked: dict[str, Any] = {"modelId": self.model_id}
        if self.version_id is not None:
            asked["modelVersionId"] = self.version_id
        asked |= {"limit": PAGE, "nsfw": self.nsfw, "sort": self.sort, "period": self.period}
        asked["withMeta"] = "true"
        if len(self.types) == 1:
            asked["type"] = self.types[0]
        if cursor is not None:
            asked["cursor"] = cursor
        return asked

    def procedure_input(self, cursor: Any) -> dict[str, Any]:
        """The input of `image.getInfinite`."""
        given: dict[str, Any] = {
            "modelVersionId": self.version_id,
            "period": self.period,
            "sort": self.sort,
            "limit": PAGE,
            "pending": False,
            "include": [],
            "withMeta": self.with_meta,
            "excludedTagIds": [],
            "disablePoi": True,
            "disableMinor": True,
            # Every level up to the highest: without this only the harmless ones are told.
            "browsingLevel": _BELOW[self.nsfw] * 2 - 1,
            "cursor": UNDEFINED if cursor is None else cursor,
        }
        if self.types:
            given["types"] = list(self.types)
        if self.from_platform:
            given["fromPlatform"] = True
        if self.is_remix is not None:
            given["isRemix"] = self.is_remix
        return given

    def admits(self, item: Mapping[str, Any]) -> bool:
        """Whether an item is wanted, as far as it tells: servers pass over filters they lack."""
        if self.types and (text(item.get("type")) or "image") not in self.types:
            return False
        if nsfw_level(item) > _BELOW[self.nsfw]:
            return False
        if self.from_platform and item.get("onSite") is False:
            return False
        if self.with_meta:
            return not (item.get("hasMeta") is False if "hasMeta" in item else not item.get("meta"))
        return True

    def admits_making(self, told: Mapping[str, Any]) -> bool:
        """The same by what only the generation data tells."""
        if self.from_platform and told.get("onSite") is False:
            return False
        if self.is_remix is not None and "remixOfId" in told:
            return bool(told["remixOfId"]) == self.is_remix
        return True


def nsfw_level(item: Mapping[str, Any]) -> int:
    """CivitAI's level as its bit (1, 2, 4, 8, 16, 32), which REST says in words; 0 unknown."""
    for name in ("browsingLevel", "nsfwLevel"):
        bits = integer(item.get(name))
        if bits and bits > 0:
            # Of several bits the highest counts.
            return 1 << min(bits.bit_length() - 1, 5)
    return _LEVELS.get(text(item.get("nsfwLevel")).lower(), 0)


def read_generations(image_ids: Sequence[int], answers: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """What a batch tells of each picture, `{}` for nothing; absent where asking failed."""
    return {
        image_id: mapping(_value(answer))
        for image_id, answer in zip(image_ids, answers, strict=False)
        if (is_object(answer) and "result" in answer) or _status(answer) in (404, 410)
    }


def read_tags(tag_ids: Sequence[int], told: Any) -> dict[int, dict[str, Any] | None]:
    """The tags in a batch's answer, by the ids that were asked for, in their order."""
    found: dict[int, dict[str, Any] | None] = {}
    answers = cast("list[Any]", told) if isinstance(told, list) else []
    for tag_id, answer in zip(tag_ids, answers, strict=False):
        value = _value(answer)
        if text(mapping(value).get("name")):
            found[tag_id] = mapping(value)
        elif (is_object(answer) and "result" in answer and not value) or _status(answer) == 404:
            found[tag_id] = None
    return found


def _status(answer: Any) -> Any:
    """The status of a batch's part that failed; None for one that did not."""
    error = mapping(mapping(answer).get("error"))
    return mapping(mapping(error.get("json")).get("data")).get("httpStatus")


def _value(answer: Any) -> Any:
    """The value in tRPC's envelope, with or without superjson's."""
    data = mapping(mapping(answer).get("result")).get("data")
    return data.get("json") if is_object(data) and "json" in data else data
