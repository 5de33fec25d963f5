"""Lists of the gallery: filtered, paged, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .engine import Collection, Page, Record
from .gallery_records import source_in
from .gallery_shown import shown_item

_ALL = 1 << 40
_LEVELS = (1, 2, 4, 8, 16, 32)

Listed: TypeAlias = tuple[str, Any]
"""An index and a value of it."""


@dataclass(frozen=True)
class Wanted:
    """Which pictures; what is empty or None does not matter."""

    source: str = ""
    starred: bool | None = None
    version_id: int | None = None
    type: str = ""
    q: str = ""
    max_nsfw: int = 0
    """CivitAI's highest level that is wanted; 0: all, and those of an unknown level always."""
    tags: tuple[frozenset[int], ...] = ()
    """One of each of these sets of CivitAI's tags."""
    named: tuple[frozenset[int], ...] = ()
    """For each word of `q` the models whose pictures have it, as their names do."""

    def narrowing(
        self, records: Collection, model_id: int | None = None
    ) -> tuple[list[list[Listed]], list[Listed]]:
        """Groups of lists: a picture is in one of each; and the lists that it is in none of.

        With a model its own cards are the originals.
        """
        among: list[list[Listed]] = [[("by_tag", tag) for tag in tags] for tags in self.tags]
        without = [("by_nsfw", each) for each in _LEVELS if self.max_nsfw and each > self.max_nsfw]
        if self.version_id is not None:
            among.append([("by_version", self.version_id)])
        starred = None if self.starred is None else int(self.starred)
        source = self.source
        if model_id is not None and source == "original":
            among.append([("by_card", model_id)])
        elif model_id is not None and source == "community":
            without += [("by_card", model_id), ("by_source", "own")]
        elif source:
            _narrow(records, "by_source", source, among, without)
        if self.type:
            _narrow(records, "by_type", self.type, among, without)
        if starred is not None:
            _narrow(records, "starred", starred, among, without)
        return among, without


def _narrow(
    records: Collection,
    index: str,
    value: Any,
    among: list[list[Listed]],
    without: list[Listed],
) -> None:
    """By what has the value, or by what has another one: the fewer are quicker to go through."""
    counts = records.values(index)
    if counts.get(value, 0) * 2 > sum(counts.values()):
        without += [(index, each) for each in counts if each != value]
    else:
        among.append([(index, value)])


def page(
    records: Collection,
    index: str,
    value: Any,
    wanted: Wanted,
    *,
    limit: int | None = None,
    before: str | None = None,
) -> Page:
    """A page of an index, newest first; without `limit` everything. Raises BadInput (`before`)."""
    model_id: int | None = value if index in ("by_model", "by_card") else None
    among, without = wanted.narrowing(records, model_id)
    count = _ALL if limit is None else limit
    if wanted.q:
        return records.search(
            wanted.q,
            index=index,
            value=value,
            descending=True,
            limit=count,
            after=before,
            among=among,
            without=without,
            also=[[("by_model", each) for each in models] for models in wanted.named],
        )
    return records.page(
        index,
        value,
        descending=True,
        limit=count,
        after=before,
        among=among,
        without=without,
    )


def whole_gallery(records: Collection, model_id: int, wanted: Wanted) -> dict[str, Any]:
    """The pictures of G, all of them, once by source and once as one list."""
    found = page(records, "by_model", model_id, wanted)
    cards = [record for record in found.records if source_in(record, model_id) == "original"]
    others = [record for record in found.records if source_in(record, model_id) != "original"]
    first = next(iter([*cards, *others]), None)
    return {
        "gallery_card": [shown_item(record, model_id) for record in cards],
        "gallery_card_bytes": sum(record["file_size"] for record in cards),
        "gallery_community": [shown_item(record, model_id) for record in others],
        "gallery_community_bytes": sum(record["file_size"] for record in others),
        "default_preview": first["id"] if first else None,
        "images": [shown_item(record, model_id) for record in found.records],
        "images_total": found.total,
        "next": None,
    }


def gallery_page(
    records: Collection, model_id: int, wanted: Wanted, limit: int, before: str | None
) -> dict[str, Any]:
    """The pictures of G with one page of `images`; the two older lists stay empty."""
    index = "by_model"
    if wanted.source == "original":
        index, wanted = "by_card", replace(wanted, source="")
    found = page(records, index, model_id, wanted, limit=limit, before=before)
    return {
        "gallery_card": [],
        "gallery_card_bytes": 0,
        "gallery_community": [],
        "gallery_community_bytes": 0,
        "default_preview": default_preview(records, model_id),
        "images": [shown_item(record, model_id) for record in found.records],
        "images_total": found.total,
        "next": found.next,
    }


def all_pictures(
    records: Collection, wanted: Wanted, limit: int, before: str | None
) -> dict[str, Any]:
    """A page over all models, what was added last comes first: `images`, `total`, `next`."""
    usable: list[tuple[str, Any, Wanted]] = [("newest", None, wanted)]
    if wanted.version_id is not None:
        usable.append(("by_version", wanted.version_id, replace(wanted, version_id=None)))
    if wanted.starred:
        usable.append(("starred", 1, replace(wanted, starred=None)))
    if wanted.type:
        usable.append(("by_type", wanted.type, replace(wanted, type="")))
    if wanted.source:
        usable.append(("by_source", wanted.source, replace(wanted, source="")))
    if len(wanted.tags) == 1 and len(wanted.tags[0]) == 1:
        usable.append(("by_tag", min(wanted.tags[0]), replace(wanted, tags=())))
    # All are in this order; the narrowest leaves the fewest to compare with the others.
    index, value, rest = min(usable, key=lambda each: records.count(each[0], each[1]))
    found = page(records, index, value, rest, limit=limit, before=before)
    return {
        "images": [shown_item(record) for record in found.records],
        "total": found.total,
        "next": found.next,
    }


def models(
    records: Collection,
    preview: Callable[[int], Record | None],
    named: Callable[[int], str],
) -> list[dict[str, Any]]:
    """The models that pictures belong to, most pictures first.

    `{model_id, name, count, thumb, thumb_level}`; the picture is what `preview` says, else the
    newest, the name what `named` says, else the number.
    """
    found: list[dict[str, Any]] = []
    for model_id, count in records.values("by_model").items():
        newest = records.page("by_model", model_id, descending=True, limit=1).records
        if not newest:
            continue
        shown = preview(model_id) or newest[0]
        name = named(model_id)
        found.append(
            {
                "model_id": model_id,
                "name": name or (f"Model {model_id}" if model_id else ""),
                "count": count,
                "thumb": shown["id"],
                "thumb_level": shown.get("nsfw_level") or 0,
            }
        )
    return sorted(found, key=lambda each: (-each["count"], each["model_id"]))


def catalog_facts(records: Collection, model_id: int) -> dict[str, Any]:
    """The `gallery_*` values of a LoRA in the catalog's list; empty without pictures."""
    if not records.count("by_model", model_id):
        return {}
    found = page(records, "by_model", model_id, Wanted()).records
    cards = [record for record in found if source_in(record, model_id) == "original"]
    others = [record for record in found if source_in(record, model_id) != "original"]
    first = [*cards, *others][0]["id"]
    return {
        "gallery_count": len(found),
        "gallery_thumb": first,
        "gallery_thumb_default": first,
        "gallery_orig_count": len(cards),
        "gallery_orig_bytes": sum(record["file_size"] for record in cards),
        "gallery_comm_count": len(others),
        "gallery_comm_bytes": sum(record["file_size"] for record in others),
    }


def made_with(
    records: Collection,
    hashes: Iterable[str],
    version_ids: Iterable[int],
    limit: int,
    before: str | None,
) -> dict[str, Any]:
    """A page of the pictures made with a model of these hashes (of any kind) or versions."""
    names: set[str] = set()
    for each in hashes:
        name = each.lower()
        # Programs write the first 10 digits of the SHA-256, some 12 of it.
        names |= {name, name[:10], name[:12]} if len(name) == 64 else {name}
    places = [("by_hash", name) for name in sorted(names)]
    places += [("by_made_with", version) for version in version_ids]
    found = records.union(places, descending=True, limit=limit, after=before)
    return {
        "images": [shown_item(record) for record in found.records],
        "total": found.total,
        "next": found.next,
    }


def default_preview(records: Collection, model_id: int) -> str | None:
    """The id of the newest original, else of the newest picture."""
    for index in ("by_card", "by_model"):
        found = records.page(index, model_id, descending=True, limit=1).records
        if found:
            return str(found[0]["id"])
    return None
