"""Pictures on CivitAI: what they were made with."""

from __future__ import annotations

from aiohttp import web

from .answers import json_answer
from .routing import Access, Plain, Routes
from .threads import patiently

routes = Routes()


@routes.get(
    "/civitai/image/{image_id:int}",
    access=Access.KEY,
    summary="What a picture on CivitAI was made with, and what of that is here",
    answers={
        200: "Resources and detected dependencies with their state in the catalogs",
        400: "CivitAI wants a key",
        404: "CivitAI has no such picture",
        502: "CivitAI failed",
        503: "CivitAI is busy",
    },
)
async def show_image(call: Plain) -> web.StreamResponse:
    """Changes nothing."""
    return json_answer(await patiently(call.store.picture_facts.show, call.number("image_id")))
