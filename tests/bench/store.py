"""The store with 100,000 records of 1 KB, beside SQLite with the same ones."""

from __future__ import annotations

import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tests.bench import Row, against, below
from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.engine import CollectionSpec, Database

_RECORDS = 100_000
_A_MODEL = 50
_ROUNDS = 60
_ROOT = Path(__file__).resolve().parents[2]


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        from comfyui_curator.store.engine import Database

        with Database.open(folder / "store", specs(durable=False)) as database:
            fill(database)
        yield from _opening(folder / "store")
        lite = _Lite(folder / "lite.db")
        with Database.open(folder / "store", specs(durable=False)) as database:
            lite.fill(database)
            database.collection("pictures").search("warm", index="all")
            yield from _reading(database, lite)
            yield from _searching(database)
            lite.sync("NORMAL")
            what = "change one record, no fsync"
            yield _changing(what, database, lite, 12_000, "SQLite WAL NORMAL", 0.8)
            yield _compacting("changes while compaction runs, p99.9", database)
        with Database.open(folder / "store", specs(durable=True)) as database:
            database.collection("pictures").search("warm", index="all")
            lite.sync("FULL")
            what = "change one record, fsync each"
            yield _changing(what, database, lite, 3000, "SQLite WAL FULL", 1.1)
            yield _compacting("changes with fsync while compaction runs, p99.9", database)
        lite.close()


def specs(*, durable: bool) -> list[CollectionSpec]:
    """One collection with two indexes and searched prompts."""
    load_pack()
    from comfyui_curator.store.engine import CollectionSpec, Index

    indexes = (Index("by_model", "model", "date"), Index("all", None, "date"))
    return [CollectionSpec("pictures", "id", indexes, ("prompt",), durable)]


def fill(database: Database, count: int = _RECORDS) -> None:
    """Put the records in, some hundred a line; the word `everywhere` is in each second prompt."""
    rng = random.Random(3)
    # About as often as words are used: a few in most prompts, most in a few.
    words = [_word(number) for number in range(20_000)]
    pictures = database.collection("pictures")
    for start in range(0, count, 500):
        with database.transaction():
            for number in range(start, min(start + 500, count)):
                pictures.put(_record(number, words, rng))


def _word(number: int) -> str:
    parts = ["ka", "ro", "mi", "ten", "su", "vel", "dra", "no", "li", "gor", "pha", "un"]
    rng = random.Random(number)
    return "".join(rng.choice(parts) for _ in range(2 + number % 3)) + f"{number % 100:02}"


def _record(number: int, words: list[str], rng: random.Random) -> dict[str, Any]:
    prompt = "everywhere " if number % 2 else ""
    prompt += "needle " if number % 10_000 == 7 else ""
    while len(prompt) < 400:
        prompt += words[min(int(rng.paretovariate(0.35)), len(words)) - 1] + " "
    record: dict[str, Any] = {
        "id": f"{number:09}",
        "model": number // _A_MODEL,
        "date": f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T00:00:{number % 60:02}Z",
        "prompt": prompt,
        "seed": number,
        "starred": False,
        "size": [832, 1216],
        "meta": {"sampler": "Euler a", "steps": 28, "cfg": 6.5, "model": "a checkpoint"},
    }
    record["url"] = "x" * (1000 - len(orjson.dumps(record)))
    return record


class _Lite:
    """The same records in SQLite, as bytes beside the columns that are asked for."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(
            "CREATE TABLE pictures (id TEXT PRIMARY KEY, model INTEGER, date TEXT, data BLOB)"
        )

    def fill(self, database: Database) -> None:
        self.connection.execute("BEGIN")
        for each in database.collection("pictures"):
            values = (each["id"], each["model"], each["date"], orjson.dumps(each))
            self.connection.execute("INSERT INTO pictures VALUES (?, ?, ?, ?)", values)
        self.connection.execute("CREATE INDEX by_model ON pictures (model, date)")
        self.connection.execute("CREATE INDEX by_date ON pictures (date)")
        self.connection.execute("COMMIT")

    def sync(self, mode: str) -> None:
        self.connection.execute(f"PRAGMA synchronous={mode}")

    def put(self, record: dict[str, Any]) -> None:
        values = (orjson.dumps(record), record["id"])
        self.connection.execute("UPDATE pictures SET data = ? WHERE id = ?", values)

    def get(self, key: str) -> Any:
        asked = self.connection.execute("SELECT data FROM pictures WHERE id = ?", (key,))
        return orjson.loads(asked.fetchone()[0])

    def page(self, model: int) -> list[Any]:
        asked = self.connection.execute(
            "SELECT data FROM pictures WHERE model = ? ORDER BY date LIMIT 50", (model,)
        )
        return [orjson.loads(data) for (data,) in asked]

    def close(self) -> None:
        self.connection.close()


def _opening(store: Path) -> Iterator[Row]:
    """In a process of its own; the median of five."""
    found = [_opened(store) for _ in range(5)]
    seconds, memory, complete = (statistics.median(each) for each in zip(*found, strict=True))
    yield below("open", seconds, 0.8, "s")
    yield below("memory after open", memory, 220, "MB")
    yield below("memory with the word index built", complete, 220, "MB")


_OPEN = """
import sys, time
from pathlib import Path
from tests.bench.store import memory, specs
declared = specs(durable=True)
from comfyui_curator.store.engine import Database
start = time.perf_counter()
database = Database.open(Path(sys.argv[1]), declared)
database.collection("pictures").get("000000001")["id"]
seconds = time.perf_counter() - start
after = memory()
database.collection("pictures").search("needle", index="all")
print(seconds, after, memory())
"""


def _opened(store: Path) -> list[float]:
    command = [sys.executable, "-c", _OPEN, str(store)]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return [float(each) for each in answer.stdout.split()]


def memory() -> float:
    """What this process holds of the machine's memory, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        # On macOS in bytes; the highest so far, where the present one is not told.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def _reading(database: Database, lite: _Lite) -> Iterator[Row]:
    pictures = database.collection("pictures")
    rng = random.Random(5)
    keys = [f"{rng.randrange(_RECORDS):09}" for _ in range(12_000)]
    ours, peer = _interleaved(keys, pictures.get, lite.get)
    yield against("get by key", ours, peer, "SQLite", 0.5)

    def page(model: int) -> Any:
        return pictures.page("by_model", model, limit=50).records

    models = [rng.randrange(_RECORDS // _A_MODEL) for _ in range(3000)]
    assert page(models[0]) == lite.page(models[0])
    ours, peer = _interleaved(models, page, lite.page)
    yield against("query by index, 50 rows", ours, peer, "SQLite", 0.8)


def _searching(database: Database) -> Iterator[Row]:
    pictures = database.collection("pictures")
    most = _word(0)
    for what, text in [
        ("rare", "needle"),
        ("frequent", "everywhere"),
        ("absent", "nowhere"),
        ("two words", f"everywhere {most}"),
        ("two letters", most[:2]),
    ]:
        taken: list[float] = []
        for _ in range(15):
            start = time.perf_counter()
            pictures.search(text, index="all", descending=True, limit=100)
            taken.append(time.perf_counter() - start)
        total = pictures.search(text, index="all").total
        milliseconds = statistics.median(taken) * 1000
        yield below(f"search for a word, {what} ({total} found)", milliseconds, 30, "ms")


def _changing(what: str, database: Database, lite: _Lite, count: int, name: str, bar: float) -> Row:
    pictures = database.collection("pictures")
    rng = random.Random(8)
    keys = [f"{rng.randrange(_RECORDS):09}" for _ in range(count)]
    records = [pictures.get(key) for key in keys]

    def changing(put: Callable[[dict[str, Any]], None]) -> Callable[[Any], None]:
        def change(record: dict[str, Any]) -> None:
            record["seed"] += 1
            put(record)

        return change

    ours, peer = _interleaved(records, changing(pictures.put), changing(lite.put))
    return against(what, ours, peer, name, bar)


def _compacting(what: str, database: Database) -> Row:
    """One writer without a pause, while snapshots are written one after the other."""
    pictures = database.collection("pictures")
    records = [record for record, _ in zip(pictures, range(2000), strict=False)]
    done = threading.Event()

    def compact() -> None:
        for _ in range(6):
            database.compact()
        done.set()

    taken: list[float] = []
    worker = threading.Thread(target=compact)
    worker.start()
    while not done.is_set():
        record = records[len(taken) % len(records)]
        record["seed"] += 1
        start = time.perf_counter()
        pictures.put(record)
        taken.append(time.perf_counter() - start)
        # A little air: a hundred megabytes of changes a second would only measure the disk.
        time.sleep(0.0002)
    worker.join()
    taken.sort()
    high = taken[min(len(taken) - 1, int(len(taken) * 0.999))]
    return below(f"{what} (of {len(taken)})", high * 1000, 20, "ms")


def _interleaved(
    arguments: list[Any], ours: Callable[[Any], object], peer: Callable[[Any], object]
) -> tuple[float, float]:
    """Microseconds a call, ours and the peer's: the medians of short rounds that take turns.

    Short, so that what else the machine and its disk are busy with meets both sides alike.
    """
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS):
        part = arguments[number::_ROUNDS]
        # Who goes first changes: the second one finds the processor's caches warm.
        for side in (0, 1) if number % 2 else (1, 0):
            call = (ours, peer)[side]
            start = time.perf_counter()
            for argument in part:
                call(argument)
            found[side].append((time.perf_counter() - start) / len(part))
    return statistics.median(found[0]) * 1e6, statistics.median(found[1]) * 1e6
