"""Programs that some tests need beside Python: this machine's own, or ones unpacked aside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import playwright

from . import checkout, debian


def ensure() -> None:
    """Where this is Debian, fetch what is lacking; elsewhere the tests that need it say so."""
    lacking: list[str] = []
    if not shutil.which("nginx"):
        lacking.append("nginx")
    # Playwright's Node is linked against this one.
    if not debian.succeeds([node(), "--version"]):
        lacking.append("libatomic1")
    if lacking and not _folder().exists() and shutil.which("apt-get"):
        checkout.say(f"Fetching {' and '.join(lacking)} for the tests (once) …")
        if not debian.unpack(lacking, _folder()):
            checkout.say("That failed; the tests that need them will say so.")


def use() -> None:
    """Let this process' children find what `ensure` has fetched."""
    debian.use(_folder())


def node() -> Path:
    """The Node that Playwright brings and drives the browser with: new enough, and always there."""
    name = "node.exe" if os.name == "nt" else "node"
    return Path(playwright.__file__).parent / "driver" / name


def _folder() -> Path:
    return checkout.environment() / "debian"
