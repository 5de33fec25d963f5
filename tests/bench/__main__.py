"""Run benches by name; without a name, list them. The status is 1 when a bar does not hold."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from tests import bench
from tests.loading import load_pack


def main(names: list[str]) -> int:
    known = sorted(
        each.name for each in pkgutil.iter_modules(bench.__path__) if each.name != "__main__"
    )
    unknown = [name for name in names if name not in known]
    if not names or unknown:
        print("benches:", *known, file=sys.stderr)
        return 2 if unknown else 0
    load_pack()
    failed = 0
    for name in names:
        for row in importlib.import_module(f"tests.bench.{name}").run():
            row.print()
            failed += not row.holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
