"""What a test makes go wrong: which requests, how often, and how."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import re
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .ranges import IGNORES_RANGE

_OTHERS = bytes(byte ^ 0x5A for byte in range(256))
LOGIN_PAGE = "<!DOCTYPE html><html><title>Sign in</title><body>Sign in to continue</body></html>"


@dataclass
class Fault:
    """A regular expression over the decoded path and query, and what happens where it matches.

    `status`, `body`, `json`, `html` and `redirect` replace the answer; the others spoil the true
    one (or the replaced one): several may be given together.
    """

    path: str
    origin: str = ""
    """Only at this origin; empty: at any."""
    method: str = ""
    times: int | None = 1
    """How many requests it hits; None: all, until it is removed or reset."""
    skip: int = 0
    """How many matching requests go through before."""
    status: int | None = None
    body: str | None = None
    json: Any = None
    html: bool = False
    """A login page instead of the answer, with status 200 unless told otherwise."""
    redirect: str | None = None
    """Location; status 302 unless told otherwise."""
    content_type: str | None = None
    retry_after: str | int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0
    """Seconds before the first byte."""
    drop: bool = False
    """The connection ends without any answer."""
    corrupt: bool = False
    """Other bytes, as many."""
    resize: int = 0
    """So many bytes more (zeros) or, negative, fewer; Content-Length agrees with them."""
    length: int | None = None
    """What Content-Length says instead; the connection ends after the true bytes."""
    no_range: bool = False
    """The whole file though a part is asked for."""
    chunked: bool = False
    """No Content-Length."""
    cut: int | None = None
    """The connection ends after so many bytes of the body."""
    stall_after: int | None = None
    """After so many bytes of the body nothing comes for `stall` seconds, then the rest."""
    stall: float = 3600
    rate: int | None = None
    """Bytes a second."""
    hits: int = 0
    """How many requests it has hit."""
    seen: int = 0
    ended: bool = False
    """Cleared: what waits on account of it waits no more."""

    @property
    def replaces(self) -> bool:
        given = (self.status, self.body, self.json, self.redirect)
        return self.html or any(value is not None for value in given)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults of one test; asked by the servers, scripted from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._release = asyncio.Event()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop in which the servers run; needed to end what is stalled."""
        self._loop = loop

    def add(self, path: str = "", **how: Any) -> Fault:
        """Script a fault: `add("/models/7$", status=503, retry_after=2)`; its `hits` count."""
        unknown = set(how) - {each.name for each in fields(Fault)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        re.compile(path)
        fault = Fault(path, **how)
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        with self._lock:
            self._faults = [each for each in self._faults if each is not fault]

    def clear(self) -> None:
        """No faults any more; what is delayed or stalled goes on at once."""
        with self._lock:
            for fault in self._faults:
                fault.ended = True
            self._faults.clear()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._let_go)

    def listed(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def take(self, origin: str, method: str, path: str) -> Fault | None:
        """The first fault that is due for this request; counts it."""
        with self._lock:
            for fault in self._faults:
                if fault.origin not in ("", origin) or fault.method.upper() not in ("", method):
                    continue
                if not re.search(fault.path, path):
                    continue
                fault.seen += 1
                if fault.seen <= fault.skip or fault.hits == fault.times:
                    continue
                fault.hits += 1
                return fault
        return None

    async def pause(self, fault: Fault, seconds: float) -> None:
        """Wait so long, or until the faults are cleared."""
        if seconds > 0 and not fault.ended:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._release.wait(), seconds)

    def _let_go(self) -> None:
        self._release.set()
        self._release = asyncio.Event()


async def answer(
    faults: Faults, fault: Fault, request: web.Request, handler: Handler
) -> web.StreamResponse:
    """The request's answer with the fault in it."""
    await faults.pause(fault, fault.delay)
    if fault.drop:
        _hang_up(request)
        return web.Response()
    # One task answers all requests of a connection: back to what it was.
    before = IGNORES_RANGE.set(fault.no_range)
    try:
        true = _replaced(fault) if fault.replaces else await handler(request)
    finally:
        IGNORES_RANGE.reset(before)
    true.headers.update(fault.headers)
    if fault.retry_after is not None:
        true.headers["Retry-After"] = str(fault.retry_after)
    if not isinstance(true, web.Response) or not isinstance(true.body, bytes):
        return true
    body = true.body
    if fault.content_type is not None:
        true.headers["Content-Type"] = fault.content_type
    if fault.corrupt:
        body = body.translate(_OTHERS)
    if fault.resize:
        body = body + bytes(fault.resize) if fault.resize > 0 else body[: fault.resize]
    return await _sent(faults, fault, request, true, body)


def _replaced(fault: Fault) -> web.Response:
    if fault.redirect is not None:
        return web.Response(status=fault.status or 302, headers={"Location": fault.redirect})
    status = fault.status or 200
    if fault.html:
        return web.Response(status=status, text=LOGIN_PAGE, content_type="text/html")
    if fault.body is not None:
        return web.Response(status=status, body=fault.body.encode("utf-8", "surrogateescape"))
    if fault.json is not None:
        return web.json_response(fault.json, status=status)
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return web.Response(
        status=status, body=json.dumps({"error": phrase}).encode(), content_type="application/json"
    )


async def _sent(
    faults: Faults, fault: Fault, request: web.Request, true: web.Response, body: bytes
) -> web.StreamResponse:
    headers = {key: value for key, value in true.headers.items() if key != "Content-Length"}
    response = web.StreamResponse(status=true.status, headers=headers)
    if fault.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(body) if fault.length is None else fault.length
    ends_early = fault.cut is not None or fault.length not in (None, len(body))
    if ends_early:
        response.force_close()
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    if fault.cut is not None:
        body = body[: fault.cut]
    pieces = [body]
    if fault.stall_after is not None:
        pieces = [body[: fault.stall_after], body[fault.stall_after :]]
    for number, piece in enumerate(pieces):
        if number:
            await faults.pause(fault, fault.stall)
        await _written(faults, fault, response, piece)
    if ends_early:
        _hang_up(request)
    else:
        await response.write_eof()
    return response


async def _written(faults: Faults, fault: Fault, response: web.StreamResponse, data: bytes) -> None:
    step = max(1, fault.rate // 10) if fault.rate else max(1, len(data))
    for start in range(0, len(data), step):
        await response.write(data[start : start + step])
        await faults.pause(fault, 0.1 if fault.rate else 0)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        # What was written still goes out; only then the connection ends.
        request.transport.close()
