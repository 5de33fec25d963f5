"""`python -m comfyui_curator …`, and `python3 . …` in a checkout: Curator without ComfyUI."""

from __future__ import annotations

import sys

if not __package__:
    # Run as a folder: a checkout prepares its own environment, a published pack does not.
    try:
        from tests.checkout import run_program
    except ImportError:
        raise SystemExit("Install the pack (pip install .), then: curator serve") from None
    raise SystemExit(run_program(sys.argv[1:]))

import argparse
import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .routes import commands
from .routes.server import serve
from .store import CuratorError, Options

_EXAMPLE_ROOT = "curator-root"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 2: cannot start like this, 3: another process holds the store."""
    parsed = _parser().parse_args(arguments)
    try:
        options = Options.read(os.environ, vars(parsed))
        root = Path(parsed.root or os.environ.get("CURATOR_ROOT") or _EXAMPLE_ROOT)
        if parsed.command != "serve":
            return commands.run(parsed, root, options)
        return asyncio.run(serve(root, parsed.host, parsed.port, options, demo=parsed.demo))
    except CuratorError as error:
        sys.stderr.write(f"curator: {error.text}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return 130


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


if __name__ == "__main__":
    raise SystemExit(main())
