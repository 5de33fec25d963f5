"""Around every handler: one error boundary, one door, one place for headers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from ..store import CuratorError, Opening
from ..store.errors import NotLetIn
from .answers import error_answer, http_error_answer
from .door import FAILURES, ask_for_key, is_local, refuse_foreign
from .files import TaggedFile
from .routing import Access

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ACCESS = web.AppKey("access", dict[object, Access])
OPENING = web.AppKey("opening", Opening)


@web.middleware
async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure leaves here in the one shape, without traceback, path or key."""
    try:
        return await handler(request)
    except CuratorError as error:
        return error_answer(error)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        return http_error_answer(error)
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        # The one place where a fault of ours becomes an answer that tells nothing of us.
        log.exception("%s %s failed", request.method, request.path)
        return error_answer(CuratorError("Something went wrong in Curator; its log says what."))


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may come in; a route that does not say who may call it is refused."""
    app = request.app
    try:
        store = await app[OPENING].get()
    except CuratorError:
        # Nobody can show a key to a closed store; only this machine is told who holds it.
        if is_local(request):
            raise
        raise NotLetIn("Curator is not ready.") from None
    info = request.match_info
    unknown = info.http_exception is not None
    access = Access.KEY if unknown else app[ACCESS].get(info.handler)
    refuse_foreign(request, store, access or Access.KEY)
    if access is None:
        raise NotLetIn("This route does not say who may call it.")
    if access is Access.KEY:
        await ask_for_key(request, store, app[FAILURES])
    return await handler(request)


async def set_headers(request: web.Request, answer: web.StreamResponse) -> None:
    """On every answer, whatever the host's own middlewares have put there."""
    headers = answer.headers
    if "access-control-" in ",".join(headers).lower():
        for name in [name for name in headers if name.lower().startswith("access-control-")]:
            del headers[name]
    if isinstance(answer, TaggedFile):
        headers["ETag"] = f'"{answer.tag}"'
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Referrer-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", "default-src 'none'; sandbox")
