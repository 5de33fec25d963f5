"""Who is let in. Default closed: what is not known to be allowed is refused.

Two questions, in this order: is the request *foreign*, that is, made by somebody else's web page
or for a name that is not ours (403)? And is its caller let in, by coming from this machine or by
showing the key (401)? Browsers leave out `Sec-Fetch-*` on plain-http addresses of the LAN and
cookies know no ports, so neither is ever the only guard.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import ipaddress
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web

from ..store.errors import Foreign, NotLetIn, TooMany
from ..store.host import is_loopback
from .routing import Access

if TYPE_CHECKING:
    from ..store.store import Store

COOKIE = "curator_session"

_FORWARDING = ("forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "via")
_FORWARDING_FAMILIES = ("x-forwarded-", "cf-")
_EXTENSIONS = ("chrome-extension", "moz-extension", "safari-web-extension")
_FAILURES_A_MINUTE = 10
_CALLERS_REMEMBERED = 10_000
_LONGEST_WAIT = 5.0
_TEXTS_REMEMBERED = 64


@dataclass
class Failures:
    """Wrong keys of the last minute, by the caller's address."""

    by_caller: dict[str, deque[float]] = field(default_factory=dict[str, deque[float]])
    _turns: dict[str, float] = field(default_factory=dict[str, float])

    def too_many(self, caller: str) -> bool:
        """Whether this caller has shown ten wrong keys within a minute."""
        times = self.by_caller.get(_neighbourhood(caller))
        while times and times[0] < time.monotonic() - 60:
            times.popleft()
        return times is not None and len(times) >= _FAILURES_A_MINUTE

    def add(self, caller: str) -> None:
        """Remember one more."""
        who = _neighbourhood(caller)
        times = self.by_caller.pop(who, None) or deque(maxlen=_FAILURES_A_MINUTE)
        times.append(time.monotonic())
        if len(self.by_caller) >= _CALLERS_REMEMBERED:
            quiet = next(iter(self.by_caller))  # who has been so the longest
            del self.by_caller[quiet]
            self._turns.pop(quiet, None)
        self.by_caller[who] = times

    async def slow_down(self, caller: str) -> None:
        """After too many wrong keys: wait until one a second has had its turn.

        Before the key is looked at, for guesses sent side by side gain nothing from slow refusals.
        Raises TooMany when too many wait already.
        """
        if not self.too_many(caller):
            return
        who, now = _neighbourhood(caller), time.monotonic()
        turn = max(now, self._turns.get(who, 0)) + 1
        if turn - now > _LONGEST_WAIT:
            raise TooMany("Too many wrong keys; wait a minute.", retry_after=60)
        self._turns[who] = turn
        await asyncio.sleep(turn - now)


FAILURES = web.AppKey("failures", Failures)


@dataclass(frozen=True)
class HostName:
    """A host and port as text: of a `Host` header, an origin or an address."""

    name: str
    port: int | None

    @staticmethod
    @lru_cache(_TEXTS_REMEMBERED)
    def parse(text: str) -> HostName | None:
        """From `name:port`; None when it cannot be one."""
        try:
            parts = urlsplit(f"//{text}")
            if not parts.hostname or parts.username is not None or parts[2:] != ("", "", ""):
                return None
            return HostName(parts.hostname.rstrip("."), parts.port)
        except ValueError:
            return None


def refuse_foreign(request: web.Request, store: Store, access: Access) -> None:
    """Raise Foreign for a request that another web page made, or that is meant for another name."""
    host = HostName.parse(request.host)
    if len(request.headers.getall(hdrs.HOST, [])) != 1 or host is None:
        raise Foreign("The Host header is missing or not a host.")
    if not _is_our_name(request, store, host.name):
        raise Foreign("This server does not answer to that name; --allow-host adds it.")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and not _is_our_origin(origin, request, store):
        if origin.partition("://")[0] not in _EXTENSIONS:
            raise Foreign("Requests from other pages are not taken.")
        if not _header_keys(request):
            raise Foreign("An extension must show the key in a header.")
        return
    if access is Access.PAGE and _is_navigation(request):
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Foreign("Requests from other pages are not taken.")
    referer = request.headers.get(hdrs.REFERER)
    if referer is not None and not _is_our_origin(referer, request, store):
        raise Foreign("Requests from other pages are not taken.")


async def ask_for_key(request: web.Request, store: Store, failures: Failures) -> None:
    """Raise NotLetIn unless the caller shows the key or needs none; TooMany after many wrong."""
    if not _header_keys(request):
        if not _needs_no_key(request, store):
            raise NotLetIn("A key is needed: X-API-Key, Bearer, Basic, or POST /session.")
    elif not await _shows_the_key(request, store, failures):
        raise NotLetIn("The key is wrong.")


async def is_let_in(request: web.Request, store: Store, failures: Failures) -> bool:
    """Whether `ask_for_key` would let this caller in."""
    try:
        await ask_for_key(request, store, failures)
    except (NotLetIn, TooMany):
        return False
    return True


async def _shows_the_key(request: web.Request, store: Store, failures: Failures) -> bool:
    await failures.slow_down(caller(request))
    if any(store.access.admits(key) for key in _header_keys(request)):
        return True
    failures.add(caller(request))
    return False


def _needs_no_key(request: web.Request, store: Store) -> bool:
    """Whether the caller has an open session, or comes from this machine where that is enough."""
    session = request.cookies.get(COOKIE)
    if session and store.access.knows_session(session):
        return True
    return not needs_key(store) and is_local(request)


def needs_key(store: Store) -> bool:
    """Whether callers from this machine must show the key too."""
    said = store.settings.values.require_key
    return store.host.beyond_loopback if said is None else said


def is_local(request: web.Request) -> bool:
    """Whether the caller is surely on this machine: no proxy in between, no other name for us."""
    host = HostName.parse(request.host)
    if host is None or not is_loopback(host.name) or not is_loopback(caller(request)):
        return False
    own = request.transport.get_extra_info("sockname") if request.transport else None
    if not own or (host.port or 80) != own[1]:
        return False
    if request.version != HttpVersion11:
        return False
    return not _is_forwarded(tuple(request.headers))


@lru_cache(_TEXTS_REMEMBERED)
def _is_forwarded(names: tuple[str, ...]) -> bool:
    """Whether headers of these names tell of a proxy; a browser sends the same ones each time."""
    lower = [name.lower() for name in names]
    return any(name in _FORWARDING or name.startswith(_FORWARDING_FAMILIES) for name in lower)


def caller(request: web.Request) -> str:
    """The address at the other end of the connection; empty for what has none."""
    peer: object = request.transport.get_extra_info("peername") if request.transport else None
    # A Unix socket's peer is a text, and tells nothing of where its caller is.
    return str(cast("Sequence[object]", peer)[0]) if isinstance(peer, tuple) and peer else ""


def shows_a_key(request: web.Request) -> bool:
    """Whether a header shows a key; past the door it is the right one."""
    return bool(_header_keys(request))


def callers_name(request: web.Request) -> str:
    """Tells callers apart by what they show and where they come from, and nothing else of them."""
    shown = [*_header_keys(request), request.cookies.get(COOKIE, ""), caller(request)]
    return hashlib.sha256("\n".join(shown).encode(errors="surrogateescape")).hexdigest()


def _neighbourhood(address: str) -> str:
    """The address, of IPv6 its first half: the other one everybody may choose anew each time."""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or int(parsed) >> 64)


def _header_keys(request: web.Request) -> list[str]:
    """Every key that the headers show: X-API-Key, Bearer, user or password of Basic."""
    keys = list(request.headers.getall("X-API-Key", []))
    for value in request.headers.getall(hdrs.AUTHORIZATION, []):
        scheme, _, rest = value.partition(" ")
        keys.extend(_basic(rest) if scheme.lower() == "basic" else [rest.strip() or value])
    return [key for key in keys if key]


def _basic(credentials: str) -> list[str]:
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return [credentials]  # shown, and surely wrong
    return decoded.split(":", 1)


def _is_navigation(request: web.Request) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and request.headers.get("Sec-Fetch-Dest", "document") == "document"
    )


def _is_our_name(request: web.Request, store: Store, name: str) -> bool:
    if is_loopback(name):
        return True
    own = request.transport.get_extra_info("sockname") if request.transport else None
    if own and name == str(own[0]).split("%")[0]:
        return True
    public = urlsplit(store.settings.values.public_url).hostname
    allowed = {allowed.lower() for allowed in store.settings.values.allow_hosts}
    return (
        name in allowed or name == public or (store.host.beyond_loopback and name in _own_names())
    )


@lru_cache(maxsize=1)
def _own_names() -> frozenset[str]:
    """The names this machine calls itself; `.local` is how mDNS spreads the first."""
    name = socket.gethostname().lower()
    return frozenset({name, f"{name.split('.')[0]}.local"} - {""})


def _is_our_origin(text: str, request: web.Request, store: Store) -> bool:
    """Whether an origin or address is this very server as the caller has addressed it."""
    public = store.settings.values.public_url
    try:
        parts = urlsplit(text)
        origin = (parts.hostname, parts.port or _usual_port(parts.scheme))
        if public:
            ours = urlsplit(public)
            if (parts.scheme, *origin) == (
                ours.scheme,
                ours.hostname,
                ours.port or _usual_port(ours.scheme),
            ):
                return True
    except ValueError:
        return False
    host = HostName.parse(request.host)
    if host is None or parts.scheme not in ("http", "https"):
        return False
    return origin == (host.name, host.port or _usual_port(parts.scheme))


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
