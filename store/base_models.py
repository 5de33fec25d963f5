"""The base model that a file is, or is made for, in CivitAI's spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from .model_headers import Header
from .model_sketch import Sketch, holds_dotted, once


class Base(NamedTuple):
    """A base model and how it is known; both empty when it is not."""

    name: str
    reason: str


UNKNOWN = Base("", "")
_WITHOUT = frozenset(
    "upscale_models clip_vision text_encoders audio_encoders sams ultralytics".split()
)
_CROSS = ("attn2.to_k", "attn2_to_k")
_LARGE_FAMILIES = ("Flux.1 ", "Wan Video 2.2", "SD 3")


def base_model_of(header: Header, type_: str, name: str) -> Base:
    """What its tensors say, else its metadata; relatives of SDXL are told by what they call."""
    if type_ in _WITHOUT:
        return UNKNOWN
    said = _by_metadata(header)
    found = _by_tensors(header.sketch, type_)
    if not found.name:
        found = said
    elif said.name and _is_finer(said.name, found.name):
        found = said
    return _relative(header, name, found) if found.name == "SDXL 1.0" else found


def _by_metadata(header: Header) -> Base:
    for key in _KEYS:
        told = header.says(key)
        base = _spelled(told[:500].lower()) if told else ""
        if base:
            return Base(base, f"{key} says {told[:80]}")
    return UNKNOWN


@once
def _by_tensors(sketch: Sketch, type_: str) -> Base:
    if not sketch.text:
        return UNKNOWN
    for family in _fitting(sketch.dotted):
        name = family.name if isinstance(family.name, str) else family.name(sketch, type_)
        if name:
            return Base(name, family.reason)
    return _by_width(sketch, type_)


def _by_width(sketch: Sketch, type_: str) -> Base:
    """By how wide the text is that a U-Net reads, or that an embedding gives."""
    if type_ == "embeddings":
        if sketch.has("^clip_g$"):
            return Base("SDXL 1.0", "vectors for both of SDXL's text encoders")
        width = next((each.shape[-1] for each in sketch.tensors.values() if each.shape), 0)
        told = {768: "SD 1.5", 1024: "SD 2.1", 2048: "SDXL 1.0"}.get(width, "")
        return Base(told, f"vectors of {width} numbers") if told else UNKNOWN
    if sketch.has_dotted("time_stack.#."):
        return Base("SVD", "layers over time")
    width = sketch.reads(*_CROSS)
    told = {768: "SD 1.5", 1024: "SD 2.1", 2048: "SDXL 1.0", 1280: "SDXL 1.0"}.get(width, "")
    if told:
        return Base(told, f"it reads text {width} wide")
    if sketch.has("^conditioner.embedders.") or sketch.has("^lora_te#_") and _has_two(sketch):
        return Base("SDXL 1.0", "two text encoders")
    if sketch.has("^cond_stage_model.transformer."):
        return Base("SD 1.5", "the text encoder of SD 1")
    if sketch.has("^cond_stage_model.model."):
        return Base("SD 2.1", "the text encoder of SD 2")
    if sketch.has("^lora_te_"):
        told = {768: "SD 1.5", 1024: "SD 2.1"}.get(sketch.reads("lora_te_"), "")
        return Base(told, "a text encoder's width") if told else UNKNOWN
    return UNKNOWN


def _has_two(sketch: Sketch) -> bool:
    return any(name.startswith("lora_te2_") for name in sketch.tensors)


def _relative(header: Header, name: str, found: Base) -> Base:
    """Pony, Illustrious and NoobAI are built like SDXL: only words tell them apart."""
    texts = [(key, header.says(key)[:500]) for key in _CALLING_KEYS]
    texts.append(("", name[:500]))
    if not _RELATIVE_HINTS.search("\n".join([told for _, told in texts]).lower()):
        return found
    for key, told in texts:
        base = _called(told.lower())
        if base:
            where = f"{key} says {told[:80]}" if key else "its name says so"
            return Base(base, f"{found.reason}; {where}")
    return found


@lru_cache(512)
def _spelled(told: str) -> str:
    """The base model that a text means, in lower case; a library repeats few of them."""
    return next((base for pattern, base in _SPELLINGS if pattern.search(told)), "")


def _called(told: str) -> str:
    if not _RELATIVE_HINTS.search(told):
        return ""
    return next((base for pattern, base in _RELATIVES if pattern.search(told)), "")


def _is_finer(said: str, found: str) -> bool:
    """Whether the metadata knows which member of the tensors' family it is."""
    return any(said.startswith(each) and found.startswith(each) for each in _LARGE_FAMILIES)


def _flux(sketch: Sketch, type_: str) -> str:
    if sketch.reads("img_attn.qkv", "img_attn_qkv") == 6144:
        return "Flux.2 D"
    if type_ not in ("checkpoints", "diffusion_models"):
        return "Flux.1 D"
    return "Flux.1 D" if sketch.has_dotted("guidance_in.") else "Flux.1 S"


def _sd3(sketch: Sketch, type_: str) -> str:
    first = sketch.shape("x_embedder.proj.weight")
    if first and first[0] == 38 * 64:
        return "SD 3.5 Large"
    return "SD 3.5 Medium" if sketch.has_dotted("x_block.attn#.") else "SD 3"


def _wan(sketch: Sketch, type_: str) -> str:
    width = sketch.reads("self_attn.q", "self_attn_q", "attn1.to_q")
    picture = sketch.has_dotted("cross_attn.k_img") or sketch.has_dotted("img_emb.")
    if width == 1536:
        return "Wan Video 1.3B t2v"
    if width == 3072:
        return "Wan Video 2.2 TI2V-5B"
    if width == 5120:
        return f"Wan Video 14B {'i2v' if picture else 't2v'}"
    return "Wan Video"


def _lumina(sketch: Sketch, type_: str) -> str:
    width = sketch.reads("attention.qkv", "attention_qkv", "attention.to_q", "attention_to_q")
    return "Lumina" if width == 2304 else "Z-Image"


def _wan_of_diffusers(sketch: Sketch, type_: str) -> str:
    """`transformer.blocks.0.attn1`: the dots tell it from LTX's `transformer_blocks.0.attn1`."""
    own = sketch.has("^transformer.blocks.#.attn") or sketch.has("^blocks.#.attn#.")
    return _wan(sketch, type_) if own else ""


def _ltx(sketch: Sketch, type_: str) -> str:
    if sketch.has_dotted("pos_embed.proj.") or sketch.reads("attn1.to_q") == 1152:
        return "PixArt E"
    is_unet = sketch.has_dotted("down_blocks.#.") or sketch.has_dotted("input_blocks.#.")
    return "" if is_unet else "LTXV"


class _Family(NamedTuple):
    """A family of models, known by names of tensors (dots and underscores count the same)."""

    name: str | Callable[[Sketch, str], str]
    one_of: tuple[str, ...]
    reason: str
    none_of: tuple[str, ...] = ()


# The order matters: what shares names with another family comes before that family.
_FAMILIES = (
    _Family("Flux.2 D", ("double_stream_modulation",), "Flux.2's shared modulation"),
    _Family("Chroma", ("distilled_guidance_layer",), "Chroma's distilled guidance"),
    _Family(
        "Hunyuan Video",
        ("individual_token_refiner", "img_mlp.fc#", "single_blocks.#.modulation.linear"),
        "Hunyuan Video's blocks",
    ),
    _Family(_flux, ("double_blocks.#.img_", "double_blocks.#.txt_"), "Flux's double blocks"),
    _Family("HiDream", ("double_stream_blocks.#.block",), "HiDream's double blocks"),
    _Family("AuraFlow", ("double_layers.#.attn.w#q", "joint_transformer_blocks.#."), "AuraFlow's"),
    _Family(_flux, ("single_transformer_blocks.#.",), "Flux's single blocks"),
    _Family(_sd3, ("joint_blocks.#.",), "SD 3's joint blocks"),
    _Family(
        "Qwen",
        ("transformer_blocks.#.img_mlp.", "transformer_blocks.#.img_mod."),
        "Qwen-Image's blocks of pictures and text",
    ),  # fmt: skip
    _Family("Anima", ("llm_adapter.",), "an adapter of a language model"),
    _Family(
        "Cosmos",
        ("block#.blocks.#.block.attn", "blocks.#.adaln_modulation_self_attn"),
        "Cosmos' blocks",
    ),  # fmt: skip
    _Family(
        _wan,
        ("blocks.#.cross_attn.k", "blocks.#.self_attn.q"),
        "Wan's attention",
        none_of=("noise_refiner.",),
    ),  # fmt: skip
    _Family("Wan Video", ("decoder.middle.#.residual.",), "the VAE of Wan"),
    _Family(
        _wan_of_diffusers, ("blocks.#.attn#.to_q",), "Wan's blocks", none_of=("attentions.#.",)
    ),
    _Family("Mochi", ("t#_yproj",), "Mochi's projection of text"),
    _Family(
        _lumina,
        (
            "noise_refiner.#.",
            "cap_embedder.#.",
            "layers.#.attention.qkv",
            "layers.#.attention.to_q",
        ),
        "a refiner of noise",
    ),  # fmt: skip
    _Family("Hunyuan 1", ("mlp_t#.#.",), "Hunyuan's two text encoders"),
    _Family(
        "CogVideoX",
        ("transformer_blocks.#.norm#.linear.",),
        "CogVideoX' norms",
        none_of=("transformer_blocks.#.norm#_context",),
    ),  # fmt: skip
    _Family(
        _ltx,
        ("transformer_blocks.#.attn#.", "adaln_single."),
        "blocks of plain attention",
        none_of=(
            "attentions.#.",
            "output_blocks.#.",
            "input_blocks.#.",
            "mid_block.",
            "middle_block.",
        ),
    ),  # fmt: skip
    _Family("Stable Cascade", ("effnet_mapper.", "^clf.#.weight"), "Stable Cascade's stages"),
    _Family("Kolors", ("encoder_hid_proj.",), "Kolors' projection of text"),
)


@lru_cache(128)
def _fitting(dotted: str) -> tuple[_Family, ...]:
    return tuple(
        family
        for family in _FAMILIES
        if holds_dotted(dotted, family.one_of) and not holds_dotted(dotted, family.none_of)
    )


_KEYS = ("ss_base_model_version", "modelspec.architecture", "general.architecture")
_CALLING_KEYS = (*_KEYS, "modelspec.title", "ss_sd_model_name", "ss_output_name")

_SPELLINGS = tuple(
    (re.compile(pattern), base)
    for pattern, base in (
        (r"pony", "Pony"),
        (r"illustrious", "Illustrious"),
        (r"noob", "NoobAI"),
        (r"sd_?xl|stable-diffusion-xl", "SDXL 1.0"),
        (r"sd_?v?3[._-]?5.*large|stable-diffusion-v?3\.5-large", "SD 3.5 Large"),
        (r"sd_?v?3[._-]?5.*medium|stable-diffusion-v?3\.5-medium", "SD 3.5 Medium"),
        (r"sd_?v?3|stable-diffusion-v?3", "SD 3"),
        (r"sd_?v?2|stable-diffusion-v2", "SD 2.1"),
        (r"sd_?v?1|stable-diffusion-v1", "SD 1.5"),
        (r"kontext", "Flux.1 Kontext"),
        (r"flux[._-]?2", "Flux.2 D"),
        (r"flux.*schnell", "Flux.1 S"),
        (r"flux", "Flux.1 D"),
        (r"chroma", "Chroma"),
        (r"wan[-_ ]?(video)?[-_ ]?2[._]2", "Wan Video 2.2"),
        (r"\bwan", "Wan Video"),
        (r"hunyuan[-_ ]?video|hyvid", "Hunyuan Video"),
        (r"hunyuan", "Hunyuan 1"),
        (r"ltx", "LTXV"),
        (r"cogvideo", "CogVideoX"),
        (r"mochi", "Mochi"),
        (r"z[-_ ]?image", "Z-Image"),
        (r"qwen[-_ ]?image", "Qwen"),
        (r"lumina", "Lumina"),
        (r"hidream", "HiDream"),
        (r"aura", "AuraFlow"),
        (r"pixart", "PixArt E"),
        (r"kolors", "Kolors"),
        (r"cosmos", "Cosmos"),
    )
)
_RELATIVE_HINTS = re.compile("pony|noob|il")
_RELATIVES = tuple(
    (re.compile(pattern), base)
    for pattern, base in (
        (r"pony", "Pony"),
        (r"noob", "NoobAI"),
        (r"illustrious|(^|[-_ ])il(xl|[-_ .v\d])", "Illustrious"),
    )
)
