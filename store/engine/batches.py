"""Records on their way from the disk into a table: some hundred at a time, fields as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from .spec import Record

Columns: TypeAlias = Mapping[str, list[Any]]


class Bytes(Protocol):
    """Bytes or a mapped file."""

    def __getitem__(self, part: slice, /) -> bytes:
        """A copy of a part."""
        ...


class Batch(NamedTuple):
    """Some records of one table by document id; `columns` where they are known beforehand."""

    ids: Sequence[int]
    raws: Sequence[bytes]
    columns: Columns | None = None


def columns_of(records: Iterable[Record], fields: Iterable[str]) -> Columns:
    """These fields of the records, None where one is absent."""
    several = list(records)
    return {field: [record.get(field) for record in several] for field in fields}
