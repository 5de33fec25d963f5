"""The page's modules that need no page, run by Node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import tools

HERE = Path(__file__).parent


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.js")), ids=lambda file: file.stem)
def test_modules_without_a_page(file: Path) -> None:
    ran = subprocess.run([tools.node(), "--test", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
