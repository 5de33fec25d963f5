"""Bytes with validators and ranges, as object storages and CDNs serve them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

IGNORES_RANGE = ContextVar("IGNORES_RANGE", default=False)
"""True while a request is to be answered whole."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def answer_bytes(
    request: web.Request,
    data: bytes,
    *,
    content_type: str,
    etag: str,
    modified: datetime,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """200, 206, 304 or 416; `etag` without quotes. Of several ranges none is honoured."""
    told = {
        "ETag": f'"{etag}"',
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Type": content_type,
        **(headers or {}),
    }
    if _is_fresh(request, told):
        told.pop("Content-Type")
        return web.Response(status=304, headers=told)
    wanted = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if wanted is None or wanted.group(0) == "bytes=-" or not _is_same(request, told):
        return web.Response(body=data, headers=told)
    first, last = wanted.groups()
    if first:
        start, end = int(first), min(int(last) if last else len(data) - 1, len(data) - 1)
    else:
        start, end = max(len(data) - int(last), 0), len(data) - 1
    if first and last and int(last) < int(first):
        return web.Response(body=data, headers=told)
    if start >= len(data) or last == "0" and not first:
        told["Content-Range"] = f"bytes */{len(data)}"
        return web.Response(status=416, headers=told)
    told["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return web.Response(status=206, body=data[start : end + 1], headers=told)


def _is_fresh(request: web.Request, told: Mapping[str, str]) -> bool:
    named = request.headers.get("If-None-Match")
    if named is not None:
        return named.strip() == "*" or told["ETag"] in [
            each.strip().removeprefix("W/") for each in named.split(",")
        ]
    since = request.headers.get("If-Modified-Since")
    try:
        return since is not None and parsedate_to_datetime(
            told["Last-Modified"]
        ) <= parsedate_to_datetime(since)
    except ValueError:
        return False


def _is_same(request: web.Request, told: Mapping[str, str]) -> bool:
    """Whether a part of these very bytes may be sent: If-Range, where there is one, names them."""
    if IGNORES_RANGE.get():
        return False
    named = request.headers.get("If-Range")
    return named is None or named.strip() in (told["ETag"], told["Last-Modified"])
