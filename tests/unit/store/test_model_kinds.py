"""What model files are told to be, by the names and shapes of their tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.model_headers import Header, Tensor, read_header
from comfyui_curator.store.model_kinds import Told, tell
from tests.upstream.weights import safetensors


def told(*names: str, name: str = "x.safetensors", said: dict[str, Any] | None = None) -> Told:
    """Of a file with these tensors; a shape follows its name after a blank: `a.weight 4x64`."""
    tensors: dict[str, Tensor] = {}
    for each in names:
        key, _, shape = each.partition(" ")
        sides = tuple(int(part) for part in shape.split("x")) if shape else (8,)
        tensors[key] = Tensor("F16", sides, 0, 0)
    return tell(Header("safetensors", 1, said or {}, tensors), name)


UNET = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"
VAE = "first_stage_model.decoder.conv_in.weight 16x4x3x3"
CASES = [
    # Checkpoints and what stands alone.
    ("checkpoints", "checkpoint", "SD 1.5", (f"{UNET} 320x768", VAE)),
    ("checkpoints", "checkpoint", "SD 2.1", (f"{UNET} 320x1024", VAE)),
    ("checkpoints", "checkpoint", "SDXL 1.0", (f"{UNET} 640x2048", VAE)),
    (
        "checkpoints",
        "checkpoint",
        "SDXL 1.0",
        ("model.diffusion_model.input_blocks.0.0.weight 32x4x3x3", VAE,
         "conditioner.embedders.1.model.ln_final.weight 128"),
    ),
    ("diffusion_models", "diffusion model", "SDXL 1.0", (f"{UNET} 640x2048",)),
    (
        "checkpoints",
        "checkpoint",
        "Flux.1 D",
        ("model.diffusion_model.double_blocks.0.img_attn.qkv.weight 9216x3072",
         "model.diffusion_model.guidance_in.in_layer.weight 3072x256",
         "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.weight 4x4"),
    ),
    ("diffusion_models", "diffusion model", "Flux.1 S",
     ("double_blocks.0.img_attn.qkv.weight 9216x3072", "single_blocks.0.linear1.weight 4x3072")),
    ("diffusion_models", "diffusion model", "Flux.2 D",
     ("double_blocks.0.img_attn.qkv.weight 18432x6144",
      "double_stream_modulation_img.lin.weight 4x4")),
    ("diffusion_models", "diffusion model", "Chroma",
     ("double_blocks.0.img_attn.qkv.weight 9216x3072",
      "distilled_guidance_layer.layers.0.in_layer.weight 4x4")),
    ("diffusion_models", "diffusion model", "Hunyuan Video",
     ("double_blocks.0.img_attn.qkv.weight 9216x3072",
      "txt_in.individual_token_refiner.blocks.0.norm1.weight 3072")),
    ("diffusion_models", "diffusion model", "Wan Video 14B t2v",
     ("blocks.0.self_attn.q.weight 5120x5120", "blocks.0.cross_attn.k.weight 5120x5120",
      "head.modulation 1x2x5120")),
    ("diffusion_models", "diffusion model", "Wan Video 14B i2v",
     ("blocks.0.self_attn.q.weight 5120x5120", "blocks.0.cross_attn.k_img.weight 5120x5120")),
    ("diffusion_models", "diffusion model", "Wan Video 1.3B t2v",
     ("blocks.0.self_attn.q.weight 1536x1536", "blocks.0.cross_attn.k.weight 1536x1536")),
    ("diffusion_models", "diffusion model", "SD 3.5 Large",
     ("joint_blocks.0.context_block.attn.qkv.weight 4x4", "x_embedder.proj.weight 2432x16x2x2")),
    ("diffusion_models", "diffusion model", "SD 3",
     ("joint_blocks.0.context_block.attn.qkv.weight 4x4", "x_embedder.proj.weight 1536x16x2x2")),
    ("diffusion_models", "diffusion model", "Qwen",
     ("transformer_blocks.0.attn.add_k_proj.weight 3072x3072",
      "transformer_blocks.0.img_mlp.net.0.proj.weight 4x3072", "txt_norm.weight 3584")),
    ("diffusion_models", "diffusion model", "Z-Image",
     ("noise_refiner.0.attention.qkv.weight 11520x3840", "cap_embedder.1.weight 4x4")),
    ("diffusion_models", "diffusion model", "Lumina",
     ("noise_refiner.0.attention.qkv.weight 4032x2304", "cap_embedder.1.weight 4x4")),
    ("diffusion_models", "diffusion model", "LTXV",
     ("transformer_blocks.0.attn1.to_q.weight 2048x2048", "adaln_single.linear.weight 4x4")),
    ("diffusion_models", "diffusion model", "PixArt E",
     ("transformer_blocks.0.attn1.to_q.weight 1152x1152", "pos_embed.proj.weight 1152x4x2x2")),
    ("diffusion_models", "diffusion model", "HiDream",
     ("double_stream_blocks.0.block.attn1.to_q.weight 4x4",)),
    ("diffusion_models", "diffusion model", "AuraFlow", ("double_layers.0.attn.w1q.weight 4x4",)),
    ("diffusion_models", "diffusion model", "SDXL 1.0",
     ("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight 640x2048",)),
    # LoRAs, by both ways of spelling.
    ("loras", "LoRA", "SD 1.5",
     ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight 8x320",
      "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight 320x8",
      "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight 8x768",
      )),
    ("loras", "LoRA", "SDXL 1.0",
     ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.lora_down.weight 8x640",
      "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight 8x2048")),
    ("loras", "LoRA", "SDXL 1.0",
     ("lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight 8x768",
      "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight 8x1280")),
    ("loras", "LoRA", "Flux.1 D",
     ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight 16x3072",
      "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight 16x768")),
    ("loras", "LoRA", "Flux.1 D",
     ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight 16x3072",
      "transformer.transformer_blocks.0.attn.to_q.lora_B.weight 3072x16")),
    ("loras", "LoRA", "Hunyuan Video",
     ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight 16x3072",
      "lora_unet_single_blocks_0_modulation_linear.lora_down.weight 16x3072")),
    ("loras", "LoRA", "Wan Video 14B t2v",
     ("diffusion_model.blocks.0.self_attn.q.lora_A.weight 16x5120",
      "diffusion_model.blocks.0.cross_attn.k.lora_A.weight 16x5120")),
    ("loras", "LoRA", "Wan Video 14B t2v",
     ("transformer.blocks.0.attn1.to_q.lora_A.weight 16x5120",)),
    ("loras", "LoRA", "LTXV",
     ("transformer.transformer_blocks.0.attn1.to_q.lora_A.weight 16x2048",)),
    ("loras", "LoRA", "Qwen",
     ("transformer_blocks.0.img_mod.1.lora_A.weight 16x3072",
      "transformer_blocks.0.attn.to_q.lora_A.weight 16x3072")),
    ("loras", "LoRA", "Z-Image",
     ("diffusion_model.layers.0.attention.to_q.lora_A.weight 16x3840",)),
    ("loras", "LoCon", "SD 1.5",
     ("lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight 8x320x3x3",
      "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight 8x768",
      )),
    ("loras", "LoHa", "", ("lora_unet_input_blocks_4_1_proj_in.hada_w1_a 64x4",)),
    ("loras", "LoKr", "", ("lycoris_blocks_0_attn.lokr_w1 4x4",)),
    ("loras", "DoRA", "",
     ("lora_unet_x.lora_down.weight 4x64", "lora_unet_x.dora_scale 1x64")),
    ("loras", "full difference", "", ("diffusion_model.proj_out.diff_b 4",)),
    # The small parts.
    ("vae", "VAE", "", ("encoder.conv_in.weight 16x3x3x3", "decoder.conv_in.weight 16x4x3x3")),
    ("vae", "VAE", "Wan Video",
     ("decoder.middle.0.residual.0.gamma 384x1x1x1", "decoder.conv1.weight 384x16x3x3x3")),
    ("vae_approx", "tiny VAE", "", ("decoder.1.weight 64x4x3x3", "encoder.0.weight 64x3x3x3")),
    ("text_encoders", "T5", "", ("encoder.block.0.layer.0.SelfAttention.q.weight 4096x4096",)),
    ("text_encoders", "CLIP", "", ("text_model.encoder.layers.0.mlp.fc1.weight 4x4",)),
    ("text_encoders", "language model", "", ("model.layers.0.self_attn.q_proj.weight 4x4",)),
    ("clip_vision", "CLIP vision", "", ("vision_model.encoder.layers.0.mlp.fc1.weight 4x4",)),
    ("controlnet", "ControlNet", "SD 1.5",
     ("control_model.input_hint_block.0.weight 16x3x3x3",
      "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight 320x768")),
    ("controlnet", "ControlNet", "Flux.1 D",
     ("controlnet_blocks.0.weight 3072x3072", "double_blocks.0.img_attn.qkv.weight 9216x3072")),
    ("controlnet", "Control-LoRA", "", ("lora_controlnet 0", "input_hint_block.0.weight 4x3x3x3")),
    ("controlnet", "T2I-Adapter", "", ("adapter.body.0.block1.weight 4x4",)),
    ("upscale_models", "upscaler", "",
     ("model.0.weight 64x3x3x3", "model.1.sub.0.RDB1.conv1.0.weight 32x64x3x3")),
    ("upscale_models", "upscaler", "",
     ("conv_first.weight 64x3x3x3", "body.0.rdb1.conv1.weight 32x64x3x3")),
    ("upscale_models", "upscaler", "", ("body.0.weight 64x3x3x3", "body.1.weight 64")),
    ("embeddings", "embedding", "SD 1.5", ("emb_params 4x768",)),
    ("embeddings", "embedding", "SDXL 1.0", ("clip_l 4x768", "clip_g 4x1280")),
    ("hypernetworks", "hypernetwork", "", ("768.0.linear.0.weight 4x4",)),
    ("ipadapter", "IP-Adapter", "",
     ("ip_adapter.1.to_k_ip.weight 4x4", "image_proj.norm.weight 4")),
    ("style_models", "style model", "", ("redux_up.weight 4x4", "redux_down.weight 4x4")),
    ("animatediff_models", "motion module", "",
     ("down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight 4x4",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "kind", "base_model", "names"), CASES, ids=[f"{c[1]}-{c[2]}" for c in CASES]
)
def test_tells_type_kind_and_base_model(
    type_: str, kind: str, base_model: str, names: tuple[str, ...]
) -> None:
    found = told(*names)
    assert (found.type, found.facts["kind"], found.base_model) == (type_, kind, base_model)
    assert found.reason
    assert found.facts["sure"] is True


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("LORA", "loras"),
        ("LoCon", "loras"),
        ("DoRA", "loras"),
        ("Checkpoint", "checkpoints"),
        ("Flux", "diffusion_models"),
        ("Wan", "diffusion_models"),
        ("VAE", "vae"),
        ("TextualInversion", "embeddings"),
        ("Controlnet", "controlnet"),
        ("Upscaler", "upscale_models"),
    ],
)
def test_tells_files_as_they_lie_on_the_disk(tmp_path: Path, kind: str, type_: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors(kind, "salt"))
    found = tell(read_header(path), path.name)
    assert (found.type, found.facts["sure"]) == (type_, True)


LORA = "lora_unet_blocks_0_attn.lora_down.weight 4x64"
SDXL = "lora_unet_x_attn2_to_k.lora_down.weight 8x2048"


@pytest.mark.parametrize(
    ("said", "tensor", "name", "base_model"),
    [
        ({"ss_base_model_version": "sd_v1-5"}, LORA, "x", "SD 1.5"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, LORA, "x", "SDXL 1.0"),
        ({"ss_base_model_version": "flux1-dev"}, LORA, "x", "Flux.1 D"),
        ({"ss_base_model_version": "z-image"}, LORA, "x", "Z-Image"),
        ({"modelspec.architecture": "stable-diffusion-v1/lora"}, LORA, "x", "SD 1.5"),
        ({"ss_sd_model_name": "ponyDiffusionV6XL_v6.safetensors"}, SDXL, "x", "Pony"),
        ({"ss_sd_model_name": "noobaiXL_vpred.safetensors"}, SDXL, "x", "NoobAI"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, SDXL, "glow_illustrious.st", "Illustrious"),
        ({}, SDXL, "glow.safetensors", "SDXL 1.0"),
        # What the tensors say is not talked away by a line of metadata.
        ({"ss_base_model_version": "sd_v1-5"}, SDXL, "x", "SDXL 1.0"),
        ({"ss_base_model_version": 3, "modelspec.architecture": ["x"]}, LORA, "x", ""),
    ],
)
def test_metadata_fills_in_what_the_tensors_leave_open(
    said: dict[str, Any], tensor: str, name: str, base_model: str
) -> None:
    assert told(tensor, said=said, name=name).base_model == base_model


@pytest.mark.parametrize(
    ("architecture", "type_", "base_model"),
    [
        ("flux", "diffusion_models", "Flux.1 D"),
        ("qwen_image", "diffusion_models", "Qwen"),
        ("wan", "diffusion_models", "Wan Video"),
        ("t5encoder", "text_encoders", ""),
        ("qwen2vl", "text_encoders", ""),
    ],
)
def test_a_gguf_without_telling_names_is_what_it_says(
    architecture: str, type_: str, base_model: str
) -> None:
    head = Header(
        "gguf", 1, {"general.architecture": architecture}, {"x": Tensor("Q4_K", (4,), 0, 0)}
    )
    found = tell(head, "x.gguf")
    assert (found.type, found.base_model) == (type_, base_model)


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("4x-UltraSharp.pth", "upscale_models"),
        ("RealESRGAN_x4plus.pth", "upscale_models"),
        ("control_v11p_sd15_canny.pth", "controlnet"),
        ("vae-ft-mse-840000.ckpt", "vae"),
        ("face_yolov8m.pt", "ultralytics"),
        ("something.pt", ""),
    ],
)
def test_of_a_pickle_only_the_name_is_asked_and_that_is_said(name: str, type_: str) -> None:
    found = tell(Header("pickle"), name)
    assert (found.type, found.facts["sure"]) == (type_, False)
    assert "name" in found.reason or "pickle" in found.reason


def test_what_is_of_no_known_kind_says_so() -> None:
    found = told("weight 4x4x4", name="lora.safetensors")
    assert (found.type, found.base_model) == ("", "")
    assert "no kind" in found.reason
    assert tell(Header("other"), "x.bin").reason == "its header tells no tensors"


def test_a_header_of_very_many_names_is_no_burden() -> None:
    tensors = {f"{'x_0' * 20}.{n}": Tensor("F16", (1,), 0, 0) for n in range(300_000)}
    assert tell(Header("safetensors", 1, {}, tensors), "x").type == ""
