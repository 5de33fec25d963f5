"""What becomes of places, as those are told who keep something by them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from .library_shelf import Spot
from .library_walk import Facts

Kind = Literal["new", "hashed", "moved", "changed", "gone", "back"]


class PlaceChange(NamedTuple):
    """What has become of a place; `old_key` is its key before, `old_path` of one that has moved.

    `Places.shown(change.spot)` is the place as it is now, which may be later than the change.
    """

    kind: Kind
    spot: Spot
    old_key: str
    old_path: str


def renamed(changes: Iterable[PlaceChange]) -> Iterator[tuple[str, str]]:
    """The place's id and the hash, of each whose content is known from now on.

    Of what was hashed and has changed again by now the next hash tells.
    """
    for kind, spot, _, _ in changes:
        if kind == "hashed" and (sha256 := spot.sha256):
            yield spot.place_id, sha256


def moved(changes: Iterable[PlaceChange]) -> dict[str, Spot]:
    """The places of files that lie elsewhere now, by the paths that they had before.

    All at once: two may have changed their names with each other.
    """
    found: dict[str, Spot] = {}
    for change in changes:
        if change.kind == "moved":
            found.setdefault(change.old_path, change.spot)
    return found


def left_behind(spots: Iterable[Spot], wanted: Collection[Facts]) -> dict[Facts, Spot]:
    """Places known by one of these facts whose files are not under their names at this moment."""
    return {spot.seen: spot for spot in spots if spot.seen in wanted and not _is_there(spot)}


def _is_there(spot: Spot) -> bool:
    """Whether the file itself has the name, also when that cannot be told."""
    try:
        return Path(spot.path).stat().st_ino == spot.seen.inode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
