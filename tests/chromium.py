"""A Chromium for the browser tests: this machine's own, or one that is fetched for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import checkout

MISSING = (
    "No Chromium, Chrome or Edge was found or could be installed, so the browser tests will fail. "
    "Install one, or name one in the environment variable CURATOR_BROWSER."
)
FLAGS = (
    # Without a sandbox of its own as root; and no talk with its maker's servers.
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
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
    """A browser that is on this machine already, or None."""
    named = os.environ.get("CURATOR_BROWSER")
    if named:
        return Path(named)
    on_path = next(filter(None, map(shutil.which, _NAMES)), None)
    if on_path:
        return Path(on_path)
    return next((path for path in _usual_places() if path.is_file()), None) or _fetched()


def ensure() -> Path | None:
    """`find`; where there is none Debian's package (as root), else Playwright's own download."""
    found = find()
    if found:
        return found
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        checkout.say("Installing Chromium for the browser tests (once) …")
        # Scripts of packages call what lies in the `sbin` folders.
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": path}
        for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            command = ["apt-get", "-qq", *step]
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        found = find()
    if not found:
        checkout.say("Fetching a Chromium for the browser tests (once) …")
        environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(_browsers())}
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, env=environment, capture_output=True)
        found = find()
    return found


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
    places = (
        "chrome-linux*/chrome",
        "chrome-mac*/*.app/Contents/MacOS/*",
        "chrome-win*/chrome.exe",
    )
    found = (path for place in places for path in _browsers().glob(f"chromium-*/{place}"))
    return next(found, None)
