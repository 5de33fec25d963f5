"""The repositories of the local Hugging Face."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial

from . import weights
from .catalogue import START
from .records import Content, Repository, RepositoryFile


def build(seed: int) -> list[Repository]:
    """One of every kind: public, gated, private, long, moved, with several or no models."""
    return [
        _repository(seed, "mossgarden/single-lora", "single", ["lora.safetensors"]),
        _repository(
            seed,
            "mossgarden/several",
            "several",
            ["fp16/model.safetensors", "fp32/model.safetensors", "vae/vae.safetensors"],
        ),
        _repository(seed, "mossgarden/agreed", "gated", ["model.safetensors"], gated="auto"),
        _repository(seed, "mossgarden/asked", "asked", ["model.safetensors"], gated="manual"),
        _repository(seed, "mossgarden/hidden", "private", ["model.safetensors"], private=True),
        _repository(
            seed, "mossgarden/long", "long", [f"parts/{n:03}.safetensors" for n in range(120)]
        ),
        _repository(seed, "mossgarden/words", "no_model", []),
        _repository(
            seed,
            "mossgarden/whole",
            "diffusers",
            [
                "text_encoder/model.safetensors",
                "unet/diffusion_pytorch_model.safetensors",
                "vae/diffusion_pytorch_model.safetensors",
            ],
            others=("model_index.json", "unet/config.json"),
        ),
        _repository(seed, "mossgarden/pickled", "pickled", [], others=("pytorch_model.bin",)),
        _repository(
            seed,
            "mossgarden/renamed",
            "moved",
            ["model.safetensors"],
            moved_from="mossgarden/old-name",
        ),
        _repository(seed, "nameless", "no_owner", ["model.safetensors"]),
    ]


def _repository(
    seed: int,
    name: str,
    label: str,
    models: list[str],
    *,
    gated: str = "",
    private: bool = False,
    moved_from: str = "",
    others: tuple[str, ...] = (),
) -> Repository:
    files = [
        RepositoryFile(path, Content(partial(weights.safetensors, "LORA", f"{seed}:{name}:{path}")))
        for path in models
    ]
    files += [RepositoryFile(path, Content(partial(bytes, b"{}\n")), lfs=False) for path in others]
    files.append(RepositoryFile("README.md", Content(partial(_readme, name)), lfs=False))
    files.append(RepositoryFile("config.json", Content(partial(bytes, b"{}\n")), lfs=False))
    # A file of this name exists in most repositories, and is of no use to anybody here.
    files.append(RepositoryFile(".gitattributes", Content(partial(bytes, b"*.bin\n")), lfs=False))
    return Repository(
        name,
        hashlib.sha1(f"{seed}:{name}".encode(), usedforsecurity=False).hexdigest(),
        START + timedelta(days=len(name)),
        tuple(sorted(files, key=lambda file: file.path)),
        gated,
        private,
        ("v1.0",),
        moved_from,
        label,
    )


def _readme(name: str) -> bytes:
    return f"---\nlicense: mit\n---\n# {name}\n".encode()
