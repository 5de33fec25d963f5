"""Pages that are kept: whoever asks again sees every change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from comfyui_curator.routes.answers import encode
from comfyui_curator.store import Options
from comfyui_curator.store.errors import BadInput
from comfyui_curator.store.gallery import Asked, Facts, Wanted
from comfyui_curator.store.gallery_pages import Pages
from comfyui_curator.store.generation import Generation
from comfyui_curator.store.host import root_host
from comfyui_curator.store.store import Store
from tests.own_pictures import draw

MODEL = 7
QUESTIONS = [
    Asked(model_id, wanted, limit, None)
    for model_id in (MODEL, 8, None)
    for wanted in (Wanted(), Wanted(starred=True), Wanted(q="harbour"), Wanted(source="original"))
    for limit in (2, 100)
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(root_host(tmp_path / "root"), Options())
    for number in range(1, 6):
        add(store, tmp_path, number)
    yield store
    store.close()


def add(store: Store, tmp_path: Path, number: int, **how: Any) -> str:
    facts = Facts(
        id=str(number),
        number=number,
        model_id=MODEL if number % 2 else 8,
        source="original" if number == 1 else "community",
        generation=Generation(prompt=f"a harbour {number}"),
    )
    facts = replace(facts, **how)
    return store.gallery.add_file(draw(tmp_path / f"{number}.png", "red"), facts)["id"]


def check(store: Store) -> None:
    """Every page is what one finds who was never asked before."""
    records = store.database.collection("gallery")
    for each in QUESTIONS:
        fresh = Pages(records, store.gallery.names).found(each)
        told = orjson.loads(store.gallery.page(each))
        assert told == {**told, **fresh}
        at_hand = store.gallery.page_at_hand(each)
        assert at_hand is not None and orjson.loads(at_hand) == told
        model_id, wanted, limit, before = each
        if model_id is None:
            assert told == store.gallery.all(wanted, limit=limit, before=before)
        else:
            assert told == store.gallery.list(model_id, wanted, limit=limit, before=before)


CHANGES: dict[str, Callable[[Store, Path], object]] = {
    "star": lambda store, _: store.gallery.star("3"),
    "add": lambda store, path: add(store, path, 6),
    "twin": lambda store, path: add(store, path, 3, id="9", generation=Generation()),
    "remove": lambda store, _: store.gallery.remove_items(["3"]),
    "empty": lambda store, _: store.gallery.remove(MODEL),
    "link": lambda store, _: store.gallery.intake.link(Facts(id="2", model_id=MODEL)),
    "tinydb": lambda store, _: store.database.tinydb.table("gallery").update({"prompt": "hills"}),
    "truncate": lambda store, _: store.database.tinydb.table("gallery").truncate(),
    "compact": lambda store, _: store.database.compact(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_page_asked_again_shows_what_has_changed(
    store: Store, tmp_path: Path, change: Callable[[Store, Path], object]
) -> None:
    check(store)
    change(store, tmp_path)
    check(store)


def test_the_chosen_preview_and_the_run_are_told_as_they_are_now(store: Store) -> None:
    asked = QUESTIONS[0]
    assert orjson.loads(store.gallery.page(asked))["custom_preview"] is None
    store.gallery.set_preview("3")
    store.gallery.run_facts = lambda model_id: {"status": "downloading", "downloaded": model_id}
    body = store.gallery.page_at_hand(asked)
    told = orjson.loads(body or b"")
    assert (told["custom_preview"], told["status"], told["downloaded"]) == ("3", "downloading", 7)


def test_a_cursor_goes_on_and_one_that_is_none_is_refused(store: Store) -> None:
    asked = QUESTIONS[0]
    first = orjson.loads(store.gallery.page(asked))
    assert [each["id"] for each in first["images"]] == ["5", "3"]
    rest = orjson.loads(store.gallery.page(asked._replace(before=first["next"])))
    assert [each["id"] for each in rest["images"]] == ["1"] and rest["next"] is None
    with pytest.raises(BadInput):
        store.gallery.page(asked._replace(before="nonsense"))


def test_numbers_and_letters_that_json_finds_hard_are_kept(store: Store, tmp_path: Path) -> None:
    making = Generation(prompt="a harbour \ud800", seed=2**80)
    add(store, tmp_path, 7, generation=making)
    for _ in range(2):
        (found,) = json.loads(store.gallery.page(Asked(MODEL, Wanted(), 1, None)))["images"]
        assert (found["meta"]["prompt"], found["meta"]["seed"]) == (making.prompt, making.seed)
        whole = json.loads(encode(store.gallery.list(MODEL)))["images"]
        assert store.gallery.list(MODEL, limit=1)["images"] == [found] == whole[:1]


def test_a_caller_may_do_with_a_page_what_it_likes(store: Store) -> None:
    for _ in range(2):
        found = store.gallery.list(MODEL, limit=100)
        assert len(found["images"]) == 3
        found["images"][0]["meta"].clear()
        found["images"].clear()
