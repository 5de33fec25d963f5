"""A catalog for the README's pictures: invented models, some here, two of them on their way."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.sites import Site

_MEGABYTE = 1_000_000
_A_SECOND = 18
"""Megabytes that each transfer gets in a second."""

# Category, folder, and of each entry: name, base model, gigabytes, whether it is here.
_ENTRIES: tuple[tuple[str, str, tuple[tuple[str, str, float, bool], ...]], ...] = (
    (
        "Checkpoints",
        "checkpoints",
        (
            ("Meadow Mix v2.0 [SDXL 1.0 FP16]", "SDXL 1.0", 6.94, True),
            ("Harbour Light [Pony FP16]", "Pony", 6.62, False),
        ),
    ),
    (
        "SDXL LoRAs",
        "loras",
        (
            ("Ink Samurai Style", "SDXL 1.0", 0.218, True),
            ("Soft Portrait v2", "SDXL 1.0", 0.612, False),
            ("Neon Castle", "Pony", 0.109, True),
            ("Watercolor Forest", "Illustrious", 0.074, False),
            ("Paper Crane", "Illustrious", 0.144, False),
        ),
    ),
    (
        "Flux LoRAs",
        "loras",
        (
            ("Retro Mecha", "Flux.1 D", 0.306, True),
            ("Dreamy Ocean", "Flux.1 D", 0.344, False),
        ),
    ),
    ("VAE", "vae", (("Clear Air VAE", "SDXL 1.0", 0.335, True),)),
)
_COMING = ("soft_portrait_v2.safetensors", "dreamy_ocean.safetensors")
_GONE = "paper_crane.safetensors"


def _file(name: str) -> str:
    return f"{name.partition(' [')[0].lower().replace(' ', '_')}.safetensors"


def write(root: Path, address: str) -> None:
    """Catalog, files and settings into `root`; what is missing is to be had at `address`."""
    categories: list[dict[str, Any]] = []
    for category, dest, entries in _ENTRIES:
        models: list[dict[str, Any]] = []
        for name, base, size, here in entries:
            file = _file(name)
            entry = {"name": name, "file": file, "dest": dest, "base_model": base, "size_gb": size}
            models.append({**entry, "url": f"{address}/{file}"})
            if here:
                path = root / "models" / dest / file
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as empty:
                    empty.truncate(round(size * 1e9))
        categories.append({"id": category.lower(), "name": category, "models": models})
    data = {"version": 1, "date": "2025-05-01 12:00", "categories": categories}
    (root / "curator").mkdir(parents=True, exist_ok=True)
    settings = {"allow_private_addresses": True}
    for name, content in (("models", data), ("settings", settings)):
        text = json.dumps(content, indent=2)
        (root / "curator" / f"{name}.json").write_text(text, encoding="utf-8")


@contextlib.contextmanager
def slow_site() -> Generator[Site]:
    """Gives the files that are on their way, slowly, and one no more."""
    site = Site()
    sizes = {_file(name): size for _, _, entries in _ENTRIES for name, _, size, _ in entries}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        size = round(sizes[handler.path.strip("/")] * 1e9)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/octet-stream")
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        with contextlib.suppress(ConnectionError):  # the pictures are taken before the end
            for _ in range(size // _MEGABYTE):
                handler.wfile.write(bytes(_MEGABYTE))
                time.sleep(1 / _A_SECOND)

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.answers.update({f"/{file}": answer for file in _COMING})
    site.answers[f"/{_GONE}"] = refuse
    try:
        yield site
    finally:
        site.server.shutdown()


def asked_for() -> tuple[str, ...]:
    """The files whose transfers the pictures show."""
    return (_GONE, *_COMING)
