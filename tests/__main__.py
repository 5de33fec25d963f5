"""`python3 -m tests [pytest's arguments]`: prepares all that the tests need, then runs them."""

from __future__ import annotations

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
    raise SystemExit(checkout.run_module("pytest", sys.argv[1:]))
