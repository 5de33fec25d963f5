"""Pictures of one's own: files of them, and sending them to the gallery."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.serving import RunningServer

PARAMETERS = (
    "a quiet harbour <lora:glow:0.8>\nNegative prompt: fog\n"
    "Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 6, Seed: 5, Size: 64x96, "
    'Model hash: 0123456789, Model: base, Lora hashes: "glow: aabbccddeeff", '
    'Hashes: {"model": "0123456789", "embed:soft": "5555555555"}, '
    'Civitai resources: [{"type":"lora","weight":0.8,"modelVersionId":77,"modelName":"Glow"}]'
)


def draw(path: Path, colour: str = "red", parameters: str = "") -> Path:
    """A PNG, with what a program has written into it."""
    info = PngInfo()
    if parameters:
        info.add_text("parameters", parameters)
    Image.new("RGB", (64, 96), colour).save(path, "PNG", pnginfo=info)
    return path


def plain(colour: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (900, 1200), colour).save(target, "PNG")
    return target.getvalue()


def send(server: RunningServer, data: bytes, name: str = "a.png", **query: Any) -> Any:
    return server.post("/gallery/own", files={"image": (name, data)}, params=query)


def sent(server: RunningServer, data: bytes, name: str = "a.png", **query: Any) -> dict[str, Any]:
    answer = send(server, data, name, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()
