"""Small model files with a true layout: safetensors, a pickle, an archive."""

from __future__ import annotations

import io
import json
import math
import pickle
import random
import zipfile
from typing import Any

# Names and shapes by which programs tell what a file is.
_UNET = "lora_unet_input_blocks_4_1_proj_in"
_LORA = {
    f"{_UNET}.alpha": [1],
    f"{_UNET}.lora_down.weight": [4, 64],
    f"{_UNET}.lora_up.weight": [64, 4],
}
_TENSORS: dict[str, dict[str, list[int]]] = {
    "LORA": _LORA,
    "LoCon": {**_LORA, f"{_UNET}.lora_mid.weight": [4, 4, 3, 3]},
    "DoRA": {**_LORA, f"{_UNET}.dora_scale": [1, 64]},
    "Checkpoint": {
        "model.diffusion_model.input_blocks.0.0.weight": [32, 4, 3, 3],
        "first_stage_model.decoder.conv_in.weight": [16, 4, 3, 3],
        "conditioner.embedders.1.model.ln_final.weight": [128],
    },
    "Flux": {
        "double_blocks.0.img_attn.qkv.weight": [96, 32],
        "single_blocks.0.linear1.weight": [64, 32],
        "guidance_in.in_layer.weight": [32, 8],
    },
    "Wan": {
        "blocks.0.self_attn.q.weight": [64, 64],
        "blocks.0.cross_attn.k_img.weight": [32, 32],
        "patch_embedding.weight": [32, 36, 1, 2, 2],
    },
    "VAE": {"encoder.conv_in.weight": [16, 3, 3, 3], "decoder.conv_in.weight": [16, 4, 3, 3]},
    "TextualInversion": {"emb_params": [4, 768]},
    "Controlnet": {
        "control_model.input_hint_block.0.weight": [16, 3, 3, 3],
        "control_model.zero_convs.0.0.weight": [32, 32, 1, 1],
    },
    "Upscaler": {
        "model.0.weight": [64, 3, 3, 3],
        "model.1.sub.0.RDB1.conv1.0.weight": [8, 64, 3, 3],
    },
}


def safetensors(kind: str, salt: str, *, fp: str = "fp16", size: int = 0) -> bytes:
    """A valid file of this kind, its bytes told by `salt`, at least `size` long."""
    random_bytes = random.Random(salt)
    dtype, width = ("F32", 4) if fp == "fp32" else ("F16", 2)
    tensors = dict(_TENSORS.get(kind, _LORA))
    if size:
        tensors["filler.weight"] = [math.ceil(size / width)]
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "ss_output_name": salt}}
    end = 0
    for name, shape in tensors.items():
        start, end = end, end + math.prod(shape) * width
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + random_bytes.randbytes(end)


def pickled(salt: str) -> bytes:
    """A harmless file as `torch.save` lays it out: an archive with a pickle in it."""
    return archive({"archive/data.pkl": pickle.dumps({"model.0.weight": salt}, protocol=2)})


def archive(members: dict[str, bytes]) -> bytes:
    """A zip of these members, the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, data in members.items():
            target.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), data)
    return packed.getvalue()
