"""The models of the world as a table: one of every kind a client meets, oddities included."""

from __future__ import annotations

from dataclasses import dataclass

LONG_NAME = "x" * 388 + ".safetensors"
RTL_NAME = "model\u202estxet.safetensors"
HOSTILE_NAMES = {
    "hostile_dots": "../../x.safetensors",
    "hostile_backslash": "..\\..\\x.safetensors",
    "hostile_absolute": "/etc/x.safetensors",
    "hostile_device": "CON.safetensors",
    "hostile_long": LONG_NAME,
    "hostile_rtl": RTL_NAME,
    "hostile_quote": 'a";b\u00e9.safetensors',
}
"""What files of CivitAI are called, by the label of their version."""


@dataclass(frozen=True)
class FileSpec:
    """A file of a version; an empty name is made from the model's and version's."""

    name: str = ""
    fp: str | None = "fp16"
    size: str | None = None
    primary: bool = True
    kind: str = "Model"
    format: str = "SafeTensor"
    bytes: int = 0


@dataclass(frozen=True)
class VersionSpec:
    name: str
    base_model: str
    files: tuple[FileSpec, ...] = (FileSpec(),)
    label: str = ""
    words: tuple[str, ...] = ()
    usage: str = "Download"
    early_access: bool = False
    gated: bool = False
    answers_no_file: bool = False
    id: int = 0
    layout: str = ""
    """Whose tensors the files hold, where the model's type does not say it."""


@dataclass(frozen=True)
class ModelSpec:
    label: str
    name: str
    kind: str
    versions: tuple[VersionSpec, ...]
    tags: tuple[str, ...] = ("style",)
    description: str = "<p>Drawn by <b>code</b>.</p>"
    nsfw: bool = False
    mode: str | None = None
    removed: bool = False
    ends_with_an_empty_page: bool = False


_PRECISIONS = (
    FileSpec("meadow_v20_pruned_fp16.safetensors", "fp16", "pruned", bytes=60_000),
    FileSpec("meadow_v20_full_fp16.safetensors", "fp16", "full", primary=False, bytes=90_000),
    FileSpec("meadow_v20_full_fp32.safetensors", "fp32", "full", primary=False, bytes=180_000),
    FileSpec("meadow.vae.safetensors", None, None, primary=False, kind="VAE"),
)
_SAME_NAME = (FileSpec("v1.safetensors"),)

MODELS = (
    ModelSpec(
        "lora",
        "Lantern Glow",
        "LORA",
        (
            VersionSpec("v1.0", "Illustrious", words=("lantern glow", "warm light"), label="lora"),
            VersionSpec("v2.0", "Illustrious", words=("lantern glow v2",), label="lora_second"),
        ),
        tags=("style", "lighting", "lantern"),
    ),
    ModelSpec(
        "locon",
        "Paper Fold",
        "LoCon",
        (VersionSpec("Pony", "Pony", words=("paperfold",), label="locon"),),
        ends_with_an_empty_page=True,
    ),
    ModelSpec("dora", "Fine Line", "DoRA", (VersionSpec("eps", "NoobAI", label="dora"),)),
    ModelSpec(
        "checkpoint",
        "Meadow Mix",
        "Checkpoint",
        (
            VersionSpec("v2.0", "SDXL 1.0", _PRECISIONS, label="checkpoint"),
            VersionSpec("v1.0", "SDXL 1.0", label="checkpoint_first"),
        ),
        tags=("base model", "landscape"),
    ),
    ModelSpec(
        "checkpoint_flux",
        "Harbour Flux",
        "Checkpoint",
        (VersionSpec("dev", "Flux.1 D", label="checkpoint_flux", layout="Flux"),),
    ),
    ModelSpec(
        "checkpoint_wan",
        "Drift",
        "Checkpoint",
        (VersionSpec("i2v 480p", "Wan Video 14B i2v 480p", label="checkpoint_wan", layout="Wan"),),
        tags=("video",),
    ),
    ModelSpec("vae", "Clear Air VAE", "VAE", (VersionSpec("v1", "SD 1.5", label="vae"),)),
    ModelSpec(
        "embedding",
        "easy_hands",
        "TextualInversion",
        (
            # Its id is that of another model: who takes the one for the other gets a wrong set.
            VersionSpec("v1", "SD 1.5", words=("easy_hands",), label="embedding", id=30101),
        ),
    ),
    ModelSpec(
        "controlnet", "Edge Guide", "Controlnet", (VersionSpec("v1", "SD 1.5", label="controlnet"),)
    ),
    ModelSpec(
        "upscaler",
        "4x Crisp",
        "Upscaler",
        (
            VersionSpec(
                "v1",
                "Other",
                (FileSpec("4x_crisp.pth", None, format="PickleTensor"),),
                label="upscaler",
            ),
        ),
    ),
    ModelSpec(
        "workflows",
        "Two Pass Workflow",
        "Workflows",
        (
            VersionSpec(
                "v1",
                "SDXL 1.0",
                (FileSpec("two_pass.zip", None, kind="Archive", format="Other"),),
                label="workflows",
            ),
        ),
    ),
    ModelSpec(
        "lora_flux",
        "Rain",
        "LORA",
        (VersionSpec("v1", "Flux.1 D", _SAME_NAME, label="same_name", words=("rain",)),),
    ),
    ModelSpec(
        "lora_wan",
        "Slow Pan",
        "LORA",
        (
            VersionSpec("high", "Wan Video 14B i2v 480p", _SAME_NAME, label="same_name_twin"),
            VersionSpec(
                "low",
                "Wan Video 14B i2v 480p",
                (FileSpec("slow_pan_low.safetensors"),),
                label="low",
            ),
        ),
        tags=("video", "motion"),
    ),
    ModelSpec("lora_ltxv", "Wave", "LORA", (VersionSpec("v1", "LTXV", label="lora_ltxv"),)),
    ModelSpec(
        "lora_hunyuan", "Orbit", "LORA", (VersionSpec("v1", "Hunyuan Video", label="lora_hunyuan"),)
    ),
    ModelSpec(
        "restricted",
        "Only Online",
        "LORA",
        (
            VersionSpec("v1", "SDXL 1.0", usage="Generation", label="restricted"),
            VersionSpec("v2", "SDXL 1.0", usage="InternalGeneration", label="restricted_internal"),
        ),
    ),
    ModelSpec(
        "early_access",
        "First Light",
        "LORA",
        (VersionSpec("v1", "Pony", early_access=True, label="early_access"),),
    ),
    ModelSpec(
        "gated",
        "Members Only",
        "LORA",
        (VersionSpec("v1", "SD 1.5", gated=True, label="gated"),),
        nsfw=True,
    ),
    ModelSpec(
        "no_primary",
        "Unmarked",
        "LORA",
        (
            VersionSpec(
                "v1", "SDXL 1.0", (FileSpec("unmarked.safetensors", primary=False),), "no_primary"
            ),
        ),
    ),
    ModelSpec(
        "no_usable_file",
        "Papers",
        "LORA",
        (
            VersionSpec("no files", "SD 1.5", (), "no_files"),
            VersionSpec(
                "training data",
                "SD 1.5",
                (
                    FileSpec(
                        "papers.zip", None, kind="Training Data", format="Other", primary=False
                    ),
                ),
                "training_data",
            ),
            VersionSpec("missing file", "SD 1.5", (), "missing_file", answers_no_file=True),
        ),
    ),
    ModelSpec(
        "big",
        "Heavy",
        "LORA",
        (VersionSpec("v1", "Illustrious", (FileSpec(bytes=8 << 20),), label="big"),),
    ),
    ModelSpec("empty", "Quiet", "LORA", (VersionSpec("v1", "SD 1.5", label="empty"),)),
    ModelSpec(
        "removed", "Gone", "LORA", (VersionSpec("v1", "SDXL 1.0", label="removed"),), removed=True
    ),
    ModelSpec(
        "archived",
        "Old Days",
        "LORA",
        (VersionSpec("v1", "SD 1.5", label="archived"),),
        mode="Archived",
    ),
    ModelSpec(
        "hostile",
        "../../<script>alert(1)</script>\u202e",
        "LORA",
        tuple(
            VersionSpec(f"v{number}", "SDXL 1.0", (FileSpec(name),), label=label)
            for number, (label, name) in enumerate(HOSTILE_NAMES.items())
        ),
        description="<img src=x onerror=alert(1)><script>alert(1)</script>",
    ),
)
