"""SQLite databases of other programs: read for what lies in them, not for what they would do."""

from __future__ import annotations

import sqlite3
import sys

_LONGEST_VALUE = 64 << 20


def restrain(connection: sqlite3.Connection) -> None:
    """Values that are calculated (a few bytes can stand for gigabytes) end at 64 MiB."""
    connection.execute("PRAGMA trusted_schema = OFF")
    if sys.version_info >= (3, 11):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """The names of its tables, lower case; views are none: what they calculate need not end."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(row[0]).lower() for row in found}
