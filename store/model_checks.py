"""What an uploaded file truly is, told by its bytes alone, before it may lie anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .asset_checks import Found, check_audio, check_picture, check_scene, check_text, check_video
from .errors import Impossible
from .model_headers import SAFETENSORS_SUFFIXES, Header, read_header
from .pickle_checks import check_pickle, is_zip
from .settings import Settings
from .thumbnails import Decoder

BINARY = "application/octet-stream"

_SAFETENSORS_ADVICE = "Download it again where it came from, or save it as safetensors again."


@dataclass(frozen=True)
class Checked:
    """A file that is what it is said to be: its type by its bytes, and of a model its header."""

    kind: str
    content_type: str
    ext: str
    """The ending that such a file has; empty where any will do."""
    header: Header | None = None


def validate(path: Path, kind: str, *, name: str, settings: Settings, decoder: Decoder) -> Checked:
    """What the file at `path` is, if that is fit for its `kind`.

    `name` is what its sender calls it. Raises Impossible, saying what is wrong and what to do.
    """
    if kind == "model":
        return _model(path, name, allow_pickles=settings.values.allow_pickles)
    if kind == "asset":
        return Checked(kind, BINARY, "")
    if not path.stat().st_size and kind != "text":
        raise Impossible("The file is empty. Upload it again.")
    found = _asset(path, kind, decoder)
    return Checked(kind, found.content_type, found.ext)


def _asset(path: Path, kind: str, decoder: Decoder) -> Found:
    if kind in ("image", "avatar"):
        return decoder.run(lambda: check_picture(path))
    if kind == "video":
        return decoder.run(lambda: check_video(path))
    if kind == "audio":
        return check_audio(path)
    if kind == "3d":
        return check_scene(path)
    if kind == "text":
        return check_text(path)
    raise Impossible(f"Nothing is known of the kind {kind!r}.", field="kind")


def _model(path: Path, name: str, *, allow_pickles: bool) -> Checked:
    header = read_header(path, strict=True)
    if header.format == "safetensors":
        if header.error:
            raise Impossible(f"{header.error} {_SAFETENSORS_ADVICE}")
        if not header.tensors:
            raise Impossible(f"The file holds no tensors. {_SAFETENSORS_ADVICE}")
        return Checked("model", BINARY, ".safetensors", header)
    if header.format == "gguf":
        if header.error:
            raise Impossible(f"{header.error} Download it again where it came from.")
        return Checked("model", BINARY, ".gguf", header)
    if header.format == "pickle":
        _check_allowed(name, allow_pickles=allow_pickles)
        check_pickle(path)
        return Checked("model", BINARY, _pickle_ending(name), header)
    raise Impossible(_what_else(path, name, header))


def _check_allowed(name: str, *, allow_pickles: bool) -> None:
    if allow_pickles:
        return
    dressed = ", whatever its name says" if _suffix(name) in SAFETENSORS_SUFFIXES else ""
    raise Impossible(
        f"This is a pickle{dressed}: loading one may run programs. Convert it to safetensors, or "
        "let pickles in with the setting allow_pickles."
    )


def _what_else(path: Path, name: str, header: Header) -> str:
    """What a file is that is no model."""
    if header.error:
        return f"{header.error} Upload it again."
    with path.open("rb") as file:
        first = file.read(512)
    if is_zip(first):
        return "This is a zip archive, not a model. Unpack it and upload the model file in it."
    if first.lstrip()[:1] == b"<":
        return "This is a web page, not a model: perhaps a login was asked for. Log in there first."
    if _suffix(name) in SAFETENSORS_SUFFIXES and len(first) >= 8:
        length = int.from_bytes(first[:8], "little")
        return (
            f"This is no safetensors file: its header would take {length:,} bytes. "
            f"{_SAFETENSORS_ADVICE}"
        )
    return "This is neither safetensors nor GGUF. Upload the model in one of these formats."


def _pickle_ending(name: str) -> str:
    suffix = _suffix(name)
    return suffix if suffix in (".ckpt", ".pt", ".pth", ".bin", ".pkl") else ".pt"


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()
