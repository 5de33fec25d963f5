"""What the answer to a request for a file, or for the rest of one, means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .errors import UpstreamFailed, UpstreamUnfit
from .remote.streams import Stream

_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-[0-9]{1,18}|\*)/([0-9]{1,18}|\*)")

_LENGTH = re.compile(r"[0-9]{1,18}")


class ChangedUpstream(Exception):
    """The file is another one than that of which a part is here."""


class Start(NamedTuple):
    """Where the bytes that come belong, how long the file is, and what names this state of it."""

    offset: int
    total: int | None
    validator: str


def asking(have: int, validator: str) -> dict[str, str]:
    """The headers that ask for what comes after `have` bytes."""
    if not have:
        return {}
    headers = {"Range": f"bytes={have}-"}
    if validator:
        headers["If-Range"] = validator
    return headers


def understand(stream: Stream, have: int, total: int | None, validator: str) -> Start:
    """Where to go on, after `have` bytes of a file of which total and validator are known.

    Raises ChangedUpstream, UpstreamUnfit for what is no file as it lies there.
    """
    told = _validator(stream.headers)
    if stream.status == 416:
        return _beyond(stream, have, total)
    if stream.headers.get("Content-Encoding", "identity") not in ("", "identity"):
        raise UpstreamUnfit(f"{stream.name} gives this file only packed, which is not taken.")
    if stream.status == 206:
        return _part(stream, have, total, validator, told)
    if have and not _is_same(validator, told):
        raise ChangedUpstream
    length = stream.headers.get("Content-Length", "")
    if length and not _LENGTH.fullmatch(length):
        raise UpstreamUnfit(f"{stream.name} names a length that no file has.")
    return Start(0, int(length) if length else None, told)


def is_page(stream: Stream, first: bytes, name: str) -> bool:
    """Whether a web page comes instead of the file of this name."""
    if name.lower().endswith((".html", ".htm")):
        return False
    kind = stream.headers.get("Content-Type", "").split(";")[0].strip().lower()
    beginning = first[:64].lstrip().lower()
    return kind == "text/html" or beginning.startswith((b"<!doctype html", b"<html"))


def _part(stream: Stream, have: int, total: int | None, validator: str, told: str) -> Start:
    found = _RANGE.fullmatch(stream.headers.get("Content-Range", "").strip())
    if found is None or found[1] is None:
        raise ChangedUpstream
    length = None if found[2] == "*" else int(found[2])
    if int(found[1]) != have or (length is not None and total not in (None, length)):
        raise ChangedUpstream
    if validator and told and not _is_same(validator, told):
        raise ChangedUpstream
    return Start(have, length if length is not None else total, validator or told)


def _beyond(stream: Stream, have: int, total: int | None) -> Start:
    """416: there is nothing after what is here. Then all of it is, if the length agrees."""
    found = _RANGE.fullmatch(stream.headers.get("Content-Range", "").strip())
    length = int(found[2]) if found and found[2] != "*" else None
    if not have:
        raise UpstreamFailed(f"{stream.name} answered with status 416.")
    if length != have or total not in (None, length):
        raise ChangedUpstream
    return Start(have, have, "")


def _validator(headers: Mapping[str, str]) -> str:
    """What `If-Range` may name: a strong ETag, else the date of the last change."""
    tag = headers.get("ETag", "").strip()
    if tag and not tag.startswith("W/"):
        return tag
    return headers.get("Last-Modified", "").strip()


def _is_same(validator: str, told: str) -> bool:
    """A date and a tag cannot be compared: then nothing says that it is another file."""
    return (
        not validator or not told or validator == told or (validator[0] == '"') != (told[0] == '"')
    )
