"""Where a virtual environment gets its pip from, on machines whose Python comes without."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_WHEELS = Path("/usr/share/python-wheels")


def give_pip(python: Path) -> bool:
    """Put pip into the environment of `python`, from the first source that has one."""
    sources = (_present, _ensurepip, _system_pip, _system_wheel, _debian_package)
    return any(source(python) for source in sources)


def _present(python: Path) -> bool:
    return _succeeds([python, "-m", "pip", "--version"])


def _ensurepip(python: Path) -> bool:
    if importlib.util.find_spec("ensurepip") is None:
        return False
    return _succeeds([python, "-m", "ensurepip", "--default-pip"]) and _present(python)


def _system_pip(python: Path) -> bool:
    """`pip --python` came with pip 22.3; an older one fails here and the next source is asked."""
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    return _succeeds([*pip, "install", "--quiet", "pip"]) and _present(python)


def _system_wheel(python: Path, folder: Path = _WHEELS) -> bool:
    """Debian keeps pip as a wheel, which runs as it is and can install itself."""
    for wheel in sorted(folder.glob("pip-*.whl"), reverse=True):
        command = [python, wheel / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
        if _succeeds(command) and _present(python):
            return True
    return False


def _debian_package(python: Path) -> bool:
    """That wheel from its package, unpacked aside: needs no root and changes no system file."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        # apt drops its rights to the user _apt to download.
        work.chmod(0o755)
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        apt = [
            "apt-get", "-qq",
            "-o", f"Dir::State={work / 'state'}",
            "-o", f"Dir::Cache={work / 'cache'}",
            "-o", "Dir::State::status=/var/lib/dpkg/status",
            "-o", "Dir::Etc::sourceparts=/etc/apt/sources.list.d",
        ]  # fmt: skip
        if not _succeeds([*apt, "update"], work):
            return False
        if not _succeeds([*apt, "download", "python3-pip-whl"], work):
            return False
        for package in work.glob("python3-pip-whl_*.deb"):
            if _succeeds(["dpkg-deb", "-x", package, work / "unpacked"]):
                return _system_wheel(python, work / "unpacked" / _WHEELS.relative_to("/"))
    return False


def _succeeds(command: list[str | Path], folder: Path | None = None) -> bool:
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    except OSError:
        return False
    return done.returncode == 0
