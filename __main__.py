"""`python -m comfyui_curator …`, and `python3 . …` in a checkout: Curator without ComfyUI."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

_ENDS = (signal.SIGINT, signal.SIGTERM)
# A server that is asked to end has ended well; of a command something is left undone.
_STATUS = 0 if "serve" in sys.argv[1:2] else 130

if not __package__:
    # Run as a folder: a checkout prepares its own environment, a published pack does not.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        try:
            from tests.checkout import run_program
        except ImportError:
            raise SystemExit("Install the pack (pip install .), then: curator serve") from None
        raise SystemExit(run_program(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(_STATUS) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 2: cannot start like this, 3: another process holds the store."""
    _end_at_once()
    from .routes import program  # a second of imports

    try:
        return program.run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return 130


def _end_at_once() -> None:
    """While nothing is open yet, a signal ends the process without a word."""

    def end(number: int, frame: object) -> None:
        os._exit(_STATUS)

    for each in _ENDS:
        signal.signal(each, end)
    if hasattr(signal, "pthread_sigmask"):
        # Held back since the environment's python was put in our place.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)


if __name__ == "__main__":
    raise SystemExit(main())
