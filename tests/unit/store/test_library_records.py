"""Records of the library: what is said of a content, and how several sayings become one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.engine import Database, Record
from comfyui_curator.store.errors import BadInput, ChangedMeanwhile, Conflict, NotFound
from comfyui_curator.store.events import Events
from comfyui_curator.store.library_records import MODELS, Records
from comfyui_curator.store.library_tags import COUNTERS, TAGS, Tags

SHA = "ab" * 32
PLACE = "p-1"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path, (MODELS, TAGS, COUNTERS)) as database:
        yield database


@pytest.fixture
def records(database: Database) -> Records:
    return Records(database, Events())


@pytest.fixture
def tags(database: Database) -> Tags:
    return Tags(database, Events())


def setting(**fields: Any) -> Any:
    def change(record: Record) -> None:
        record.update(fields)

    return change


def meta(**keys: Any) -> Any:
    def change(record: Record) -> None:
        record["meta"].update(keys)

    return change


class TestRecords:
    def test_making_a_record_twice_fills_only_what_is_empty(self, records: Records) -> None:
        records.make(SHA, name="First", path="/m/a")
        record = records.make(SHA, name="Second", type="loras", path="/m/b")
        assert (record["name"], record["type"]) == ("First", "loras")
        assert (record["path"], record["paths"]) == ("/m/a", ["/m/a", "/m/b"])
        assert len(records) == 1

    def test_what_a_person_emptied_stays_empty(self, records: Records) -> None:
        records.make(SHA, name="First", tags=[1], meta={"description": "d"})
        records.change(SHA, setting(name="", tags=[]))
        records.change(SHA, meta(description=""))
        record = records.make(SHA, name="Again", tags=[1], meta={"description": "d", "x": 1})
        assert (record["name"], record["tags"]) == ("", [])
        assert record["meta"] == {"description": "", "x": 1}

    def test_a_change_that_says_nothing_makes_no_record(self, records: Records) -> None:
        records.change(SHA, setting())
        assert SHA not in records

    def test_a_change_that_is_refused_changes_nothing(self, records: Records) -> None:
        records.make(SHA, name="First")

        def refuse(record: Record) -> None:
            record["name"] = "Second"
            raise ChangedMeanwhile("no")

        with pytest.raises(ChangedMeanwhile):
            records.change(SHA, refuse)
        assert records.change(SHA, setting())["name"] == "First"

    def test_many_are_changed_all_or_none(self, records: Records) -> None:
        def refuse_second(record: Record) -> None:
            if record["id"] == "2" * 64:
                raise ChangedMeanwhile("no")
            record["rating"] = 5

        with pytest.raises(ChangedMeanwhile):
            records.change_many(["1" * 64, "2" * 64], refuse_second)
        assert len(records) == 0

    def test_changes_at_once_lose_nothing(self, records: Records) -> None:
        def note(number: int) -> None:
            records.change(SHA, lambda record: record["trigger_words"].append(number))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(note, range(100)))
        found = records.get(SHA)
        assert found
        assert sorted(found["trigger_words"]) == list(range(100))

    def test_listeners_hear_the_keys_after_the_change(self, records: Records) -> None:
        heard: list[tuple[list[str], int]] = []
        records.listen(lambda keys: heard.append((keys, len(records))))
        records.make(SHA, name="First")
        records.change(SHA, setting())
        assert heard == [([SHA], 1)]

    def test_a_record_follows_its_file(self, records: Records) -> None:
        records.make(SHA, path="/m/a")
        records.follow({"/m/a": "/m/b"})
        assert not records.has_path("/m/a")
        assert [record["path"] for record in records.at_path("/m/b")] == ["/m/b"]


class TestJoining:
    def test_what_was_said_of_a_place_becomes_the_contents(self, records: Records) -> None:
        records.change(PLACE, setting(name="Mine", rating=4, tags=[3]))
        assert records.join(PLACE, SHA)
        record = records.get(SHA)
        assert record
        assert (record["name"], record["rating"], record["tags"]) == ("Mine", 4, [3])
        assert record["sha256"] == SHA
        assert PLACE not in records
        assert (records.of_place(PLACE) or {})["id"] == SHA

    def test_a_person_wins_over_an_import(self, records: Records) -> None:
        records.make(SHA, name="Imported", type="loras", tags=[1], meta={"description": "theirs"})
        records.change(PLACE, setting(name="Mine", tags=[2]))
        records.change(PLACE, meta(description=""))
        records.join(PLACE, SHA)
        record = records.get(SHA)
        assert record
        assert (record["name"], record["type"], record["tags"]) == ("Mine", "loras", [1, 2])
        assert record["meta"]["description"] == ""

    def test_of_two_sayings_the_later_wins_and_no_note_is_lost(self, records: Records) -> None:
        records.change(PLACE, setting(name="Older", notes="one", trigger_words=["a"]))
        records.change(SHA, setting(name="Newer", notes="two", trigger_words=["b"]))
        later = records.get(SHA)
        assert later
        later["said"]["name"] += 1000
        records.put(later)
        records.join(PLACE, SHA)
        record = records.get(SHA)
        assert record
        assert record["name"] == "Newer"
        assert record["notes"] == "two\n\none"
        assert record["trigger_words"] == ["b", "a"]

    def test_joining_twice_or_nothing_does_no_harm(self, records: Records) -> None:
        records.change(PLACE, setting(name="Mine"))
        assert [records.join(PLACE, SHA), records.join(PLACE, SHA)] == [True, False]
        assert len(records) == 1


class TestTags:
    def test_adding_gives_one_for_each_name_and_no_twin(self, tags: Tags) -> None:
        added = tags.add([" a ", "b", "a"])
        assert [tag["name"] for tag in added] == ["a", "b", "a"]
        assert added[0] == added[2] == {"id": added[0]["id"], "name": "a"}
        assert tags.add(["b"])[0] == added[1]

    def test_names_differ_by_case_and_are_sorted_as_bytes(self, tags: Tags) -> None:
        tags.add(["b", "A", "a", "é"])
        assert [tag["name"] for tag in tags.listed()] == ["A", "a", "b", "é"]

    def test_a_number_never_comes_twice(self, database: Database, tags: Tags) -> None:
        first = tags.add(["a"])[0]["id"]
        tags.delete(first)
        again = Tags(database, Events())
        assert again.listed() == []
        assert again.add(["a"])[0]["id"] > first
        assert again.take(first, "other") > first

    def test_an_imported_tag_keeps_its_number_where_that_is_free(self, tags: Tags) -> None:
        mine = tags.add(["mine"])[0]["id"]
        assert tags.take(7, "theirs") == 7
        assert tags.take(3, "low") == 3
        assert tags.take(9, "mine") == mine
        assert tags.take(7, "clash") == 8

    def test_renaming_onto_another_is_a_conflict(self, tags: Tags) -> None:
        one, two = (tag["id"] for tag in tags.add(["one", "two"]))
        with pytest.raises(Conflict):
            tags.change(one, name="two")
        assert tags.change(one, name="two and a half")["name"] == "two and a half"
        assert tags.change(one, color="#aabbcc")["color"] == "#aabbcc"
        assert tags.named("one") is None
        assert tags.named("two") == two
        with pytest.raises(NotFound):
            tags.change(99, name="x")

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201])
    def test_a_name_that_is_none_is_refused(self, tags: Tags, name: str) -> None:
        with pytest.raises(BadInput):
            tags.add(["fine", name])
        assert len(tags) == 0
