"""Who is there, who may come in, what has changed, what is set."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import Field

from ..store.errors import NotLetIn, TooMany
from ..store.events import Event
from ..store.settings import Values
from .answers import json_answer
from .door import COOKIE, FAILURES, Failures, caller, is_let_in, is_local, needs_key
from .routing import Access, Call, Input, Nothing, Plain, Routes

if TYPE_CHECKING:
    from ..store.store import Store

routes = Routes()

_THIRTY_DAYS = 30 * 86_400
_QUIET_SECONDS = 15.0
_SEQ = re.compile(r"[0-9]{1,18}")
CLOSING = web.AppKey("closing", asyncio.Event)


def app_version() -> str:
    """The version of the pack."""
    from .. import __version__

    return __version__


@routes.get("/hello", access=Access.OPEN, summary="Is Curator there")
async def say_hello(call: Plain) -> web.StreamResponse:
    """`{"status": "ok"}`, and who it is."""
    return json_answer({"status": "ok", "name": "Curator", "version": app_version()})


@routes.get("/health", access=Access.OPEN, summary="Is it up, and would this caller be let in")
async def tell_health(call: Plain) -> web.StreamResponse:
    """Always 200; `authenticated` says whether this caller would be let in."""
    failures = call.request.app[FAILURES]
    return json_answer(await health(call.request, call.store, failures))


async def health(request: web.Request, store: Store, failures: Failures) -> dict[str, Any]:
    """What both health routes answer."""
    return {
        "status": "ok",
        "authenticated": await is_let_in(request, store, failures),
        "app_version": app_version(),
        "pod_id": "",
    }


class SessionBody(Input):
    """What opens a session."""

    key: str = Field(min_length=1, max_length=1000)


@routes.add(
    "POST",
    "/session",
    access=Access.OPEN,
    summary="Open a session with the key",
    body=SessionBody,
    answers={200: "A cookie", 401: "Wrong key", 429: "More than ten wrong ones a minute"},
)
async def open_session(call: Call[Nothing, SessionBody]) -> web.StreamResponse:
    """A cookie that stands for the key for 30 days."""
    failures, who = call.request.app[FAILURES], caller(call.request)
    if failures.too_many(who):
        raise TooMany("Too many wrong keys; wait a minute.", retry_after=60)
    if not call.store.access.admits(call.body.key):
        failures.add(who)
        raise NotLetIn("The key is wrong.", field="key")
    session = await asyncio.to_thread(call.store.access.open_session)
    answer = json_answer({"status": "ok"})
    answer.set_cookie(
        COOKIE,
        session,
        max_age=_THIRTY_DAYS,
        path="/api/admin",
        httponly=True,
        samesite="Strict",
        secure=call.request.secure,
    )
    return answer


@routes.add(
    "DELETE", "/session", access=Access.OPEN, summary="End the session", answers={200: "Ended"}
)
async def close_session(call: Plain) -> web.StreamResponse:
    """The cookie's session ends; without one nothing happens."""
    session = call.request.cookies.get(COOKIE)
    if session:
        await asyncio.to_thread(call.store.access.close_session, session)
    answer = json_answer({"status": "ok"})
    answer.del_cookie(COOKIE, path="/api/admin")
    return answer


class SettingsBody(Values):
    """Any of the settings; those that are left out stay."""


@routes.get("/settings", access=Access.KEY, summary="What is set; of secrets only whether")
async def show_settings(call: Plain) -> web.StreamResponse:
    """Every setting; the key of the door too, but only to a caller from this machine."""
    return json_answer(_settings(call.request, call))


@routes.add(
    "PATCH",
    "/settings",
    access=Access.KEY,
    summary="Change some settings",
    body=SettingsBody,
    answers={200: "All settings", 400: "A value is wrong, or fixed by a flag"},
)
async def change_settings(call: Call[Nothing, SettingsBody]) -> web.StreamResponse:
    """All or nothing; answers like GET."""
    changes = call.body.model_dump(exclude_unset=True)
    if changes:
        await asyncio.to_thread(call.store.settings.change, changes)
        call.store.events.publish("settings")
    return json_answer(_settings(call.request, call))


def _settings(request: web.Request, call: Call[Any, Any]) -> dict[str, Any]:
    shown = call.store.settings.shown()
    shown["require_key_now"] = needs_key(call.store)
    if is_local(request):
        shown["access_key"] = call.store.access.key
        shown["access_key_file"] = str(call.store.access.path)
    return shown


class EventsQuery(Input):
    """Where to go on; `Last-Event-ID` says the same."""

    last_event_id: str = ""


@routes.get(
    "/events",
    access=Access.KEY,
    query=EventsQuery,
    summary="Every change worth a screen, as server-sent events",
    answers={
        200: "text/event-stream: `event: <topic>`, `data: {seq, …}`; `event: reset` when "
        "changes were missed and everything is to be read anew"
    },
)
async def stream_events(call: Call[EventsQuery, Nothing]) -> web.StreamResponse:
    """Server-sent events until the caller goes or the server stops."""
    request, events = call.request, call.store.events
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event] = asyncio.Queue()

    def hear(event: Event) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, event)

    answer = web.StreamResponse(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
    answer.content_type = "text/event-stream"
    forget = events.listen(hear)
    try:
        sent = _start(request.headers.get("Last-Event-ID") or call.query.last_event_id, call)
        await answer.prepare(request)
        await answer.write(b"retry: 2000\n\n")
        for event in sent or ():
            await answer.write(_line(event, events.run))
        if sent is None:
            await answer.write(b"event: reset\ndata: {}\n\n")
        last = sent[-1].seq if sent else 0
        await _relay(request, answer, queue, last, events.run)
    except ConnectionError:
        pass  # the caller has gone: the usual end of such a stream
    finally:
        forget()
    return answer


def _start(said: str, call: Call[Any, Any]) -> list[Event] | None:
    """The events missed since the id the caller names; None when they can't all be told."""
    if not said:
        return []
    run, _, seq = said.rpartition("-")
    if run != call.store.events.run or not _SEQ.fullmatch(seq):
        return None
    return call.store.events.since(int(seq))


async def _relay(
    request: web.Request,
    answer: web.StreamResponse,
    queue: asyncio.Queue[Event],
    last: int,
    run: str,
) -> None:
    closing = asyncio.ensure_future(request.app[CLOSING].wait())
    try:
        while not closing.done():
            coming = asyncio.ensure_future(queue.get())
            await asyncio.wait(
                {coming, closing}, timeout=_QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if coming.done():
                if coming.result().seq > last:
                    await answer.write(_line(coming.result(), run))
                continue
            coming.cancel()
            if not closing.done():
                await answer.write(b": still here\n\n")
    finally:
        closing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await closing


def _line(event: Event, run: str) -> bytes:
    data = json.dumps({"seq": event.seq, **event.data})
    return f"id: {run}-{event.seq}\nevent: {event.topic}\ndata: {data}\n\n".encode()
