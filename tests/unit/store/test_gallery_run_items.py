"""What a run makes of CivitAI's lists, however odd they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.gallery_records import item_key
from comfyui_curator.store.gallery_run_items import Lists
from comfyui_curator.store.remote.civitai import CivitAI
from comfyui_curator.store.settings import Options, Settings

NAME = "0a1b2c3d-0000-4000-8000-00000000abcd"
ODD: list[Any] = [10**30, 10**19, 1e300, "9" * 25, -5]


@pytest.fixture
def civitai(tmp_path: Path) -> CivitAI:
    return CivitAI(Settings(tmp_path / "settings.json", Options()))


def lists(civitai: CivitAI, images: list[dict[str, Any]]) -> Lists:
    return Lists(civitai, {"id": 1, "modelVersions": [{"id": 11, "images": images}]}, "rest")


@pytest.mark.parametrize("number", ODD)
def test_a_picture_whose_number_nobody_could_ask_for_is_none(civitai: CivitAI, number: Any) -> None:
    assert lists(civitai, []).community({"id": number, "url": NAME}, 11) is None


@pytest.mark.parametrize("number", ODD)
def test_a_card_with_such_a_number_has_the_id_in_its_address(civitai: CivitAI, number: Any) -> None:
    url = f"https://image.civitai.com/x/{NAME}/width=450/5.jpeg"
    (card,) = lists(civitai, [{"id": number, "url": url}]).cards()
    assert (card.facts.id, card.facts.number) == (NAME, None)


def test_every_id_that_is_kept_can_be_asked_for(civitai: CivitAI) -> None:
    found = lists(civitai, []).community({"id": 10**19 - 1, "url": NAME}, 11)
    assert found and item_key(found.facts.id) == found.facts.id
