"""What a model file is and what it is made for, told from its header, with the reason."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .base_models import base_model_of
from .model_headers import Header
from .model_kind_table import fitting
from .model_sketch import Sketch, once


class Told(NamedTuple):
    """A file's type (ComfyUI's folder, empty when unknown), base model, and how that is known.

    `facts`: `kind` (`LoCon`, `CLIP vision` …, empty when unknown) and `sure` (false: guessed from
    the name alone).
    """

    type: str
    base_model: str
    reason: str
    facts: dict[str, Any]


def tell(header: Header, name: str) -> Told:
    """What the file is, by its tensors and metadata; by its name only where those say nothing."""
    for recognise in (_by_tensors, _by_metadata, _by_name):
        found = recognise(header, name)
        if found is not None:
            kind, type_, reason = found
            base = base_model_of(header, type_, name)
            sure = recognise is not _by_name
            reasons = (
                f"{reason}; {base.reason}" if reason and base.reason else reason or base.reason
            )
            return Told(type_, base.name, reasons, {"kind": kind, "sure": sure})
    return Told("", "", _unknown(header), {"kind": "", "sure": False})


def _by_tensors(header: Header, name: str) -> tuple[str, str, str] | None:
    return _kind(header.sketch, "")


@once
def _kind(sketch: Sketch, _: str) -> tuple[str, str, str] | None:
    for kind in fitting(sketch.text) if sketch.text else ():
        if kind.recognises(sketch):
            return kind.name, kind.type, kind.reason
    return None


def _by_metadata(header: Header, name: str) -> tuple[str, str, str] | None:
    architecture = header.says("general.architecture").lower()
    if architecture:
        if architecture in _GGUF_ENCODERS or architecture.startswith(("qwen", "gemma", "llama")):
            if architecture != "qwen_image":
                return "text encoder", "text_encoders", f"GGUF says: {architecture}"
        if architecture in _GGUF_DIFFUSION:
            return "diffusion model", "diffusion_models", f"GGUF says: {architecture}"
    spec = header.says("modelspec.architecture").lower()
    for ending, (kind, type_) in _MODELSPEC.items():
        if spec.endswith("/" + ending):
            return kind, type_, f"modelspec says: {spec}"
    if header.says("ss_network_module"):
        return "LoRA", "loras", "its trainer says: a network"
    return None


def _by_name(header: Header, name: str) -> tuple[str, str, str] | None:
    """Only where the tensors cannot be read: a pickle is not run to see what it holds."""
    if header.sketch.text:
        return None
    for pattern, kind, type_ in _NAMES:
        if pattern.search(name):
            return kind, type_, "guessed from its name"
    return None


def _unknown(header: Header) -> str:
    if header.sketch.text:
        return "its tensors are of no kind that is known here"
    if header.format == "pickle":
        return "a pickle: what it holds is not known without running it"
    return "its header tells no tensors"


_GGUF_ENCODERS = frozenset("t5 t5encoder clip phi3 mistral mistral3 umt5".split())
_GGUF_DIFFUSION = frozenset(
    "flux flux2 sd1 sdxl sd3 aura hidream cosmos ltxv hyvid wan lumina2 lumina qwen_image chroma "
    "pixart mochi zimage".split()
)
_MODELSPEC = {
    "lora": ("LoRA", "loras"),
    "lokr": ("LoKr", "loras"),
    "loha": ("LoHa", "loras"),
    "textual-inversion": ("embedding", "embeddings"),
    "controlnet": ("ControlNet", "controlnet"),
    "control-lora": ("Control-LoRA", "controlnet"),
    "vae": ("VAE", "vae"),
    "hypernetwork": ("hypernetwork", "hypernetworks"),
}
_NAMES = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, type_)
    for pattern, kind, type_ in (
        (
            r"(^|\W|_)(\d+x[-_]|x[248]([-_.]|$))|esrgan|swinir|ultrasharp",
            "upscaler",
            "upscale_models",
        ),
        (r"control[-_]?(net|lora)|control_v\d|t2i-?adapter", "ControlNet", "controlnet"),
        (r"clip[-_]?vision", "CLIP vision", "clip_vision"),
        (r"taesd|tae[-_]", "tiny VAE", "vae_approx"),
        (r"(^|[-_. ])vae([-_. ]|$)", "VAE", "vae"),
        (r"(^|[-_. ])lora([-_. ]|$)", "LoRA", "loras"),
        (r"ip[-_]?adapter", "IP-Adapter", "ipadapter"),
        (r"(^|[-_. ])yolo|_yolov\d", "detector", "ultralytics"),
        (r"(^|[-_. ])sam(2|_vit|_b|_l|_h)", "segmentation model", "sams"),
        (r"(^|[-_. ])mm_sd|motion", "motion module", "animatediff_models"),
    )
)
