"""Bodies of several parts, as forms send files."""

from __future__ import annotations

from aiohttp import BodyPartReader, web

from ..store.errors import BadInput, TooLarge, WrongType


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
    except (ValueError, RuntimeError) as error:
        raise BadInput("The body is no whole multipart/form-data.", field=name) from error
    raise BadInput(f"A part {name} is needed.", field=name)


async def _read(part: BodyPartReader, name: str, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"The part {name} is larger than {limit >> 20} MiB.", field=name)
    return bytes(data)
