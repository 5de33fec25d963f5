"""The gallery's files: no picture without a record, no record without a picture, whenever we die.

A file comes in under `incoming/`, checked there. Before it takes its place, a note of what is about
to happen (record and metadata) lies beside it; the note goes when the record is in the database.
What a note of an earlier run says is completed, or undone, when the gallery opens.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from .engine import Record
from .errors import CuratorError, NotFound
from .files import disk_error, sync_folder
from .gallery_records import kept_record
from .json_values import mapping
from .names import inside
from .thumbnails import SIZES, USUAL

log = logging.getLogger(__name__)

_RECORD = "record"
"""In the JSON beside a file: what the index knows of it, so that the index can be made anew."""


class GalleryFiles:
    """Everything below `<data>/gallery/`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = root / "incoming"

    @property
    def incoming_folder(self) -> Path:
        """Where files come in, and notes lie of what is under way."""
        return self._incoming

    def media(self, record: Record) -> Path:
        """The picture's or video's own file."""
        return self.root / record["file_path"]

    def thumbnail(self, record: Mapping[str, Any], width: int = USUAL) -> Path:
        """Where its thumbnail of this width lies, or would lie."""
        usual = self.root / record["thumb_path"]
        return usual if width == USUAL else usual.with_name(f"{usual.stem}-{width}{usual.suffix}")

    def paths(self, record: Mapping[str, Any]) -> list[Path]:
        """Every file that belongs to the record, whether it is there or not."""
        own = [self.root / record[name] for name in ("file_path", "meta_path")]
        return own + [self.thumbnail(record, width) for width in SIZES]

    def sizes(self, record: Mapping[str, Any]) -> dict[str, int]:
        """`{file_size, thumb_size}` as they are on the disk. Raises NotFound."""
        try:
            size = self.check_there(self.root / record["file_path"]).stat().st_size
        except FileNotFoundError as error:
            raise _gone() from error
        return {"file_size": size, "thumb_size": self.thumb_size(record)}

    def thumb_size(self, record: Mapping[str, Any]) -> int:
        """The bytes of all its thumbnails that are there."""
        size = 0
        for width in SIZES:
            with contextlib.suppress(OSError):
                size += self.thumbnail(record, width).stat().st_size
        return size

    def check_there(self, path: Path) -> Path:
        """The path of a file that exists, in here and not by a link outwards. Raises NotFound."""
        if not path.is_file():
            raise _gone()
        return inside(self.root, path.relative_to(self.root).as_posix())

    @contextlib.contextmanager
    def incoming(self) -> Generator[Incoming, None, None]:
        """Room for a file to come in; whatever is still there after the block goes."""
        token = secrets.token_hex(8)
        try:
            _make_folder(self._incoming)
            incoming = Incoming(self._incoming / f"{token}.part", self._incoming / f"{token}.webp")
        except OSError as error:
            raise disk_error(error, "The picture") from error
        try:
            yield incoming
        finally:
            _remove([incoming.media, incoming.thumbnail])

    def place(
        self,
        incoming: Incoming,
        record: Record,
        sidecar: dict[str, Any],
        put: Callable[[Record], None],
    ) -> None:
        """Give the files their names and `put` the record: all, or nothing. Raises DiskFull."""
        note = self._incoming / f"{record['id']}.json"
        media, meta = self.media(record), self.root / record["meta_path"]
        # Of an item whose file had gone, the rest may be there still.
        new = [path for path in self.paths(record) if not path.exists()]
        try:
            _write(note, dump({"record": record, "sidecar": sidecar}))
            sync_folder(self._incoming)
            _make_folder(media.parent)
            incoming.media.replace(media)
            if incoming.thumbnail.exists():
                incoming.thumbnail.replace(self.thumbnail(record))
            if meta in new:
                # Who dies here leaves it torn: the note says how it is to be.
                _write(meta, self._beside(record, sidecar))
                sync_folder(media.parent)
            else:
                self.write_sidecar(record, sidecar)
            put(record)
        except BaseException as error:
            _remove([*new, note])
            if isinstance(error, OSError):
                raise disk_error(error, "The picture") from error
            raise
        note.unlink(missing_ok=True)

    def sidecar(self, record: Record) -> dict[str, Any]:
        """The JSON beside the file as upstream told it; empty when it is gone or not ours."""
        found = read_json(self.root / record["meta_path"])
        found.pop(_RECORD, None)
        return found

    def kept(self, media: Path) -> tuple[dict[str, Any], Any]:
        """The JSON beside a picture's file, and the record that lies in it, as it stands there."""
        found = read_json(media.with_suffix(".json"))
        return found, found.pop(_RECORD, None)

    def write_sidecar(self, record: Record, sidecar: Mapping[str, Any]) -> None:
        """Replace the JSON beside the file; the record goes with it. Raises DiskFull."""
        with self.incoming() as incoming:
            with incoming.writing() as file:
                file.write(self._beside(record, sidecar))
            self._move(incoming.media, self.root / record["meta_path"])

    @staticmethod
    def _beside(record: Record, sidecar: Mapping[str, Any]) -> bytes:
        """The JSON beside a file."""
        return dump({**sidecar, _RECORD: kept_record(record)})

    def is_coming(self, item_id: str) -> bool:
        """Whether a picture of this id is being placed at this moment."""
        return (self._incoming / f"{item_id}.json").exists()

    def put_thumbnail(self, incoming: Incoming, record: Record, width: int = USUAL) -> None:
        """Give a thumbnail that has come in its place. Raises DiskFull."""
        self._move(incoming.thumbnail, self.thumbnail(record, width))

    def remove(self, record: Mapping[str, Any]) -> None:
        """Remove everything that belongs to a record which is gone."""
        _remove(self.paths(record))

    def remove_thumbnails(self, record: Mapping[str, Any]) -> None:
        """Remove what is made again when somebody looks."""
        _remove([self.thumbnail(record, width) for width in SIZES])

    def recover(self, known: Callable[[str], bool], put: Callable[[Record], None]) -> None:
        """Bring what an earlier run left half done to an end, and empty `incoming/`."""
        if not self._incoming.is_dir():
            return
        for path in sorted(self._incoming.iterdir()):
            if path.suffix != ".json" or self._finish(path, known, put):
                _remove([path])

    def _finish(
        self, note: Path, known: Callable[[str], bool], put: Callable[[Record], None]
    ) -> bool:
        """Whether what the note says is done with; if there is no room, the next start tries it."""
        try:
            said = json.loads(note.read_text(encoding="utf-8"))
            record, sidecar = said["record"], said["sidecar"]
            if known(record["id"]):
                return True
            file = self.media(record)
            if file.is_file() and file.stat().st_size == record["file_size"]:
                self.write_sidecar(record, sidecar)
                put(record)
            else:
                _remove(self.paths(record))
        except (ValueError, KeyError, TypeError) as error:
            # Until a note is whole, nothing has its name yet.
            log.info("Curator passes over %s: %s", note.name, error)
        except CuratorError as error:
            log.warning("Curator cannot complete %s: %s", note.name, error.text)
            return False
        return True

    @staticmethod
    def _move(source: Path, target: Path) -> None:
        """Everything is written under `incoming/` and only then takes its name: no debris there."""
        try:
            _make_folder(target.parent)
            source.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise disk_error(error, "The picture") from error


class Incoming:
    """Two free paths below `incoming/`: of the file itself and of its thumbnail."""

    def __init__(self, media: Path, thumbnail: Path) -> None:
        self.media = media
        self.thumbnail = thumbnail

    @contextlib.contextmanager
    def writing(self) -> Generator[IO[bytes], None, None]:
        """The file to write; on the disk when the block ends. Raises DiskFull."""
        try:
            with self.media.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(error, "The picture") from error


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when there is none."""
    try:
        return mapping(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def stem_of(item_id: str) -> str:
    """Where an item's files lie, without extension: `media/AAA/BBB/<id>`, for small folders."""
    digits = item_id.replace("-", "").ljust(6, "0")
    return f"media/{digits[:3]}/{digits[3:6]}/{item_id}"


def dump(data: Any) -> bytes:
    """Readable JSON, integers of any size as they are."""
    try:
        return orjson.dumps(data, option=orjson.OPT_INDENT_2)
    except TypeError:
        # Integers beyond 64 bits, halves of surrogate pairs.
        return json.dumps(data, ensure_ascii=False, indent=2).encode(errors="replace")


def _gone() -> NotFound:
    return NotFound("The file of this picture is gone.")


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        # On a file system that takes nothing any more, the first error is the one to tell.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    """The file, on the disk; torn for who looks at it meanwhile."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """Make a folder whose own entry would survive a loss of power."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
