"""`python -m tests.upstream`, as a person starts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[3]


def test_it_prints_where_it_is_and_how_to_start_the_program() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.upstream", "--port", "0", "--images", "2"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as started:
        assert started.stdout is not None
        lines: list[str] = []
        try:
            for line in started.stdout:
                lines.append(line)
                if "mossgarden/long" in line:
                    break
        finally:
            text = "".join(lines)
            found = re.search(
                r"python3 \. serve --civitai (\S+) --civitai-images (\S+) --huggingface (\S+)", text
            )
            if found:
                with requests.Session() as session:
                    session.trust_env = False
                    asked = [session.get(f"{found[1]}/api/v1/models?limit=1", timeout=10)]
                    asked.append(session.get(f"{found[3]}/api/models/mossgarden/long", timeout=10))
                    assert [each.status_code for each in asked] == [200, 200]
            started.terminate()
            started.communicate(timeout=10)
    assert found, text
    assert started.returncode == 0 or sys.platform == "win32"
    assert "comfyui_png" in text
