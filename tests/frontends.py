"""ComfyUI's real page, from PyPI, in the versions that Curator must live in."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from . import checkout

VERSIONS = ("1.27.10", "1.58.1")
"""The oldest one that is supported, and the newest at the time of writing."""


def folder(version: str) -> Path:
    """The page's root (where `index.html` is), for `--front-end-root`; there after `ensure`."""
    return _installed(version) / "comfyui_frontend_package" / "static"


def ensure(version: str) -> Path:
    """The page's root, fetched by pip the first time."""
    if (folder(version) / "index.html").is_file():
        return folder(version)
    checkout.say(f"Fetching ComfyUI's page {version} (once) …")
    parent = _installed(version).parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as name:
        package = f"comfyui-frontend-package=={version}"
        python = checkout.python_of(checkout.environment())
        checkout.pip_install(python, ["--no-deps", "--target", f"{name}/page", package])
        shutil.rmtree(_installed(version), ignore_errors=True)
        Path(name, "page").rename(_installed(version))
    return folder(version)


def _installed(version: str) -> Path:
    return checkout.environment() / "frontends" / version
