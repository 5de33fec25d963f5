"""The program's command line."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..store import CuratorError, Options
from . import commands
from .server import serve

_EXAMPLE_ROOT = "curator-root"


def run(arguments: Sequence[str]) -> int:
    """Run one command. 0: done, 2: cannot start like this, 3: another process holds the store."""
    parsed = _parser().parse_args(arguments)
    try:
        options = Options.read(os.environ, vars(parsed))
        root = Path(parsed.root or os.environ.get("CURATOR_ROOT") or _EXAMPLE_ROOT)
        if parsed.command != "serve":
            _hear_as_usual()
            return commands.run(parsed, root, options)
        return asyncio.run(serve(root, parsed.host, parsed.port, options, demo=parsed.demo))
    except CuratorError as error:
        sys.stderr.write(f"curator: {error.text}\n")
        return error.exit_status


def _hear_as_usual() -> None:
    """What works in the store without a server is interrupted by an exception, or killed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="curator", description="Curator without ComfyUI.")
    parser.add_argument("--version", action="version", version=__version__)
    parsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    server = parsers.add_parser("serve", help="serve the page and the API")
    _add_root(server)
    server.add_argument("--host", default="127.0.0.1", help="address to listen on")
    server.add_argument("--port", type=_port, default=8189, help="0 takes a free one")
    server.add_argument("--civitai", metavar="URL", help="CivitAI's base (CURATOR_CIVITAI)")
    server.add_argument(
        "--civitai-images", metavar="URL", help="base of its pictures (CURATOR_CIVITAI_IMAGES)"
    )
    server.add_argument(
        "--huggingface", metavar="URL", help="Hugging Face's base (CURATOR_HUGGINGFACE)"
    )
    server.add_argument(
        "--require-key",
        action="store_true",
        help="ask everyone for the key, this machine too (CURATOR_REQUIRE_KEY)",
    )
    server.add_argument(
        "--allow-host",
        action="append",
        metavar="NAME",
        help="a further name this server answers to; may be repeated (CURATOR_ALLOW_HOST)",
    )
    server.add_argument(
        "--public-url", metavar="URL", help="its address behind a proxy (CURATOR_PUBLIC_URL)"
    )
    server.add_argument(
        "--allow-private",
        action="store_true",
        help="fetch from addresses of the private network too",
    )
    server.add_argument(
        "--demo", action="store_true", help="fill an empty root with drawn pictures and models"
    )
    commands.add_parsers(parsers, _add_root)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        metavar="DIR",
        help=f"everything lies below it (environment: CURATOR_ROOT; default: ./{_EXAMPLE_ROOT})",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
