"""Which records hold which words, and which records hold all words of a query."""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, cast

from .cursors import Entry
from .indexes import reader
from .spec import Record

# Letters of scripts that are written without spaces are words of their own.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ASCII = re.compile(r"[a-z0-9]+")
_ANY = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_MERGE = 2000
_LAST = "\U0010ffff"

# Slots of the records with a word, by how many there are: one; some; a bit for every slot.
_Posting: TypeAlias = "int | array[int] | bytearray"


def split(text: str) -> list[str]:
    """The words of a text, case and forms of writing levelled; underscores part words."""
    if text.isascii():
        return _ASCII.findall(text.lower())
    return _ANY.findall(unicodedata.normalize("NFKC", text).casefold())


class Words:
    """An index of words. Not thread-safe: the caller holds the lock.

    A record whose text changes gets a new slot and its old one dies, so postings only grow.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = [reader(field) for field in fields]
        self._postings: dict[str, _Posting] = {}
        self._slots: dict[int, int] = {}
        self._documents = array("q")
        self._alive = bytearray()
        self._sorted: list[str] = []
        self._unsorted: list[str] = []

    def text(self, record: Record) -> str:
        """What of a record is searched, as one text."""
        return "\n".join(part for field in self._fields for part in _texts(field(record)))

    def add(self, doc_id: int, text: str) -> None:
        """Take up a record that is not there."""
        slot = len(self._documents)
        self._documents.append(doc_id)
        self._slots[doc_id] = slot
        if slot >> 3 == len(self._alive):
            self._alive.append(0)
        self._alive[slot >> 3] |= 1 << (slot & 7)
        postings = self._postings
        for word in set(split(text)):
            posting = postings.get(word)
            if posting is None:
                postings[word] = slot
                self._unsorted.append(word)
            elif isinstance(posting, int):
                postings[word] = array("I", (posting, slot))
            elif isinstance(posting, bytearray):
                _set_bit(posting, slot)
            else:
                posting.append(slot)
                # From here on a bit for every slot is smaller.
                if len(posting) << 5 > slot + 2048:
                    postings[word] = _bits(posting)

    def replace(self, doc_id: int, text: str | None) -> None:
        """Take up a record's present text, or forget the record."""
        slot = self._slots.pop(doc_id, None)
        if slot is not None:
            self._alive[slot >> 3] &= ~(1 << (slot & 7))
        if text is not None:
            self.add(doc_id, text)

    @property
    def wasted(self) -> bool:
        """Whether so many slots are dead that building anew pays."""
        return len(self._documents) > 2 * len(self._slots) + 10_000

    def match(self, query: str) -> Matches:
        """The records that hold all words of the query, the last one as the beginning of a word."""
        bits = int.from_bytes(self._alive, "little")
        *whole, last = split(query) or [""]
        for word in whole:
            bits &= _number(self._postings.get(word, b""))
        if last:
            bits &= self._beginning(last)
        return Matches(bits, len(self._alive), self._slots, self._documents)

    def _beginning(self, prefix: str) -> int:
        if self._unsorted and (len(self._unsorted) > _MERGE or not self._sorted):
            self._sorted += self._unsorted
            self._sorted.sort()
            self._unsorted.clear()
        start = bisect_left(self._sorted, prefix)
        end = bisect_left(self._sorted, prefix + _LAST, start)
        found = self._sorted[start:end]
        found += [word for word in self._unsorted if word.startswith(prefix)]
        few = bytearray(len(self._alive))
        many = 0
        for word in found:
            posting = self._postings[word]
            if isinstance(posting, bytearray):
                many |= int.from_bytes(posting, "little")
            else:
                for slot in (posting,) if isinstance(posting, int) else posting:
                    few[slot >> 3] |= 1 << (slot & 7)
        return many | int.from_bytes(few, "little")


class Matches:
    """A set of records' document ids. Good only under the lock it was made under."""

    def __init__(self, bits: int, size: int, slots: dict[int, int], documents: array[int]) -> None:
        self._bits = bits.to_bytes(size, "little")
        self._count = bits.bit_count()
        self._slots = slots
        self._documents = documents

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        for at, byte in enumerate(self._bits):
            if byte:
                for bit in range(8):
                    if byte >> bit & 1:
                        yield self._documents[at * 8 + bit]

    def among(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those entries of an index whose records are in the set."""
        bits, slots = self._bits, self._slots
        # The hot loop of a search for a frequent word.
        return [each for each in entries if bits[(slot := slots[each[2]]) >> 3] >> (slot & 7) & 1]


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return [text for each in cast("list[Any]", value) for text in _texts(each)]
    return (str(value),) if isinstance(value, int | float) else ()


def _set_bit(bits: bytearray, slot: int) -> None:
    at = slot >> 3
    if at >= len(bits):
        bits.extend(bytes(at + 1 - len(bits)))
    bits[at] |= 1 << (slot & 7)


def _bits(slots: array[int]) -> bytearray:
    bits = bytearray((slots[-1] >> 3) + 1)
    for slot in slots:
        bits[slot >> 3] |= 1 << (slot & 7)
    return bits


def _number(posting: _Posting | bytes) -> int:
    if isinstance(posting, int):
        return 1 << posting
    if isinstance(posting, array):
        posting = _bits(posting)
    return int.from_bytes(posting, "little")
