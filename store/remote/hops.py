"""One call on its way through redirects and short waits to its answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests

from ..errors import BadInput, CuratorError, NotFound, StoreClosed, UpstreamFailed, UpstreamUnfit
from . import answers
from .addresses import AddressRefused, Base, check_foreign, origin_of
from .endings import covering
from .limits import Missing
from .ways import Ways

OK = frozenset((200,))
_HOPS = 8
_WAIT = 10.0
"""Seconds that a Retry-After may ask for and still be waited for within one call."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds for the connection, and for the next bytes; twice `read` must bring some 16 KB."""

    connect: float = 10.0
    read: float = 30.0


@dataclass
class Fetch:
    """One call on its way through redirects."""

    base: Base | None
    address: str
    accept: str
    key: bool
    missing: str
    """The text for what is not there."""
    absent: frozenset[int]
    """The statuses that mean so."""
    timeouts: Timeouts
    method: str = "GET"
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    accepted: frozenset[int] = OK
    patience: float = _WAIT
    """Seconds that a Retry-After may ask for in all and still be waited for."""
    waited: float = 0.0


class Hops:
    """Follows a call to its end; a key stays with its own host, nothing leads inside."""

    def __init__(self, ways: Ways, missing: Missing, closing: threading.Event) -> None:
        self._ways = ways
        self._missing = missing
        self._closing = closing

    def final(self, fetch: Fetch, stack: contextlib.ExitStack) -> requests.Response:
        """The answer of an accepted status. Raises what any other one means."""
        start = fetch.address
        hops = 0
        while True:
            response = stack.enter_context(self._send(fetch, first=hops == 0, stack=stack))
            if response.status_code in (301, 302, 303, 307, 308) and "Location" in response.headers:
                hops += 1
                if hops > _HOPS:
                    raise UpstreamFailed(f"{answers.name_of(fetch.base)} redirects in circles.")
                self._follow(fetch, response.headers["Location"])
            elif response.status_code in fetch.accepted:
                return response
            elif (wait := self._short_wait(fetch, response)) is not None:
                if self._closing.wait(wait):
                    raise StoreClosed("Curator is closing.")
                fetch.waited += wait
            else:
                raise self._failure(fetch, response, start)
            response.close()

    def within_origin(self, fetch: Fetch, stack: contextlib.ExitStack) -> requests.Response:
        """The answer of whatever status, after redirects that stay with whom they come from."""
        for _ in range(_HOPS):
            response = stack.enter_context(self._send(fetch, first=False, stack=stack))
            location = response.headers.get("Location")
            if not (location and self._stays(fetch, location)):
                return response
            self._follow(fetch, location)
        raise UpstreamFailed(f"{answers.name_of(fetch.base)} redirects in circles.")

    def _short_wait(self, fetch: Fetch, response: requests.Response) -> float | None:
        """Seconds to wait before asking again; None when that is not asked, or too long."""
        if response.status_code not in (429, 503):
            return None
        asked = answers.retry_after(response)
        if asked is None or fetch.waited + asked > fetch.patience:
            return None
        # Who says "at once" again and again is not asked again and again.
        return max(asked, 1.0)

    def _failure(self, fetch: Fetch, response: requests.Response, start: str) -> CuratorError:
        if response.status_code in fetch.absent:
            self._missing.remember(start)
            return NotFound(fetch.missing)
        if fetch.base is None and response.status_code in (401, 403):
            return UpstreamUnfit(
                f"This address gives the file only to those who log in there (status "
                f"{response.status_code}). Fetch it with a browser and put it into its folder."
            )
        # Behind a redirect no key helps: there the signed address is refused.
        base = fetch.base if self._ways.base_of(fetch.address) else None
        return answers.failure(response, base, key_shown=bool(self._ways.key_of(base)))

    def _stays(self, fetch: Fetch, location: str) -> bool:
        """Whether a redirect leads to the origin it comes from."""
        try:
            return origin_of(urljoin(fetch.address, location)) == origin_of(fetch.address)
        except (AddressRefused, ValueError):
            return False

    def _follow(self, fetch: Fetch, location: str) -> None:
        """Go on to the next hop; a key that has been left behind is never taken up again."""
        before = origin_of(fetch.address)
        try:
            fetch.address = urljoin(fetch.address, location)
            after = check_foreign(fetch.address)
        except (AddressRefused, ValueError) as error:
            raise UpstreamUnfit("A redirect leads to an address that is not fetched.") from error
        if after != before:
            fetch.key = False

    def _send(self, fetch: Fetch, *, first: bool, stack: contextlib.ExitStack) -> requests.Response:
        if self._closing.is_set():
            raise StoreClosed("Curator is closing.")
        _check_wanted()
        base = self._ways.base_of(fetch.address)
        headers = {"Accept": fetch.accept, "User-Agent": "ComfyUI-Curator", **fetch.headers}
        if fetch.accept == "*/*":
            headers["Accept-Encoding"] = "identity"
        if fetch.key and (key := self._ways.key_of(base)):
            headers["Authorization"] = f"Bearer {key}"
        try:
            session, proxies = self._ways.to(fetch.address, fetch.base, stack)
            return self._ask(session, fetch, headers, proxies)
        except AddressRefused as error:
            if first:
                raise BadInput(str(error), field="url") from error
            raise UpstreamUnfit("A redirect leads to an address that is not fetched.") from error

    def _ask(
        self,
        session: requests.Session,
        fetch: Fetch,
        headers: dict[str, str],
        proxies: dict[str, str],
    ) -> requests.Response:
        def ask() -> requests.Response:
            return session.request(
                fetch.method,
                fetch.address,
                data=fetch.data,
                headers=headers,
                proxies=proxies,
                stream=True,
                allow_redirects=False,
                timeout=(fetch.timeouts.connect, fetch.timeouts.read),
            )

        try:
            return ask()
        except requests.ConnectionError as error:
            # A connection kept from an earlier call may have been closed by the other side.
            if not answers.was_dropped(error):
                raise
            _check_wanted()
            return ask()
        except ValueError as error:
            if isinstance(error, requests.RequestException):
                raise
            # Requests takes a redirect's address apart, though it is not to follow it.
            raise UpstreamUnfit("A redirect leads to an address that is not fetched.") from error


def _check_wanted() -> None:
    ending = covering()
    if ending and ending.is_over:
        raise UpstreamFailed("Nobody waits for the answer any more.")
