"""The database of Hikaze's predecessor, read without leaving a trace on it."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sqlite3
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from .errors import BadInput, Conflict
from .files import disk_error
from .foreign_databases import restrain, tables_of

FIELD = "legacy_db_path"

_MAGIC = b"SQLite format 3\x00"
_VERSIONS = (1, 2)
_SECONDS = 1.0
"""How long to wait for somebody who is writing."""

_COLUMNS = ("id", "path", "name", "type", "size_bytes", "hash_hex", "created_at", "extra_json")


@dataclass(frozen=True)
class LegacyModel:
    """A row as it stands there; what is missing is None."""

    id: Any
    path: Any
    name: Any
    type: Any
    size_bytes: Any
    hash_hex: Any
    created_at: Any
    extra_json: Any
    tags: tuple[int, ...]


@dataclass(frozen=True)
class Legacy:
    """Everything that is migrated: models by their id, names of tags by theirs."""

    models: list[LegacyModel]
    tags: Mapping[int, str]


def read_legacy(path: Path, folder: Path) -> Legacy:
    """What the database holds; `folder` is for a copy of one that was not closed well.

    Raises BadInput when it is no such database, Conflict while somebody writes it, DiskFull.
    """
    _check_file(path)
    try:
        with _opened(path, folder) as connection:
            return _read(connection)
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            raise Conflict(
                "The database is in use by another program; end that first.", facts={"field": FIELD}
            ) from error
        raise _unfit("it cannot be read") from error
    except sqlite3.Error as error:
        raise _unfit("it is damaged") from error


def _check_file(path: Path) -> None:
    try:
        if not path.is_file():
            raise _unfit("there is no such file")
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise _unfit("it cannot be read") from error
    if head != _MAGIC:
        raise _unfit("it is no SQLite database")


@contextlib.contextmanager
def _opened(path: Path, folder: Path) -> Generator[sqlite3.Connection, None, None]:
    """The database, read-only. A connection to one that was left unfinished would write beside it:
    of such a one a copy is opened.
    """
    with path.open("rb") as file:
        is_wal = file.read(20)[18:20] != b"\x01\x01"
    beside = [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]
    unfinished = [each for each in beside if each.is_file() and each.stat().st_size]
    if is_wal and not unfinished:
        with _connected(path, "mode=ro&immutable=1") as connection:
            yield connection
        return
    if not is_wal:
        try:
            with _connected(path, "mode=ro") as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                yield connection
                return
        except sqlite3.OperationalError as error:
            if _is_busy(error) or not unfinished:
                raise
    with _copied([path, *unfinished], folder) as copy, _connected(copy, "mode=rw") as connection:
        yield connection


@contextlib.contextmanager
def _connected(path: Path, how: str) -> Generator[sqlite3.Connection, None, None]:
    address = f"{path.as_uri()}?{how}"
    connection = sqlite3.connect(address, uri=True, timeout=_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        connection.text_factory = _decoded
        connection.row_factory = sqlite3.Row
        restrain(connection)
        yield connection


def _decoded(raw: bytes) -> str:
    return raw.decode(errors="replace")


@contextlib.contextmanager
def _copied(files: list[Path], folder: Path) -> Generator[Path, None, None]:
    target = folder / f"legacy-{secrets.token_hex(6)}"
    try:
        target.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, target / file.name)
        yield target / files[0].name
    except OSError as error:
        raise disk_error(error, "The copy of the database") from error
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _read(connection: sqlite3.Connection) -> Legacy:
    connection.execute("BEGIN")
    tables = tables_of(connection)
    _check_version(connection, tables)
    names: dict[int, str] = {}
    if "tags" in tables:
        for row in connection.execute("SELECT id, name FROM tags ORDER BY id"):
            if isinstance(row[0], int) and isinstance(row[1], str):
                names[row[0]] = row[1]
    links: dict[Any, list[int]] = {}
    if "model_tags" in tables:
        for row in connection.execute("SELECT model_id, tag_id FROM model_tags ORDER BY tag_id"):
            links.setdefault(row[0], []).append(row[1])
    columns = {str(row[1]).lower() for row in connection.execute("PRAGMA table_info(models)")}
    if "path" not in columns:
        raise _unfit("its models have no paths")
    known = [name for name in _COLUMNS if name in columns]
    order = "id" if "id" in columns else "rowid"
    models: list[LegacyModel] = []
    for row in connection.execute(f"SELECT {', '.join(known)} FROM models ORDER BY {order}"):
        found = dict.fromkeys(_COLUMNS) | dict(
            zip(known, cast("tuple[Any, ...]", row), strict=True)
        )
        models.append(LegacyModel(**found, tags=tuple(links.get(found["id"], ()))))
    return Legacy(models, names)


def _check_version(connection: sqlite3.Connection, tables: set[str]) -> None:
    if "db_meta" in tables and "pending_import" in tables:
        raise _unfit("it is of Hikaze Model Manager 2, not of its predecessor")
    if "models" not in tables:
        raise _unfit("it holds no models")
    if "schema_version" in tables:
        row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
        version = row[0] if row else None
        if version is not None and version not in _VERSIONS:
            raise _unfit(f"it is of version {version!r}, and only 2 is known")


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _unfit(why: str) -> BadInput:
    return BadInput(f"This is no database of Hikaze's predecessor: {why}.", field=FIELD)
