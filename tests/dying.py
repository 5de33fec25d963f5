"""A process that dies at one of its steps on the disk.

`python -m tests.dying` reads lines of JSON `[act, root, step]` and answers each with the status of
a fork that does the act in that root. A step is each opening for writing, writing (half of it is on
the disk then), fsync, renaming, linking and removal below the root. The fork ends with status 9
before the step, else with 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.library_moving import Moving
    from comfyui_curator.store.samples import Samples
    from comfyui_curator.store.store import Store

DIED = 9
_ROOT = Path(__file__).resolve().parent.parent
_EVENTS = ("os.rename", "os.remove", "os.link", "open")
_WITH_DATABASE = ("send-part", "complete-upload", "move", "undo-move")


def deaths(act: str, make_root: Callable[[int], Path], *, every: int = 1) -> Iterator[Path]:
    """Every root in which `act` died, so many steps later each time, until it ended well."""
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", "tests.dying"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        try:
            for step in range(1, 200, every):
                root = make_root(step)
                process.stdin.write(json.dumps([act, str(root), step]) + "\n")
                process.stdin.flush()
                status = process.stdout.readline().strip()
                if status not in ("0", str(DIED)):
                    said.seek(0)
                    raise AssertionError(said.read())
                if status == "0":
                    return
                yield root
            raise AssertionError("it never ended")
        finally:
            process.stdin.close()


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


def _watch(steps: _Steps, act: str) -> None:
    fsync, fdopen = os.fsync, os.fdopen

    def dying_fsync(descriptor: int) -> None:
        if steps.take():
            os._exit(DIED)
        fsync(descriptor)

    def dying_fdopen(*given: Any, **how: Any) -> Any:
        return _HalfWriter(fdopen(*given, **how), steps)

    def dying_fdatasync(descriptor: int) -> None:
        # The database's: to write into it is what these acts mostly do.
        if steps.take():
            os._exit(DIED)
        fdatasync(descriptor)

    os.fsync = dying_fsync
    os.fdopen = dying_fdopen
    if act in _WITH_DATABASE and hasattr(os, "fdatasync"):
        fdatasync, os.fdatasync = os.fdatasync, dying_fdatasync
    sys.addaudithook(steps.hear)


def _promote(store: Store) -> None:
    store.catalog.promote(5)


def _trash(store: Store) -> None:
    store.settings.change({"system_trash": False})
    store.model_files.delete("a.safetensors")


def _restore(store: Store) -> None:
    store.model_files.restore(store.trash.listed()["items"][0]["id"])


def _send_part(store: Store) -> None:
    (upload,) = store.uploads.listed()["uploads"]
    data = Path(upload["originalFileName"]).read_bytes()
    signer, uploads = store.uploads.signer, store.uploads
    expires = signer.expiry()
    signature = signer.sign(upload["id"], 2, expires)
    # It is there already, with other bytes.
    size = -(-len(data) // 3)
    writer = uploads.begin_part(upload["id"], 2, size, expires, signature)
    uploads.write_part(writer, [data[size : 2 * size]])
    uploads.finish_part(writer)


def _complete_upload(store: Store) -> None:
    (upload,) = store.uploads.listed()["uploads"]
    store.uploads.complete(upload["id"])
    while store.uploads.get(upload["id"])["status"] not in ("complete", "failed"):
        time.sleep(0.005)


def _add_sample(samples: Samples) -> None:
    samples.add("ab" * 32, Path("new.png").read_bytes())


def _delete_sample(samples: Samples) -> None:
    samples.delete("ab" * 32, 0)


def _move(moving: Moving) -> None:
    from tests.moving import move

    move(moving)


def _undo_move(moving: Moving) -> None:
    from tests.moving import undo

    undo(moving)


@contextlib.contextmanager
def _whole(root: Path) -> Generator[Store, None, None]:
    from comfyui_curator.store.host import root_host
    from comfyui_curator.store.settings import Options
    from comfyui_curator.store.store import Store

    with contextlib.closing(Store(root_host(root), Options(civitai="http://127.0.0.1:9"))) as store:
        yield store


@contextlib.contextmanager
def _samples(root: Path) -> Generator[Samples, None, None]:
    from comfyui_curator.store.engine import Database
    from comfyui_curator.store.events import Events
    from comfyui_curator.store.samples import SAMPLES, Samples

    os.chdir(root)
    with (
        Database.open(root / "database", (SAMPLES,)) as database,
        contextlib.closing(Samples(database, root / "samples", Events())) as samples,
    ):
        yield samples


@contextlib.contextmanager
def _moving(root: Path) -> Generator[Moving, None, None]:
    from tests.moving import opened

    with opened(root) as moving:
        yield moving


_ACTS: dict[str, tuple[Any, Any]] = {
    "promote": (_whole, _promote),
    "trash": (_whole, _trash),
    "restore": (_whole, _restore),
    "send-part": (_whole, _send_part),
    "complete-upload": (_whole, _complete_upload),
    "add-sample": (_samples, _add_sample),
    "delete-sample": (_samples, _delete_sample),
    "move": (_moving, _move),
    "undo-move": (_moving, _undo_move),
}


def _main(act: str, root: Path, step: int) -> None:
    steps = _Steps(root, step)
    opening, work = _ACTS[act]
    with opening(root) as opened:
        _watch(steps, act)
        steps.counts = True
        work(opened)
        steps.counts = False


def _serve() -> None:
    # What a fork needs is imported once; threads would not survive it, and there are none yet.
    from comfyui_curator.store import sample_tiers, store

    assert sample_tiers
    assert store
    for line in sys.stdin:
        act, root, step = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                _main(act, Path(root), step)
            except BaseException:  # noqa: BLE001 - a fork that went on would read the next line
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    load_pack()
    _serve()
