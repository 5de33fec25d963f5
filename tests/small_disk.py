"""A disk that is soon full: a real small file system, or a system that says there is no room."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from unittest.mock import patch

import pytest


@contextlib.contextmanager
def full(folder: Path) -> Generator[None]:
    """`folder` has no room within the block: really where we may mount, else as fsync tells it."""
    if not _is_small_disk(folder):

        def refuse(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with patch.object(os, "fsync", refuse):
            yield
        return
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "256k") -> Generator[Path]:
    """A folder on a disk of this size where mounting is allowed, else a plain folder."""
    folder.mkdir(parents=True)
    mounted = sys.platform == "linux" and _mount(folder, size)
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def real_small_disk(folder: Path, size: str) -> Generator[Path]:
    """As `small_disk`; what cannot be tried where we may not mount is skipped."""
    with small_disk(folder, size) as disk:
        if not _is_small_disk(disk):
            pytest.skip("mounts a small tmpfs: needs Linux and the right to mount")
        yield disk


@contextlib.contextmanager
def read_only(folder: Path) -> Generator[None]:
    """A small disk that takes nothing within the block; where we may not mount, a closed folder."""
    if _is_small_disk(folder):
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        return
    if sys.platform == "win32" or os.geteuid() == 0:
        pytest.skip("whoever we are may write anywhere, and not mount")
    folders = [folder, *(each for each in folder.rglob("*") if each.is_dir())]
    for each in folders:
        each.chmod(0o555)
    try:
        yield
    finally:
        for each in folders:
            each.chmod(0o755)


def _mount(folder: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _is_small_disk(folder: Path) -> bool:
    return os.path.ismount(folder)
