from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.engine import (
    BadRecord,
    CollectionSpec,
    Database,
    Index,
    read_snapshot,
)
from comfyui_curator.store.errors import BadInput, StoreClosed

Open = Callable[[], Database]


def test_a_record_comes_back_as_it_was_put_also_after_a_restart(opened: Open) -> None:
    record: dict[str, Any] = {"id": "a", "model": 1, "meta": {"x": [1, 2.5, None, "é"]}}
    database = opened()
    database.collection("pictures").put(record)
    assert database.collection("pictures").get("a") == record
    database.close()
    again = opened().collection("pictures")
    assert again.get("a") == record
    assert again.get("b") is None
    assert "a" in again and "b" not in again and len(again) == 1


def test_what_a_caller_does_to_a_record_changes_nothing_in_the_store(opened: Open) -> None:
    pictures = opened().collection("pictures")
    record: dict[str, Any] = {"id": "a", "tags": ["x"]}
    pictures.put(record)
    record["tags"].append("mine")
    for got in (pictures.get("a"), next(iter(pictures)), pictures.page("all").records[0]):
        assert got is not None and got == {"id": "a", "tags": ["x"]}
        got["tags"].append("mine")
    assert pictures.get("a") == {"id": "a", "tags": ["x"]}


def test_put_replaces_and_add_does_not(opened: Open) -> None:
    notes = opened().collection("notes")
    assert notes.add({"name": "a", "n": 1})
    assert not notes.add({"name": "a", "n": 2})
    assert notes.get("a") == {"name": "a", "n": 1}
    notes.put({"name": "a", "n": 3})
    assert notes.get("a") == {"name": "a", "n": 3}
    assert notes.get_many(["b", "a", "a"]) == [{"name": "a", "n": 3}] * 2


def test_update_takes_fields_or_a_function_and_gives_the_new_state(opened: Open) -> None:
    pictures = opened().collection("pictures")
    pictures.put({"id": "a", "n": 1})
    assert pictures.update("a", {"m": 2}) == {"id": "a", "n": 1, "m": 2}

    def count(record: dict[str, Any]) -> None:
        record["n"] += 1

    assert pictures.update("a", count)["n"] == 2
    assert pictures.update("a", lambda record: {"id": record["id"]}) == {"id": "a"}
    with pytest.raises(KeyError):
        pictures.update("b", {})


def test_a_function_that_raises_changes_nothing(opened: Open) -> None:
    pictures = opened().collection("pictures")
    pictures.put({"id": "a", "n": 1})

    def fail(record: dict[str, Any]) -> None:
        record["n"] = 2
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pictures.update("a", fail)
    assert pictures.get("a") == {"id": "a", "n": 1}


def test_delete_says_whether_there_was_something(opened: Open) -> None:
    pictures = opened().collection("pictures")
    pictures.put({"id": "a", "model": 1, "prompt": "cat"})
    assert pictures.delete("a")
    assert not pictures.delete("a")
    assert pictures.get("a") is None
    assert pictures.values("by_model") == {}
    assert pictures.search("cat", index="all").total == 0


@pytest.mark.parametrize(
    "record", [{}, {"id": 5}, {"id": None}, {"id": "a", "x": {1, 2}}, {"id": "a", "x": object()}]
)
def test_a_record_without_key_or_beyond_json_is_refused(
    opened: Open, record: dict[str, Any]
) -> None:
    pictures = opened().collection("pictures")
    with pytest.raises(BadRecord):
        pictures.put(record)
    assert len(pictures) == 0


def test_a_key_cannot_be_changed_by_an_update(opened: Open) -> None:
    pictures = opened().collection("pictures")
    pictures.put({"id": "a"})
    with pytest.raises(BadRecord):
        pictures.update("a", {"id": "b"})
    assert pictures.get("a") == {"id": "a"} and pictures.get("b") is None


def test_numbers_of_any_size_and_broken_text_stay_exact(opened: Open) -> None:
    record = {"id": "a", "big": 2**64, "small": -(2**63) - 1, "huge": 10**40, "half": "\ud83d"}
    database = opened()
    database.collection("pictures").put(record)
    assert database.collection("pictures").get("a") == record
    with database.transaction():
        database.collection("pictures").put({**record, "id": "b"})
        database.collection("notes").put({"name": "n", "big": 2**70})
    copy = opened_from_journal(database)
    assert copy["a"] == record and copy["b"] == {**record, "id": "b"}
    database.close()
    again = opened()
    assert again.collection("pictures").get("a") == record
    assert again.collection("pictures").get("b") == {**record, "id": "b"}
    assert again.collection("notes").get("n") == {"name": "n", "big": 2**70}


def opened_from_journal(database: Database) -> dict[str, Any]:
    return {each["id"]: each for each in read_snapshot(database.folder, "pictures")}


def test_an_index_lists_by_value_and_sorts_by_order(opened: Open) -> None:
    pictures = opened().collection("pictures")
    for key, model, date in [("a", 1, "3"), ("b", 2, "1"), ("c", 1, "1"), ("d", 1, "2")]:
        pictures.put({"id": key, "model": model, "date": date})
    assert keys(pictures.page("by_model", 1)) == ["c", "d", "a"]
    assert keys(pictures.page("by_model", 1, descending=True)) == ["a", "d", "c"]
    assert keys(pictures.page("by_model", 7)) == []
    assert pictures.count() == 4 and pictures.count("by_model", 1) == 3
    assert pictures.values("by_model") == {1: 3, 2: 1}


def test_an_index_follows_every_change(opened: Open) -> None:
    database = opened()
    pictures = database.collection("pictures")
    pictures.put({"id": "a", "model": 1, "date": "1", "tags": ["x", "y", "x"]})
    pictures.update("a", {"model": 2})
    assert pictures.values("by_model") == {2: 1}
    assert pictures.values("by_tag") == {"x": 1, "y": 1}
    pictures.put({"id": "a", "tags": ["y", "z"]})
    assert pictures.values("by_model") == {None: 1}
    assert pictures.values("by_tag") == {"y": 1, "z": 1}
    database.close()
    again = opened().collection("pictures")
    assert again.values("by_tag") == {"y": 1, "z": 1}
    assert keys(again.page("by_model", None)) == ["a"]


def test_values_of_several_kinds_sort_nothing_first_then_numbers_then_text(opened: Open) -> None:
    pictures = opened().collection("pictures")
    for key, date in [("t", "10"), ("n", 9), ("f", 2.5), ("z", None), ("s", "1"), ("l", [1])]:
        pictures.put({"id": key, "date": date})
    assert keys(pictures.page("all")) == ["z", "l", "f", "n", "s", "t"]


def test_pages_join_to_the_whole_and_say_what_comes_next(opened: Open) -> None:
    pictures = opened().collection("pictures")
    for number in range(25):
        pictures.put({"id": str(number), "model": 1, "date": number // 3})
    for descending in (False, True):
        whole = keys(pictures.page("by_model", 1, descending=descending))
        assert len(whole) == 25
        collected: list[str] = []
        cursor = None
        while True:
            page = pictures.page("by_model", 1, limit=7, after=cursor, descending=descending)
            assert page.total == 25
            collected += keys(page)
            cursor = page.next
            if cursor is None:
                break
        assert collected == whole
        part = pictures.page("by_model", 1, limit=5, offset=10, descending=descending)
        assert keys(part) == whole[10:15]


def test_a_cursor_is_not_shifted_by_newer_records_nor_by_removed_ones(opened: Open) -> None:
    pictures = opened().collection("pictures")
    for number in range(10):
        pictures.put({"id": str(number), "date": number})
    first = pictures.page("all", limit=3, descending=True)
    assert keys(first) == ["9", "8", "7"]
    pictures.put({"id": "new", "date": 99})
    pictures.delete("7")
    second = pictures.page("all", limit=3, descending=True, after=first.next)
    assert keys(second) == ["6", "5", "4"]


@pytest.mark.parametrize("cursor", ["", "x", "!!", "bnVsbA", "WzEsMl0", "WzIsMSwxXQ", "ü"])
def test_a_cursor_that_is_none_is_bad_input(opened: Open, cursor: str) -> None:
    with pytest.raises(BadInput):
        opened().collection("pictures").page("all", after=cursor)


def test_where_filters_and_the_total_stays_exact(opened: Open) -> None:
    pictures = opened().collection("pictures")
    for number in range(20):
        pictures.put({"id": str(number), "date": number, "star": number % 2 == 0, "prompt": "cat"})
    page = pictures.page("all", limit=3, where=lambda record: record["star"])
    assert (keys(page), page.total) == (["0", "2", "4"], 10)
    page = pictures.page("all", limit=30, after=page.next, where=lambda record: record["star"])
    assert (keys(page), page.total, page.next) == (
        ["6", "8", "10", "12", "14", "16", "18"],
        10,
        None,
    )
    page = pictures.search("cat", index="all", limit=2, where=lambda record: record["star"])
    assert (keys(page), page.total) == (["0", "2"], 10)


def test_after_close_reading_works_and_changing_is_refused(opened: Open) -> None:
    database = opened()
    pictures = database.collection("pictures")
    pictures.put({"id": "a"})
    database.close()
    database.close()
    assert pictures.get("a") == {"id": "a"}
    with pytest.raises(StoreClosed):
        pictures.put({"id": "b"})
    with pytest.raises(StoreClosed), database.transaction():
        pass


def keys(page: Any) -> list[str]:
    return [record["id"] for record in page.records]


def test_lists_are_narrowed_by_other_indexes_without_a_look_at_records(tmp_path: Path) -> None:
    indexes = (Index("all", None, "n"), Index("by_tag", "tags", "n"), Index("by_odd", "odd"))
    spec = CollectionSpec("t", "id", indexes, ("text",))
    with Database.open(tmp_path, [spec]) as database:
        numbers = database.collection("t")
        for n in range(60):
            tags = [name for name, by in (("two", 2), ("three", 3), ("five", 5)) if n % by == 0]
            text = "word" if n < 50 else "other"
            numbers.put({"id": str(n), "n": n, "tags": tags, "odd": n % 2, "text": text})
        groups = [[("by_tag", "two"), ("by_tag", "three")], [("by_odd", 0)]]
        wanted = [n for n in range(60) if n % 2 == 0 and n % 5]
        how: dict[str, Any] = {"among": groups, "without": [("by_tag", "five")], "limit": 7}
        for descending in (False, True):
            seen: list[int] = []
            after: str | None = None
            while True:
                page = numbers.page("all", descending=descending, after=after, **how)
                assert page.total == len(wanted)
                seen += [record["n"] for record in page.records]
                after = page.next
                if after is None:
                    break
            assert seen == (wanted[::-1] if descending else wanted)
        found = numbers.search("word", index="all", **how)
        assert found.total == len([n for n in wanted if n < 50])
        assert numbers.page("by_tag", "five", among=[[("by_tag", "two")]]).total == 6
        assert numbers.page("all", among=[[("by_tag", "none")]]).records == []
        assert numbers.page("all", among=[[]]).records == []
