"""A new upload: within the limits, with room for it, its record before its file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from .errors import BadInput, CuratorError
from .files import disk_error
from .host import Host
from .settings import Settings
from .transfer_parts import check_room, place_of_part
from .upload_asked import Asked, Sender
from .upload_asking import check_limits, new_record
from .upload_book import Book
from .upload_records import Found, Json
from .upload_run import Runs


class Maker:
    """Makes uploads, one at a time an owner; the caller sees to that."""

    def __init__(
        self,
        host: Host,
        settings: Settings,
        book: Book,
        runs: Runs,
        folder: Path,
        received: Callable[[Json], int],
    ) -> None:
        """`folder` is where their bytes gather; `received` tells how many of one are there."""
        self._host = host
        self._settings = settings
        self._book = book
        self._runs = runs
        self._folder = folder
        self._received = received

    def make(self, asked: Asked, found: Found, sender: Sender, body: str) -> Json:
        """The record of a new upload, pending. Raises TooLarge, TooMany, DiskFull."""
        check_limits(asked, self._settings.values, self._book.open_of(sender.owner))
        record = new_record(asked, found, sender, body)
        folder = self._likely_folder(record)
        if record["file_size"]:
            check_room(folder, record["file_size"] + self._promised(), spare=0)
        record["folder"] = str(folder)
        record["path"] = str(self._folder / f"{record['id']}.part")
        self._book.add(record)
        try:
            path = place_of_part(self._folder, folder, record["id"])
            if asked.is_multipart:
                _make_sparse(path, record["file_size"])
            if str(path) != record["path"]:
                record = self._book.change(record["id"], path=str(path))
        except CuratorError:
            self._runs.fail(record, "There was no room for it.")
            self._book.remove(record)
            raise
        return record

    def _likely_folder(self, record: Json) -> Path:
        """A folder on the disk where the file is going to lie, so that it need not be copied."""
        if record["kind"] != "model":
            return self._host.data
        try:
            return self._host.places(str(record["config"].get("type") or "checkpoints"))[0]
        except BadInput:
            return self._host.models

    def _promised(self) -> int:
        """Bytes that open uploads will still put on the disk."""
        pending = [each for each in self._book.all_open() if each["status"] == "pending"]
        return sum(max(0, each["file_size"] - self._received(each)) for each in pending)


def _make_sparse(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise disk_error(error, "The upload") from error
