"""The gallery as another process last kept it: for workflow nodes of a second ComfyUI."""

from __future__ import annotations

from pathlib import Path

from .engine import read_snapshot
from .errors import NotFound
from .gallery import Picture, picture_of
from .gallery_records import GALLERY, item_key


class SnapshotPictures:
    """Reads the files of a store that another process owns, and touches nothing."""

    def __init__(self, data: Path) -> None:
        """`data` is the data folder of that store."""
        self._data = data

    def picture(self, image_id: str) -> Picture:
        """The picture with this id, as of now. Raises NotFound."""
        key = item_key(image_id)
        for record in read_snapshot(self._data / "database", GALLERY.name):
            if key and key in (record["id"], *record["aliases"]):
                return picture_of(record, self._data / "gallery")
        raise NotFound("The gallery has no picture with this id.")
