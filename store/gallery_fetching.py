"""From CivitAI's answers to the gallery's facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .errors import BadInput, NotFound, UpstreamFailed
from .gallery_records import Facts, utc, uuid_in
from .generation import from_civitai, is_lora, lora_resources, version_id
from .remote.civitai import CivitAI


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
        name = str(resource.get("modelName") or "")
        model_id = resource.get("modelId")
        if isinstance(model_id, int) and model_id > 0 and is_lora(resource.get("modelType")):
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
        model = found.get("model")
        model_id = found.get("modelId")
        if isinstance(model, dict) and is_lora(model.get("type")) and isinstance(model_id, int):
            return Lora(model_id, str(model.get("name") or name), version)
    return Lora()


def facts_of_image(
    number: int, item: Mapping[str, Any], told: Mapping[str, Any], lora: Lora, page: str
) -> Facts:
    """What `image.get` and `image.getGenerationData` say of one picture."""
    user = item.get("user")
    stats = item.get("stats")
    post_id = item.get("postId")
    return Facts(
        id=str(number),
        file_uuid=uuid_in(str(item["url"])),
        number=number,
        page=page,
        search_mode="single",
        model_id=lora.model_id,
        model_name=lora.name,
        version_ids=(lora.version_id,) if lora.version_id else (),
        username=_text(user.get("username") if isinstance(user, dict) else item.get("username")),
        post_id=post_id if isinstance(post_id, int) else None,
        post_title=_text(item.get("postTitle")),
        base_model=_text(item.get("baseModel")),
        created_at=utc(item.get("createdAt")),
        stats=stats if isinstance(stats, dict) else {},
        generation=from_civitai(told),
        raw_item=item,
        generation_data=told or None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
