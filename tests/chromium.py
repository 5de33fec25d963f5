"""A Chromium for the browser tests: this machine's own, or one that is fetched for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import checkout, debian

MISSING = (
    "No Chromium, Chrome or Edge was found or could be installed, so the browser tests will fail. "
    "Install one, or name one in the environment variable CURATOR_BROWSER."
)
FLAGS = (
    # Without a sandbox of its own as root; and no talk with its maker's servers.
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# A whole browser draws its own windows too, unseen: it takes half as long again.
_SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
_NAMES = (
    *_SHELLS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge", "msedge",
)  # fmt: skip
_MAC = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_WINDOWS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
)


def find() -> Path | None:
    """A browser that is on this machine already, or None; one without windows where there is one.

    It can do all that a page can, but show itself or take extensions.
    """
    named = os.environ.get("CURATOR_BROWSER")
    if named:
        return Path(named)
    shell = _on_path(_SHELLS) or _unpacked() or _fetched()
    return shell or _on_path(_NAMES) or next(filter(Path.is_file, _usual_places()), None)


def ensure() -> Path | None:
    """`find`; where there is none Debian's package (as root), else Playwright's own download."""
    found = find()
    if found and found == _on_path(("chromium",)):
        _unpack()
    elif not found and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        checkout.say("Installing Chromium for the browser tests (once) …")
        # Scripts of packages call what lies in the `sbin` folders.
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": path}
        install = ["install", "-y", "--no-install-recommends"]
        for step in (["update"], [*install, _SHELLS[0]], [*install, "chromium"]):
            if not find():
                command = ["apt-get", "-qq", *step]
                subprocess.run(
                    command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
    if not find():
        checkout.say("Fetching a Chromium for the browser tests (once) …")
        environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(_browsers())}
        command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
        subprocess.run(command, env=environment, capture_output=True)
    return find()


def _on_path(names: tuple[str, ...]) -> Path | None:
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def _unpack() -> None:
    """Debian's headless shell, beside its whole browser, which has brought all that both need.

    An empty folder says that this has been tried in vain.
    """
    folder = _browsers() / "debian"
    if folder.exists() or not shutil.which("apt-get"):
        return
    checkout.say("Fetching a Chromium without windows for the browser tests (once) …")
    packages = (_SHELLS[0], "chromium-common")
    shell = _unpacked() if debian.unpack(packages, folder) else None
    if not shell or not debian.succeeds([shell, "--version"]):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def _unpacked() -> Path | None:
    # Not the script of this name beside the other programs: it starts the installed one.
    shell = _browsers() / "debian" / "usr" / "lib" / "chromium" / _SHELLS[0]
    return shell if shell.is_file() else None


def _usual_places() -> list[Path]:
    if sys.platform == "darwin":
        roots = (Path("/Applications"), Path.home() / "Applications")
        return [root / name for root in roots for name in _MAC]
    if sys.platform == "win32":
        variables = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        roots = tuple(Path(os.environ[name]) for name in variables if name in os.environ)
        return [root / name for root in roots for name in _WINDOWS]
    return []


def _browsers() -> Path:
    return checkout.environment() / "browsers"


def _fetched() -> Path | None:
    """Playwright's download; its program had another name, and others elsewhere."""
    names = ("chrome-headless-shell", "headless_shell")
    places = [f"chromium_headless_shell-*/*/{name}{end}" for name in names for end in ("", ".exe")]
    places += ["chromium-*/chrome-linux*/chrome", "chromium-*/chrome-win*/chrome.exe"]
    places += ["chromium-*/chrome-mac*/*.app/Contents/MacOS/*"]
    found = (path for place in places for path in _browsers().glob(place))
    return next(found, None)
