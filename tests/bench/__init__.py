"""Figures, measured against a peer in the same run: `python -m tests.bench NAME…`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One figure: ours beside the peer's (or, without a peer, beside the limit itself)."""

    what: str
    ours: float
    peer: float | None
    peer_name: str
    ratio: float | None
    bar: str
    holds: bool

    def print(self) -> None:
        """Print the row as one JSON object on one line."""
        print(json.dumps(asdict(self)), flush=True)


def against(what: str, ours: float, peer: float, peer_name: str, bar: float) -> Row:
    """A figure that may be at most `bar` times the peer's."""
    ratio = ours / peer
    return Row(
        what, _short(ours), _short(peer), peer_name, _short(ratio), f"≤ {bar} ×", ratio <= bar
    )


def below(what: str, ours: float, limit: float, unit: str) -> Row:
    """A figure that may be at most `limit`."""
    return Row(
        f"{what} [{unit}]", _short(ours), None, "limit", None, f"≤ {limit} {unit}", ours <= limit
    )


def _short(value: float) -> float:
    return float(f"{value:.3g}")
