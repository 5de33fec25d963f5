from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from comfyui_curator.store.engine import Collection, Database

Open = Callable[[], Database]


def found(pictures: Collection, text: str, **asked: Any) -> list[str]:
    page = pictures.search(text, index="all", **asked)
    assert page.total == len(page.records)
    return [record["id"] for record in page.records]


@pytest.fixture
def pictures(opened: Open) -> Collection:
    pictures = opened().collection("pictures")
    prompts = [
        "a Cat, sitting",
        "cats_and dogs",
        "Ein HUND auf der Straße",
        "猫耳の少女",
        "Été",
        "",
    ]
    for number, prompt in enumerate(prompts):
        pictures.put({"id": str(number), "prompt": prompt, "date": number})
    return pictures


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("cat", ["0", "1"]),
        ("CAT sit", ["0"]),
        ("sit cat", []),
        ("cat,sitting", ["0"]),
        ("dogs cats", ["1"]),
        ("hund", ["2"]),
        ("STRASSE", ["2"]),
        ("stra", ["2"]),
        ("tra", []),
        ("少女", ["3"]),
        ("猫", ["3"]),
        ("E\u0301TE\u0301", ["4"]),
        ("nothing", []),
        ("", ["0", "1", "2", "3", "4", "5"]),
        (" ?! ", ["0", "1", "2", "3", "4", "5"]),
    ],
)
def test_all_words_must_occur_and_the_last_may_be_a_beginning(
    pictures: Collection, text: str, ids: list[str]
) -> None:
    assert found(pictures, text) == ids


def test_words_of_all_fields_count_also_of_nested_ones(opened: Open) -> None:
    pictures = opened().collection("pictures")
    pictures.put({"id": "a", "prompt": ["one", {"no": 1}, "two"], "meta": {"user": "Ann"}})
    pictures.put({"id": "b", "prompt": None, "meta": "Ann"})
    assert found(pictures, "ann two") == ["a"]


def test_a_changed_text_is_found_by_its_new_words_only(pictures: Collection) -> None:
    pictures.update("0", {"prompt": "a bird"})
    assert found(pictures, "cat") == ["1"]
    assert found(pictures, "bird") == ["0"]
    pictures.delete("1")
    assert found(pictures, "cat") == []
    pictures.put({"id": "9", "prompt": "cat", "date": 9})
    assert found(pictures, "cat") == ["9"]


def test_search_agrees_with_a_look_at_every_record(opened: Open) -> None:
    rng = random.Random(7)
    vocabulary = [f"w{number}" for number in range(60)]
    database = opened()
    pictures = database.collection("pictures")

    def put(number: int) -> None:
        # Some words are in almost every record, some in one or two.
        words = [vocabulary[min(int(rng.paretovariate(0.5)), 59)] for _ in range(12)]
        prompt = " ".join(words)
        pictures.put({"id": f"{number:04}", "prompt": prompt, "model": number % 3, "date": number})

    with database.transaction():
        for number in range(3000):
            put(number)
    pictures.search("w1", index="all")
    for _ in range(400):
        put(rng.randrange(3200))
        pictures.delete(f"{rng.randrange(3200):04}")
    check(pictures, rng, vocabulary)
    database.close()
    check(opened().collection("pictures"), rng, vocabulary)


def check(pictures: Collection, rng: random.Random, vocabulary: list[str]) -> None:
    everything = sorted(pictures, key=lambda record: record["date"])
    for _ in range(60):
        query = rng.choices(vocabulary, k=rng.randrange(1, 4))
        model = rng.choice([None, 0, 1, 2])
        expected: list[str] = []
        for record in everything:
            words = record["prompt"].split()
            whole = all(word in words for word in query[:-1])
            if whole and any(word.startswith(query[-1]) for word in words):
                if model is None or record["model"] == model:
                    expected.append(record["id"])
        index = "all" if model is None else "by_model"
        asked: dict[str, Any] = {"index": index, "value": model, "limit": 20}
        collected: list[str] = []
        cursor = None
        while True:
            page = pictures.search(" ".join(query), after=cursor, **asked)
            assert page.total == len(expected)
            collected += [record["id"] for record in page.records]
            cursor = page.next
            if cursor is None:
                break
        assert collected == expected
        page = pictures.search(" ".join(query), descending=True, offset=5, **asked)
        assert [record["id"] for record in page.records] == expected[::-1][5:25]


def test_the_first_search_after_opening_is_complete_whatever_changes_meanwhile(
    opened: Open,
) -> None:
    database = opened()
    with database.transaction():
        for number in range(5000):
            database.collection("pictures").put({"id": str(number), "prompt": f"cat n{number}"})
    database.close()
    pictures = opened().collection("pictures")
    pictures.put({"id": "new", "prompt": "cat"})
    pictures.put({"id": "0", "prompt": "dog"})
    pictures.delete("1")
    assert pictures.search("cat", index="all").total == 4999
    assert pictures.search("dog", index="all").total == 1


def test_a_collection_without_words_says_so(opened: Open) -> None:
    with pytest.raises(LookupError):
        opened().collection("notes").search("x", index="none")


def test_records_that_are_listed_somewhere_count_as_having_a_word(pictures: Collection) -> None:
    def asked(text: str, *also: list[int]) -> list[str]:
        groups = [[("by_model", each) for each in models] for models in also]
        return found(pictures, text, also=groups)

    for number in range(6):
        pictures.update(str(number), {"model": number})
    assert asked("cat", [2]) == ["0", "1", "2"]
    assert asked("cat hund", [2], []) == ["2"]
    assert asked("cat hund", [2], [0, 1]) == ["0", "2"]
    assert asked("nothing", [9]) == []
    pictures.put({"id": "x", "prompt": "", "date": 9, "model": 2})
    assert asked("cat", [2]) == ["0", "1", "2", "x"]
    pictures.update("2", {"model": 3})
    assert asked("cat", [2]) == ["0", "1", "x"]
    pictures.delete("x")
    assert asked("cat", [2]) == ["0", "1"]
