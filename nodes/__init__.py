"""Workflow nodes. Their ids and inputs are written into people's workflows and stay for ever."""

from __future__ import annotations

from typing import Any

from .gallery_image import CuratorGalleryImage

NODE_CLASS_MAPPINGS: dict[str, type[Any]] = {"CuratorGalleryImage": CuratorGalleryImage}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {"CuratorGalleryImage": "Curator Gallery Image"}
