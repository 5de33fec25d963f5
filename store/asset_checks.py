"""Pictures, videos, sounds, 3d scenes and texts: whether a file is one, by its bytes."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import NamedTuple

from .errors import CuratorError, Impossible
from .json_values import is_object, mapping, text
from .media import format_of, opened

_CHUNK = 1 << 20
_LONGEST_SCENE = 64 << 20
"""Of the JSON of a glTF file; its data usually lie beside it or in a GLB."""
_AUDIO_ADVICE = "Upload it as MP3, WAV, FLAC, OGG, M4A or AIFF, or as another kind."


class Found(NamedTuple):
    """What a file is: its type, and the ending that such a file has."""

    content_type: str
    ext: str


def check_picture(path: Path) -> Found:
    """The whole picture is decoded. Raises Impossible."""
    try:
        kind = format_of(path)
        if kind.kind == "image":
            with opened(path, kind) as image:
                image.load()
    except CuratorError as error:
        raise Impossible(f"{error.text} Upload a PNG, JPEG, WebP, GIF or AVIF.") from error
    if kind.kind != "image":
        raise Impossible("This is a video, not a picture. Upload it with the kind video.")
    return Found(kind.content_type, kind.ext)


def check_video(path: Path) -> Found:
    """A frame of it is decoded. Raises Impossible."""
    from .videos import probe_video, video_frame

    try:
        kind = format_of(path)
        if kind.kind == "video":
            probe_video(path)
            video_frame(path)
    except CuratorError as error:
        raise Impossible(f"{error.text} Upload an MP4, MOV, WebM or MKV.") from error
    if kind.kind != "video":
        raise Impossible("This is a picture, not a video. Upload it with the kind image.")
    return Found(kind.content_type, kind.ext)


def check_audio(path: Path) -> Found:
    """Told by the first bytes. Raises Impossible."""
    with path.open("rb") as file:
        head = file.read(64)
    found = _audio(head)
    if found is None:
        raise Impossible(f"This is no sound that is known here. {_AUDIO_ADVICE}")
    return found


def check_scene(path: Path) -> Found:
    """A GLB or glTF file. Raises Impossible."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(20)
        if head[:4] == b"glTF":
            _check_glb(head, size)
            return Found("model/gltf-binary", ".glb")
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{" or size > _LONGEST_SCENE:
            raise Impossible("This is neither GLB nor glTF. Export the scene as GLB.")
        file.seek(0)
        data = file.read(_LONGEST_SCENE)
    try:
        said = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Impossible("The glTF file is broken. Export the scene as GLB.") from error
    if not (is_object(said) and text(mapping(said.get("asset")).get("version"))):
        raise Impossible("This JSON is no glTF: it names no asset.version. Export it as GLB.")
    return Found("model/gltf+json", ".gltf")


def check_text(path: Path) -> Found:
    """All of it is UTF-8 without null bytes. Raises Impossible."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if b"\0" in chunk:
                    raise Impossible("This is no text: it holds null bytes. Save it as UTF-8.")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Impossible("The text is not UTF-8. Save it with that encoding.") from error
    return Found("text/plain; charset=utf-8", "")


def _check_glb(head: bytes, size: int) -> None:
    version, length = int.from_bytes(head[4:8], "little"), int.from_bytes(head[8:12], "little")
    first = int.from_bytes(head[12:16], "little")
    if version != 2:
        raise Impossible(f"This is GLB of version {version}. Export the scene as version 2.")
    if length != size or head[16:20] != b"JSON" or 20 + first > size:
        raise Impossible("The GLB file is cut short or broken. Export the scene again.")


def _audio(head: bytes) -> Found | None:
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return Found("audio/wav", ".wav")
    if head[:4] == b"fLaC":
        return Found("audio/flac", ".flac")
    if head[:4] == b"OggS":
        return Found("audio/ogg", ".ogg")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Found("audio/aiff", ".aiff")
    if head[4:8] == b"ftyp" and head[8:11] in (b"M4A", b"M4B"):
        return Found("audio/mp4", ".m4a")
    if head[:3] == b"ID3" or _is_mpeg_frame(head):
        return Found("audio/mpeg", ".mp3")
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return Found("audio/aac", ".aac")
    return None


def _is_mpeg_frame(head: bytes) -> bool:
    """Whether the bytes begin a frame of MPEG layer 3 with a bit rate and sampling rate."""
    return (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[1] & 0x18 != 0x08
        and head[2] >> 4 not in (0, 15)
        and head[2] >> 2 & 3 != 3
    )
