"""`/api/health` outside of our prefix, where Studio's clients look for it."""

from __future__ import annotations

from aiohttp import web

from . import system
from .answers import json_answer
from .door import FAILURES, refuse_foreign
from .middleware import OPENING, boundary, set_headers
from .routing import Access


async def answer_health(request: web.Request, app: web.Application) -> web.StreamResponse:
    """What `/health` of our routes answers, to a request that did not come through them."""

    async def tell(request: web.Request) -> web.StreamResponse:
        store = await app[OPENING].get()
        refuse_foreign(request, store, Access.OPEN)
        return json_answer(await system.health(request, store, app[FAILURES]))

    answer = await boundary(request, tell)
    await set_headers(request, answer)
    return answer
