"""What a gallery run is asked for, and what is kept of it so that a kill does not end it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .engine import CollectionSpec
from .remote.image_lists import ImageQuery

GALLERY_RUNS = CollectionSpec("gallery_runs", key="id", durable=False)
"""By model: the run that goes on; what is in the gallery already is found there."""

_FAILURES = 200
"""Of which the reason is kept."""


@dataclass(frozen=True)
class Wish:
    """What to fetch for a model; `count` community pictures, 0: only those of its versions."""

    count: int = 200
    mode: str = "fixed"
    nsfw: str = "X"
    sort: str = "Newest"
    period: str = "AllTime"
    version_id: int | None = None
    types: tuple[str, ...] = ()
    with_meta: bool = False
    from_platform: bool = False
    is_remix: bool | None = None
    workers: int | None = None
    """Pictures at once; None: as many as the settings allow."""

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Wish:
        """As `asdict` has written it."""
        given = dict(record)
        given["types"] = tuple(record["types"])
        return cls(**given)

    def query(self, model_id: int, version_id: int | None, *, rest: bool = False) -> ImageQuery:
        """The list to ask for; by REST the whole model or one version, by tRPC one version."""
        return ImageQuery(
            model_id,
            version_id,
            rest or self.mode == "rest",
            self.types,
            self.nsfw,
            self.sort,
            self.period,
            self.with_meta,
            self.from_platform,
            self.is_remix,
        )


@dataclass
class Tally:
    """What has come of a run so far."""

    downloaded: int = 0
    skipped: int = 0
    """Were here already, and are only linked."""
    failed: int = 0
    kept: int = 0
    """Of the community's: those that count for what was asked for."""
    untold: int = 0
    """Are here, but how they were made could not be asked."""
    pages: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def seen(self) -> int:
        """Pictures that were dealt with."""
        return self.downloaded + self.skipped + self.failed

    def fail(self, item_id: str, page: str | None, reason: str) -> None:
        """One could not be kept."""
        self.failed += 1
        self._list(item_id, page, reason)

    def leave_untold(self, item_id: str, page: str | None) -> None:
        """One is here, but nothing could be heard of how it was made."""
        self.untold += 1
        reason = "Its metadata could not be asked for. The picture is here; try again later."
        self._list(item_id, page, reason)

    def _list(self, item_id: str, page: str | None, reason: str) -> None:
        if len(self.failures) < _FAILURES:
            self.failures.append({"id": item_id, "page": page, "reason": reason})

    def copy(self) -> Tally:
        """As it is now."""
        return Tally(**asdict(self))


@dataclass
class Reading:
    """How far one list of CivitAI's has been read."""

    version_id: int | None
    """None: the list of the whole model."""
    cursor: Any = None
    is_over: bool = False
    rest: bool = False
    """Whether it is read by REST because tRPC has failed."""


@dataclass
class Progress:
    """Where a run is: what is before it is done with, what is after it is done again."""

    model_id: int
    wish: Wish
    started_at: str
    has_cards: bool = False
    readings: list[Reading] | None = None
    """None until CivitAI has told the model's versions."""
    tally: Tally = field(default_factory=Tally)
    counted: list[str] = field(default_factory=list[str])
    """Ids of the community's pictures that count for what was asked for."""
    unasked: list[int] = field(default_factory=list[int])
    """Numbers of pictures that are here, but how they were made is still to be asked."""

    def as_record(self) -> dict[str, Any]:
        """For the collection."""
        return {"id": str(self.model_id), **asdict(self)}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Progress:
        """As `as_record` has written it."""
        readings = record["readings"]
        return cls(
            record["model_id"],
            Wish.read(record["wish"]),
            record["started_at"],
            record["has_cards"],
            None if readings is None else [Reading(**each) for each in readings],
            Tally(**record["tally"]),
            list(record.get("counted", ())),
            list(record.get("unasked", ())),
        )


def empty_facts() -> dict[str, Any]:
    """The part of G that tells of a run, where none is told of."""
    return {
        "status": "idle",
        "downloaded": 0,
        "skipped": 0,
        "failed": 0,
        "untold": 0,
        "total": None,
        "pages_fetched": 0,
        "counted": 0,
        "failures": [],
    }
