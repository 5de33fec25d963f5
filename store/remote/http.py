"""One polite, safe way to ask other machines: few at once, no key astray, no way inside."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import requests
from urllib3.exceptions import HTTPError

from ..errors import (
    BadInput,
    CuratorError,
    Impossible,
    StoreClosed,
    UpstreamFailed,
    UpstreamUnfit,
)
from ..settings import Settings
from . import answers
from .addresses import AddressRefused, Base, Origin, origin_of
from .endings import covering
from .hops import OK, Fetch, Hops, Timeouts
from .limits import Missing, Slots
from .streams import Stream
from .ways import Ways

__all__ = ["GONE", "Downloaded", "Head", "Http", "Timeouts"]

GONE = frozenset((404, 410))
"""The statuses that say: not there."""

_STREAMED = frozenset((200, 206, 416))
_CHUNK = 1 << 16
_JSON_LIMIT = 32 << 20


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


class Http:
    """Asks the bases of the settings, and any other address by the rules for foreign ones."""

    def __init__(self, settings: Settings, *, timeouts: Timeouts | None = None) -> None:
        """Reads the settings anew for each call, so that a change counts at once."""
        self._settings = settings
        self.timeouts = timeouts or Timeouts()
        self._closing = threading.Event()
        self._slots = Slots(self._at_once)
        self._missing = Missing()
        self._ways = Ways(settings)
        self._hops = Hops(self._ways, self._missing, self._closing)

    def base_of(self, address: str) -> Base | None:
        """The base that an address belongs to by its origin; None for a foreign one."""
        return self._ways.base_of(address)

    def json(
        self,
        address: str,
        *,
        missing: str,
        absent: frozenset[int] = GONE,
        body: Any = None,
        accepted: frozenset[int] = OK,
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
        need: Callable[[int], object] | None = None,
    ) -> Downloaded:
        """Write the whole file to `target`; `key`: show the base's key to the base.

        Raises Impossible beyond `limit` bytes, UpstreamFailed when it is cut or stalls, and what
        `check` raises, which is called with each piece, and `need`, which is told before they are
        written of how many bytes there will be: all of them where their number is announced.
        """
        with self._answer(address, "*/*", missing, GONE, key=key) as response:
            announced = answers.announced_length(response)
            digest = hashlib.sha256()
            size = 0
            if announced is not None and announced > limit:
                raise _too_large(limit)
            if need and announced is not None:
                need(announced)
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                if self._closing.is_set():
                    raise StoreClosed("Curator is closing.")
                if check:
                    check()
                if need and announced is None:
                    need(size)
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
        fetch = Fetch(base, address, "*/*", True, missing, GONE, self.timeouts)
        fetch.headers, fetch.accepted, fetch.patience = headers, _STREAMED, 0
        name = answers.name_of(base)
        with contextlib.ExitStack() as stack:
            with _failures_told(name), self._slots.held(base.origin if base else None):
                response = self._hops.final(fetch, stack)
            # A file takes long: once it comes, it holds no place of the short questions.
            yield Stream(response, name)

    def head(self, address: str) -> Head:
        """How a base answers HEAD: after redirects within its origin, of whatever status."""
        base = self._base_at(address)
        fetch = Fetch(base, address, "*/*", True, "", frozenset(), self.timeouts, method="HEAD")
        with _failures_told(answers.name_of(base)), contextlib.ExitStack() as stack:
            with self._slots.held(base.origin if base else None):
                response = self._hops.within_origin(fetch, stack)
        return Head(response.status_code, response.headers, bool(self._ways.key_of(base)))

    def page_instead(self, address: str) -> CuratorError:
        """What it means that a web page came instead of a file: of a base, that it wants a key."""
        base = self.base_of(address)
        if base is None or not base.key_field:
            return UpstreamUnfit(f"{answers.name_of(base)} gave a web page instead of a file.")
        return answers.key_wanted(base, key_shown=bool(self._ways.key_of(base)))

    def _at_once(self, origin: Origin) -> int:
        """Requests that one origin may have to answer at once; pictures are small and many."""
        values = self._settings.values
        if origin == origin_of(self._settings.options.civitai_images):
            return max(values.gallery_in_flight, values.civitai_in_flight)
        return values.civitai_in_flight

    def close(self) -> None:
        """End waits and running downloads; later calls raise StoreClosed."""
        self._closing.set()
        self._ways.close()

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
        accepted: frozenset[int] = OK,
    ) -> Generator[requests.Response, None, None]:
        """The final answer of status 200, after redirects and short waits; holds a slot."""
        self._missing.check(address, missing)
        base = self._base_at(address)
        fetch = Fetch(base, address, accept, key, missing, absent, self.timeouts)
        fetch.accepted = accepted
        if covering():
            # Who can be ended waits by themselves, where that ends at once and holds no slot.
            fetch.patience = 0
        if body is not None:
            fetch.method, fetch.data = "POST", json.dumps(body).encode()
            fetch.headers = {"Content-Type": "application/json"}
        with (
            self._slots.held(base.origin if base else None),
            contextlib.ExitStack() as stack,
            _failures_told(answers.name_of(base)),
        ):
            yield self._hops.final(fetch, stack)

    def _base_at(self, address: str) -> Base | None:
        """As `base_of`. Raises BadInput for what is no address."""
        try:
            return self.base_of(address)
        except AddressRefused as error:
            raise BadInput(str(error), field="url") from error


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
