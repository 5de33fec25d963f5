"""Curator: every model you have or want, what each makes, and its pictures in your workflow."""

from __future__ import annotations

import sys
from typing import Any

from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

__version__ = "0.1.0"
__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY", "__version__"]

WEB_DIRECTORY = "./web/comfyui"


def _mount(server: Any) -> None:
    from .routes import mount
    from .store import host, start

    opening = start(host.comfy_host)
    mount(server.app, opening)


# ComfyUI has both in place when it imports a pack; anywhere else this is just a package.
if "folder_paths" in sys.modules and hasattr(sys.modules.get("server"), "PromptServer"):
    _mount(sys.modules["server"].PromptServer.instance)
