"""Started by the prepared environment's python: the checkout as the installed package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """The program's own `main`, with the arguments of this process."""
    # Python put this folder first; neither it nor the root may hide modules of others.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tests.loading import load_pack

    del sys.path[0]
    load_pack()
    return importlib.import_module("comfyui_curator.__main__").main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
