"""Which records hold which words, and which records hold all words of a query."""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from operator import itemgetter
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

# The documents with a word, by how many they are: one; some, sorted; a bit for every document.
_Posting: TypeAlias = "int | array[int] | bytearray"
_TO_FLAGS = bytes.maketrans(b"01", b"\0\1")
_TO_DIGITS = bytes.maketrans(b"\0\1", b"01")


def split(text: str) -> list[str]:
    """The words of a text, case and forms of writing levelled; underscores part words."""
    if text.isascii():
        return _ASCII.findall(text.lower())
    return _ANY.findall(unicodedata.normalize("NFKC", text).casefold())


class Words:
    """An index of words. Not thread-safe: the caller holds the lock."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = [reader(field) for field in fields]
        self._postings: dict[str, _Posting] = {}
        self._loaded: dict[str, array[int]] = {}
        self._size = 0
        self._sorted: list[str] = []
        self._unsorted: list[str] = []

    def text(self, record: Record) -> str:
        """What of a record is searched, as one text."""
        return "\n".join([part for field in self._fields for part in _texts(field(record))])

    def load(self, doc_id: int, text: str) -> None:
        """Take up a record of a higher id than those before; `finish` has to follow."""
        loaded = self._loaded
        for word in set(split(text)):
            try:
                loaded[word].append(doc_id)
            except KeyError:
                loaded[word] = array("I", (doc_id,))
        self._size = doc_id + 1

    def finish(self) -> None:
        """Make what was loaded small and ready to be asked."""
        for word, documents in self._loaded.items():
            self._postings[word] = documents[0] if len(documents) == 1 else self._smaller(documents)
        self._sorted = sorted(self._loaded)
        self._loaded = {}

    def change(self, doc_id: int, before: str, after: str) -> None:
        """Take up a record's present text in the place of its former one."""
        old, new = set(split(before)), set(split(after))
        for word in old - new:
            self._remove(word, doc_id)
        for word in new - old:
            self._add(word, doc_id)

    def match(
        self, query: str, size: int, also: Sequence[Iterable[Iterable[int]]] = ()
    ) -> Matches | None:
        """The records that hold all words of the query, the last one as the beginning of a word.

        `size` is beyond every document id; `also` are for each word lists of the documents that
        count as holding it too. None when there is no word in the query.
        """
        *whole, last = split(query) or [""]
        if not last:
            return None
        found = [_number(self._postings.get(word, b"")) for word in whole]
        found.append(self._beginning(last))
        for place, documents in enumerate(also):
            flags = bytearray(size)
            for doc_id in chain.from_iterable(documents):
                flags[doc_id] = 1
            found[place] |= _packed(flags)
        bits = found.pop()
        for each in found:
            bits &= each
        return Matches(bits, size)

    def _beginning(self, prefix: str) -> int:
        """The documents with a word that begins like this, as bits."""
        if len(self._unsorted) > _MERGE:
            self._sorted += self._unsorted
            self._sorted.sort()
            self._unsorted.clear()
        start = bisect_left(self._sorted, prefix)
        found = self._sorted[start : bisect_left(self._sorted, prefix + _LAST, start)]
        found += [word for word in self._unsorted if word.startswith(prefix)]
        few = bytearray(self._size)
        many = 0
        for word in found:
            posting = self._postings[word]
            if isinstance(posting, bytearray):
                many |= int.from_bytes(posting, "little")
            else:
                for doc_id in (posting,) if isinstance(posting, int) else posting:
                    few[doc_id] = 1
        return many | _packed(few)

    def _add(self, word: str, doc_id: int) -> None:
        self._size = max(self._size, doc_id + 1)
        posting = self._postings.get(word)
        if posting is None:
            self._postings[word] = doc_id
            self._unsorted.append(word)
        elif isinstance(posting, bytearray):
            _set_bit(posting, doc_id)
        else:
            documents = array("I", (posting,)) if isinstance(posting, int) else posting
            insort(documents, doc_id)
            self._postings[word] = self._smaller(documents)

    def _remove(self, word: str, doc_id: int) -> None:
        posting = self._postings[word]
        if isinstance(posting, bytearray):
            posting[doc_id >> 3] &= ~(1 << (doc_id & 7))
        elif isinstance(posting, int):
            # The word stays known, as one that nobody has.
            self._postings[word] = array("I")
        else:
            posting.remove(doc_id)

    def _smaller(self, documents: array[int]) -> array[int] | bytearray:
        """The documents as bits, where that takes less room."""
        if len(documents) << 5 < self._size + 2048:
            return documents
        return _bits(documents)


class Matches:
    """A set of records' document ids, as it was at one moment."""

    def __init__(self, bits: int, size: int) -> None:
        self._count = bits.bit_count()
        self.flags = bin(bits)[:1:-1].encode().translate(_TO_FLAGS).ljust(size, b"\0")
        """A byte for every document id up to the highest: 1 for those in the set."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return compress(range(len(self.flags)), self.flags)

    def among(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those entries of an index whose records are in the set."""
        # Without a step of Python: a search for a frequent word walks the whole index.
        return list(compress(entries, map(self.flags.__getitem__, map(itemgetter(2), entries))))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return [text for each in cast("list[Any]", value) for text in _texts(each)]
    return (str(value),) if isinstance(value, int | float) else ()


def _set_bit(bits: bytearray, doc_id: int) -> None:
    at = doc_id >> 3
    if at >= len(bits):
        bits.extend(bytes(at + 1 - len(bits)))
    bits[at] |= 1 << (doc_id & 7)


def _bits(documents: array[int]) -> bytearray:
    bits = bytearray((documents[-1] >> 3) + 1)
    for doc_id in documents:
        bits[doc_id >> 3] |= 1 << (doc_id & 7)
    return bits


def _packed(flags: bytearray) -> int:
    """A byte for every document as a bit for each."""
    return int(flags.translate(_TO_DIGITS)[::-1], 2) if flags else 0


def _number(posting: _Posting | bytes) -> int:
    if isinstance(posting, int):
        return 1 << posting
    if isinstance(posting, array):
        posting = _bits(posting) if posting else b""
    return int.from_bytes(posting, "little")
