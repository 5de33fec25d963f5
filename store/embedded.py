"""What generators write into the pictures and videos they make."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import TooLarge, WrongType
from .generation import Generation, from_parameters
from .generation_graph import from_graph
from .generation_json import from_json
from .json_values import mapping
from .media import format_in, opened_in
from .remote.answers import parse_json
from .videos import video_texts

if TYPE_CHECKING:
    from PIL import Image

_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_COMFY_TAGS = range(0x010C, 0x0111)  # "prompt:{…}" in model, "workflow:{…}" in the tags before it
_PNG_HEAD = 8
_MOST_TEXT = 32 << 20
"""Bytes of text in all, unpacked; a graph of nodes takes tens of thousands."""
_MOST_CHUNKS = 100_000


@dataclass(frozen=True)
class Embedded:
    """The raw texts: parameters (A1111's, or JSON of others), ComfyUI's graphs as parsed JSON."""

    parameters: str = ""
    graph: Mapping[str, Any] | None = None
    workflow: Mapping[str, Any] | None = None

    def generation(self) -> Generation:
        """The facts in them, the more explicit source first."""
        told = _object(self.parameters) if self.parameters.lstrip().startswith("{") else None
        found = from_json(told) if told else from_parameters(self.parameters)
        return found.completed(from_graph(self.graph)) if self.graph else found


def read_embedded(path: Path) -> Embedded:
    """What lies in a picture or video; nothing in files that cannot be read."""
    try:
        with path.open("rb") as file:
            kind = format_in(file)
            if kind.kind == "video":
                return _of_texts(video_texts(path))
            if kind.decoder == "PNG":
                return in_png(file)
            with opened_in(file, kind) as image:
                return in_exif(image)
    except (OSError, WrongType, TooLarge):
        return Embedded()


def in_exif(image: Image.Image) -> Embedded:
    """What lies in the EXIF of an open picture; JPEG and WebP have it nowhere else."""
    return _of_texts(_exif_texts(image.getexif()))


def in_png(file: IO[bytes]) -> Embedded:
    """What lies in the text chunks of a PNG; no pixel is decoded for it."""
    return _of_texts(dict(_png_texts(file)))


def of_civitai(told: Mapping[str, Any] | None) -> Embedded:
    """ComfyUI's graph, where CivitAI has kept it: in `meta.comfy` of the generation data."""
    outer = mapping(mapping(told).get("meta"))
    comfy = (mapping(outer.get("meta")) or outer).get("comfy")
    both = _object(comfy)
    return Embedded(
        "", _object(mapping(both).get("prompt")), _object(mapping(both).get("workflow"))
    )


def _of_texts(texts: dict[str, str]) -> Embedded:
    # Some savers put both graphs into one comment; the `prompt` of others there is words.
    comment = texts.get("comment", "")
    both = mapping(_object(comment)) if comment.lstrip().startswith("{") else {}
    graph, workflow = _object(both.get("prompt")), _object(both.get("workflow"))
    if not (graph or workflow):
        texts.setdefault("parameters", texts.get("invokeai_metadata") or comment)
    return Embedded(
        texts.get("parameters", ""),
        _object(texts.get("prompt")) or graph,
        _object(texts.get("workflow")) or workflow,
    )


def _png_texts(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """The text chunks by their names, lower case."""
    left = _MOST_TEXT
    file.seek(_PNG_HEAD)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        size, kind = struct.unpack(">I4s", head)
        if kind not in _TEXT_CHUNKS or size > left:
            file.seek(size + 4, 1)
            continue
        data = file.read(size)
        file.seek(4, 1)
        if kind == b"eXIf":
            yield from _exif_chunk(data)
        else:
            name, text = _text_chunk(kind, data, left)
            left -= len(text)
            yield name.decode("latin-1").lower(), _decoded(text)


_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")


def _text_chunk(kind: bytes, data: bytes, limit: int) -> tuple[bytes, bytes]:
    name, _, rest = data.partition(b"\0")
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return name, _unpacked(rest, limit) if packed else rest


def _exif_chunk(data: bytes) -> Iterator[tuple[str, str]]:
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(data)
        yield from _exif_texts(exif).items()
    except (SyntaxError, ValueError, OSError, struct.error, LookupError, TypeError):
        return


def _decoded(data: bytes) -> str:
    """UTF-8, which many write where the format says Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _unpacked(data: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, max(limit, 1))
    except zlib.error:
        return b""


def _exif_texts(exif: Image.Exif) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in _COMFY_TAGS:
        name, colon, text = str(exif.get(tag, "")).partition(":")
        if colon and name.lower() in ("prompt", "workflow"):
            found.setdefault(name.lower(), text)
    comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if isinstance(comment, bytes):
        found["comment"] = _comment(comment)
    elif isinstance(comment, str):
        found["comment"] = comment
    return found


def _comment(data: bytes) -> str:
    """EXIF's UserComment: eight bytes name the encoding."""
    code, text = data[:8], data[8:]
    if code.startswith(b"UNICODE"):
        # Its byte order is nowhere said; in most texts every second byte is zero.
        little = text[1:200:2].count(0) > text[0:200:2].count(0)
        return text.decode("utf-16-le" if little else "utf-16-be", errors="replace")
    return text.decode("utf-8", errors="replace").strip("\0")


def _object(value: Any) -> dict[str, Any] | None:
    """The JSON object, or the one that the text says."""
    if not isinstance(value, str):
        return mapping(value) or None
    try:
        return mapping(parse_json(value.encode(errors="replace"))) or None
    except (ValueError, RecursionError):
        return None
