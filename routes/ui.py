"""The page's own files: open to everyone, and without any data in them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path

from aiohttp import web

from ..store.errors import NotFound
from ..store.names import inside
from .answers import has_tag
from .page_scripts import UnknownForm, joined
from .page_styles import joined_styles
from .routing import Access, Plain, Routes

log = logging.getLogger(__name__)

routes = Routes()

_FOLDER = Path(__file__).resolve().parent.parent / "web" / "ui"
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
ENTRIES = ("page.js", "app.js", "data/changes-worker.js")
"""What is asked for by its address; all other modules come with these."""
STYLES = "styles.css"
# 'self' and nothing inline: a prompt that carries markup stays text even if a screen slips.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@routes.get(
    "/ui/{path:path}",
    access=Access.PAGE,
    summary="The page's own files",
    answers={200: "The file", 304: "The caller has it", 404: "No such file"},
)
async def serve_page_file(call: Plain) -> web.StreamResponse:
    """A file of the screens; `/ui/` is the page itself."""
    name = call.text("path") or "index.html"
    data, etag, kind = await asyncio.to_thread(_read, name)
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{etag}"',
        "Content-Security-Policy": _POLICY,
    }
    if has_tag(call.request, etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type=kind, charset="utf-8", headers=headers)


def _read(name: str) -> tuple[bytes, str, str]:
    try:
        path = inside(_FOLDER, *name.split("/"))
        kind = _TYPES.get(path.suffix)
        data = (_joined(name) or path.read_bytes()) if kind else b""
    except OSError as error:  # not there, a folder, or longer than any name can be
        raise NotFound("There is no such page file.") from error
    if kind is None:
        raise NotFound("There is no such page file.")
    return data, hashlib.blake2b(data, digest_size=12).hexdigest(), kind


def _joined(name: str) -> bytes:
    """A script or style sheet with everything in it; empty where files come one by one."""
    try:
        if name in ENTRIES:
            return joined(_FOLDER, name).encode()
        return joined_styles(_FOLDER, name).encode() if name == STYLES else b""
    except UnknownForm as error:
        # File by file the page works too, only slower.
        log.warning("the page's files come one by one: %s", error)
        return b""
