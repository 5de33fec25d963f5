"""A picture of the gallery, with the text and the seed it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..store import CuratorError, pictures
from ..store.media import opened
from ..store.videos import video_frame

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

_LARGEST_SEED = 2**64 - 1
"""What ComfyUI's seed inputs take; CivitAI has pictures with more, and with -1."""


class CuratorGalleryImage:
    """One item of Curator's gallery, chosen by its id; of a video one frame."""

    CATEGORY = "Curator"
    DESCRIPTION = "A picture of Curator's gallery with its prompt, negative prompt and seed."
    RETURN_TYPES = ("IMAGE", "MASK", "STRING", "STRING", "INT")
    RETURN_NAMES = ("image", "mask", "prompt", "negative", "seed")
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The inputs, as ComfyUI wants them declared."""
        tip = "The id of a picture in Curator's gallery: a number of CivitAI, or a UUID."
        return {"required": {"image_id": ("STRING", {"default": "", "tooltip": tip})}}

    @classmethod
    def IS_CHANGED(cls, image_id: str | None = None) -> str | float:
        """The facts of the file and its texts; NaN, which equals nothing, for an unknown id."""
        try:
            picture = pictures().picture((image_id or "").strip())
            file = picture.path.stat()
        except (CuratorError, OSError):
            return float("nan")
        facts = [file.st_size, file.st_mtime_ns, picture.prompt, picture.negative, picture.seed]
        return json.dumps(facts)

    @classmethod
    def VALIDATE_INPUTS(cls, image_id: str | None = None) -> bool | str:
        """True, or why this id cannot be loaded; an id that a link will bring is not known yet."""
        if image_id is None:
            return True
        if not image_id.strip():
            return "Enter the id of a picture in Curator's gallery."
        try:
            picture = pictures().picture(image_id.strip())
        except CuratorError as error:
            return error.text
        return True if picture.path.is_file() else f"The file of picture {image_id} is gone."

    def load(self, image_id: str) -> tuple[Tensor, Tensor, str, str, int]:
        """Image [1,H,W,3], mask [1,H,W], both float 0…1, prompt, negative prompt and seed.

        The mask is 1 where the picture is transparent; [1,64,64] zeros, as LoadImage has it, where
        it knows no transparency. Raises CuratorError for an unknown id or a broken file.
        """
        picture = pictures().picture(image_id.strip())
        image = video_frame(picture.path) if picture.kind == "video" else _upright(picture.path)
        seed = min(max(picture.seed, 0), _LARGEST_SEED)
        return _image_tensor(image), _mask_tensor(image), picture.prompt, picture.negative, seed


def _upright(path: Path) -> Image.Image:
    """The picture as a viewer shows it, turned as its EXIF says."""
    from PIL import ImageOps

    with opened(path) as image:
        return ImageOps.exif_transpose(image)


def _image_tensor(image: Image.Image) -> Tensor:
    import numpy
    import torch

    if image.mode.startswith("I"):
        # 16 bit grey: `convert` would clip all above 255 to white.
        grey = numpy.asarray(image, dtype=numpy.float32) / 65535
        colours = numpy.stack([grey] * 3, axis=-1)
    else:
        # A palette may hold transparency that only RGBA can express.
        plain = image.convert("RGBA") if image.mode == "P" else image
        colours = numpy.asarray(plain.convert("RGB"), dtype=numpy.float32) / 255
    return torch.from_numpy(colours)[None]


def _mask_tensor(image: Image.Image) -> Tensor:
    import numpy
    import torch

    if not image.has_transparency_data:
        return torch.zeros((1, 64, 64), dtype=torch.float32)
    alpha = numpy.asarray(image.convert("RGBA").getchannel("A"), dtype=numpy.float32) / 255
    return 1 - torch.from_numpy(alpha)[None]
