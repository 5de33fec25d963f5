"""ComfyUI's modules as a pack sees them: `server`, `folder_paths`, `comfy.cli_args`.

Names and answers are those of ComfyUI 0.3.64; only what a pack without models can touch.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from aiohttp import ClientError, web

_MODEL_TYPES = (
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision",
    "style_models", "embeddings", "diffusers", "vae_approx", "controlnet", "gligen",
    "upscale_models", "hypernetworks", "photomaker",
)  # fmt: skip
_TWO_FOLDERS = {
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("unet", "diffusion_models"),
    "controlnet": ("controlnet", "t2i_adapter"),
}
_ALIASES = {"unet": "diffusion_models", "clip": "text_encoders"}
_SUFFIXES = {".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}


class PromptServer:
    """The application, its routes, and the page's websockets."""

    instance: ClassVar[PromptServer]

    def __init__(self, loop: asyncio.AbstractEventLoop, middlewares: list[Any]) -> None:
        PromptServer.instance = self
        self.loop = loop
        self.app = web.Application(client_max_size=100 * 1024 * 1024, middlewares=middlewares)
        self.routes = web.RouteTableDef()
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.messages: asyncio.Queue[tuple[str, Any, str | None]] = asyncio.Queue()
        self.on_prompt_handlers: list[Any] = []

    def add_on_prompt_handler(self, handler: Any) -> None:
        """Who is called with each prompt before it is queued."""
        self.on_prompt_handlers.append(handler)

    def trigger_on_prompt(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the handlers make of a prompt."""
        for handler in self.on_prompt_handlers:
            given = handler(given)
        return given

    def send_sync(self, event: str, data: Any, sid: str | None = None) -> None:
        """Tell one page or all of them; from any thread."""
        self.loop.call_soon_threadsafe(self.messages.put_nowait, (event, data, sid))

    async def publish_loop(self) -> None:
        """Send what was queued, for ever."""
        while True:
            event, data, sid = await self.messages.get()
            for socket in [s for name, s in self.sockets.items() if sid in (None, name)]:
                try:
                    await socket.send_json({"type": event, "data": data})
                except (ClientError, ConnectionError):
                    continue


def install(server: PromptServer, base: Path, port: int) -> ModuleType:
    """Put the modules where a pack imports them from; returns `folder_paths`."""
    cli_args = ModuleType("comfy.cli_args")
    cli_args.__dict__["args"] = Namespace(listen="127.0.0.1", port=port, base_directory=str(base))
    server_module = ModuleType("server")
    server_module.__dict__["PromptServer"] = type(server)
    folder_paths = _folder_paths(base)
    comfy = ModuleType("comfy")
    comfy.__path__ = []
    for module in (comfy, cli_args, server_module, folder_paths):
        sys.modules[module.__name__] = module
    return folder_paths


def _folder_paths(base: Path) -> ModuleType:
    models = base / "models"
    known = {
        kind: ([str(models / name) for name in _TWO_FOLDERS.get(kind, (kind,))], _SUFFIXES)
        for kind in _MODEL_TYPES
    }
    kinds = {name: str(base / name) for name in ("input", "output", "temp", "user")}
    for folder in [*kinds.values(), *(path for paths, _ in known.values() for path in paths)]:
        Path(folder).mkdir(parents=True, exist_ok=True)

    def folders(kind: str) -> list[str]:
        return known[_ALIASES.get(kind, kind)][0]

    def get_filename_list(kind: str) -> list[str]:
        return sorted(
            path.relative_to(folder).as_posix()
            for folder in folders(kind)
            for path in Path(folder).rglob("*")
            if path.suffix in _SUFFIXES
        )

    def get_full_path(kind: str, name: str) -> str | None:
        found = (Path(folder, name) for folder in folders(kind))
        return next((str(path) for path in found if path.is_file()), None)

    def add_model_folder_path(kind: str, path: str, is_default: bool = False) -> None:
        paths = known.setdefault(_ALIASES.get(kind, kind), ([], set[str]()))[0]
        if path not in paths:
            paths.insert(0 if is_default else len(paths), path)

    module = ModuleType("folder_paths")
    module.__dict__.update(
        base_path=str(base),
        models_dir=str(models),
        folder_names_and_paths=known,
        get_input_directory=lambda: kinds["input"],
        get_output_directory=lambda: kinds["output"],
        get_temp_directory=lambda: kinds["temp"],
        get_user_directory=lambda: kinds["user"],
        get_directory_by_type={k: path for k, path in kinds.items() if k != "user"}.get,
        get_folder_paths=folders,
        get_filename_list=get_filename_list,
        get_full_path=get_full_path,
        add_model_folder_path=add_model_folder_path,
    )
    return module
