"""A library in which people add, delete and edit while its process is killed, again and again.

`python -m tests.library_storm work FOLDER BEGIN` is that process: it says on its output what has
been acknowledged. `python -m tests.library_storm FOLDER ROUNDS` kills it so often, and looks.
"""

from __future__ import annotations

import io
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.store import Store

_ROOT = Path(__file__).resolve().parent.parent
_WRITERS = 3


def storm(folder: Path, rounds: int) -> None:
    """Kill the process so often. Raises AssertionError when something is lost or half there."""
    rng = random.Random()
    known = [Known(f"{writer:064x}") for writer in range(_WRITERS)]
    for number in range(rounds):
        begin = str(number * 1000)
        command = [sys.executable, "-m", "tests.library_storm", "work", str(folder), begin]
        with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            said = [process.stdout.readline()]
            time.sleep(rng.random() * 0.6)
            process.kill()
            said += process.stdout.readlines()
        for line in said:
            if line.endswith("\n"):
                event: dict[str, Any] = json.loads(line)
                known[int(event["writer"])].hear(event)
        check(folder, known)


class Known:
    """What a writer was told: its pictures in order, its last notes, what it was at."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.pictures: list[int] = []
        self.notes = ""
        self.trying: dict[str, Any] | None = None

    def hear(self, event: dict[str, Any]) -> None:
        """An act begins (`done` is off) or has been acknowledged."""
        if not event["done"]:
            self.trying = event
            return
        self.trying = None
        self._do(event)

    def check(self, pictures: list[int], notes: str) -> None:
        """What is there is what was told, or that and what was being done."""
        states = [(list(self.pictures), self.notes)]
        if self.trying:
            self._do(self.trying)
            states.append((list(self.pictures), self.notes))
        assert (pictures, notes) in states, (pictures, notes, states)
        self.pictures, self.notes, self.trying = pictures, notes, None

    def _do(self, event: dict[str, Any]) -> None:
        if event["act"] == "add":
            self.pictures = [*self.pictures, event["number"]]
        elif event["act"] == "delete":
            self.pictures = [each for each in self.pictures if each != event["number"]]
        else:
            self.notes = event["notes"]


def check(folder: Path, known: list[Known]) -> None:
    """Open the library again and look at everything."""
    store = _open(folder)
    try:
        total = 0
        for each in known:
            found: list[int] = []
            for seq in range(store.samples.count(each.key)):
                tiers = {
                    quality: store.samples.file(each.key, seq, quality).path
                    for quality in ("high", "medium", "low")
                }
                for path in tiers.values():
                    _opened(path).load()
                found.append(_number_in(tiers["high"]))
            record = store.records.get(each.key)
            each.check(found, record["notes"] if record else "")
            total += len(found)
        kept = [path for path in (store.host.data / "samples").rglob("*") if path.is_file()]
        assert len(kept) == 3 * total, "files without a picture"
    finally:
        store.close()


def _open(folder: Path) -> Store:
    from comfyui_curator.store.host import root_host
    from comfyui_curator.store.settings import Options
    from comfyui_curator.store.store import Store

    return Store(root_host(folder), Options(civitai="http://127.0.0.1:9"))


def _number_in(path: Path) -> int:
    """Of the picture: its size says it."""
    width, height = _opened(path).size
    return (height - 8) * 500 + width - 8


def _opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def _picture(number: int, writer: int) -> bytes:
    data = io.BytesIO()
    size = (8 + number % 500, 8 + number // 500)
    Image.new("RGB", size, (writer, 0, 0)).save(data, "PNG")
    return data.getvalue()


def _work(folder: Path, begin: int) -> None:
    store = _open(folder)
    lock = threading.Lock()

    def say(**event: Any) -> None:
        with lock:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    def write(writer: int) -> None:
        key = f"{writer:064x}"
        rng = random.Random()
        numbers = itertools.count(begin)
        while True:
            count = store.samples.count(key)
            act = rng.choice(["add", "delete", "note"] if count else ["add", "note"])
            event: dict[str, Any] = {"writer": writer, "act": act}
            if act == "add":
                event["number"] = next(numbers)
                say(**event, done=False)
                store.samples.add(key, _picture(event["number"], writer))
            elif act == "delete":
                seq = rng.randrange(count)
                event["number"] = _number_in(store.samples.file(key, seq, "high").path)
                say(**event, done=False)
                store.samples.delete(key, seq)
            else:
                event["notes"] = str(rng.random())
                say(**event, done=False)
                notes = {"notes": event["notes"]}
                store.records.change(key, lambda record, notes=notes: record.update(notes))
            say(**event, done=True)

    for writer in range(_WRITERS):
        threading.Thread(target=write, args=(writer,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    load_pack()
    if sys.argv[1] == "work":
        _work(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        storm(Path(sys.argv[1]), int(sys.argv[2]))
        sys.stdout.write("nothing was lost\n")
