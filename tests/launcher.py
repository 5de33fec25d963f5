"""Started by the prepared environment's python: the checkout as the package it is when installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    # This folder is no place to import from: its names would hide others.
    sys.path.pop(0)
    spec = importlib.util.spec_from_file_location(
        "comfyui_curator", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec and spec.loader
    pack = importlib.util.module_from_spec(spec)
    sys.modules["comfyui_curator"] = pack
    spec.loader.exec_module(pack)
    program = importlib.import_module("comfyui_curator.__main__")
    return program.main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
