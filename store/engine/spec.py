"""What a caller says of a collection, and what it is told back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ..errors import BadInput, CuratorError, StoreClosed

Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Index:
    """Records by the value of `field`, within one value sorted by `order`, then by age.

    A list as value counts as each of its elements. No `field`: one list of the whole collection.
    """

    name: str
    field: str | None
    order: str | None = None


@dataclass(frozen=True)
class CollectionSpec:
    """A collection: the field of its unique string key, its indexes and searched text fields.

    Fields may be dotted paths, except the key. `durable`: a change is on the disk (fsync) before
    it is acknowledged; else it survives the end of the process, not of the machine's power.
    """

    name: str
    key: str
    indexes: tuple[Index, ...] = ()
    words: tuple[str, ...] = ()
    durable: bool = True


class Page(NamedTuple):
    """Some records in order, how many there are in all, and the cursor after the last one."""

    records: list[Record]
    total: int
    next: str | None


@dataclass(frozen=True)
class Recovery:
    """What `open` could not use: `cut` torn last lines and `bad` lines before them of the journal.

    `copy` is the file that keeps their bytes; `edited` says that the snapshot was changed by
    somebody else, its state as it was found then being kept beside it.
    """

    cut: int = 0
    bad: int = 0
    copy: Path | None = None
    edited: bool = False

    @property
    def clean(self) -> bool:
        """Whether everything was as it had been left."""
        return not (self.cut or self.bad or self.edited)


class BadRecord(BadInput, KeyError):
    """A record without its key, with a key that is another's, or of what JSON cannot say."""

    def __str__(self) -> str:
        # KeyError would show the repr.
        return self.text


class BrokenStore(CuratorError):
    """The files of the store cannot be understood; nothing was changed."""

    retry = False


class StoreHeld(StoreClosed):
    """Another process owns the store: its `pid` and `address`, as far as they are known."""

    exit_status = 3

    def __init__(self, pid: int | None, address: str) -> None:
        where = f" at {address}" if address else ""
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"The data is in use by {who}{where}.")
        self.pid = pid
        self.address = address
