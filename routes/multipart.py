"""Bodies of several parts, as forms send files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ..store.errors import BadInput, TooLarge, WrongType
from ..store.files import disk_error

_PIECE = 1 << 20
_BROKEN = (ValueError, RuntimeError, HttpProcessingError)
"""What aiohttp raises for a body that is none of several parts."""


async def read_part(request: web.Request, name: str, *, limit: int) -> bytes:
    """The bytes of one part. Raises WrongType, TooLarge, BadInput when it is not there."""
    if not request.body_exists:
        raise BadInput(f"A part {name} is needed.", field=name)
    if request.content_type != "multipart/form-data":
        raise WrongType("The body must be multipart/form-data.")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == name:
                return await _read(part, name, limit)
    except _BROKEN as error:
        raise BadInput("The body is no whole multipart/form-data.", field=name) from error
    raise BadInput(f"A part {name} is needed.", field=name)


async def read_parts(request: web.Request, limits: Mapping[str, int]) -> dict[str, bytes]:
    """The parts of these names, each at most so long; what is not sent is left out.

    Raises WrongType, TooLarge, BadInput.
    """
    if not request.body_exists:
        return {}
    if request.content_type != "multipart/form-data":
        raise WrongType("Content-Type must be multipart/form-data.")
    found: dict[str, bytes] = {}
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name and part.name in limits:
                found[part.name] = await _read(part, part.name, limits[part.name])
    except _BROKEN as error:
        raise BadInput("Invalid multipart request: it is no whole multipart/form-data.") from error
    return found


async def save_part(request: web.Request, name: str, target: Path, *, limit: int) -> str:
    """Write one part to a file, off the event loop; what the sender calls it. Raises as above."""
    if not request.body_exists:
        raise BadInput(f"A part {name} is needed.", field=name)
    if (request.content_length or 0) > limit + _PIECE:
        raise TooLarge(f"The part {name} is larger than {limit >> 20} MiB.", field=name)
    if request.content_type != "multipart/form-data":
        raise WrongType("The body must be multipart/form-data.")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == name:
                await _save(part, name, target, limit)
                return part.filename or ""
    except _BROKEN as error:
        raise BadInput("The body is no whole multipart/form-data.", field=name) from error
    raise BadInput(f"A part {name} is needed.", field=name)


async def _save(part: BodyPartReader, name: str, target: Path, limit: int) -> None:
    size = 0
    data = bytearray()
    try:
        file = await asyncio.to_thread(target.open, "wb")
        try:
            while chunk := await part.read_chunk(1 << 16):
                data += chunk
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"The part {name} is larger than {limit >> 20} MiB.", field=name)
                if len(data) >= _PIECE:
                    await asyncio.to_thread(file.write, bytes(data))
                    data.clear()
            await asyncio.to_thread(file.write, bytes(data))
        finally:
            # What could not be written is tried once more here, and fails again.
            await asyncio.to_thread(file.close)
    except OSError as error:
        raise disk_error(error, "The file") from error


async def _read(part: BodyPartReader, name: str, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"The part {name} is larger than {limit >> 20} MiB.", field=name)
    return bytes(data)
