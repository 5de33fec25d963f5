"""Catalog files as a person writes them, and what a catalog over them shows, without a server.

`EXAMPLE` is a real one where such a one lies beside the checkout, else one of its shape.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from comfyui_curator.store.catalog import Catalog
from comfyui_curator.store.events import Events
from comfyui_curator.store.host import Host
from comfyui_curator.store.remote.civitai import CivitAI
from comfyui_curator.store.settings import Options, Settings

_ROOT = Path(__file__).resolve().parent.parent
_REAL = _ROOT.parent / "shared" / "data" / "studio-models.json"

INVENTED = _ROOT / "tests" / "data" / "catalog.json"
ENTRY = {"name": "A [SDXL]", "file": "a.safetensors", "dest": "loras/SDXL", "size_gb": 0.5}
EXAMPLE = _REAL if _REAL.is_file() else INVENTED


@contextmanager
def opened(host: Host, events: Events | None = None) -> Generator[Catalog, None, None]:
    """The catalog of a host; upstream there is nobody."""
    settings = Settings(host.data / "settings.json", Options(civitai="http://127.0.0.1:9"))
    with (
        closing(CivitAI(settings)) as civitai,
        closing(Catalog(host, civitai, events or Events())) as catalog,
    ):
        yield catalog


def models(catalog: Catalog) -> dict[str, Any]:
    return json.loads(catalog.models().body)


def loras(catalog: Catalog) -> dict[str, Any]:
    return json.loads(catalog.loras().body)


def versions(catalog: Catalog) -> dict[str, Any]:
    return json.loads(catalog.civitai_map().body)


def all_entries(catalog: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for category in catalog["categories"] for entry in category["models"]]


def items(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["file"]: item for item in all_entries(answer)}


def write(data: Path, name: str, *entries: dict[str, Any], **more: Any) -> Path:
    """A catalog file in the data folder, of one category."""
    category = {"id": "loras", "name": "LoRAs", "models": list(entries)}
    catalog = {"version": 1, "date": "", "categories": [category], **more}
    data.mkdir(parents=True, exist_ok=True)
    path = data / f"{name}.json"
    path.write_text(json.dumps(catalog, indent=2), "utf-8")
    return path


def put_file(host: Host, dest: str, name: str, size: int = 3) -> Path:
    folder = host.places(dest)[0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    return folder / name
