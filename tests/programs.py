"""Curator as a process of its own, started as its users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.upstream import Upstream

_LAUNCHER = Path(__file__).resolve().parent / "launcher.py"


def command(*arguments: str | Path) -> list[str]:
    """What starts the program with these arguments."""
    return [sys.executable, str(_LAUNCHER), *map(str, arguments)]


def environment(**variables: str) -> dict[str, str]:
    """This process' variables without Curator's own, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CURATOR_")}
    return {**kept, **variables}


def asking(upstream: Upstream) -> tuple[str, ...]:
    """The arguments with which it asks the stand-in for the sites."""
    return (
        "--civitai", upstream.civitai,
        "--civitai-images", upstream.civitai_images,
        "--huggingface", upstream.huggingface,
    )  # fmt: skip


@contextmanager
def program(
    *arguments: str | Path, **variables: str
) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    """A running `serve` and its address, read from the first line it prints; killed in the end."""
    started = subprocess.Popen(
        command("serve", "--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().strip()
        assert address, started.communicate()[1]
        yield started, address
    finally:
        started.kill()
        started.communicate()


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**variables),
    )
