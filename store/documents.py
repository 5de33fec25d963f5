"""JSON files that a person may edit while we run: never half written, never overwritten unread."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import orjson

from .errors import Conflict
from .files import remove_leftovers, replacing
from .json_places import Path as JsonPath
from .json_places import Place, place_at, place_of, repeated_key

Json = dict[str, Any]
T = TypeVar("T")

_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Fault:
    """Why a file cannot be used, and where a person finds the reason."""

    file: str
    line: int
    column: int
    text: str

    def shown(self) -> Json:
        """As it is shown to a person."""
        return {"file": self.file, "line": self.line, "column": self.column, "text": self.text}


class Unusable(ValueError):
    """JSON, but not what is kept in this document; `path` leads to the part to blame."""

    def __init__(self, text: str, path: JsonPath = ()) -> None:
        super().__init__(text)
        self.path = path


class Broken(Exception):
    """Bytes that are not what is kept in a document: why, and at which line and column."""

    def __init__(self, text: str, place: Place) -> None:
        super().__init__(text)
        self.text = text
        self.place = place


class State(NamedTuple):
    """What a document holds at one moment. `data` is shared and never to be changed in place."""

    data: Json
    fault: Fault | None
    generation: int


class _Stamp(NamedTuple):
    """What tells one state of a file from the next without reading it."""

    modified: int
    size: int
    inode: int


class _Overtaken(Exception):
    """The file was edited while its replacement was written."""


class Document:
    """One JSON object in a file. The file is the truth; memory holds its last good state."""

    def __init__(
        self,
        path: Path,
        *,
        empty: Callable[[], Json],
        check: Callable[[Json], None],
        edited: Callable[[], None],
        dump: Callable[[Json], bytes] | None = None,
    ) -> None:
        """`empty` is what a missing file means; `check` raises Unusable for what is not usable.

        `edited` is called (from any thread, it must not block) when somebody else changed the file.
        `dump` makes the same bytes as `dumped`, in its own way.
        """
        self.path = path
        self._empty = empty
        self._check = check
        self._edited = edited
        self._dump = dump or dumped
        self._lock = threading.RLock()
        self._stamp: _Stamp | None = None
        self._unread = True
        self._tail = b"\n"
        self._state = State(empty(), None, 0)
        remove_leftovers(path)
        self._look()

    @property
    def state(self) -> State:
        """The last good state, and the fault of the file when it is a newer one that is broken."""
        return self._state

    def refresh(self) -> None:
        """Read the file again if it has changed outside."""
        with self._lock:
            if self._look():
                self._edited()

    def ensure_usable(self) -> None:
        """Raise Conflict naming line and column while the file cannot be read."""
        self.refresh()
        if self._state.fault:
            raise _refusal(self._state.fault)

    def change(
        self,
        edit: Callable[[Json], tuple[Json | None, T]],
        before: Callable[[], object] | None = None,
    ) -> T:
        """Write what `edit` makes of the present state, and give what else it returns.

        `edit` gets the state and returns a new one (sharing what stays; None: nothing to write). It
        runs again when the file was edited by somebody else meanwhile. Raises Conflict naming line
        and column while the file cannot be read, DiskFull when there is no room: nothing changed.
        `before` is called when all is written but for the renaming; nothing is when it raises.
        """
        with self._lock:
            while True:
                self.ensure_usable()
                state = self._state
                data, result = edit(state.data)
                if data is None:
                    return result
                with contextlib.suppress(_Overtaken):
                    self._write(data, before)
                    self._state = State(data, None, state.generation + 1)
                    return result

    def _look(self) -> bool:
        try:
            stamp = _stamp(self.path)
            if stamp == self._stamp and not self._unread:
                return False
            raw = self.path.read_bytes() if stamp else None
        except OSError as error:
            # Without a stamp to remember: it may become readable without being changed.
            self._unread = True
            return self._keep_with(Fault(self.path.name, 1, 1, f"{error.strerror}"))
        self._stamp, self._unread = stamp, False
        return self._take(raw)

    def _write(self, data: Json, before: Callable[[], object] | None) -> None:
        with replacing(self.path) as file:
            file.write(self._dump(data))
            file.write(self._tail)
            file.flush()
            # The slow part comes before the last look, so that the gap in which somebody else's
            # edit could get lost is as short as two system calls.
            os.fsync(file.fileno())
            self._check_stamp()
            if before:
                before()
                self._check_stamp()
            written = os.fstat(file.fileno())
        self._stamp = _Stamp(written.st_mtime_ns, written.st_size, written.st_ino)

    def _check_stamp(self) -> None:
        if _stamp(self.path) != self._stamp:
            raise _Overtaken

    def _take(self, raw: bytes | None) -> bool:
        try:
            data = self._empty() if raw is None else parsed(raw, self._check)
        except Broken as broken:
            return self._keep_with(Fault(self.path.name, *broken.place, broken.text))
        self._tail = b"\n" if raw is None or raw.endswith(b"\n") else b""
        self._state = State(data, None, self._state.generation + 1)
        return True

    def _keep_with(self, fault: Fault) -> bool:
        """The last good state goes on serving, and says what is wrong with the file."""
        if self._state.fault == fault:
            return False
        self._state = self._state._replace(fault=fault, generation=self._state.generation + 1)
        return True


class DocumentWatch:
    """Looks every second whether one of the documents was edited outside."""

    def __init__(
        self, documents: Sequence[Document], looked: Callable[[], object] | None = None
    ) -> None:
        """`looked` is called after each look; it must not raise."""
        self._documents = documents
        self._looked = looked
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="curator-documents", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_SECONDS_BETWEEN_LOOKS):
            for document in self._documents:
                document.refresh()
            if self._looked:
                self._looked()


class _Repeated(Exception):
    """A key stands twice in one object: writing the file would lose one of its values."""


def parsed(raw: bytes, check: Callable[[Json], None]) -> Json:
    """The object in a file's bytes, exactly as it stands there. Raises Broken."""
    text = _decode(raw)
    data = _load(text)
    try:
        if not isinstance(data, dict):
            raise Unusable("the file must hold one JSON object")
        known = cast(Json, data)
        check(known)
    except Unusable as error:
        raise Broken(str(error), place_of(text, error.path)) from error
    return known


def dumped(data: Json) -> bytes:
    """An object as it is written: two spaces, non-ASCII kept, integers of any size."""
    try:
        return orjson.dumps(data, option=orjson.OPT_INDENT_2)
    except TypeError:
        # Integers beyond 64 bits, or deeper than orjson goes.
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).encode()


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", errors="replace")
        raise Broken("not UTF-8 text", place_at(before, len(before))) from error


def _load(text: str) -> Any:
    """Parse exactly: numbers of any length stay as they are, nothing ambiguous passes."""
    try:
        # orjson refuses what could not be written back (NaN, 1e400, lone surrogates) but rounds
        # integers beyond 64 bits; json keeps those.
        orjson.loads(text)
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise Broken(error.msg.split(": line ")[0], Place(error.lineno, error.colno)) from error
    except RecursionError as error:
        raise Broken("nested too deeply", Place(1, 1)) from error
    except _Repeated as error:
        found = repeated_key(text)
        key, place = found or ("?", Place(1, 1))
        raise Broken(f'the key "{key}" stands twice in one object', place) from error


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Repeated
    return made


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def _refusal(fault: Fault) -> Conflict:
    return Conflict(
        f"{fault.file} cannot be read: line {fault.line}, column {fault.column}: {fault.text}. "
        "It was left as it is; mend it first.",
        facts={"file": fault.file, "line": fault.line, "column": fault.column},
    )
