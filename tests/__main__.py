"""`python3 -m tests [pytest's arguments]`: prepares all that the tests need, then runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests import checkout

_MEMORY = "/dev/shm"
_ROOM_BYTES = 4 << 30


def _lies_in_memory() -> bool:
    """Whether there is a folder in memory, with room, from which programs may be started."""
    if not sys.platform.startswith("linux") or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    has_room = shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES
    return has_room and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC


if __name__ == "__main__":
    python = checkout.ensure(("test",))
    if sys.prefix != str(checkout.environment()):
        raise SystemExit(checkout.run_module("tests", sys.argv[1:]))

    from tests import chromium, frontends, tools

    for version in frontends.VERSIONS:
        frontends.ensure(version)
    tools.ensure()
    if chromium.ensure() is None:
        checkout.say(chromium.MISSING)
    # Half of the time would go into waiting for a disk to make and remove small folders.
    if _lies_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _MEMORY)
    # The pack is imported by hundreds of processes, and all tests by each worker.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # The tests of a file stay together, since they share servers and browsers. Browsers fill the
    # cores; most others wait, for a timer or another process.
    cores = os.cpu_count() or 1
    parts = [["-n", str(max(2, cores)), *sys.argv[1:]]]
    if not sys.argv[1:]:
        rest = ["-n", str(cores + 2), "--ignore", "tests/browser"]
        parts = [["-n", str(max(2, cores)), "tests/browser"], rest]
    failed = [
        subprocess.call([str(python), "-m", "pytest", "--dist", "loadfile", *part])
        for part in parts
    ]
    raise SystemExit(next((status for status in failed if status), 0))
