"""From what CivitAI lists of a model to pictures to fetch: its cards, and the community's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .gallery_fetching import facts_of_item
from .gallery_records import Facts, item_key, utc, uuid_in
from .generation import from_civitai
from .json_values import integer, integers, mapping, mappings, text
from .lora_lookup import card_id
from .remote.civitai import CivitAI
from .remote.image_lists import nsfw_level

Json = dict[str, Any]


@dataclass(frozen=True)
class Listed:
    """A picture that CivitAI lists: what is known of it before it is fetched, and its address."""

    facts: Facts
    address: str
    is_card: bool

    def told(self, data: Json | None) -> Facts:
        """With the generation data; what the list has said of the making counts without it.

        None: CivitAI has not been asked, or could not be.
        """
        own = mapping(self.facts.raw_item).get("meta")
        return replace(
            self.facts,
            generation=from_civitai(data or {"meta": own}),
            generation_data=data or None,
            making_asked=data is not None,
        )

    def also_in(self, versions: Iterable[int]) -> Listed:
        """Shown by these versions too."""
        facts = self.facts
        together = tuple(dict.fromkeys([*facts.version_ids, *versions]))
        return replace(self, facts=replace(facts, version_ids=together))


class Lists:
    """Reads the answers about one model."""

    def __init__(self, civitai: CivitAI, model: Mapping[str, Any], mode: str) -> None:
        """`model` is CivitAI's answer about it."""
        self._civitai = civitai
        self._mode = mode
        self.model_id = integer(model.get("id")) or 0
        self.name = text(model.get("name"))
        self._author = text(mapping(model.get("creator")).get("username"))
        self._versions = mappings(model.get("modelVersions"))

    @property
    def version_ids(self) -> list[int]:
        """In CivitAI's order, the newest first."""
        return [each for each in map(_id, self._versions) if each]

    def cards(self) -> Iterator[Listed]:
        """The pictures of all versions, as their author shows them."""
        for version in self._versions:
            version_id = _id(version)
            when = utc(version.get("createdAt")) or utc(version.get("publishedAt"))
            for image in mappings(version.get("images")):
                address = text(image.get("url"))
                key = item_key(card_id(image)) or uuid_in(address)
                if not key or not address:
                    continue
                number = int(key) if key.isdigit() else None
                if number is None:
                    page = self._civitai.model_page(self.model_id, version_id)
                else:
                    page = self._civitai.image_page(number)
                facts = Facts(
                    id=key,
                    file_uuid=uuid_in(address),
                    number=number,
                    page=page,
                    source="original",
                    search_mode=self._mode,
                    model_id=self.model_id,
                    model_name=self.name,
                    version_ids=(version_id,) if version_id else (),
                    username=self._author,
                    base_model=text(version.get("baseModel")),
                    created_at=utc(image.get("createdAt")) or when,
                    nsfw_level=nsfw_level(image),
                    raw_item=image,
                )
                yield self._listed(facts, address, text(image.get("type")), is_card=True)

    def community(self, item: Json, version_id: int | None) -> Listed | None:
        """A picture of a list; None for what has no number that can be asked for, or no address."""
        number, url = integer(item.get("id")), text(item.get("url"))
        if number is None or number <= 0 or not item_key(str(number)) or not url:
            return None
        ours = set(self.version_ids)
        versions = [each for each in integers(item.get("modelVersionIds")) if each in ours]
        if version_id is not None and version_id not in versions:
            versions.append(version_id)
        facts = replace(
            facts_of_item(number, item, self._civitai.image_page(number)),
            search_mode=self._mode,
            model_id=self.model_id,
            model_name=self.name,
            version_ids=tuple(versions),
        )
        return self._listed(facts, url, text(item.get("type")), is_card=False)

    def _listed(self, facts: Facts, url: str, kind: str, *, is_card: bool) -> Listed:
        return Listed(facts, self._civitai.media_address(url, kind or "image"), is_card)


def _id(version: Json) -> int | None:
    return integer(version.get("id"))
