"""Pages of the gallery's lists as JSON; what was asked and has not changed since is at hand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .engine import Collection
from .engine.records import decode, encode
from .gallery_lists import Wanted, all_pictures, gallery_page
from .gallery_names import ModelNames

_KEPT = 16
_LARGEST_KEPT = 512 << 10


class Asked(NamedTuple):
    """A page: of a model, or of all pictures (None)."""

    model_id: int | None
    wanted: Wanted
    limit: int
    before: str | None


def joined(page: bytes, rest: Mapping[str, Any]) -> bytes:
    """A page's JSON with more at its end, whose names it does not have yet."""
    return page[:-1] + b"," + encode(rest).lstrip()[1:]


class Pages:
    """Thread-safe; a page that is kept goes with the next change of any picture or name."""

    def __init__(self, records: Collection, names: ModelNames) -> None:
        self._records = records
        self._names = names
        self._lock = threading.Lock()
        self._kept: OrderedDict[Asked, tuple[object, bytes]] = OrderedDict()

    def known(self, asked: Asked) -> bytes | None:
        """The page's JSON, if it takes no work."""
        with self._lock:
            stamp, raw = self._kept.get(asked, (None, b""))
            if stamp != self._stamp():
                return None
            self._kept.move_to_end(asked)
            return raw

    def json(self, asked: Asked) -> bytes:
        """The page's JSON object. Raises BadInput for a cursor that is none."""
        return self.known(asked) or self._found(asked)[1]

    def found(self, asked: Asked) -> dict[str, Any]:
        """The same as the caller's own dictionary."""
        raw = self.known(asked)
        return self._found(asked)[0] if raw is None else decode(raw)

    def _stamp(self) -> object:
        return self._records.stamp, self._names.stamp

    def _found(self, asked: Asked) -> tuple[dict[str, Any], bytes]:
        # Read first: what changes while the page is put together makes it old at once.
        stamp = self._stamp()
        model_id, wanted, limit, before = asked
        wanted = replace(wanted, named=self._names.having(wanted.q))
        if model_id is None:
            page = all_pictures(self._records, wanted, limit, before)
        else:
            page = gallery_page(self._records, model_id, wanted, limit, before)
        raw = encode(page)
        if len(raw) <= _LARGEST_KEPT:
            with self._lock:
                self._kept[asked] = (stamp, raw)
                self._kept.move_to_end(asked)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return page, raw
