"""Pictures drawn by code, the same for the same number."""

from __future__ import annotations

import io
import json
import random
from typing import Any

from PIL import Image, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

SIZES = ((512, 768), (768, 512), (640, 640), (576, 1024), (832, 1216))


def draw(salt: str, width: int, height: int, *, turn: float = 0.0) -> Image.Image:
    """A sky of two colours with some bodies in it; `turn` moves them, for the frames of a film."""
    choice = random.Random(salt)
    top, low = ([choice.randrange(256) for _ in range(3)] for _ in range(2))
    ramp = ImageOps.fit(Image.linear_gradient("L"), (width, height))
    sky = ImageOps.colorize(ramp, (top[0], top[1], top[2]), (low[0], low[1], low[2]))
    pen = ImageDraw.Draw(sky)
    for _ in range(choice.randrange(4, 9)):
        radius = choice.randrange(height // 20, height // 5 + 1)
        x = (choice.random() + turn) % 1 * width
        y = choice.random() * height
        colour = (choice.randrange(256), choice.randrange(256), choice.randrange(256))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return sky


def jpeg(salt: str, width: int, height: int) -> bytes:
    return _saved(draw(salt, width, height), "JPEG", quality=82)


def webp(salt: str, width: int, height: int) -> bytes:
    return _saved(draw(salt, width, height), "WEBP", quality=80, method=0)


def png(salt: str, width: int, height: int, texts: dict[str, str] | None = None) -> bytes:
    """A PNG with these text chunks."""
    info = PngInfo()
    for name, text in (texts or {}).items():
        info.add_itxt(name, text)
    return _saved(draw(salt, width, height), "PNG", pnginfo=info, compress_level=1)


def turned_jpeg(salt: str, width: int, height: int) -> bytes:
    """Shown `width` × `height`, stored lying on its side with EXIF orientation 6."""
    picture = draw(salt, width, height).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved(picture, "JPEG", quality=82, exif=exif)


def animated_webp(salt: str, width: int, height: int) -> bytes:
    """Six frames in a loop."""
    frames = [draw(salt, width, height, turn=number / 6) for number in range(6)]
    return _saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=120, loop=0, method=0
    )


def comfyui_texts(prompt: str, negative: str, seed: int) -> dict[str, str]:
    """The two chunks that ComfyUI's SaveImage writes: `prompt` (API form) and `workflow`."""
    nodes: dict[str, Any] = {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": seed,
                "steps": 24,
                "cfg": 5.5,
                "sampler_name": "euler_ancestral",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        },
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": negative, "clip": ["4", 1]}},
    }
    workflow = {
        "last_node_id": 7,
        "last_link_id": 0,
        "nodes": [
            {"id": int(number), "type": node["class_type"], "pos": [0, 0], "widgets_values": []}
            for number, node in nodes.items()
        ],
        "links": [],
        "version": 0.4,
    }
    return {"prompt": json.dumps(nodes), "workflow": json.dumps(workflow)}


def a1111_texts(prompt: str, negative: str, seed: int) -> dict[str, str]:
    """The one chunk of AUTOMATIC1111's web UI."""
    line = (
        f"Steps: 28, Sampler: DPM++ 2M, CFG scale: 7, Seed: {seed}, Size: 512x768, Model: example"
    )
    return {"parameters": f"{prompt}\nNegative prompt: {negative}\n{line}"}


def _saved(picture: Image.Image, kind: str, **how: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **how)
    return target.getvalue()
