"""The way to an address: whose it is, over which session and proxies it is asked."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.utils import get_environ_proxies

from ..settings import Settings
from .addresses import (
    Base,
    Origin,
    check_foreign,
    check_public,
    is_private_host,
    origin_of,
    resolve,
)
from .connections import SafeAdapter

_PROXY_NAMES = tuple(
    name
    for each in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method")
    for name in (each, each.upper())
)
"""What the environment says of proxies."""


class Ways:
    """The bases of the settings with a session each; foreign addresses by their own rules."""

    def __init__(self, settings: Settings) -> None:
        """Reads the settings anew for each way, so that a change counts at once."""
        self._settings = settings
        self._lock = threading.Lock()
        self._sessions: dict[Origin, requests.Session] = {}
        options = settings.options
        # The longest address first: bases may share an origin, and then the path tells them apart.
        self._bases = sorted(
            (
                Base(name, address, field, origin_of(address))
                for name, address, field in (
                    ("CivitAI", options.civitai, "civitai_key"),
                    ("CivitAI", options.civitai_images, ""),
                    ("Hugging Face", options.huggingface, "huggingface_token"),
                )
            ),
            key=lambda base: len(base.address),
            reverse=True,
        )

    def base_of(self, address: str) -> Base | None:
        """The base that an address belongs to by its origin; None for a foreign one."""
        origin = origin_of(address)
        same = [base for base in self._bases if base.origin == origin]
        below = [base for base in same if address.startswith(base.address)]
        return (below or same or [None])[0]

    def key_of(self, base: Base | None) -> str:
        """The key that the settings have for a base; empty for none."""
        if base is None or not base.key_field:
            return ""
        return str(getattr(self._settings.values, base.key_field) or "")

    def to(
        self, address: str, start: Base | None, stack: contextlib.ExitStack
    ) -> tuple[requests.Session, dict[str, str]]:
        """The session and proxies for a hop of a call that started at a base, or elsewhere.

        Only from a base in the private network may hops lead there. Raises AddressRefused.
        """
        values = self._settings.values
        base = self.base_of(address)
        if base is not None:
            if not address.startswith(base.address):
                check_foreign(address)
            return self._session(base.origin), self._proxies(address)
        origin = check_foreign(address)
        proxies = self._proxies(address) if values.proxy_foreign else {}
        inside = start is not None and is_private_host(*start.origin[1:])
        checked = not (values.allow_private_addresses or inside)
        if checked and proxies:
            # The proxy makes the connection; what we can know of the name is looked at first.
            with contextlib.suppress(OSError):
                check_public(resolve(origin.host, origin.port))
        return stack.enter_context(_new_session(checked=checked)), proxies

    def close(self) -> None:
        """Close every kept connection."""
        with self._lock:
            for session in self._sessions.values():
                session.close()

    def _session(self, origin: Origin) -> requests.Session:
        with self._lock:
            if origin not in self._sessions:
                self._sessions[origin] = _new_session(checked=False)
            return self._sessions[origin]

    def _proxies(self, address: str) -> dict[str, str]:
        proxy = self._settings.values.proxy
        if proxy:
            return {"http": proxy, "https": proxy}
        return dict(
            _of_origin(
                origin_of(address),
                tuple(map(os.environ.get, _PROXY_NAMES)),
                # Elsewhere than in the environment, Windows and macOS keep them where they change.
                int(time.monotonic() // 60),
            )
        )


@functools.lru_cache(maxsize=256)
def _of_origin(origin: Origin, said: tuple[str | None, ...], minute: int) -> dict[str, str]:
    """The system's proxies for an origin: to look them up takes longer than many a request."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return dict(get_environ_proxies(f"{origin.scheme}://{host}:{origin.port}/", None))


def _new_session(*, checked: bool) -> requests.Session:
    session = requests.Session()
    # No netrc (it would send a password of the user's), no proxies but those of `Ways.to`.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = SafeAdapter(checked=checked)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
