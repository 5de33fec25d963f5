"""A `.venv` in the checkout, from nothing but Python: what the README's two commands need.

Runs before anything is installed, so it uses the standard library alone. Which packages there are
and where they come from is pip's business: its own configuration counts, no address stands here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NoReturn

from . import pip_sources

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 10)
GROUPS = {
    "run": ROOT / "requirements.txt",
    "test": ROOT / "tests" / "requirements.txt",
    "dev": ROOT / "tests" / "requirements-dev.txt",
}


def run_program(arguments: Sequence[str]) -> int:
    """`python3 . …`: the pack's own command line, in the prepared environment."""
    python = ensure(("run",))
    if hasattr(signal, "pthread_sigmask"):
        # The program takes them up as soon as it can end without a traceback.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    return replace_process([str(python), str(ROOT / "tests" / "launcher.py"), *arguments])


def run_module(module: str, arguments: Sequence[str], groups: Sequence[str] = ("test",)) -> int:
    """`python -m module …` from the checkout's root, in the prepared environment."""
    python = ensure(groups)
    os.chdir(ROOT)
    return replace_process([str(python), "-m", module, *arguments])


def enter(module: str, groups: Sequence[str] = ("test",)) -> None:
    """For the top of a `tests.…` command: go on in the prepared environment unless this is it."""
    if Path(sys.prefix).resolve() != environment().resolve():
        raise SystemExit(run_module(module, sys.argv[1:], groups))


def environment() -> Path:
    """`.venv`, or `.venv-3.13` when `.venv` is already there for another Python than this one."""
    usual, own = ROOT / ".venv", f"{sys.version_info[0]}.{sys.version_info[1]}"
    if Path(sys.prefix).resolve().parent == ROOT:
        return Path(sys.prefix)
    return usual if _version_of(usual) in (None, own) else ROOT / f".venv-{own}"


def ensure(groups: Sequence[str]) -> Path:
    """The python of the environment, with these groups of requirements (and `run`) installed.

    Exits with one line when this machine cannot do that. Any number of processes may ask at once.
    """
    if sys.version_info < OLDEST:
        give_up(f"Curator needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version}.")
    folder = environment()
    wanted = {name: _digest(GROUPS[name]) for name in ("run", *groups)}
    if _has(folder, wanted):
        return python_of(folder)
    with _alone(ROOT / ".venv.lock"):
        if not _has(folder, wanted):
            _prepare(folder, wanted)
    return python_of(folder)


def python_of(folder: Path) -> Path:
    """Where a virtual environment has its interpreter."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def replace_process(command: Sequence[str]) -> int:
    """Become this command where the system can, so that signals reach it; else wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], list(command))
    with subprocess.Popen(command) as child:
        while True:
            # The console sends Ctrl-C to the child too: it decides how to end, we wait for it.
            with contextlib.suppress(KeyboardInterrupt):
                return child.wait()


def say(text: str) -> None:
    """Tell a person what takes so long; stdout belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def give_up(why: str) -> NoReturn:
    """End with this line and status 2."""
    say(why)
    raise SystemExit(2)


def pip_install(python: Path, arguments: Sequence[str]) -> None:
    """`pip install …` with this machine's configuration. Exits with pip's own words on failure."""
    # These would send packages elsewhere than into the environment.
    elsewhere = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONHOME", "PYTHONPATH"}
    settings = {name: value for name, value in os.environ.items() if name not in elsewhere}
    command = [
        str(python), "-m", "pip", "install", "-qq", "--prefer-binary",
        "--disable-pip-version-check", "--no-input", "--no-warn-script-location", *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, env=settings, stdout=sys.stderr)
    if done.returncode:
        give_up("pip could not install what is needed; what it says stands above.")


def _prepare(folder: Path, wanted: dict[str, str]) -> None:
    started = time.monotonic()
    say(f"Preparing {folder} (once; a minute or so) …")
    unfinished = folder / "curator.unfinished"
    if unfinished.exists() or not _works(python_of(folder)):
        _remove(folder)
    groups = {name: _digest(GROUPS[name]) for name in {**_noted(folder), **wanted}}
    folder.mkdir(exist_ok=True)
    # While this file is there nothing in the folder counts: pip may have been cut off anywhere.
    unfinished.touch()
    if not python_of(folder).exists():
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
        if subprocess.run(command, stdout=sys.stderr).returncode:
            give_up("This Python cannot make a virtual environment; what it says stands above.")
    python = python_of(folder)
    if not pip_sources.give_pip(python):
        give_up(
            "This Python has neither ensurepip nor pip, and none could be fetched. Install pip "
            "(Debian, Ubuntu: apt install python3-venv), then start this again."
        )
    pip_install(python, [part for name in groups for part in ("-r", str(GROUPS[name]))])
    (folder / "curator.json").write_text(json.dumps(groups), encoding="utf-8")
    unfinished.unlink()
    say(f"Prepared in {time.monotonic() - started:.0f} s.")


def _has(folder: Path, wanted: dict[str, str]) -> bool:
    if (folder / "curator.unfinished").exists() or not python_of(folder).exists():
        return False
    return wanted.items() <= _noted(folder).items()


def _noted(folder: Path) -> dict[str, str]:
    """Group → digest of the requirements that were installed for it."""
    try:
        noted = json.loads((folder / "curator.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: digest for name, digest in noted.items() if name in GROUPS}


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _version_of(folder: Path) -> str | None:
    """The Python (`3.12`) a virtual environment was made for; None when it is none."""
    try:
        lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() in ("version", "version_info"):
            return ".".join(value.strip().split(".")[:2])
    return None


def _works(python: Path) -> bool:
    """Whether this interpreter starts; not so in an environment whose making was cut off."""
    try:
        return subprocess.run([python, "-c", "import json"], capture_output=True).returncode == 0
    except OSError:
        return False


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        give_up(f"{folder} is broken and cannot be removed ({error}); remove it by hand.")


@contextlib.contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Only one process at a time is in here; the lock of one that died is free."""
    with lock.open("a+b") as file:
        if os.name == "nt":
            import msvcrt

            while True:
                file.seek(0)
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:
                    # LK_LOCK gives up after ten seconds; making an environment takes longer.
                    continue
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            # Freed when the file is closed, and by the system when the process dies.
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
