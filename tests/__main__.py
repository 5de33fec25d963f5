"""`python3 -m tests [pytest's arguments]`: prepares all that the tests need, then runs them."""

from __future__ import annotations

import os
import shutil
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
    # The tests of a file stay together, since they share servers and browsers; the browser's, which
    # take longest, come first. More at once than there are cores only make browsers wait.
    workers = str(max(2, os.cpu_count() or 1))
    parallel = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    raise SystemExit(checkout.run_module("pytest", [*parallel, *sys.argv[1:]]))
