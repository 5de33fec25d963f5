"""A person's own pictures in the gallery, and finding pictures by what they were made with."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from comfyui_curator.store.errors import TooLarge, WrongType
from comfyui_curator.store.gallery import Facts, Wanted
from comfyui_curator.store.store import Store
from tests.own_pictures import PARAMETERS, draw

SHA256 = "ab" * 32


def test_the_same_content_is_one_item_under_any_name(store: Store, tmp_path: Path) -> None:
    first = store.gallery.add_own(draw(tmp_path / "Harbour.png"))
    again = store.gallery.add_own(draw(tmp_path / "harbour.PNG"))
    assert again["id"] == first["id"]
    assert uuid.UUID(first["id"]).version == 5
    assert first["source"] == "own"
    assert len(store.gallery) == 1
    assert store.gallery.all(Wanted(q="harbour"))["images"][0]["name"] == "Harbour.png"


def test_it_may_belong_to_models_one_after_another(store: Store, tmp_path: Path) -> None:
    picture = draw(tmp_path / "a.png")
    store.gallery.add_own(picture)
    item = store.gallery.add_own(picture, model_id=7)
    store.gallery.add_own(picture, model_id=8)
    for model_id in (7, 8):
        (found,) = store.gallery.list(model_id)["images"]
        assert found["id"] == item["id"]
    assert store.gallery.list(0)["images"] == []


def test_a_moved_file_is_gone_and_a_refused_one_stays(store: Store, tmp_path: Path) -> None:
    picture = draw(tmp_path / "a.png")
    item = store.gallery.add_own(picture, move=True)
    assert not picture.exists()
    assert store.gallery.media(item["id"]).path.is_file()
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(WrongType):
        store.gallery.add_own(tmp_path / "b.png", move=True)
    assert (tmp_path / "b.png").exists()


def test_a_file_of_3_gb_is_refused_before_it_is_copied(store: Store, tmp_path: Path) -> None:
    picture = draw(tmp_path / "a.png")
    with picture.open("r+b") as file:
        file.truncate(3 << 30)
    with pytest.raises(TooLarge):
        store.gallery.add_own(picture)
    assert not [path for path in (store.host.data / "gallery").rglob("*") if path.is_file()]


def test_pictures_are_found_by_every_hash_and_version_they_name(
    store: Store, tmp_path: Path
) -> None:
    item = store.gallery.add_own(draw(tmp_path / "a.png", parameters=PARAMETERS))
    store.gallery.add_own(draw(tmp_path / "b.png", "blue"))
    by = store.gallery.made_with
    for hashes, versions in (
        (["0123456789"], []),
        (["AABBCCDDEEFF"], []),
        (["5555555555"], []),
        (["0123456789" + "c" * 54], []),
        ([], [77]),
        (["0123456789", "aabbccddeeff"], [77, 78]),
    ):
        found = by(hashes, versions)
        assert [each["id"] for each in found["images"]] == [item["id"]]
        assert found["total"] == 1
    assert by([SHA256], [78])["images"] == []
    assert by([], [])["total"] == 0


def test_pages_of_what_was_made_with_a_model_join_without_gap_or_twin(
    store: Store, tmp_path: Path
) -> None:
    colours = ["red", "green", "blue", "black", "white"]
    ids = [
        store.gallery.add_own(draw(tmp_path / f"{colour}.png", colour, PARAMETERS))["id"]
        for colour in colours
    ]
    seen: list[str] = []
    before: str | None = None
    while True:
        page = store.gallery.made_with(["0123456789"], [77], limit=2, before=before)
        assert page["total"] == 5
        seen += [each["id"] for each in page["images"]]
        before = page["next"]
        if before is None:
            break
    assert seen == ids[::-1]


def test_type_and_source_together_are_a_filter(store: Store, tmp_path: Path) -> None:
    own = store.gallery.add_own(draw(tmp_path / "a.png"))
    other = str(uuid.UUID(int=5))
    store.gallery.add_file(draw(tmp_path / "b.png", "blue"), Facts(id=other, file_uuid=other))
    found = store.gallery.all(Wanted(source="own", type="image"))
    assert [each["id"] for each in found["images"]] == [own["id"]]
    assert store.gallery.all(Wanted(source="own", type="video"))["total"] == 0


def test_filters_that_most_and_that_few_pictures_pass_give_the_same(
    store: Store, tmp_path: Path
) -> None:
    ids: dict[str, set[str]] = {"starred": set(), "own": set(), "soft": set()}
    for number in range(12):
        key = str(uuid.UUID(int=100 + number))
        picture = draw(tmp_path / f"{number}.png", f"#0000{number:02}")
        level = 32 if number % 4 == 3 else number % 3
        if number < 5:
            store.gallery.add_file(picture, Facts(id=key, file_uuid=key, nsfw_level=level))
        else:
            level = 0
            key = store.gallery.add_own(picture)["id"]
            ids["own"].add(key)
        if number % 5 == 0:
            store.gallery.star(key, True)
            ids["starred"].add(key)
        if level <= 4:
            ids["soft"].add(key)
    for wanted, expected in (
        (Wanted(source="own"), ids["own"]),
        (Wanted(source="own", starred=True), ids["own"] & ids["starred"]),
        (Wanted(source="community", starred=True), ids["starred"] - ids["own"]),
        (Wanted(source="own", starred=False, type="image"), ids["own"] - ids["starred"]),
        (Wanted(max_nsfw=4), ids["soft"]),
        (Wanted(max_nsfw=4, starred=True), ids["soft"] & ids["starred"]),
        (Wanted(source="original"), set[str]()),
        (Wanted(type="video"), set[str]()),
    ):
        found = store.gallery.all(wanted)
        assert {each["id"] for each in found["images"]} == expected, wanted
        assert found["total"] == len(expected)
        listed = store.gallery.list(0, wanted)["images"]
        assert {each["id"] for each in listed} == expected, wanted
