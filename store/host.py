"""What the surroundings offer: folders, an address, a way to tell the page.

Two makers with one answer: `root_host` for the program, `comfy_host` inside ComfyUI. Besides the
pack's root this is the one place that imports ComfyUI's modules.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

from .errors import Misconfigured
from .names import relative_folder

# ComfyUI's own folder types, so that a catalog reads the same with and without ComfyUI.
_USUAL_TYPES = (
    "checkpoints",
    "clip_vision",
    "configs",
    "controlnet",
    "diffusion_models",
    "embeddings",
    "gligen",
    "hypernetworks",
    "loras",
    "style_models",
    "text_encoders",
    "upscale_models",
    "vae",
    "vae_approx",
)
_ALIASES = {"clip": "text_encoders", "unet": "diffusion_models"}
MODEL_SUFFIXES = frozenset(
    (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf", ".onnx")
)
"""How the names of model files end."""
_NO_MODELS = frozenset(("configs", "custom_nodes", "unsorted"))


def _usual_suffixes() -> Mapping[str, frozenset[str]]:
    """Nothing is said of any type: each takes what ends like a model."""
    return {}


def _idle() -> bool:
    """Without ComfyUI nothing is generated here."""
    return False


def _silent(topic: str, seq: int) -> None:
    """Without ComfyUI nobody listens on a websocket: pages hear changes over `/events`."""


def _deaf(listener: Callable[[Mapping[str, Any]], object]) -> None:
    """Without ComfyUI there are no prompts."""


@dataclass(frozen=True)
class Host:
    """The folders and manners of what we live in."""

    data: Path
    input: Path
    output: Path
    models: Path
    model_folders: Callable[[], Mapping[str, list[Path]]]
    """Type → its roots, extra ones included; new files go into the first."""
    notify: Callable[[str, int], None] = field(default=_silent)
    """Tell the host's own page that a topic changed; thread-safe."""
    hear_prompts: Callable[[Callable[[Mapping[str, Any]], object]], None] = field(default=_deaf)
    """Call this with each prompt (nodes by id) that is given to the host; it must be quick."""
    model_suffixes: Callable[[], Mapping[str, frozenset[str]]] = field(default=_usual_suffixes)
    """Type → the endings of its files, as far as the host says; an empty set: no models."""
    is_generating: Callable[[], bool] = field(default=_idle)
    """Whether pictures are being made at this moment."""
    listens: tuple[str, ...] = ("127.0.0.1",)
    """The addresses the server listens on."""
    port: int = 0
    assets: Path | None = None
    """Where uploads that are neither models nor pictures lie; by default in the data folder."""

    @cached_property
    def beyond_loopback(self) -> bool:
        """Whether other machines can reach the server."""
        return not all(is_loopback(address) for address in self.listens)

    @property
    def address(self) -> str:
        """Where a person on this machine finds the server, as `http://host:port`."""
        shown = self.listens[0] if self.listens else "127.0.0.1"
        if shown in ("", "0.0.0.0", "::"):
            shown = "127.0.0.1"
        return f"http://[{shown}]:{self.port}" if ":" in shown else f"http://{shown}:{self.port}"

    def asset_folder(self, kind: str) -> Path:
        """Where uploads of a kind (`audio`) lie."""
        return (self.assets or self.data / "assets") / kind

    def roots(self, kind: str) -> list[Path]:
        """The roots of a folder type; of an unknown one the folder of that name below `models`."""
        found = self.model_folders().get(_ALIASES.get(kind, kind))
        return list(found) if found else [self.models / kind]

    def suffixes(self, kind: str) -> frozenset[str]:
        """The endings that model files of a type have, lower case; none where it has no models."""
        if kind in _NO_MODELS:
            return frozenset()
        said = self.model_suffixes().get(kind)
        # Some types are folders of files, and say so in place of an ending.
        if said is None or any(not each.startswith(".") for each in said):
            return MODEL_SUFFIXES
        return said if said & MODEL_SUFFIXES else frozenset()

    def model_types(self) -> list[str]:
        """The types that hold models, by name."""
        return sorted(kind for kind in self.model_folders() if self.suffixes(kind))

    def places(self, dest: str) -> list[Path]:
        """Every folder that an entry's `dest` (`loras/SDXL`) may mean; new files: the first."""
        kind, *rest = relative_folder(dest, field="dest").parts
        return [root.joinpath(*rest) for root in self.roots(kind)]


def root_host(root: Path, *, listens: tuple[str, ...] = ("127.0.0.1",), port: int = 0) -> Host:
    """The host of the program: everything below `root`. Raises Misconfigured if that fails."""
    root = root.expanduser().absolute()
    models = root / "models"
    folders = {kind: models / kind for kind in _USUAL_TYPES}
    data, given, made = root / "curator", root / "assets" / "input", root / "assets" / "output"
    try:
        for folder in (data, given, made):
            folder.mkdir(parents=True, exist_ok=True)
        if not os.access(data, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise Misconfigured(f"The root {root} cannot be written: {error.strerror}.") from error
    for folder in folders.values():
        # Models may lie on a disk that nobody may write to.
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
    return Host(
        data=data,
        input=given,
        output=made,
        models=models,
        model_folders=lambda: _below(models, folders),
        listens=listens,
        port=port,
        assets=root / "assets",
    )


def comfy_host() -> Host:
    """The host inside a running ComfyUI, from its `folder_paths`, `server` and command line."""
    import folder_paths
    from comfy.cli_args import args
    from server import PromptServer

    user = Path(folder_paths.get_user_directory())
    system = getattr(folder_paths, "get_system_user_directory", None)
    data = Path(system("curator")) if system else user / "__curator"

    def folders() -> dict[str, list[Path]]:
        known = folder_paths.folder_names_and_paths
        return {kind: [Path(path) for path in entry[0]] for kind, entry in known.items()}

    def suffixes() -> dict[str, frozenset[str]]:
        known = folder_paths.folder_names_and_paths
        return {kind: frozenset(entry[1]) for kind, entry in known.items()}

    def is_generating() -> bool:
        queue = getattr(PromptServer.instance, "prompt_queue", None)
        return bool(getattr(queue, "currently_running", None))

    def notify(topic: str, seq: int) -> None:
        # While ComfyUI ends its loop is closed, and nobody is left to tell.
        with contextlib.suppress(RuntimeError):
            PromptServer.instance.send_sync("curator.changed", {"topic": topic, "seq": seq})

    def hear_prompts(listener: Callable[[Mapping[str, Any]], object]) -> None:
        def hear(given: dict[str, Any]) -> dict[str, Any]:
            prompt = given.get("prompt")
            if isinstance(prompt, dict):
                listener(cast("dict[str, Any]", prompt))
            return given

        PromptServer.instance.add_on_prompt_handler(hear)

    return Host(
        data=data,
        input=Path(folder_paths.get_input_directory()),
        output=Path(folder_paths.get_output_directory()),
        models=Path(folder_paths.models_dir),
        model_folders=folders,
        notify=notify,
        hear_prompts=hear_prompts,
        model_suffixes=suffixes,
        is_generating=is_generating,
        listens=tuple(part.strip() for part in str(args.listen).split(",")),
        port=int(args.port),
    )


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Whether the address or name means this machine and nothing else."""
    if address.lower().rstrip(".") == "localhost":
        return True
    try:
        parsed = ipaddress.ip_address(address.strip("[]").split("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _below(models: Path, usual: Mapping[str, Path]) -> dict[str, list[Path]]:
    """The usual types, and every further folder a person has made below `models`."""
    found = {kind: [path] for kind, path in usual.items()}
    # The folder may be gone for a while: people keep their models on drives that are unplugged.
    with contextlib.suppress(OSError), os.scandir(models) as entries:
        for entry in entries:
            if entry.is_dir() and entry.name not in found and entry.name not in _ALIASES:
                found[entry.name] = [Path(entry.path)]
    return found
