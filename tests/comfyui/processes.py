"""ComfyUI as a process of a test's own: the stand-in, or the real one, over a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests import checkout, frontends

PACK_FOLDER = "ComfyUI-Curator"
START_SECONDS = 180
"""A cold torch on a slow disk takes its time; a process that has ended is noticed at once."""


def data_folder(base: Path) -> Path:
    """Where the pack keeps its own data below ComfyUI's base folder."""
    return base / "user" / "__curator"


@dataclass
class RunningComfyUI:
    """A ComfyUI with the pack: its address, its folders, what it has printed."""

    url: str
    base: Path
    log: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """Everything on its console so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        """One request, without proxies and stored passwords."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, timeout=30, **how)


@contextlib.contextmanager
def stand_in(
    base: Path, page: str, environment: Mapping[str, str] | None = None
) -> Generator[RunningComfyUI]:
    """The stand-in with this version of the page."""
    port = _free_port()
    pack = _link_pack(base)
    command = [
        sys.executable, "-m", "tests.comfyui.host",
        "--base", str(base), "--pack", str(pack), "--page", page, "--port", str(port),
    ]  # fmt: skip
    with _running(command, base, port, environment or {}) as comfyui:
        yield comfyui


@contextlib.contextmanager
def real(
    source: Path, base: Path, page: str, environment: Mapping[str, str] | None = None
) -> Generator[RunningComfyUI]:
    """Real ComfyUI from its checkout `source`, on the CPU, with this version of the page.

    Its Python is `COMFYUI_PYTHON`, else the checkout's own environment, else the one running this.
    """
    port = _free_port()
    _link_pack(base)
    settings = base / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    # Without this the page opens a dialog with templates over everything.
    settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}), encoding="utf-8")
    command = [
        _python_of(source), str(source / "main.py"), "--cpu", "--disable-api-nodes",
        "--listen", "127.0.0.1", "--port", str(port), "--base-directory", str(base),
        "--database-url", "sqlite:///:memory:",
        "--front-end-root", str(frontends.ensure(page)),
    ]  # fmt: skip
    site = Path(__file__).parent / "site"
    with _running(command, base, port, {**(environment or {}), "PYTHONPATH": str(site)}) as comfyui:
        yield comfyui


@contextlib.contextmanager
def _running(
    command: Sequence[str], base: Path, port: int, environment: Mapping[str, str]
) -> Generator[RunningComfyUI]:
    log = base / "console.log"
    with log.open("wb") as console:
        process = subprocess.Popen(
            command,
            cwd=checkout.ROOT,
            env={**os.environ, **environment},
            stdout=console,
            stderr=subprocess.STDOUT,
        )
    comfyui = RunningComfyUI(f"http://127.0.0.1:{port}", base, log, process)
    try:
        _wait_until_it_answers(comfyui)
        yield comfyui
    finally:
        _stop(process)


def _wait_until_it_answers(comfyui: RunningComfyUI) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and comfyui.process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if comfyui.ask("GET", "/system_stats").ok:
                return
        time.sleep(0.1)
    raise RuntimeError(f"ComfyUI did not start:\n{comfyui.said()[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """As a person does it: Ctrl-C."""
    process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _link_pack(base: Path) -> Path:
    link = base / "custom_nodes" / PACK_FOLDER
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(checkout.ROOT, target_is_directory=True)
    return link


def _python_of(source: Path) -> str:
    own = [checkout.python_of(source / name) for name in (".venv", "venv")]
    found = next((str(path) for path in own if path.exists()), sys.executable)
    return os.environ.get("COMFYUI_PYTHON", found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
