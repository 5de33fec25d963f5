from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.engine import CollectionSpec, Database, Index, digest, records

Open = Callable[[], Database]


def content(database: Database) -> list[Any]:
    pictures = database.collection("pictures")
    return [
        list(pictures),
        pictures.values("by_model"),
        pictures.values("by_tag"),
        [record["id"] for record in pictures.page("all", descending=True).records],
        [pictures.get(str(number)) for number in range(700)],
    ]


@pytest.fixture
def expected(opened: Open) -> list[Any]:
    database = opened()
    with database.transaction():
        for number in range(700):
            record: dict[str, Any] = {
                "id": str(number),
                "model": number % 7,
                "date": f"{number % 50:02}",
            }
            record["tags"] = [f"t{number % 3}", None]
            database.collection("pictures").put(record)
    database.collection("pictures").delete("5")
    database.close()
    return content(database)


def test_with_its_digest_a_store_opens_without_parsing_a_record(
    opened: Open, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from comfyui_curator.store.engine import rows

    parsed: list[bytes] = []

    def counted(raw: bytes) -> Any:
        parsed.append(raw)
        return records.decode(raw)

    monkeypatch.setattr(rows, "decode", counted)
    database = opened()
    assert parsed == []
    assert content(database) == expected


def test_a_digest_that_is_damaged_or_of_another_snapshot_is_not_used(
    opened: Open, folder: Path, expected: list[Any]
) -> None:
    path = folder / "curator.digest"
    good = path.read_bytes()
    flipped = good.replace(b'"model":[0,1', b'"model":[0,4', 1)
    stale = good.replace(b'"snapshot":"', b'"snapshot":"0', 1)
    assert flipped != good != stale
    for bad in (flipped, stale, good[:-1], good[:100], b"", b"\n", b"0" * 50, None):
        if bad is None:
            path.unlink()
        else:
            path.write_bytes(bad)
        database = opened()
        assert content(database) == expected, bad
        assert database.recovery.clean
        database.close()


def test_an_older_digest_beside_a_newer_snapshot_is_not_used(
    opened: Open, folder: Path, expected: list[Any]
) -> None:
    old = (folder / "curator.digest").read_bytes()
    database = opened()
    database.collection("pictures").update("1", {"model": 99})
    database.close()
    (folder / "curator.digest").write_bytes(old)
    assert opened().collection("pictures").values("by_model")[99] == 1


def test_newly_declared_indexes_are_built_from_the_records(folder: Path) -> None:
    plain = CollectionSpec("pictures", "id")
    with Database.open(folder, [plain]) as database:
        database.collection("pictures").put({"id": "a", "meta": {"size": 2}})
    more = CollectionSpec("pictures", "id", (Index("by_size", "meta.size"),))
    for _ in range(2):
        with Database.open(folder, [more]) as database:
            assert database.collection("pictures").values("by_size") == {2: 1}
            database.collection("pictures").update("a", {"seen": True})
    assert digest.fields(more) == ["id", "meta"]


def test_tables_of_tinydb_s_own_are_found_between_the_collections(
    opened: Open, expected: list[Any]
) -> None:
    database = opened()
    database.tinydb.table("für später").insert_multiple({"n": number} for number in range(300))
    database.collection("notes").put({"name": "last"})
    database.close()
    database = opened()
    assert content(database) == expected
    assert [each["n"] for each in database.tinydb.table("für später")] == list(range(300))
    assert database.collection("notes").get("last") == {"name": "last"}
    assert database.recovery.clean
