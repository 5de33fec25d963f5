"""The kinds of models, each with the names of tensors that it is recognised by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .model_sketch import Sketch, holds

_REMEMBERED = 128


@dataclass(frozen=True)
class Kind:
    """A kind of model: known by names of tensors, any of `one_of` and none of `none_of`.

    In them `#` is a number, `^` and `$` are a name's beginning and end.
    """

    type: str
    name: str
    one_of: tuple[str, ...]
    reason: str
    none_of: tuple[str, ...] = ()
    if_also: Callable[[Sketch], bool] | None = None

    def recognises(self, sketch: Sketch) -> bool:
        """Whether a file with these names, which have to fit already, is of this kind."""
        return self.if_also is None or self.if_also(sketch)


@lru_cache(_REMEMBERED)
def fitting(text: str) -> tuple[Kind, ...]:
    """The kinds that a sketch's text fits: LoRAs of one trainer all have the same names."""
    return tuple(
        kind for kind in KINDS if holds(text, kind.one_of) and not holds(text, kind.none_of)
    )


def _is_conv(sketch: Sketch) -> bool:
    return any(
        len(each.shape) == 4 and each.shape[2] > 1
        for name, each in sketch.tensors.items()
        if name.endswith(("lora_down.weight", "lora_A.weight"))
    )


def _is_embedding(sketch: Sketch) -> bool:
    """A few vectors as wide as a text encoder, and nothing else."""
    return len(sketch.tensors) <= 3 and all(
        1 <= len(each.shape) <= 2 and each.shape[-1] in (768, 1024, 1280, 2048, 4096)
        for each in sketch.tensors.values()
    )


def _is_compact(sketch: Sketch) -> bool:
    """Convolutions in a row from three colours: the small upscalers."""
    first = sketch.shape("body.0.weight")
    return len(first) == 4 and first[1] == 3


def _is_tiny(sketch: Sketch) -> bool:
    return len(sketch.shape("decoder.1.weight") or sketch.shape("taesd_decoder.1.weight")) == 4


_PARTS_BESIDE = ("^first_stage_model.", "^cond_stage_model.", "^conditioner.", "^text_encoders.",
                 "^vae.")  # fmt: skip
_DIFFUSION = (
    "^model.diffusion_model.",
    "^diffusion_model.",
    "input_blocks.#.#.weight",
    "double_blocks.#.img_attn",
    "double_stream_blocks.#.",
    "joint_blocks.#.",
    "joint_transformer_blocks.#.",
    "double_layers.#.attn",
    "transformer_blocks.#.attn",
    "single_transformer_blocks.#.",
    "blocks.#.cross_attn.",
    "blocks.#.adaln_modulation",
    "block#.blocks.#.block.attn",
    "noise_refiner.#.",
    "down_blocks.#.attentions.#.transformer_blocks",
    "^effnet_mapper.",
    "^clf.#.weight",
    "t#_yproj",
    "mlp_t#.#.weight",
)

# The order matters: what holds a part of another kind comes before that kind.
KINDS = (
    Kind("controlnet", "Control-LoRA", ("^lora_controlnet$",), "it says lora_controlnet"),
    Kind("loras", "LoHa", (".hada_w#_a",), "pairs of factors whose products are multiplied"),
    Kind("loras", "LoKr", (".lokr_w#",), "Kronecker factors"),
    Kind("loras", "OFT", (".oft_blocks", ".oft_diag", ".oft_R."), "orthogonal factors"),
    Kind(
        "loras",
        "DoRA",
        (".dora_scale$", ".lora_magnitude_vector"),
        "low-rank factors with a magnitude",
    ),
    Kind("loras", "LoCon", (".lora_mid.weight$",), "low-rank factors with a middle one"),
    Kind(
        "loras",
        "LoCon",
        (".lora_down.weight$", ".lora_A.weight$"),
        "low-rank factors of convolutions too",
        if_also=_is_conv,
    ),
    Kind(
        "loras",
        "LoRA",
        (
            ".lora_down.weight$",
            ".lora_up.weight$",
            ".lora_A.",
            ".lora_B.",
            "_lora.down.weight$",
            "_lora.up.weight$",
            ".lora.down.weight$",
            ".lora.up.weight$",
            ".lora_linear_layer.down.weight$",
        ),
        "low-rank factors: lora_down and lora_up",
    ),
    Kind("loras", "IA3", (".on_input$",), "a factor an input"),
    Kind("loras", "full difference", (".diff$", ".diff_b$"), "differences of whole layers"),
    Kind(
        "embeddings",
        "embedding",
        ("^emb_params$", "^string_to_param", "^clip_g$", "^clip_l$", "^t#xxl$"),
        "vectors for a text encoder",
        none_of=("^model.",),
    ),
    Kind(
        "animatediff_models",
        "motion module",
        ("motion_modules.#.",),
        "motion modules",
        none_of=_PARTS_BESIDE,
    ),  # fmt: skip
    Kind(
        "ipadapter", "IP-Adapter", ("^ip_adapter.", "^adapter_modules."), "attention to a picture"
    ),
    Kind("photomaker", "PhotoMaker", ("^id_encoder.",), "an encoder of faces"),
    Kind(
        "style_models", "style model", ("^redux_up.", "^style_embedding$"), "a projection of style"
    ),
    Kind("gligen", "GLIGEN", ("position_net.null_positive_feature",), "positions of boxes"),
    Kind(
        "controlnet",
        "ControlNet",
        (
            "^control_model.",
            "input_hint_block.#.",
            "controlnet_cond_embedding.",
            "controlnet_blocks.#.",
            "controlnet_down_blocks.#.",
            "controlnet_x_embedder.",
            "^controlnet_mode_embedder.",
            "^control_blocks.#.",
            "^control_layers.#.",
            "^control_net.",
        ),
        "layers that add to a diffusion model's",
        none_of=_PARTS_BESIDE,
    ),
    Kind(
        "controlnet",
        "T2I-Adapter",
        ("^adapter.body.#.", "^body.#.in_conv.", "^body.#.block#."),
        "an adapter's body",
        none_of=("conv_first.",),
    ),
    Kind(
        "checkpoints",
        "checkpoint",
        ("^model.diffusion_model.", "^model.model.", "^unet."),
        "a diffusion model with its text encoder or VAE",
        if_also=lambda sketch: any(map(sketch.has, _PARTS_BESIDE)),
    ),
    Kind(
        "upscale_models",
        "upscaler",
        (
            "^model.#.sub.#.",
            ".RDB#.conv#.",
            ".rdb#.conv#.",
            "layers.#.residual_group.blocks.#.",
            "^block_#.c#_r.",
            "^feats.#.",
            "upsampling.offset",
            "^to_img.",
        ),
        "residual blocks from colours to colours",
    ),
    Kind(
        "upscale_models",
        "upscaler",
        ("^body.#.weight$",),
        "convolutions from colours to colours",
        if_also=_is_compact,
    ),  # fmt: skip
    Kind(
        "clip_vision",
        "CLIP vision",
        (
            "vision_model.encoder.layers.#.",
            "^visual.transformer.resblocks.#.",
            ".layer_scale#.lambda#",
        ),
        "a vision transformer",
        none_of=("^model.layers.#.", "language_model.", "^model.diffusion_model."),
    ),
    Kind(
        "audio_encoders",
        "audio encoder",
        ("feature_extractor.conv_layers.#.", "^model.encoder.conv#.weight$"),
        "convolutions over sound",
    ),
    Kind("sams", "segmentation model", ("^mask_decoder.", "sam_mask_decoder."), "it draws masks"),
    Kind(
        "text_encoders",
        "T5",
        (".SelfAttention.q.weight$", "^enc.blk.#.attn_q.weight$"),
        "T5's encoder",
        none_of=_PARTS_BESIDE,
    ),
    Kind(
        "text_encoders",
        "CLIP",
        ("text_model.encoder.layers.#.", "^transformer.resblocks.#."),
        "CLIP's text transformer",
        none_of=(*_PARTS_BESIDE, "^model.diffusion_model."),
    ),
    Kind(
        "text_encoders",
        "language model",
        ("layers.#.self_attn.q_proj.", "^blk.#.attn_q.weight$", "^model.embed_tokens."),
        "a language model",
        none_of=(*_PARTS_BESIDE, "^model.diffusion_model."),
    ),
    Kind(
        "diffusion_models",
        "diffusion model",
        _DIFFUSION,
        "a diffusion model alone",
        none_of=("^first_stage_model.", "encoder.conv_in."),
    ),  # fmt: skip
    Kind("vae_approx", "tiny VAE", ("decoder.#.weight$",), "a tiny decoder", if_also=_is_tiny),
    Kind(
        "vae",
        "VAE",
        (
            "decoder.conv_in.",
            "decoder.conv#.",
            "decoder.up.#.",
            "decoder.up_blocks.#.",
            "decoder.middle.#.residual.",
            "decoder.head.#.",
            "decoder.layers.#.layers.#.",
            "^vquantizer.",
            "^encoder.conv_in.",
        ),
        "an encoder or decoder of pictures",
    ),
    Kind("hypernetworks", "hypernetwork", ("^#.#.linear.#.",), "layers by their width"),
    Kind(
        "embeddings",
        "embedding",
        ("^",),
        "a few vectors as wide as a text encoder",
        if_also=_is_embedding,
    ),  # fmt: skip
)
