"""From CivitAI's answers to the gallery's facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .errors import BadInput, NotFound, UpstreamFailed
from .gallery_records import Facts, utc, uuid_in
from .generation import from_civitai, is_lora, lora_resources, version_id
from .json_values import integer, integers, mapping, text
from .remote.civitai import CivitAI
from .remote.image_lists import nsfw_level


class Lora(NamedTuple):
    """The LoRA that a picture is filed under; model 0 is the list of those without one."""

    model_id: int = 0
    name: str = ""
    version_id: int | None = None


def find_lora(
    told: Mapping[str, Any], by_catalog: Callable[[int], int | None], civitai: CivitAI
) -> Lora:
    """The first LoRA among the resources whose model can be told.

    By the resource itself, by the catalog, by asking CivitAI. Raises UpstreamBusy: the next try
    would file it elsewhere; what CivitAI cannot say in any other way is passed over.
    """
    for resource in lora_resources(told):
        version = version_id(resource)
        name = text(resource.get("modelName"))
        model_id = integer(resource.get("modelId"))
        if model_id and is_lora(resource.get("modelType")):
            return Lora(model_id, name, version)
        if version is None:
            continue
        known = by_catalog(version)
        if known:
            return Lora(known, name, version)
        try:
            found = civitai.version(version)
        except (NotFound, UpstreamFailed, BadInput):
            continue
        model = mapping(found.get("model"))
        model_id = integer(found.get("modelId"))
        if model_id and is_lora(model.get("type")):
            return Lora(model_id, text(model.get("name")) or name, version)
    return Lora()


def facts_of_item(number: int, item: Mapping[str, Any], page: str) -> Facts:
    """What CivitAI says of a picture, in a list or by itself, but for where it belongs."""
    user = mapping(item.get("user"))
    return Facts(
        id=str(number),
        file_uuid=uuid_in(str(item.get("url") or "")),
        number=number,
        page=page,
        username=text(user.get("username")) or text(item.get("username")),
        post_id=integer(item.get("postId")),
        post_title=text(item.get("postTitle")),
        base_model=text(item.get("baseModel")),
        created_at=utc(item.get("createdAt")),
        nsfw_level=nsfw_level(item),
        tag_ids=tags_of(item),
        stats=mapping(item.get("stats")),
        raw_item=item,
    )


def facts_of_image(
    number: int, item: Mapping[str, Any], told: Mapping[str, Any], lora: Lora, page: str
) -> Facts:
    """What `image.get` and `image.getGenerationData` say of one picture."""
    return replace(
        facts_of_item(number, item, page),
        search_mode="single",
        model_id=lora.model_id,
        model_name=lora.name,
        version_ids=(lora.version_id,) if lora.version_id else (),
        generation=from_civitai(told),
        generation_data=told or None,
        making_asked=True,
    )


def making_of(number: int, told: Mapping[str, Any]) -> Facts:
    """What `image.getGenerationData` says of one picture, and nothing else."""
    return Facts(
        id=str(number),
        number=number,
        generation=from_civitai(told),
        generation_data=told or None,
        making_asked=True,
    )


def tags_of(item: Mapping[str, Any]) -> tuple[int, ...]:
    """The ids of an item's tags."""
    return tuple(each for each in integers(item.get("tagIds")) if 0 < each < 1 << 53)
