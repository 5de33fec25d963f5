"""`python3 -m tests [pytest's arguments]`: prepares all that the tests need, then runs them."""

from __future__ import annotations

import os
import sys

from tests import checkout

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
    # The tests of a file stay together, since they share servers and browsers; the browser's, which
    # take longest, come first. More at once than there are cores only make browsers wait.
    workers = str(max(2, os.cpu_count() or 1))
    parallel = ["-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    raise SystemExit(checkout.run_module("pytest", [*parallel, *sys.argv[1:]]))
