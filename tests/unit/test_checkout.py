"""What makes `.venv` in a checkout, run as a first start runs it: by a Python without packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import checkout

# Of an environment's python, the one it was made from: it has none of our packages.
PYTHON = getattr(sys, "_base_executable", sys.executable)
ENSURE = "from tests.checkout import ensure; print(ensure(()))"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout that needs no packages, and a `.venv` in it whose making was cut off."""
    tests = tmp_path / "tests"
    tests.mkdir()
    for name in ("__init__.py", "checkout.py", "debian.py", "pip_sources.py"):
        shutil.copy(checkout.ROOT / "tests" / name, tests / name)
    (tmp_path / "requirements.txt").write_text("# nothing\n", encoding="utf-8")
    environment = tmp_path / ".venv"
    environment.mkdir()
    (environment / "curator.unfinished").touch()
    (environment / "half").touch()
    return tmp_path


def start(clone: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([PYTHON, "-c", ENSURE], cwd=clone, stdout=pipe, stderr=pipe, text=True)


def test_two_first_starts_at_once_make_one_environment_and_the_next_finds_it(clone: Path) -> None:
    first, second = start(clone), start(clone)
    (path, said), (other, said_too) = first.communicate(), second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), said + said_too
    assert path == other
    assert f"{said}{said_too}".count("Preparing") == 1
    assert not (clone / ".venv" / "half").exists(), "what was half made is made anew"
    python = path.strip()
    assert subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0

    third = start(clone)
    assert third.communicate() == (path, "")

    (clone / ".venv" / "whole").touch()
    (clone / "requirements.txt").write_text("# nothing, said in other words\n", encoding="utf-8")
    fourth = start(clone)
    assert "Preparing" in fourth.communicate()[1]
    assert fourth.returncode == 0
    assert (clone / ".venv" / "whole").exists(), "new requirements go into what is there"


def test_an_environment_of_another_python_is_left_alone(clone: Path) -> None:
    (clone / ".venv" / "pyvenv.cfg").write_text("version = 3.4.10\n", encoding="utf-8")
    told = "from tests.checkout import environment; print(environment().name)"
    ran = subprocess.run([PYTHON, "-c", told], cwd=clone, capture_output=True, text=True)
    assert ran.stdout.strip() == f".venv-{sys.version_info[0]}.{sys.version_info[1]}"
