"""Lists of images: which, in which order, and page after page by a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeVar

from .records import Image
from .site import Site

_T = TypeVar("_T")
PERIODS = {
    "AllTime": timedelta(days=100_000),
    "Year": timedelta(days=365),
    "Month": timedelta(days=30),
    "Week": timedelta(days=7),
    "Day": timedelta(days=1),
}


def _newest(image: Image) -> tuple[float, int]:
    return image.created.timestamp(), image.id


def _reactions(image: Image) -> tuple[float, int]:
    return sum(image.stats[name] for name in ("cry", "laugh", "like", "heart")), image.id


def _comments(image: Image) -> tuple[float, int]:
    return image.stats["comment"], image.id


def _collected(image: Image) -> tuple[float, int]:
    return image.stats["collected"], image.id


def _oldest(image: Image) -> tuple[float, int]:
    return -image.created.timestamp(), image.id


SORTS: dict[str, Callable[[Image], tuple[float, int]]] = {
    "Newest": _newest,
    "Oldest": _oldest,
    "Most Reactions": _reactions,
    "Most Comments": _comments,
    "Most Collected": _collected,
}


class BadCursor(ValueError):
    """A cursor that no page has handed out."""


@dataclass(frozen=True)
class Wanted:
    """Which images a list is to have; None and empty: all."""

    model_id: int | None = None
    version_id: int | None = None
    image_id: int | None = None
    post_id: int | None = None
    username: str | None = None
    levels: frozenset[str | int] = frozenset()
    kinds: frozenset[str] = frozenset()
    excluded_tags: frozenset[int] = frozenset()
    sort: str = "Newest"
    period: str = "AllTime"


class Page(NamedTuple):
    items: list[Image]
    cursor: str | None


def select(site: Site, wanted: Wanted, level: Callable[[Image], str | int]) -> list[Image]:
    """The images in order. One that is asked for by its id need not show in lists."""
    after = site.world.now - PERIODS[wanted.period]
    versions: set[int] | None = None
    if wanted.model_id is not None:
        model = site.world.models.get(wanted.model_id)
        versions = {each.id for each in model.versions} if model else set()
    if wanted.version_id is not None:
        versions = {wanted.version_id}
    found = [
        image
        for image in site.world.images.values()
        if (image.id == wanted.image_id if wanted.image_id is not None else image.community)
        and (versions is None or not versions.isdisjoint(image.version_ids))
        and wanted.post_id in (None, image.post_id)
        and wanted.username in (None, image.creator.name)
        and (not wanted.levels or level(image) in wanted.levels)
        and (not wanted.kinds or image.kind in wanted.kinds)
        and wanted.excluded_tags.isdisjoint(image.tag_ids)
        and image.created > after
    ]
    return sorted(found, key=SORTS[wanted.sort], reverse=True)


def page(
    site: Site, found: Sequence[Image], wanted: Wanted, limit: int, cursor: str | None
) -> Page:
    """One page. Its first item may be the last of the page before; the last page has no cursor."""
    size = min(limit, site.switches.page_size or limit)
    start = _offset(cursor)
    if site.switches.repeats and start and size > 1 and start < len(found):
        start -= 1
    items = list(found[start : start + size])
    end = start + len(items)
    model = _model_with_empty_page(site, wanted)
    if end < len(found) or (model and items):
        stamp = int(site.world.now.timestamp())
        return Page(items, f"{end}|{stamp}" if items else None)
    return Page(items, None)


def part(found: Sequence[_T], limit: int, number: int) -> list[_T]:
    """A page by its number, from 1 on."""
    return list(found[(number - 1) * limit : number * limit])


def _model_with_empty_page(site: Site, wanted: Wanted) -> bool:
    model_id = wanted.model_id
    if wanted.version_id is not None:
        version = site.world.versions.get(wanted.version_id)
        model_id = version.model_id if version else None
    model = site.world.models.get(model_id) if model_id is not None else None
    return model is not None and model.ends_with_an_empty_page


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    offset, mark, stamp = cursor.partition("|")
    if not (mark and offset.isascii() and offset.isdigit() and stamp.isascii() and stamp.isdigit()):
        raise BadCursor(cursor)
    return int(offset)
