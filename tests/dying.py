"""A process that dies at one of its steps on the disk: `python -m tests.dying ACT ROOT STEP`.

A step is each opening for writing, writing (half of it is on the disk then), fsync, renaming,
linking and removal below ROOT. The process ends with status 9 before the step, else with 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.store import Store

DIED = 9
_ROOT = Path(__file__).resolve().parent.parent
_EVENTS = ("os.rename", "os.remove", "os.link", "open")


def deaths(act: str, make_root: Callable[[int], Path]) -> Iterator[Path]:
    """Every root in which `act` died, one step later each time, until it ended well."""
    for step in range(1, 200):
        root = make_root(step)
        command = [sys.executable, "-m", "tests.dying", act, str(root), str(step)]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, DIED), done.stderr
        if done.returncode == 0:
            return
        yield root
    raise AssertionError("it never ended")


class _Steps:
    def __init__(self, root: Path, last: int) -> None:
        self._root = str(root)
        self._left = last
        self.counts = False

    def take(self) -> bool:
        """Whether this is the step at which to die."""
        if self.counts:
            self._left -= 1
        return self.counts and self._left == 0

    def hear(self, event: str, given: tuple[Any, ...]) -> None:
        if event not in _EVENTS or not str(given[0]).startswith(self._root):
            return
        reads = event == "open" and not int(given[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        if not reads and self.take():
            os._exit(DIED)


class _HalfWriter:
    """A file whose fatal write brings half of its bytes."""

    def __init__(self, file: Any, steps: _Steps) -> None:
        self._file = file
        self._steps = steps

    def write(self, data: bytes) -> int:
        if self._steps.take():
            self._file.write(data[: len(data) // 2])
            self._file.flush()
            os._exit(DIED)
        return self._file.write(data)

    def __enter__(self) -> _HalfWriter:
        self._file.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self._file.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _watch(steps: _Steps) -> None:
    fsync, fdopen = os.fsync, os.fdopen

    def dying_fsync(descriptor: int) -> None:
        if steps.take():
            os._exit(DIED)
        fsync(descriptor)

    def dying_fdopen(*given: Any, **how: Any) -> Any:
        return _HalfWriter(fdopen(*given, **how), steps)

    os.fsync = dying_fsync
    os.fdopen = dying_fdopen
    sys.addaudithook(steps.hear)


def _promote(store: Store) -> None:
    store.catalog.promote(5)


def _trash(store: Store) -> None:
    store.settings.change({"system_trash": False})
    store.model_files.delete("a.safetensors")


def _restore(store: Store) -> None:
    store.model_files.restore(store.trash.listed()["items"][0]["id"])


_ACTS = {"promote": _promote, "trash": _trash, "restore": _restore}


def _main(act: str, root: Path, step: int) -> None:
    from comfyui_curator.store.host import root_host
    from comfyui_curator.store.settings import Options
    from comfyui_curator.store.store import Store

    store = Store(root_host(root), Options(civitai="http://127.0.0.1:9"))
    steps = _Steps(root, step)
    _watch(steps)
    steps.counts = True
    _ACTS[act](store)
    steps.counts = False
    store.close()


if __name__ == "__main__":
    load_pack()
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
