"""Where a virtual environment gets its pip from, on machines whose Python comes without."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

from . import debian
from .debian import succeeds

_WHEELS = Path("/usr/share/python-wheels")


def give_pip(python: Path) -> bool:
    """Put pip into the environment of `python`, from the first source that has one."""
    sources = (_present, _ensurepip, _system_pip, _system_wheel, _debian_package)
    return any(source(python) for source in sources)


def _present(python: Path) -> bool:
    return succeeds([python, "-m", "pip", "--version"])


def _ensurepip(python: Path) -> bool:
    if importlib.util.find_spec("ensurepip") is None:
        return False
    return succeeds([python, "-m", "ensurepip", "--default-pip"]) and _present(python)


def _system_pip(python: Path) -> bool:
    """`pip --python` came with pip 22.3; an older one fails here and the next source is asked."""
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    return succeeds([*pip, "install", "--quiet", "pip"]) and _present(python)


def _system_wheel(python: Path, folder: Path = _WHEELS) -> bool:
    """Debian keeps pip as a wheel, which runs as it is and can install itself."""
    for wheel in sorted(folder.glob("pip-*.whl"), reverse=True):
        command = [python, wheel / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
        if succeeds(command) and _present(python):
            return True
    return False


def _debian_package(python: Path) -> bool:
    """That wheel from its package."""
    with tempfile.TemporaryDirectory() as name:
        unpacked = Path(name, "unpacked")
        if not debian.unpack(["python3-pip-whl"], unpacked):
            return False
        return _system_wheel(python, unpacked / _WHEELS.relative_to("/"))
