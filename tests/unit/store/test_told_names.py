"""What files are called by those who send them, and what a pasted address of a file means."""

from __future__ import annotations

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.errors import BadInput
from comfyui_curator.store.model_addresses import Meant, OfCivitAI, OfHuggingFace, understand
from comfyui_curator.store.remote.answers import told_name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("", ""),
        ("attachment", ""),
        ("attachment; filename=plain.bin", "plain.bin"),
        ('attachment; filename="a b.pt"', "a b.pt"),
        ('attachment; filename="a\\";b.pt"', 'a";b.pt'),
        ('attachment; filename="../../etc/x.pt"', "x.pt"),
        ('attachment; filename="C:\\\\x\\\\y.pt"', "y.pt"),
        ("attachment; filename*=UTF-8''%C3%A4.png", "ä.png"),
        ("inline; filename*=UTF-8''%C3%A4.png; filename=\"plain.png\";", "ä.png"),
        ("attachment; filename=\"plain.png\"; filename*=UTF-8''%C3%A4.png", "ä.png"),
        ('attachment; filename="Ã¤.bin"', "ä.bin"),
        ("attachment; filename*0=a; filename*1=b", "ab"),
        ("attachment; filename*=nonsense''%ff.png", "ÿ.png"),
        ('ATTACHMENT; FILENAME="X.PT"', "X.PT"),
        (";;;=\"'", ""),
    ],
)
def test_the_name_in_content_disposition(header: str, name: str) -> None:
    assert told_name({"Content-Disposition": header}) == name


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("a/b", OfHuggingFace("a/b", "")),
        ("a/b@v1", OfHuggingFace("a/b", "", "v1")),
        ("a/b@v1/c/d.gguf", OfHuggingFace("a/b", "c/d.gguf", "v1")),
        ("a/b/c", OfHuggingFace("a/b", "c")),
        ("huggingface.co/a/b", OfHuggingFace("a/b", "")),
        ("civitai.red/models/5?modelVersionId=6", OfCivitAI(5, 6)),
        ("https://hf.co/a/b/tree/v1/c", OfHuggingFace("a/b", "c/", "v1")),
        (
            "https://huggingface.co/a/b/blob/refs%2Fpr%2F1/c/d.gguf",
            OfHuggingFace("a/b", "c/d.gguf", "refs/pr/1"),
        ),
        ("urn:air:flux1:lora:huggingface:a/b@main", OfHuggingFace("a/b", "")),
    ],
)
def test_what_an_address_means(address: str, meant: Meant) -> None:
    assert understand(address, Options()) == meant


@pytest.mark.parametrize(
    "address",
    ["a/b/../c", "a/..", "a/b@../c", "a/b//c", "https://huggingface.co/a/b/resolve/main/../../c"],
)
def test_paths_that_lead_elsewhere_are_refused(address: str) -> None:
    with pytest.raises(BadInput):
        understand(address, Options())
