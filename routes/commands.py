"""The program's long jobs from a terminal: in the store itself, or in the process that holds it.

A command is one function that starts a job in a store, and the route by which the holder of the
store is asked to do the same.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..store import CuratorError, Options
from ..store.errors import Misconfigured

if TYPE_CHECKING:
    from ..store.store import Store

_API = "/api/admin"
_SECONDS_BETWEEN_LOOKS = 0.3
_TIMEOUT = 30

Json = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """A job by name. `body` makes of the arguments what `path` is sent and `start` is given."""

    name: str
    help: str
    path: str
    start: Callable[[Store, Json], Json]
    """Begins the work (`store.organising.tasks`) and returns the job as it is shown."""
    arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: None
    body: Callable[[argparse.Namespace], Json] = lambda parsed: {}
    alone: Callable[[Path, argparse.Namespace], Json] | None = None
    """Instead of a job: what is done in the data folder of a store that nobody may have open."""


def _nothing(store: Store, body: Json) -> Json:
    raise Misconfigured("This can only be done while nobody has the store open.")


def _scan_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-hash", action="store_true", help="do not wait for the hashes")


def _scan_body(parsed: argparse.Namespace) -> Json:
    return {"hash": not parsed.no_hash}


def _rebuild_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gallery", action="store_true", required=True, help="the gallery's")
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-pictures", action="store_true", help="only what is written")


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="an export")
    parser.add_argument("--dry-run", action="store_true", help="only say what would come")


def _import_body(parsed: argparse.Namespace) -> Json:
    return {"path": str(Path(parsed.file).absolute()), "dry_run": parsed.dry_run}


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", help="its name, or a file")


def _restore(data: Path, parsed: argparse.Namespace) -> Json:
    from ..store.backups import restore

    named = data / "backups" / Path(parsed.backup).name
    return restore(data, named if named.is_file() else Path(parsed.backup))


COMMANDS = [
    Command(
        "scan",
        "look through the models folders and hash what is new",
        "/library/scan",
        lambda store, body: store.library.start_scan(hashing=body["hash"]),
        _scan_arguments,
        _scan_body,
    ),
    Command(
        "rebuild",
        "make the gallery's index anew from its files and the JSON beside them; stars stay",
        "/gallery/rebuild",
        lambda store, body: store.gallery_upkeep.rebuild(dry_run=body["dry_run"]),
        _rebuild_arguments,
        lambda parsed: {"dry_run": parsed.dry_run},
    ),
    Command(
        "export",
        "write all that is known, without the model files, into one zip (data folder: exports)",
        "/library/export",
        lambda store, body: store.library_exchange.export(pictures=body["pictures"]),
        _export_arguments,
        lambda parsed: {"pictures": not parsed.no_pictures},
    ),
    Command(
        "import",
        "take an export in: matched by hash, fills what is empty, nothing comes twice",
        "/library/import",
        lambda store, body: store.library_exchange.take(body["path"], dry_run=body["dry_run"]),
        _import_arguments,
        _import_body,
    ),
    Command(
        "backup",
        "make and check a backup of the database and the catalogs (data folder: backups)",
        "/library/backups",
        lambda store, body: store.library_exchange.back_up(),
    ),
    Command(
        "restore",
        "put a backup back while nobody has the store open; what was there is kept beside it",
        "",
        _nothing,
        _restore_arguments,
        alone=_restore,
    ),
]


def add_parsers(commands: Any, add_root: Callable[[argparse.ArgumentParser], object]) -> None:
    """A sub-parser for each command."""
    for command in COMMANDS:
        parser = commands.add_parser(command.name, help=command.help)
        add_root(parser)
        parser.add_argument(
            "--server",
            metavar="URL",
            help="ask the Curator that answers there, one inside of ComfyUI too (its key: "
            "CURATOR_KEY)",
        )
        command.arguments(parser)


def run(parsed: argparse.Namespace, root: Path, options: Options) -> int:
    """Run the command to its end: 0, or 1 when its job failed. Raises CuratorError."""
    command = next(each for each in COMMANDS if each.name == parsed.command)
    if command.alone:
        from ..store.host import root_host

        _tell(command.alone(root_host(root).data, parsed))
        return 0
    body = command.body(parsed)
    if parsed.server:
        return _ask(command, body, str(parsed.server), options.key)
    from ..store.engine import StoreHeld
    from ..store.host import root_host
    from ..store.store import Store

    host = root_host(root)
    try:
        store = Store(host, options)
    except StoreHeld as held:
        if not held.address:
            raise
        key = options.key or _key_of(host.data)
        sys.stderr.write(f"Curator runs at {held.address}; it is asked to do it.\n")
        return _ask(command, body, held.address, key)
    with contextlib.closing(store):
        job = command.start(store, body)

        def look() -> Json | None:
            return next((each for each in store.jobs.listed() if each["id"] == job["id"]), None)

        return _follow(job, look, lambda: store.organising.tasks.told(job["id"])["report"])


def _ask(command: Command, body: Json, server: str, key: str) -> int:
    import requests

    base = server.rstrip("/").removesuffix(_API) + _API
    with requests.Session() as session:
        session.trust_env = False
        if key:
            session.headers["X-API-Key"] = key

        def call(method: str, path: str, **how: Any) -> Json:
            try:
                answer = session.request(method, base + path, timeout=_TIMEOUT, **how)
                told = answer.json()
            except (requests.RequestException, ValueError) as error:
                raise Misconfigured(f"No Curator answers at {server}.") from error
            if not answer.ok:
                raise CuratorError(str(told.get("error") or answer.reason))
            return told

        begun = call("POST", command.path, json=body)
        job = begun.get("job", begun)

        def look() -> Json | None:
            jobs: list[Json] = call("GET", "/jobs")["jobs"]
            return next((each for each in jobs if each["id"] == job["id"]), None)

        try:
            return _follow(
                job, look, lambda: call("GET", f"/library/reports/{job['id']}")["report"]
            )
        except KeyboardInterrupt:
            with contextlib.suppress(CuratorError):
                call("POST", f"/jobs/{job['id']}/cancel", json={})
            raise


def _follow(job: Json, look: Callable[[], Json | None], report: Callable[[], Json]) -> int:
    """Tell how far the job is until it is over, then what has come of it."""
    progress = _Progress()
    shown: Json | None = job
    while shown and shown["state"] in ("queued", "running", "paused"):
        progress.tell(shown)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        shown = look()
    progress.end()
    if shown is None:
        raise CuratorError("The job is not known any more.")
    if shown["state"] != "done":
        sys.stderr.write(f"curator: {shown['error'] or shown['state']}\n")
        return 1
    _tell(report())
    return 0


def _tell(report: Mapping[str, Any]) -> None:
    """What came of it, a line a fact; counts of one thing stand in one line."""
    for name, value in report.items():
        if isinstance(value, dict):
            counts = cast("dict[str, Any]", value).items()
            value = ", ".join(f"{count} {what}" for what, count in counts if count)
        if isinstance(value, str | int | float) and value != "":
            sys.stdout.write(f"{name}: {value}\n")


class _Progress:
    """One line that is written over where there is a terminal; nothing where there is none."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._width = 0

    def tell(self, job: Mapping[str, Any]) -> None:
        if not self._is_shown:
            return
        text = f"{job['title'] or job['kind']}: {job['done']}"
        if job["total"]:
            text += f" of {job['total']}"
        text += f" {job['unit']}"
        if job["eta_s"]:
            text += f", {job['eta_s']} s left"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def end(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")


def _key_of(data: Path) -> str:
    """The key of the store's own door; empty when it cannot be read."""
    try:
        return (data / "access-key").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return os.environ.get("CURATOR_KEY", "")
