"""Packages of Debian unpacked aside: no root needed, nothing on the system changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path


def unpack(packages: Sequence[str], target: Path) -> bool:
    """Download these packages (and no others that they need) and unpack them into `target`.

    False where this is no Debian, or its servers cannot be asked. `target` then is not there.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        # Run by root, apt gives up its rights to download.
        work.chmod(0o755)
        for folder in ("state/lists/partial", "cache/archives/partial", "unpacked"):
            (work / folder).mkdir(parents=True)
        apt = [
            "apt-get", "-qq",
            "-o", f"Dir::State={work / 'state'}",
            "-o", f"Dir::Cache={work / 'cache'}",
            "-o", "Dir::State::status=/var/lib/dpkg/status",
        ]  # fmt: skip
        if not succeeds([*apt, "update"]) or not succeeds([*apt, "download", *packages], work):
            return False
        for package in work.glob("*.deb"):
            if not succeeds(["dpkg-deb", "-x", package, work / "unpacked"]):
                return False
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(work / "unpacked", target, symlinks=True, dirs_exist_ok=True)
    return True


def use(target: Path) -> None:
    """Let this process' children find the programs and libraries unpacked there, after others."""
    programs = [target / "usr/sbin", target / "usr/bin"]
    libraries = [*target.glob("usr/lib/*-linux-gnu*"), *target.glob("lib/*-linux-gnu*")]
    for variable, folders in (("PATH", programs), ("LD_LIBRARY_PATH", libraries)):
        found = [os.environ.get(variable, ""), *(str(path) for path in folders if path.is_dir())]
        if len(found) > 1:
            os.environ[variable] = os.pathsep.join(filter(None, found))


def succeeds(command: Sequence[str | Path], folder: Path | None = None) -> bool:
    """Whether the command can be run and ends with 0."""
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0
