"""What can go wrong, as facts, each with its HTTP status as plain data; routes speak HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class CuratorError(Exception):
    """A fact to tell the caller: `text`, the `field` to blame, seconds until a retry helps."""

    status: ClassVar[int] = 500
    retry: ClassVar[bool] = True
    """Whether the same request may go better later."""
    exit_status: ClassVar[int] = 2
    """Of the program, when this ends it."""

    def __init__(
        self,
        text: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.field = field
        self.retry_after = retry_after
        self.facts: Mapping[str, Any] = facts or {}


class BadInput(CuratorError):
    """The request cannot be understood; `field` names the input."""

    status = 400


class NotLetIn(CuratorError):
    """The door asks for a key, or the one shown is wrong."""

    status = 401


class Foreign(CuratorError):
    """Refused by the door for where it comes from; never used for anything else."""

    status = 403


class NotFound(CuratorError):
    """Nothing has this name or id here."""

    status = 404


class Conflict(CuratorError):
    """The request is fine but the present state is against it."""

    status = 409
    retry = False


class ChangedMeanwhile(CuratorError):
    """Another was faster: the caller's `If-Match` is of an older state."""

    status = 412


class TooLarge(CuratorError):
    """More bytes or pixels than are taken here."""

    status = 413


class WrongType(CuratorError):
    """A content type or a kind of file that is not taken here."""

    status = 415


class Impossible(CuratorError):
    """Well-formed, and cannot be done."""

    status = 422


class Unwritable(Impossible):
    """The system lets nobody write there: a read-only disk, a folder of somebody else's."""


class TooMany(CuratorError):
    """This caller asks too often."""

    status = 429


class UpstreamFailed(CuratorError):
    """CivitAI, Hugging Face or a CDN failed or answered something else than it should."""

    status = 502


class UpstreamUnfit(UpstreamFailed):
    """Upstream gave what is not taken, and asked again it would do the same."""


class UpstreamBusy(CuratorError):
    """Upstream asks to come back after `retry_after` seconds."""

    status = 503


class StoreClosed(CuratorError):
    """The store is not open in this process: still opening, closing, or held by another one."""

    status = 503


class DiskFull(CuratorError):
    """There is no room; nothing was changed."""

    status = 507
    retry = False


class GalleryFull(DiskFull):
    """The gallery has the size that a person has set as its limit."""


class Misconfigured(CuratorError):
    """The program cannot start like this: a root, a settings file or a flag is wrong."""

    status = 503
