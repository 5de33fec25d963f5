"""The JSON that ComfyUI Studio, and we, lay beside a picture: from it to the gallery's facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .catalog_entries import without_keys
from .gallery_fetching import tags_of
from .gallery_records import Facts, item_key, uuid_in
from .generation import from_civitai
from .json_values import integer, is_object, mapping, text
from .remote.image_lists import nsfw_level
from .studio_times import studio_utc

_DEEPEST = 60


def facts_of_sidecar(item_id: str, sidecar: Mapping[str, Any]) -> Facts:
    """What the JSON says of the picture; what is missing or of another type is unknown."""
    item = mapping(sidecar.get("raw_item"))
    told = mapping(sidecar.get("generation_data"))
    meta = {"meta": mapping(sidecar.get("raw_meta")) or mapping(item.get("meta"))}
    file_uuid = (
        uuid_in(item_id) or uuid_in(text(item.get("url"))) or uuid_in(text(sidecar.get("url")))
    )
    number = integer(item.get("id")) or integer(sidecar.get("civitai_id")) or integer(item_id)
    return Facts(
        id=item_id,
        file_uuid=file_uuid,
        number=number if number and item_key(str(number)) else None,
        page=without_keys(text(sidecar.get("civitai_page"))) or None,
        source="original" if is_card(sidecar.get("_source")) else "community",
        username=text(sidecar.get("username")),
        post_id=integer(sidecar.get("postId")),
        post_title=text(sidecar.get("postTitle")),
        base_model=text(sidecar.get("baseModel")),
        created_at=studio_utc(sidecar.get("createdAt")),
        nsfw_level=nsfw_level(item),
        tag_ids=tags_of(item),
        stats=mapping(sidecar.get("stats")),
        generation=from_civitai(told).completed(from_civitai(meta)),
        raw_item=keyless(item) or None,
        generation_data=keyless(told) or None,
    )


def is_card(source: Any) -> bool:
    """Whether Studio means one of a model's own pictures; it has had two words for it."""
    return source in ("original", "card")


def keyless(value: Any, depth: int = _DEEPEST) -> Any:
    """The JSON with no key in any of its addresses; what is nested beyond reason is left out."""
    if isinstance(value, str):
        return without_keys(value) if value.startswith(("http://", "https://")) else value
    if depth == 0:
        return None
    if is_object(value):
        return {name: keyless(each, depth - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [keyless(each, depth - 1) for each in cast(list[Any], value)]
    return value
