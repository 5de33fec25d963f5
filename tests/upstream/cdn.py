"""CivitAI's picture CDN: `/{account}/{uuid}/{parameters}/{any name}`."""

from __future__ import annotations

import asyncio

from aiohttp import web

from .ranges import answer_bytes
from .records import Content
from .site import ACCOUNT, SITE


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"/{ACCOUNT}/{{uuid}}/{{rest:.*}}", serve_media)


async def serve_media(request: web.Request) -> web.StreamResponse:
    """The original, whatever size is asked for, under whatever name."""
    site = request.app[SITE]
    image = site.world.by_uuid.get(request.match_info["uuid"].lower())
    if image is None or image.is_lost:
        return web.Response(status=404, text="Not Found")
    if image.redirected:
        return web.Response(
            status=302,
            headers={"Location": site.signed("storage", f"/image/{image.uuid}", {})},
        )
    data = await made(image.content)
    return answer_bytes(
        request,
        data,
        content_type=image.content_type,
        etag=image.content.sha256[:32],
        modified=image.created,
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "Access-Control-Allow-Origin": "*",
        },
    )


async def made(content: Content) -> bytes:
    """The bytes; drawing them does not hold up other requests."""
    return content.data if content.is_made else await asyncio.to_thread(lambda: content.data)
