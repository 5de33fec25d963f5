"""On the path of a real ComfyUI in tests: lets torchvision load beside another build of torch.

Its compiled part is then missing, and so are two operators whose shapes it declares at import.
ComfyUI calls neither on the way from an image to a file.
"""

from __future__ import annotations

import importlib
import importlib.util

if importlib.util.find_spec("torch"):
    import torch

    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
