"""How answers look: JSON, its ETag, and the one shape of errors."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict

from ..store.errors import CuratorError


def encode(data: Any) -> bytes:
    """`data` as JSON; integers beyond 64 bits and halves of surrogate pairs stay what they are."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, separators=(",", ":")).encode()


def json_answer(data: Any, *, status: int = 200) -> web.Response:
    """`data` as JSON, not to be cached."""
    return body_answer(encode(data), status=status)


def body_answer(body: bytes, *, status: int = 200) -> web.Response:
    """JSON that is serialised already, not to be cached."""
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def json_list(request: web.Request, body: bytes, etag: str | None = None) -> web.Response:
    """Serialised JSON with its ETag (of the bytes, unless given); 304 when the caller has it."""
    tag = etag or hashlib.blake2b(body, digest_size=12).hexdigest()
    headers = CIMultiDict({"Cache-Control": "no-cache", "ETag": f'"{tag}"'})
    if has_tag(request, tag):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = "application/json"
    return web.Response(body=body, headers=headers)


def has_tag(request: web.Request, tag: str) -> bool:
    """Whether `If-None-Match` names this ETag."""
    if hdrs.IF_NONE_MATCH not in request.headers:
        return False
    known = request.if_none_match or ()
    return any(each.value in (tag, "*") for each in known)


def error_answer(error: CuratorError) -> web.Response:
    """The error as both families of clients read it."""
    body = {"error": error.text, "detail": error.text, **error.facts}
    if error.field:
        body["field"] = error.field
    answer = json_answer(body, status=error.status)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if not error.retry:
        answer.headers["x-should-retry"] = "false"
    return answer


def http_error_answer(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals (404, 405, 413 …) in our shape, their headers kept."""
    texts = {404: "There is no such route.", 405: "This route does not take that method."}
    text = texts.get(error.status, error.reason)
    answer = json_answer({"error": text, "detail": text}, status=error.status)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer
