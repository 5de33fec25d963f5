"""`python -m tests.upstream`: the local CivitAI and Hugging Face, by hand."""

from __future__ import annotations

from importlib.util import find_spec

from tests import checkout

# Another environment than the checkout's will do if it has what is needed.
if __name__ == "__main__" and not all(map(find_spec, ("aiohttp", "av", "PIL"))):
    checkout.enter("tests.upstream")

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from .server import Upstream
from .site import ORIGINS
from .world import World

_FIRST_PORT = 8290


def main() -> int:
    """Serve until Ctrl-C or SIGTERM. 2: a port is taken."""
    given = _parser().parse_args()
    ports = {
        origin: _port(getattr(given, f"port_{origin}"), given.port, place)
        for place, origin in enumerate(ORIGINS)
    }
    up = Upstream(World(given.seed, given.images), ports)
    up.switches.change({"page_size": given.page_size or None})
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    try:
        with up:
            print("\n".join(_told(up)), flush=True)
            # In pieces: on Windows a wait without end hears no Ctrl-C.
            while not ended.wait(0.5):
                pass
    except KeyboardInterrupt:
        pass
    except OSError as error:
        print(f"A port cannot be had: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=_FIRST_PORT,
        help=f"the first of {len(ORIGINS)} ports in a row (default: {_FIRST_PORT}); 0: free ones",
    )
    for origin in ORIGINS:
        parser.add_argument(f"--port-{origin.replace('_', '-')}", type=int, metavar="PORT")
    parser.add_argument("--seed", type=int, default=1, help="another world")
    parser.add_argument(
        "--images", type=int, default=40, help="pictures of each model that has a gallery"
    )
    parser.add_argument(
        "--page-size", type=int, default=15, help="most items a page; 0: as many as asked for"
    )
    return parser


def _port(own: int | None, first: int, place: int) -> int:
    if own is not None:
        return own
    return first + place if first else 0


def _told(up: Upstream) -> Iterator[str]:
    world = up.world
    for origin in ORIGINS:
        yield f"{origin:<20} {up.site.addresses[origin]}"
    yield ""
    yield (
        f"python3 . serve --civitai {up.civitai} --civitai-images {up.civitai_images} "
        f"--huggingface {up.huggingface}"
    )
    yield f"CIVITAI_API_KEY={world.civitai_key} HF_TOKEN={world.huggingface_token}"
    yield "Faults: POST /__faults__, requests: GET /__requests__, at each of these addresses."
    yield "\nmodels and their versions"
    for model in world.models.values():
        versions = ", ".join(f"{each.id} {each.label}" for each in model.versions)
        yield f"  {up.civitai}/models/{model.id}  {model.kind:<16} {model.label}: {versions}"
    yield f"\nimages ({len(world.images)} in all)"
    for image in world.images.values():
        if image.label:
            yield f"  {up.civitai}/images/{image.id}  {image.label}"
    yield "\nrepositories"
    for repository in world.repositories.values():
        yield f"  {up.huggingface}/{repository.name}  {repository.label}"


if __name__ == "__main__":
    raise SystemExit(main())
