"""Workflow nodes. Their ids and inputs are written into people's workflows and stay for ever."""

from __future__ import annotations

from typing import Any

from .collection import CuratorCollectionModel, CuratorCollectionPicture
from .gallery_image import CuratorGalleryImage

NODE_CLASS_MAPPINGS: dict[str, type[Any]] = {
    "CuratorGalleryImage": CuratorGalleryImage,
    "CuratorCollectionPicture": CuratorCollectionPicture,
    "CuratorCollectionModel": CuratorCollectionModel,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "CuratorGalleryImage": "Curator Gallery Image",
    "CuratorCollectionPicture": "Curator Collection Picture",
    "CuratorCollectionModel": "Curator Collection Model",
}
