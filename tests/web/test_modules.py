"""The page's modules that need no page, run by Node where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
HERE = Path(__file__).parent


def _version() -> tuple[int, ...]:
    if NODE is None:
        return ()
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split(".") if part.isdigit())


@pytest.mark.skipif(_version() < (20, 19), reason="needs Node 20.19 or newer")
@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.js")), ids=lambda file: file.stem)
def test_modules_without_a_page(file: Path) -> None:
    assert NODE is not None
    ran = subprocess.run([NODE, "--test", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
