"""Storms over a library of 10,000 files: people move, copy, replace and delete; the program dies.

In every other round the program is killed (`kill -9`) in the midst of it and started again. After
each round its list has to become what lies on the disk, and what was said of a content to be there.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from tests.bench import Row, below
from tests.bench.library import make_library

ROOT = Path(__file__).resolve().parents[2]
_COUNT = 10_000
_ROUNDS = 12
_ACTS = 400
_RECORDED = 300
_PAGE = 1000
_PATIENCE_SECONDS = 60.0


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text:
        root = Path(text)
        (root / "models").mkdir()
        disk = _Disk(make_library(root / "models" / "loras", _COUNT))
        program = _Program(root)
        try:
            yield from _storms(disk, program)
        finally:
            program.kill()


def _storms(disk: _Disk, program: _Program) -> Iterator[Row]:
    assert program.becomes(disk) is not None
    recorded = disk.rng.sample(sorted(set(disk.files.values())), _RECORDED)
    for sha256 in recorded:
        program.note(sha256)
    noticed: list[float] = []
    restarted: list[float] = []
    wrong = lost = 0
    for number in range(_ROUNDS):
        dies = number % 2 == 1
        disk.storm(_ACTS, lambda dies=dies: program.kill() if dies else None)
        if dies:
            program.start()
        seconds = program.becomes(disk)
        if seconds is None:
            wrong += 1
            print(f"round {number}: {program.difference(disk)}", file=sys.stderr)
        else:
            (restarted if dies else noticed).append(seconds)
        lost += sum(not program.has_note(sha256, disk) for sha256 in recorded)
    what = f"rounds of {_ROUNDS} after which the list was not what lay on the disk"
    yield below(what, wrong, 0, "rounds")
    yield below(f"notes on {_RECORDED} contents lost in them", lost, 0, "notes")
    what = f"{_ACTS} changes of files until the list is right, all hashed, slowest"
    yield below(what, max(noticed, default=_PATIENCE_SECONDS), 10, "s")
    what = "the same after a kill in their midst, from the new start, slowest"
    yield below(what, max(restarted, default=_PATIENCE_SECONDS), 10, "s")


class _Disk:
    """The files of a library and the hash of each; what has been deleted can come back."""

    def __init__(self, folder: Path) -> None:
        self.rng = random.Random()
        self.files = {path: _sha256(path.read_bytes()) for path in folder.rglob("*.safetensors")}
        self._folders = sorted({path.parent for path in self.files})
        self._deleted: list[bytes] = []
        self._number = 0

    def storm(self, acts: int, in_the_midst: Any) -> None:
        for number in range(acts):
            if number == acts // 2:
                in_the_midst()
            self.rng.choice([self._move, self._move, self._delete, self._copy, self._replace])()
            if self._deleted and self.rng.random() < 0.1:
                self._bring_back()

    def _move(self) -> None:
        path, new = self._any(), self._free()
        path.rename(new)
        self.files[new] = self.files.pop(path)

    def _delete(self) -> None:
        path = self._any()
        self._deleted.append(path.read_bytes())
        path.unlink()
        del self.files[path]

    def _bring_back(self) -> None:
        self._write(self._free(), self._deleted.pop(self.rng.randrange(len(self._deleted))))

    def _copy(self) -> None:
        path, new = self._any(), self._free()
        shutil.copyfile(path, new)
        self.files[new] = self.files[path]

    def _replace(self) -> None:
        path = self._any()
        data = path.read_bytes()
        self._deleted.append(data)
        self._write(path, data[:-64] + self.rng.randbytes(64))

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)
        self.files[path] = _sha256(data)

    def _any(self) -> Path:
        return self.rng.choice(list(self.files))

    def _free(self) -> Path:
        self._number += 1
        return self.rng.choice(self._folders) / f"storm {self._number}.safetensors"


class _Program:
    """The program over a root; started anew after each kill."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._session = requests.Session()
        self._session.trust_env = False
        self.start()

    def start(self) -> None:
        launcher = [sys.executable, str(ROOT / "tests" / "launcher.py")]
        self._process = subprocess.Popen(
            [*launcher, "serve", "--root", str(self._root), "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        self._api = self._process.stdout.readline().strip().rstrip("/") + "/api/admin"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def becomes(self, disk: _Disk) -> float | None:
        """Seconds until the list is what lies on the disk; None when it takes too long."""
        began = time.perf_counter()
        while time.perf_counter() - began < _PATIENCE_SECONDS:
            if not self._ask("/library/status")["hashing"]["files_left"]:
                if not self.difference(disk):
                    return time.perf_counter() - began
            time.sleep(0.2)
        return None

    def difference(self, disk: _Disk) -> dict[str, Any]:
        """What the list says otherwise than the disk, by path; nothing when it is right."""
        said = self._list()
        real = {str(path): sha256 for path, sha256 in disk.files.items()}
        return {
            path: (said.get(path), real.get(path))
            for path in {*said, *real}
            if said.get(path) != real.get(path)
        }

    def note(self, sha256: str) -> None:
        address = f"{self._api}/models/{sha256}"
        self._session.patch(address, json={"notes": _note(sha256)}, timeout=60).raise_for_status()

    def has_note(self, sha256: str, disk: _Disk) -> bool:
        model = self._ask(f"/models/{sha256}")
        status = "present" if sha256 in disk.files.values() else "missing"
        return (model["notes"], model["status"]) == (_note(sha256), status)

    def _list(self) -> dict[str, str]:
        """The hash of each path; a path told twice has both."""
        found: dict[str, str] = {}
        offset, total = 0, 1
        while offset < total:
            page = self._ask(f"/models?type=loras&limit={_PAGE}&offset={offset}")
            total = page["total"]
            offset += _PAGE
            for row in page["models"]:
                if row["status"] == "missing":
                    continue
                for place in row.get("places") or [row]:
                    path = place["path"]
                    known = [found[path]] if path in found else []
                    found[path] = " ".join([*known, row["sha256"]])
        return found

    def _ask(self, path: str) -> Any:
        answer = self._session.get(self._api + path, timeout=60)
        answer.raise_for_status()
        return answer.json()


def _note(sha256: str) -> str:
    return f"said of {sha256}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
