"""Where CivitAI's files are filed, and what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from comfyui_curator.store.civitai_types import (
    chosen_file,
    display_name,
    filing,
    new_entry,
    restriction,
)
from comfyui_curator.store.errors import BadInput, Impossible, NotFound


def version(kind: str = "LORA", base_model: str = "SDXL 1.0", **more: Any) -> dict[str, Any]:
    return {
        "id": 5,
        "modelId": 4,
        "name": "v2",
        "baseModel": base_model,
        "model": {"name": "Lantern", "type": kind},
        "files": [file()],
        **more,
    }


def file(**more: Any) -> dict[str, Any]:
    return {"id": 6, "name": "a.safetensors", "sizeKB": 1024.5, "primary": True, **more}


@pytest.mark.parametrize(
    "kind,base_model,category,dest",
    [
        ("Checkpoint", "SDXL 1.0", "checkpoints", "checkpoints"),
        ("Checkpoint", "", "checkpoints", "checkpoints"),
        ("Checkpoint", "Flux.1 D", "diffusion_models", "diffusion_models"),
        ("Checkpoint", "Flux.1 Kontext", "diffusion_models", "diffusion_models"),
        ("Checkpoint", "Wan Video 14B t2v", "diffusion_models", "diffusion_models"),
        ("Checkpoint", "Hunyuan Video", "diffusion_models", "diffusion_models"),
        ("Checkpoint", "Hunyuan 1", "checkpoints", "checkpoints"),
        ("Checkpoint", "CogVideoX", "diffusion_models", "diffusion_models"),
        ("Checkpoint", "LTXV", "diffusion_models", "diffusion_models"),
        ("LORA", "Flux.1 D", "loras", "loras"),
        ("LoCon", "Pony", "loras", "loras"),
        ("DoRA", "Pony", "loras", "loras"),
        ("VAE", "SD 1.5", "vae", "vae"),
        ("TextualInversion", "SD 1.5", "embeddings", "embeddings"),
        ("Controlnet", "SD 1.5", "controlnet", "controlnet"),
        ("Poses", "Other", "controlnet", "controlnet"),
        ("Upscaler", "Other", "upscalers", "upscale_models"),
        ("AestheticGradient", "SD 1.5", "embeddings", "embeddings"),
        ("Hypernetwork", "SD 1.5", "hypernetworks", "hypernetworks"),
        ("MotionModule", "SD 1.5", "animatediff_models", "animatediff_models"),
    ],
)
def test_each_type_has_its_category_and_folder(
    kind: str, base_model: str, category: str, dest: str
) -> None:
    assert filing(version(kind, base_model), None) == (category, dest)


@pytest.mark.parametrize("kind", ["Workflows", "Wildcards", "Other", "SomethingNew", ""])
def test_what_is_no_model_needs_to_be_told_where(kind: str) -> None:
    with pytest.raises(Impossible) as refused:
        filing(version(kind), None)
    assert refused.value.field == "dest"
    assert filing(version(kind), "workflows/mine") == ("workflows", "workflows/mine")


def test_a_folder_that_is_asked_for_wins_and_the_category_stays() -> None:
    assert filing(version("LORA"), "loras\\SDXL") == ("loras", "loras/SDXL")


@pytest.mark.parametrize("dest", ["../x", "/etc", "loras/../..", "C:\\x", "loras//x", "a/\x00"])
def test_a_folder_that_leads_out_is_refused(dest: str) -> None:
    with pytest.raises(BadInput) as refused:
        filing(version("LORA"), dest)
    assert refused.value.field == "dest"


@pytest.mark.parametrize(
    "name,base_model,fp,shown",
    [
        ("v2", "SDXL 1.0", "fp16", "Lantern v2 [SDXL 1.0 FP16]"),
        ("v2", "SDXL 1.0", None, "Lantern v2 [SDXL 1.0]"),
        ("Lantern", "SDXL 1.0", "bf16", "Lantern [SDXL 1.0 BF16]"),
        ("v2", "", "fp8", "Lantern v2 [FP8]"),
        ("v2", None, None, "Lantern v2"),
        ("", "Pony", None, "Lantern [Pony]"),
    ],
)
def test_the_display_name_says_what_is_known(
    name: str, base_model: str | None, fp: str | None, shown: str
) -> None:
    found = version(name=name, baseModel=base_model)
    assert display_name(found, file(metadata={"fp": fp})) == shown


class TestWhichFile:
    def test_the_primary_one(self) -> None:
        files = [file(id=1, primary=False), file(id=2)]
        assert chosen_file(version(files=files), None)["id"] == 2

    def test_else_the_first_one_that_is_a_model(self) -> None:
        files = [
            {"id": 1, "name": "data.zip", "type": "Training Data"},
            {"id": 2, "name": "config.yaml", "type": "Config"},
            {"id": 3, "name": "a.safetensors", "type": "Model"},
        ]
        assert chosen_file(version(files=files), None)["id"] == 3

    def test_the_one_that_is_asked_for(self) -> None:
        files = [file(id=1), file(id=2, primary=False)]
        assert chosen_file(version(files=files), 2)["id"] == 2

    def test_one_that_the_version_does_not_have_is_unknown(self) -> None:
        with pytest.raises(NotFound) as refused:
            chosen_file(version(), 77)
        assert refused.value.field == "file_id"

    @pytest.mark.parametrize(
        "files",
        [
            [],
            None,
            "none",
            [None, 7, {}],
            [{"id": 1, "name": ""}],
            [{"id": 1, "name": None, "primary": True}],
            [{"id": 1, "name": "a.zip", "type": "Training Data"}],
        ],
    )
    def test_none_that_is_usable_is_impossible(self, files: Any) -> None:
        with pytest.raises(Impossible):
            chosen_file(version(files=files), None)


class TestTheEntry:
    def test_has_what_civitai_says(self) -> None:
        found = version(
            trainedWords=["lantern", "glow"],
            stats={"downloadCount": 12},
            model={"name": "Lantern", "type": "LORA", "nsfw": True},
        )
        chosen = file(metadata={"fp": "fp16"}, hashes={"SHA256": "AB" * 32})
        assert new_entry(5, found, chosen, "loras") == {
            "name": "Lantern v2 [SDXL 1.0 FP16]",
            "file": "a.safetensors",
            "dest": "loras",
            "source": "civitai",
            "size_gb": 0.001049088,
            "tags": ["nsfw"],
            "civitai_version_id": 5,
            "civitai_model_id": 4,
            "civitai_file_id": 6,
            "civitai_model_name": "Lantern",
            "civitai_version": "v2",
            "civitai_base_model": "SDXL 1.0",
            "civitai_type": "LORA",
            "civitai_tags": [],
            "civitai_fp": "fp16",
            "trainedWords": ["lantern", "glow"],
            "base_model": "SDXL 1.0",
            "hash": "ab" * 32,
            "downloads": 12,
        }

    def test_stands_even_when_everything_is_of_the_wrong_kind(self) -> None:
        odd: dict[str, Any] = dict.fromkeys(
            ("model", "modelId", "name", "baseModel", "trainedWords", "stats"), ["odd"]
        )
        chosen = {"name": "a.pt", "id": "six", "sizeKB": "big", "hashes": 1, "metadata": "fp16"}
        entry = new_entry(5, odd, chosen, "loras")
        assert entry["file"] == "a.pt"
        assert entry["size_gb"] == 0.0
        assert entry["civitai_model_id"] is None
        assert entry["trainedWords"] == ["odd"]

    @pytest.mark.parametrize(
        "name,kept",
        [
            ("../../x.safetensors", "_.._x.safetensors"),
            ("CON.safetensors", "_CON.safetensors"),
            ("a\u202etxt.safetensors", "atxt.safetensors"),
            ("...", "civitai_5"),
        ],
    )
    def test_has_a_file_name_that_every_file_system_takes(self, name: str, kept: str) -> None:
        assert new_entry(5, version(), file(name=name), "loras")["file"] == kept


@pytest.mark.parametrize(
    "control,restricted",
    [("Download", False), (None, False), ("Generation", True), ("InternalGeneration", True)],
)
def test_a_version_that_is_not_for_download_says_so(control: str | None, restricted: bool) -> None:
    reason = restriction(version(usageControl=control))
    assert (reason is not None) == restricted
    if reason:
        assert str(control) in reason
