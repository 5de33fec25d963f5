"""One polite, safe way to ask other machines: few at once, no key astray, no way inside."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import IO, Any
from urllib.parse import urljoin

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from ..errors import (
    BadInput,
    CuratorError,
    Impossible,
    NotFound,
    StoreClosed,
    UpstreamFailed,
    UpstreamUnfit,
)
from ..settings import Settings
from . import answers
from .addresses import (
    AddressRefused,
    Base,
    Origin,
    check_foreign,
    check_public,
    is_private_host,
    origin_of,
    resolve,
)
from .connections import SafeAdapter
from .limits import Missing, Slots
from .streams import Stream

GONE = frozenset((404, 410))
"""The statuses that say: not there."""

_OK = frozenset((200,))
_STREAMED = frozenset((200, 206, 416))
_HOPS = 8
_CHUNK = 1 << 16
_JSON_LIMIT = 32 << 20
_WAIT = 10.0
"""Seconds that a Retry-After may ask for and still be waited for within one call."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds for the connection, and for the next bytes; twice `read` must bring some 16 KB."""

    connect: float = 10.0
    read: float = 30.0


@dataclass(frozen=True)
class Downloaded:
    """What has arrived: bytes, SHA-256 in lower case, and what upstream called it."""

    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class Head:
    """What an answer says besides its body; `key_shown`: whether a key was there to be shown."""

    status: int
    headers: Mapping[str, str]
    key_shown: bool


@dataclass
class _Fetch:
    """One call on its way through redirects."""

    base: Base | None
    address: str
    accept: str
    key: bool
    missing: str
    """The text for what is not there."""
    absent: frozenset[int]
    """The statuses that mean so."""
    method: str = "GET"
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    accepted: frozenset[int] = _OK
    patience: float = _WAIT
    """Seconds that a Retry-After may ask for in all and still be waited for."""
    waited: float = 0.0

    def may_go_inside(self) -> bool:
        """Whether hops may lead into the private network: only from a base that lies there."""
        return self.base is not None and is_private_host(*self.base.origin[1:])


class Http:
    """Asks the bases of the settings, and any other address by the rules for foreign ones."""

    def __init__(self, settings: Settings, *, timeouts: Timeouts | None = None) -> None:
        """Reads the settings anew for each call, so that a change counts at once."""
        self._settings = settings
        self.timeouts = timeouts or Timeouts()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._sessions: dict[Origin, requests.Session] = {}
        self._slots = Slots(self._at_once)
        self._missing = Missing()
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

    def json(
        self,
        address: str,
        *,
        missing: str,
        absent: frozenset[int] = GONE,
        body: Any = None,
        accepted: frozenset[int] = _OK,
    ) -> Any:
        """The parsed answer of a base, which sees its key; with a `body` to a POST.

        Statuses of `absent` raise NotFound with the text `missing`, for a while without asking.
        """
        with self._answer(
            address, "application/json", missing, absent, key=True, body=body, accepted=accepted
        ) as response:
            return answers.read_json(response, _JSON_LIMIT, answers.name_of(self.base_of(address)))

    def download(
        self,
        address: str,
        target: IO[bytes],
        *,
        limit: int,
        missing: str,
        key: bool = False,
        check: Callable[[], object] | None = None,
    ) -> Downloaded:
        """Write the whole file to `target`; `key`: show the base's key to the base.

        Raises Impossible beyond `limit` bytes, UpstreamFailed when it is cut or stalls, and what
        `check` raises, which is called with each piece.
        """
        with self._answer(address, "*/*", missing, GONE, key=key) as response:
            announced = answers.announced_length(response)
            digest = hashlib.sha256()
            size = 0
            if announced is not None and announced > limit:
                raise _too_large(limit)
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                if self._closing.is_set():
                    raise StoreClosed("Curator is closing.")
                if check:
                    check()
                digest.update(chunk)
                target.write(chunk)
            if announced is not None and size != announced:
                raise UpstreamFailed("The download ended before the file was complete.")
            kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
            return Downloaded(size, digest.hexdigest(), kind)

    @contextlib.contextmanager
    def stream(
        self, address: str, headers: Mapping[str, str], *, missing: str
    ) -> Generator[Stream, None, None]:
        """A file's answer of status 200, 206 or 416, its body still to be read.

        A base sees its key. Raises as `download` does, but UpstreamBusy without any wait; what
        is missing is asked for again by the next call.
        """
        base = self._base_at(address)
        fetch = _Fetch(base, address, "*/*", True, missing, GONE)
        fetch.headers, fetch.accepted, fetch.patience = headers, _STREAMED, 0
        name = answers.name_of(base)
        with contextlib.ExitStack() as stack:
            with _failures_told(name), self._slots.held(base.origin if base else None):
                response = self._final(fetch, stack)
            # A file takes long: once it comes, it holds no place of the short questions.
            yield Stream(response, name)

    def head(self, address: str) -> Head:
        """How a base answers HEAD: after redirects within its origin, of whatever status."""
        base = self._base_at(address)
        fetch = _Fetch(base, address, "*/*", True, "", frozenset(), method="HEAD")
        shown = bool(base and base.key_field and getattr(self._settings.values, base.key_field))
        with _failures_told(answers.name_of(base)), contextlib.ExitStack() as stack:
            with self._slots.held(base.origin if base else None):
                for _ in range(_HOPS):
                    response = stack.enter_context(self._send(fetch, first=False, stack=stack))
                    location = response.headers.get("Location")
                    if not (location and self._stays(fetch, location)):
                        return Head(response.status_code, response.headers, shown)
                    self._follow(fetch, location)
        raise UpstreamFailed(f"{answers.name_of(base)} redirects in circles.")

    def page_instead(self, address: str) -> CuratorError:
        """What it means that a web page came instead of a file: of a base, that it wants a key."""
        base = self.base_of(address)
        if base is None or not base.key_field:
            return UpstreamUnfit(f"{answers.name_of(base)} gave a web page instead of a file.")
        shown = bool(getattr(self._settings.values, base.key_field))
        return answers.key_wanted(base, key_shown=shown)

    def _at_once(self, origin: Origin) -> int:
        """Requests that one origin may have to answer at once; pictures are small and many."""
        values = self._settings.values
        if origin == origin_of(self._settings.options.civitai_images):
            return max(values.gallery_in_flight, values.civitai_in_flight)
        return values.civitai_in_flight

    def close(self) -> None:
        """End waits and running downloads; later calls raise StoreClosed."""
        self._closing.set()
        with self._lock:
            for session in self._sessions.values():
                session.close()

    @contextlib.contextmanager
    def _answer(
        self,
        address: str,
        accept: str,
        missing: str,
        absent: frozenset[int],
        *,
        key: bool,
        body: Any = None,
        accepted: frozenset[int] = _OK,
    ) -> Generator[requests.Response, None, None]:
        """The final answer of status 200, after redirects and short waits; holds a slot."""
        self._missing.check(address, missing)
        base = self._base_at(address)
        fetch = _Fetch(base, address, accept, key, missing, absent, accepted=accepted)
        if body is not None:
            fetch.method, fetch.data = "POST", json.dumps(body).encode()
            fetch.headers = {"Content-Type": "application/json"}
        with (
            self._slots.held(base.origin if base else None),
            contextlib.ExitStack() as stack,
            _failures_told(answers.name_of(base)),
        ):
            yield self._final(fetch, stack)

    def _base_at(self, address: str) -> Base | None:
        """As `base_of`. Raises BadInput for what is no address."""
        try:
            return self.base_of(address)
        except AddressRefused as error:
            raise BadInput(str(error), field="url") from error

    def _final(self, fetch: _Fetch, stack: contextlib.ExitStack) -> requests.Response:
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

    def _short_wait(self, fetch: _Fetch, response: requests.Response) -> float | None:
        """Seconds to wait before asking again; None when that is not asked, or too long."""
        if response.status_code not in (429, 503):
            return None
        asked = answers.retry_after(response)
        if asked is None or fetch.waited + asked > fetch.patience:
            return None
        # Who says "at once" again and again is not asked again and again.
        return max(asked, 1.0)

    def _failure(self, fetch: _Fetch, response: requests.Response, start: str) -> CuratorError:
        if response.status_code in fetch.absent:
            self._missing.remember(start)
            return NotFound(fetch.missing)
        if fetch.base is None and response.status_code in (401, 403):
            return UpstreamUnfit(
                f"This address gives the file only to those who log in there (status "
                f"{response.status_code}). Fetch it with a browser and put it into its folder."
            )
        # Behind a redirect no key helps: there the signed address is refused.
        base = fetch.base if self.base_of(fetch.address) else None
        shown = bool(base and base.key_field and getattr(self._settings.values, base.key_field))
        return answers.failure(response, base, key_shown=shown)

    def _stays(self, fetch: _Fetch, location: str) -> bool:
        """Whether a redirect leads to the origin it comes from."""
        try:
            return origin_of(urljoin(fetch.address, location)) == origin_of(fetch.address)
        except (AddressRefused, ValueError):
            return False

    def _follow(self, fetch: _Fetch, location: str) -> None:
        """Go on to the next hop; a key that has been left behind is never taken up again."""
        before = origin_of(fetch.address)
        try:
            fetch.address = urljoin(fetch.address, location)
            after = check_foreign(fetch.address)
        except (AddressRefused, ValueError) as error:
            raise UpstreamUnfit("A redirect leads to an address that is not fetched.") from error
        if after != before:
            fetch.key = False

    def _send(
        self, fetch: _Fetch, *, first: bool, stack: contextlib.ExitStack
    ) -> requests.Response:
        if self._closing.is_set():
            raise StoreClosed("Curator is closing.")
        base = self.base_of(fetch.address)
        headers = {"Accept": fetch.accept, "User-Agent": "ComfyUI-Curator", **fetch.headers}
        if fetch.accept == "*/*":
            headers["Accept-Encoding"] = "identity"
        if fetch.key and base is not None and base.key_field:
            key = str(getattr(self._settings.values, base.key_field))
            if key:
                headers["Authorization"] = f"Bearer {key}"
        try:
            session, proxies = self._way(fetch, base, stack)
            return self._ask(session, fetch, headers, proxies)
        except AddressRefused as error:
            if first:
                raise BadInput(str(error), field="url") from error
            raise UpstreamUnfit("A redirect leads to an address that is not fetched.") from error

    def _ask(
        self,
        session: requests.Session,
        fetch: _Fetch,
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
                timeout=(self.timeouts.connect, self.timeouts.read),
            )

        try:
            return ask()
        except requests.ConnectionError as error:
            # A connection kept from an earlier call may have been closed by the other side.
            if not answers.was_dropped(error):
                raise
            return ask()
        except ValueError as error:
            if isinstance(error, requests.RequestException):
                raise
            # Requests takes a redirect's address apart, though it is not to follow it.
            raise UpstreamUnfit("A redirect leads to an address that is not fetched.") from error

    def _way(
        self, fetch: _Fetch, base: Base | None, stack: contextlib.ExitStack
    ) -> tuple[requests.Session, dict[str, str]]:
        """The session and proxies for this hop. Raises AddressRefused."""
        values = self._settings.values
        if base is not None:
            if not fetch.address.startswith(base.address):
                check_foreign(fetch.address)
            return self._session(base.origin), self._proxies(fetch.address)
        origin = check_foreign(fetch.address)
        proxies = self._proxies(fetch.address) if values.proxy_foreign else {}
        checked = not (values.allow_private_addresses or fetch.may_go_inside())
        if checked and proxies:
            # The proxy makes the connection; what we can know of the name is looked at first.
            with contextlib.suppress(OSError):
                check_public(resolve(origin.host, origin.port))
        return stack.enter_context(_new_session(checked=checked)), proxies

    def _session(self, origin: Origin) -> requests.Session:
        with self._lock:
            if origin not in self._sessions:
                self._sessions[origin] = _new_session(checked=False)
            return self._sessions[origin]

    def _proxies(self, address: str) -> dict[str, str]:
        proxy = self._settings.values.proxy
        if proxy:
            return {"http": proxy, "https": proxy}
        return dict(get_environ_proxies(address, no_proxy=None))


def _new_session(*, checked: bool) -> requests.Session:
    session = requests.Session()
    # No netrc (it would send a password of the user's), no proxies but those of `_way`.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = SafeAdapter(checked=checked)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


@contextlib.contextmanager
def _failures_told(name: str) -> Generator[None, None, None]:
    """What goes wrong on the way, as facts without any address."""
    try:
        yield
    except requests.RequestException as error:
        raise UpstreamFailed(answers.reason(error, name)) from error
    except (HTTPError, TimeoutError) as error:
        raise UpstreamFailed(f"{name} broke off in the middle of its answer.") from error


def _too_large(limit: int) -> CuratorError:
    return Impossible(f"The file is larger than {limit >> 20} MB, more than is taken here.")
