"""Files as answers: typed by their bytes, harmless to open, resumable."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from .answers import has_tag

INLINE = frozenset(
    ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]
    + ["video/mp4", "video/webm", "audio/mpeg", "audio/wav", "audio/ogg", "audio/flac"]
)
"""What a browser may show by itself; everything else is only ever saved."""

IMMUTABLE = "private, max-age=31536000, immutable"


class TaggedFile(web.FileResponse):
    """A file whose ETag `set_headers` puts back: aiohttp gives it one of its own."""

    tag = ""


def file_answer(
    request: web.Request,
    path: Path,
    *,
    content_type: str,
    etag: str,
    name: str,
    immutable: bool = False,
) -> web.StreamResponse:
    """The file with Range, ETag and Last-Modified; as attachment unless it is of the fixed list."""
    shown = "inline" if content_type in INLINE else "attachment"
    headers = {
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": IMMUTABLE if immutable else "no-cache",
        "ETag": f'"{etag}"',
    }
    if has_tag(request, etag):
        return web.Response(status=304, headers=headers)
    answer = TaggedFile(path, headers=headers)
    answer.tag = etag
    answer.content_type = content_type if content_type in INLINE else "application/octet-stream"
    return answer
