"""What generators write into the pictures they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import TooLarge, WrongType
from .generation import Generation, from_parameters
from .generation_graph import from_graph
from .json_values import mapping
from .media import format_of, opened
from .remote.answers import parse_json

if TYPE_CHECKING:
    from PIL import Image

_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_COMFY_TAGS = (0x010F, 0x0110, 0x010E)  # make, model, description: "prompt:{…}", "workflow:{…}"


@dataclass(frozen=True)
class Embedded:
    """The raw texts: A1111's parameters, ComfyUI's prompt and workflow as parsed JSON."""

    parameters: str = ""
    graph: Mapping[str, Any] | None = None
    workflow: Mapping[str, Any] | None = None

    def generation(self) -> Generation:
        """The facts in them, the more explicit source first."""
        found = from_parameters(self.parameters) if self.parameters else Generation()
        return found.completed(from_graph(self.graph)) if self.graph else found


def read_embedded(path: Path) -> Embedded:
    """What lies in a picture; nothing for videos and for files that cannot be read."""
    try:
        if format_of(path).kind == "video":
            return Embedded()
        with opened(path) as image:
            texts = _texts(image)
    except (WrongType, TooLarge):
        return Embedded()
    return Embedded(
        texts.get("parameters", ""), _object(texts.get("prompt")), _object(texts.get("workflow"))
    )


def _texts(image: Image.Image) -> dict[str, str]:
    # PNG has them by name; JPEG and WebP carry them in EXIF.
    found = {str(name): text for name, text in image.info.items() if isinstance(text, str)}
    exif = image.getexif()
    for tag in _COMFY_TAGS:
        name, colon, text = str(exif.get(tag, "")).partition(":")
        if colon and name.lower() in ("prompt", "workflow"):
            found.setdefault(name.lower(), text)
    comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if isinstance(comment, bytes):
        found.setdefault("parameters", _comment(comment))
    elif isinstance(comment, str):
        found.setdefault("parameters", comment)
    return found


def _comment(data: bytes) -> str:
    """EXIF's UserComment: eight bytes name the encoding."""
    code, text = data[:8], data[8:]
    if code.startswith(b"UNICODE"):
        # Its byte order is nowhere said; in most texts every second byte is zero.
        little = text[1:200:2].count(0) > text[0:200:2].count(0)
        return text.decode("utf-16-le" if little else "utf-16-be", errors="replace")
    return text.decode("utf-8", errors="replace").strip("\0")


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        return mapping(parse_json((text or "").encode(errors="replace"))) or None
    except (ValueError, RecursionError):
        return None
