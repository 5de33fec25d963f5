from __future__ import annotations

import json
from typing import Any

import pytest

from comfyui_curator.store.catalog_text import CatalogText
from comfyui_curator.store.documents import dumped

ENTRY: dict[str, Any] = {
    "file": "ünï.safetensors",
    "notes": 'two\nlines and "quotes"',
    "images": [{"id": 1, "meta": {}}, []],
    "empty": {},
}
SHAPES: list[dict[str, Any]] = [
    {"version": 1, "date": "", "categories": []},
    {"categories": [{"id": "a", "models": []}, {"id": "b"}], "kept": {"by": ["hand"]}},
    {"version": 3, "categories": [{"models": [ENTRY, {}, ENTRY], "id": "a", "name": "Á"}]},
    {"categories": [{"id": "a", "models": [{"big": 2**70}, ENTRY]}]},
    {"categories": [{"id": "a", "models": [ENTRY]}], "big": 2**70},
]


@pytest.mark.parametrize("data", SHAPES)
def test_a_catalog_s_text_is_what_a_person_would_find_without_the_memory(
    data: dict[str, Any],
) -> None:
    text = CatalogText()
    for _ in range(2):
        assert text.dump(data) == dumped(data)


def test_a_changed_entry_is_written_anew_and_the_others_as_before() -> None:
    text = CatalogText()
    models = [{"file": f"{number}.gguf"} for number in range(5)]
    text.dump({"categories": [{"id": "a", "models": models}]})
    changed = [models[0], {**models[1], "hash": "0f"}, *models[3:], {"file": "new.gguf"}]
    data = {"categories": [{"id": "a", "models": changed}]}
    assert json.loads(text.dump(data)) == data
