"""The checkout as the package `comfyui_curator`, whatever its folder is called."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_NAME = "comfyui_curator"


def load_pack() -> ModuleType:
    """The root folder imported as `comfyui_curator`; the same module however often it is called."""
    loaded = sys.modules.get(_NAME)
    if loaded is not None:
        return loaded
    root = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location(
        _NAME, root / "__init__.py", submodule_search_locations=[str(root)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{root} cannot be loaded as a package")
    module = importlib.util.module_from_spec(spec)
    # Before it runs: its own relative imports look for it by name.
    sys.modules[_NAME] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_NAME]
        raise
    return module
