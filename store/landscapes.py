"""Drawn landscapes for the demo: hills in the mist before a low sun."""

from __future__ import annotations

import importlib
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw

Colour = tuple[int, int, int]

_LAYERS = 5
_GRAIN = 7.0


@dataclass(frozen=True)
class Palette:
    """Colours from the sky's top to the nearest hill."""

    top: Colour
    horizon: Colour
    sun: Colour
    far: Colour
    near: Colour


def palette(*colours: str) -> Palette:
    """A palette of five colours as `rrggbb`: top, horizon, sun, far, near."""
    parsed = [(int(c[:2], 16), int(c[2:4], 16), int(c[4:], 16)) for c in colours]
    return Palette(*parsed)


class Landscape:
    """One scene, the same for the same seed; its sizes are in pixels."""

    def __init__(self, colours: Palette, width: int, height: int, seed: str) -> None:
        self._colours = colours
        self._size = (width, height)
        self._random = random.Random(seed)
        chance = self._random
        self.sun = (chance.uniform(0.2, 0.8) * width, chance.uniform(0.18, 0.42) * height)
        self._radius = chance.uniform(0.07, 0.11) * math.sqrt(width * height)
        self._ridges = [self._ridge(layer) for layer in range(_LAYERS)]
        self._still: Image.Image | None = None

    def draw(self, *, shift: float = 0.0) -> Image.Image:
        """The scene as RGB; `shift` moves the hills to the left, the near ones fastest."""
        # The sky stands still while the hills move.
        self._still = self._still or self._sky()
        image = self._still.copy()
        for layer, ridge in enumerate(self._ridges):
            self._hill(image, layer, ridge, shift * (0.15 + layer / _LAYERS))
        return image

    def _sky(self) -> Image.Image:
        """Drawn at a quarter of the size, as there is nothing sharp in it but the sun's edge."""
        width, height = self._size
        x, y = self.sun
        small = (width // 4, height // 4)
        sky = _fade(self._colours.top, self._colours.horizon, (small[0], height // 5), small[1])
        for times, strength in ((6.5, 0.35), (3.2, 0.4), (1.8, 0.5)):
            reach = int(self._radius * times / 4)
            glow = _glow(reach).point([int(value * strength) for value in range(256)])
            sky.paste(self._colours.sun, (int(x / 4) - reach, int(y / 4) - reach), glow)
        image = sky.resize(self._size, Image.Resampling.BICUBIC)
        disc = _disc(int(self._radius))
        image.paste(self._colours.sun, (int(x - self._radius), int(y - self._radius)), disc)
        return image

    def _hill(
        self, image: Image.Image, layer: int, ridge: list[tuple[float, float, float]], shift: float
    ) -> None:
        width, height = self._size
        part = layer / (_LAYERS - 1)
        base = height * (0.48 + 0.4 * part)
        swing = height * (0.1 - 0.035 * part)
        line = [
            (x, base - swing * sum(a * math.sin(f * (x + shift) / width + p) for a, f, p in ridge))
            for x in range(0, width + 8, 8)
        ]
        top = max(0, int(min(y for _, y in line)))
        # Drawn at twice the size and reduced: edges of hills must be smooth.
        mask = Image.new("L", (width * 2, (height - top) * 2))
        points = [(x * 2, (y - top) * 2) for x, y in line]
        points += [(width * 2 + 16, mask.height), (0, mask.height)]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        colour = _mixed(self._colours.far, self._colours.near, part)
        mist = _mixed(colour, self._colours.horizon, 0.45 * (1 - part))
        fill = _fade(colour, mist, (width, height - top), height - top)
        image.paste(fill, (0, top), mask.reduce(2))

    def _ridge(self, layer: int) -> list[tuple[float, float, float]]:
        """Waves of a ridge: share of the height, frequency over the width, phase."""
        chance = self._random
        waves = [(0.6, chance.uniform(3, 7)), (0.28, chance.uniform(9, 16))]
        waves += [(0.13, chance.uniform(20, 34)), (0.06, chance.uniform(45, 80))]
        near = 1 + layer * 0.12
        return [(share, speed * near, chance.uniform(0, math.tau)) for share, speed in waves]


class Grain:
    """Film grain, made once and laid over every picture from another corner."""

    def __init__(self, side: int = 1600) -> None:
        noise = Image.effect_noise((side, side), _GRAIN)
        self._noise = Image.merge("RGB", (noise, noise, noise))
        self._side = side

    def over(self, image: Image.Image, seed: str) -> Image.Image:
        """The picture with grain; it must not be larger than the grain."""
        chance = random.Random(seed)
        left = chance.randint(0, self._side - image.width)
        top = chance.randint(0, self._side - image.height)
        piece = self._noise.crop((left, top, left + image.width, top + image.height))
        return ImageChops.add(image, piece, scale=1, offset=-128)


def write_video(scene: Landscape, path: Path, *, seconds: int = 2) -> None:
    """A slow ride along the scene as MP4. Raises what PyAV raises."""
    # PyAV's own types leave most of this open.
    av: Any = importlib.import_module("av")
    rate = 24
    container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
    try:
        stream = container.add_stream("libx264", rate=rate)
        first = scene.draw()
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "24"}
        for count in range(seconds * rate):
            frame = av.VideoFrame.from_image(scene.draw(shift=count * 2.0))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    finally:
        container.close()


def _fade(above: Colour, below: Colour, size: tuple[int, int], height: int) -> Image.Image:
    """A soft change between two colours over `size`, the rest up to `height` in the second."""
    strip = Image.linear_gradient("L").resize((1, size[1]), Image.Resampling.BILINEAR)
    column = Image.new("RGB", (1, height), below)
    column.paste(Image.composite(_plain(below, strip), _plain(above, strip), strip), (0, 0))
    return column.resize((size[0], height), Image.Resampling.NEAREST)


def _plain(colour: Colour, like: Image.Image) -> Image.Image:
    return Image.new("RGB", like.size, colour)


def _glow(reach: int) -> Image.Image:
    """Light that is brightest in the middle of a square of twice the reach."""
    ramp = ImageChops.invert(Image.radial_gradient("L"))
    soft = ramp.point([max(0, value - 74) * 255 // 181 for value in range(256)])
    return soft.resize((reach * 2, reach * 2), Image.Resampling.BILINEAR)


def _disc(radius: int) -> Image.Image:
    large = Image.new("L", (radius * 8, radius * 8))
    ImageDraw.Draw(large).ellipse((0, 0, radius * 8 - 1, radius * 8 - 1), fill=255)
    return large.reduce(4)


def _mixed(one: Colour, other: Colour, part: float) -> Colour:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue
