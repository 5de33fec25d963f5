from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinydb import Query, TinyDB, where
from tinydb.operations import delete, increment
from tinydb.table import Document, Table

from comfyui_curator.store.engine import BadRecord, Database

Open = Callable[[], Database]


def documents(table: Table) -> list[tuple[int, dict[str, Any]]]:
    return [(document.doc_id, dict(document)) for document in table]


def act(table: Table, rng: random.Random) -> Any:
    """One random operation of TinyDB; what it answers, or its error."""
    number = rng.randrange(8)
    body = {"n": number, "s": rng.choice("abc"), "list": [rng.randrange(3), {"deep": number}]}
    query = rng.choice(
        [
            Query().n == number,
            Query().n > 3,
            where("s").one_of(["a", "b"]),
            Query().list.any([1]),
            ~Query().s.matches("[ab]"),
            Query().missing.exists(),
            Query().fragment({"s": "c"}),
        ]
    )
    ids = [rng.randrange(1, 40) for _ in range(3)]
    known = [document.doc_id for document in table]
    operations: list[Callable[[], Any]] = [
        lambda: table.insert(body),
        lambda: table.insert_multiple([body, {**body, "second": True}]),
        lambda: table.upsert(Document(body, doc_id=ids[0]), query) if ids[0] in known else None,
        lambda: table.update({"seen": number}, query),
        lambda: table.update(increment("n"), query),
        lambda: table.update(delete("s"), doc_ids=ids),
        lambda: table.update_multiple([({"x": 1}, query), (delete("n"), where("x") == 1)]),
        lambda: table.upsert(body, query),
        lambda: table.remove(query),
        lambda: table.remove(doc_ids=ids[:1]),
        lambda: table.search(query),
        lambda: table.get(query),
        lambda: table.get(doc_id=ids[0]),
        lambda: table.get(doc_ids=ids),
        lambda: table.contains(query),
        lambda: table.count(query),
        lambda: len(table),
        lambda: table.truncate() if rng.random() < 0.1 else None,
    ]
    try:
        return rng.choice(operations)()
    except KeyError as error:
        # An operation on a field that a document does not have: nothing of it is kept.
        return repr(error)


def test_any_row_of_operations_does_what_stock_tinydb_does(opened: Open, tmp_path: Path) -> None:
    database = opened()
    with TinyDB(tmp_path / "stock.json") as stock:
        for seed in range(600):
            name = "one" if seed % 3 else "two"
            ours = act(database.tinydb.table(name), random.Random(seed))
            assert ours == act(stock.table(name), random.Random(seed)), seed
            assert documents(database.tinydb.table(name)) == documents(stock.table(name)), seed
        kept = {name: documents(stock.table(name)) for name in ("one", "two")}
    assert database.tinydb.tables() == {"one", "two"}
    database.close()
    again = opened().tinydb
    assert {name: documents(again.table(name)) for name in ("one", "two")} == kept


def test_an_id_that_is_taken_is_refused_as_stock_tinydb_does(opened: Open) -> None:
    table = opened().tinydb.table("extra")
    table.insert(Document({"a": 1}, doc_id=7))
    with pytest.raises(ValueError, match="already exists"):
        table.insert(Document({"a": 2}, doc_id=7))
    assert documents(table) == [(7, {"a": 1})]
    assert table.insert({"a": 3}) == 8


def test_plain_tinydb_opens_the_snapshot_and_what_it_changes_counts(
    opened: Open, folder: Path
) -> None:
    database = opened()
    database.collection("pictures").put({"id": "a", "model": 1, "text": "ü", "big": 2**80})
    database.collection("pictures").put({"id": "b", "model": 2})
    database.close()
    with TinyDB(folder / "curator.json", encoding="utf-8") as plain:
        table = plain.table("pictures")
        assert table.search(Query().model == 1) == [
            {"id": "a", "model": 1, "text": "ü", "big": 2**80}
        ]
        table.update({"model": 3}, Query().id == "a")
        table.insert({"id": "c", "model": 3})
    before = (folder / "curator.json").read_bytes()
    database = opened()
    assert database.recovery.edited
    pictures = database.collection("pictures")
    assert pictures.values("by_model") == {3: 2, 2: 1}
    assert pictures.get("a") == {"id": "a", "model": 3, "text": "ü", "big": 2**80}
    database.compact()
    assert [path.read_bytes() for path in (folder / "recovered").iterdir()] == [before]
    database.close()
    assert not opened().recovery.edited


def test_both_ways_to_the_records_see_each_other(opened: Open) -> None:
    database = opened()
    pictures, table = database.collection("pictures"), database.tinydb.table("pictures")
    pictures.put({"id": "a", "model": 1, "prompt": "cat"})
    assert table.search(Query().model == 1) == [{"id": "a", "model": 1, "prompt": "cat"}]
    table.update({"model": 2, "prompt": "dog"}, Query().id == "a")
    assert table.search(Query().model == 1) == []
    assert pictures.page("by_model", 2).records == [{"id": "a", "model": 2, "prompt": "dog"}]
    assert pictures.search("dog", index="all").total == 1
    table.insert({"id": "b"})
    assert "b" in pictures
    table.update({"id": "c"}, Query().id == "b")
    assert "b" not in pictures and pictures.get("c") == {"id": "c"}
    table.truncate()
    assert len(pictures) == 0 and pictures.values("by_model") == {}


def test_tinydb_cannot_make_twins_or_keyless_records_in_a_collection(opened: Open) -> None:
    table = opened().tinydb.table("pictures")
    table.insert_multiple([{"id": "a"}, {"id": "b"}])
    for change in (
        lambda: table.insert({"no": "key"}),
        lambda: table.insert({"id": "a"}),
        lambda: table.insert_multiple([{"id": "c"}, {"id": "c"}]),
        lambda: table.update({"id": "a"}, Query().id == "b"),
        lambda: table.update(delete("id"), Query().id == "b"),
    ):
        with pytest.raises(BadRecord):
            change()
        assert table.all() == [{"id": "a"}, {"id": "b"}]


def test_dropped_tables_are_gone_also_after_a_crash(opened: Open, folder: Path) -> None:
    database = opened()
    database.tinydb.table("extra").insert({"a": 1})
    database.tinydb.table("more").insert({"a": 1})
    database.collection("pictures").put({"id": "a", "model": 1})
    database.tinydb.drop_table("extra")
    database.tinydb.drop_table("pictures")
    assert database.tinydb.tables() == {"more"}
    assert database.collection("pictures").values("by_model") == {}
    database.collection("pictures").put({"id": "b", "model": 1})
    assert database.collection("pictures").values("by_model") == {1: 1}
    journal = (folder / "curator.journal").read_bytes()
    database.tinydb.drop_tables()
    assert database.tinydb.tables() == set()
    database.close()
    assert json.loads((folder / "curator.json").read_bytes()).keys() == {"_curator"}
    (folder / "curator.json").unlink()
    (folder / "curator.journal").write_bytes(journal)
    again = opened()
    assert again.tinydb.tables() == {"more", "pictures"}
    assert [record["id"] for record in again.collection("pictures")] == ["b"]


def test_a_result_belongs_to_the_caller(opened: Open) -> None:
    table = opened().tinydb.table("extra")
    table.insert({"a": [1]})
    for _ in range(2):
        found = table.search(Query().a.any([1]))
        assert found == [{"a": [1]}]
        found[0]["a"].append(2)
