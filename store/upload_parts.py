"""The parts of one upload: written to their place in one sparse file, whoever sends them when."""

from __future__ import annotations

import contextlib
import filecmp
import threading
from collections.abc import Callable
from pathlib import Path

from .errors import Conflict, NotFound
from .files import disk_error
from .upload_asked import utc
from .upload_places import Plan
from .upload_records import Json
from .upload_writing import PartWriter, too_much


def no_parts(upload_id: str, size: int, count: int) -> Json:
    """The record of an upload of which nothing has come."""
    stride = Plan.of(size, count).stride
    return {"id": upload_id, "stride": stride, "placed": "0", "aside": {}, "updated_at": ""}


class Parts:
    """What has come of one upload. A part counts when its bytes and its record are on the disk.

    A part that is there is never written over: what is sent again lies aside until it is whole,
    and then takes its place, so that neither an interruption nor ten senders tear it.
    """

    def __init__(
        self, path: Path, record: Json, save: Callable[[Json], None], *, size: int, count: int
    ) -> None:
        """`record` as it was saved last, `path` the sparse file."""
        self.id: str = record["id"]
        self.path = path
        self.size = size
        self.count = count
        self.lock = threading.RLock()
        self.plan = Plan(size, count, record["stride"])
        self.closed = False
        self.torn = 0
        """Grows when bytes that may have been hashed already count no more."""
        self._save = save
        self._placed = int(record["placed"], 16)
        self._aside: dict[int, tuple[int, str]] = {
            int(number): (size, name) for number, (size, name) in record["aside"].items()
        }
        self._writers: list[PartWriter] = []
        self._there = sum(self.there().values())
        if record.get("joined") and self.joined.exists():
            self.joined.replace(path)

    @property
    def joined(self) -> Path:
        """Where the file is put together when its parts have other sizes than planned."""
        return self.path.with_name(f"{self.path.name}.joined")

    @property
    def is_untouched(self) -> bool:
        """Whether nothing has come, and nothing is about to."""
        return not (self._there or self._writers or self._placed or self._aside)

    def begin(self, number: int, length: int | None) -> PartWriter:
        """A writer of one part; `length` is None when the sender does not tell it.

        Raises NotFound, TooLarge, Conflict when no parts are taken any more, DiskFull.
        """
        with self.lock:
            self._check_open()
            if not 1 <= number <= self.count:
                raise NotFound(f"There is no part {number}; this upload has 1 to {self.count}.")
            room = self.size - self._there + self._length_of(number)
            if length is not None and length > room:
                raise too_much(self.size)
            if length is not None and not self._placed and not self._writers:
                self.plan = self.plan.fitting(number, length)
            in_place = (
                length == self.plan.length(number)
                and not self.has_placed(number)
                and not any(each.in_place and each.number == number for each in self._writers)
            )
            writer = PartWriter(self, number, length, room, in_place=in_place)
            self._writers.append(writer)
            return writer

    def has_placed(self, number: int) -> bool:
        """Whether the part lies in its place."""
        return bool(self._placed >> number & 1)

    def received(self) -> int:
        """Bytes that have come, those of parts under way included."""
        with self.lock:
            return min(self.size, self._there + sum(each.written for each in self._writers))

    def there(self) -> dict[int, int]:
        """The parts that are there, and their lengths."""
        with self.lock:
            states = ((n, self._state_of(n)) for n in range(1, self.count + 1))
            return {n: self._length_of(n) for n, state in states if state != "missing"}

    def missing(self) -> list[int]:
        """The parts that are not there; none when the others are the whole file."""
        if self._there == self.size:
            return []
        lengths = self.there()
        return [number for number in range(1, self.count + 1) if number not in lengths]

    def aside(self) -> dict[int, tuple[int, Path]]:
        """Parts that lie in files of their own: lengths and paths."""
        with self.lock:
            return {
                number: (size, self.path.with_name(name))
                for number, (size, name) in self._aside.items()
            }

    def prefix(self) -> int:
        """So many bytes from the beginning on lie in their place."""
        with self.lock:
            first_gap = (~self._placed >> 1) & -(~self._placed >> 1)
            return self.plan.start(min(first_gap.bit_length(), self.count + 1))

    def close(self) -> None:
        """Take nothing more; who still writes is told so, and no byte of theirs comes any more."""
        with self.lock:
            self.closed = True
            writers = list(self._writers)
        for writer in writers:
            writer.stop()

    def settle_in_place(self, number: int) -> None:
        """A part that lay aside has been copied to its place, and is on the disk there."""
        with self.lock:
            _, name = self._aside[number]
            self._change(placed=self._placed | 1 << number, without=number)
        self.path.with_name(name).unlink(missing_ok=True)

    def clear_leftovers(self) -> None:
        """Remove what senders of an earlier run have left, who never came to an end."""
        with self.lock, contextlib.suppress(OSError):
            known = {name for _, name in self._aside.values()}
            known |= {writer.path.name for writer in self._writers}
            for path in self.path.parent.glob(f"{self.path.name}.*"):
                if path.name not in known:
                    path.unlink(missing_ok=True)

    def take_joined(self) -> None:
        """What was put together is the file from now on. Raises DiskFull, CuratorError."""
        with self.lock:
            old = self.aside()
            placed = (1 << self.count + 1) - 2
            state = {**self._told(placed, {}), "joined": True}
            # Said before it is done: after a kill in between the next start does it.
            self._save(state)
            try:
                self.joined.replace(self.path)
            except OSError as error:
                raise disk_error(error, "The uploaded file") from error
            self._placed, self._aside, self._there = placed, {}, self.size
        for _, path in old.values():
            path.unlink(missing_ok=True)

    def count_in(self, writer: PartWriter) -> None:
        """The writer's bytes are on the disk: from now on they are this part.

        Raises Conflict when no parts are taken any more, DiskFull.
        """
        while True:
            with self.lock:
                self._check_open()
                before = self._state_of(writer.number)
                if before == "missing" or writer.in_place:
                    self._enter(writer)
                    return
            # Sent again is what was sent before, nearly always: then nothing has to change.
            same = self._is_same(writer, before)
            with self.lock:
                self._check_open()
                if self._state_of(writer.number) != before:
                    continue
                if not same:
                    self._enter(writer)
                return

    def forget(self, writer: PartWriter) -> None:
        """It writes no more."""
        with self.lock, contextlib.suppress(ValueError):
            self._writers.remove(writer)

    def _enter(self, writer: PartWriter) -> None:
        number, old = writer.number, self._aside.get(writer.number)
        if writer.in_place:
            self._change(placed=self._placed | 1 << number, without=number)
        else:
            told = (writer.written, writer.path.name)
            self._change(placed=self._placed & ~(1 << number), without=number, entry=told)
        writer.counts = True
        if old:
            self.path.with_name(old[1]).unlink(missing_ok=True)

    def _change(self, *, placed: int, without: int, entry: tuple[int, str] | None = None) -> None:
        aside = {number: told for number, told in self._aside.items() if number != without}
        if entry:
            aside[without] = entry
        self._save(self._told(placed, aside))
        before = self._length_of(without)
        self.torn += bool(self._placed & ~placed)
        self._placed, self._aside = placed, aside
        self._there += self._length_of(without) - before

    def _told(self, placed: int, aside: dict[int, tuple[int, str]]) -> Json:
        return {
            "id": self.id,
            "stride": self.plan.stride,
            "placed": f"{placed:x}",
            "aside": {str(number): list(told) for number, told in aside.items()},
            "updated_at": utc(),
        }

    def _length_of(self, number: int) -> int:
        if number in self._aside:
            return self._aside[number][0]
        return self.plan.length(number) if self.has_placed(number) else 0

    def _state_of(self, number: int) -> str:
        if number in self._aside:
            return self._aside[number][1]
        return "placed" if self.has_placed(number) else "missing"

    def _is_same(self, writer: PartWriter, state: str) -> bool:
        """Whether the part that is there holds the very bytes of this writer."""
        with contextlib.suppress(OSError):
            if state != "placed":
                return filecmp.cmp(writer.path, self.path.with_name(state), shallow=False)
            if writer.written != self.plan.length(writer.number):
                return False
            with writer.path.open("rb") as one, self.path.open("rb") as other:
                other.seek(self.plan.start(writer.number))
                while piece := one.read(1 << 20):
                    if piece != other.read(len(piece)):
                        return False
            return True
        return False

    def _check_open(self) -> None:
        if self.closed:
            raise Conflict("This upload takes no parts any more.")
