"""Reading the body of a part as fast as it comes, into a writer that works in threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from ..store.errors import BadInput, WrongType
from .system import CLOSING

if TYPE_CHECKING:
    from ..store.upload_writing import PartWriter
    from ..store.uploads import Uploads

# Threads of their own: a slow disk keeps nobody waiting who only looks at something.
_WRITING = ThreadPoolExecutor(8, thread_name_prefix="curator-parts")
_BUFFERED = 4 << 20
"""Bytes that wait for the disk, of all parts together."""
_PIECE = 1 << 20
_LEAST = 1 << 16
_MOST_PIECES = 256
_SECONDS_BETWEEN = 1.0
_SILENCE = 300.0
"""Seconds without a byte after which a sender is gone."""

_receiving = 0


async def receive(
    request: web.Request,
    uploads: Uploads,
    upload_id: str,
    number: int,
    expires: int,
    signature: str,
) -> str:
    """The ETag of the part, which is surely there then. Raises what the store raises."""
    global _receiving
    loop = asyncio.get_running_loop()
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise WrongType("Send the part's bytes as they are, without Content-Encoding.")
    length = request.content_length
    if length is None and not request.body_exists:
        length = 0
    writer = await loop.run_in_executor(
        _WRITING, uploads.begin_part, upload_id, number, length, expires, signature
    )
    _receiving += 1
    try:
        await _pump(request, uploads, writer)
        return await loop.run_in_executor(_WRITING, uploads.finish_part, writer)
    except (ClientPayloadError, ConnectionError, HttpProcessingError) as error:
        raise BadInput(f"Part {number} ended too early; send it again.") from error
    finally:
        _receiving -= 1
        # Of a part that counts this takes nothing away.
        await asyncio.shield(loop.run_in_executor(_WRITING, writer.abandon))


async def _pump(request: web.Request, uploads: Uploads, writer: PartWriter) -> None:
    """While one piece is written the next one is gathered."""
    loop = asyncio.get_running_loop()
    content = request.content
    watch = _Watch(request)
    writing: asyncio.Future[None] | None = None
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            data = await content.readany()
            watch.moved = True
            if data:
                pieces.append(data)
                size += len(data)
                enough = min(_PIECE, max(_LEAST, _BUFFERED // _receiving))
                if size < enough and len(pieces) < _MOST_PIECES:
                    continue
            if writing is not None:
                done, writing = writing, None
                await done
            if pieces:
                writing = loop.run_in_executor(_WRITING, uploads.write_part, writer, pieces)
                pieces, size = [], 0
            elif not data:
                return
    finally:
        watch.end()
        if writing is not None:
            # The writer is given up only after its last piece.
            await asyncio.wait([writing])


class _Watch:
    """Ends the connection of a sender from whom nothing comes any more, and all at our own end."""

    def __init__(self, request: web.Request) -> None:
        self.moved = True
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._look()

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if self.moved:
            self.moved, self._last = False, now
        is_over = self._request.app[CLOSING].is_set() or now - self._last > _SILENCE
        if is_over and self._request.transport is not None:
            self._request.transport.abort()
        self._timer = self._loop.call_later(_SECONDS_BETWEEN, self._look)
