"""Every request the local servers got, so that a test can prove where a key went."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, unquote_plus

from .records import Json


@dataclass
class Request:
    """One request; `status` is what was answered, 0 as long as nothing was."""

    origin: str
    """`civitai`, `civitai_images`, `storage`, `huggingface` or `huggingface_storage`."""
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int = 0

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, decoded."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        return next((value for key, value in pairs if key == name), None)

    @property
    def decoded(self) -> str:
        """Path and query without percent signs, for a pattern to match."""
        path = unquote(self.path)
        return f"{path}?{unquote_plus(self.query)}" if self.query else path

    def carries(self, secret: str) -> bool:
        """Whether the text stands anywhere in it: path, query, headers or body."""
        places = [self.path, self.query, self.decoded]
        places += [unquote(self.query), *(text for pair in self.headers for text in pair)]
        return any(secret in place for place in places) or secret.encode() in self.body

    def as_json(self) -> Json:
        return {
            "origin": self.origin,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": [list(pair) for pair in self.headers],
            "body": self.body.decode("utf-8", "replace"),
            "status": self.status,
        }


class Record:
    """The requests in the order they came; safe to read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._running: Counter[str] = Counter()
        self._peaks: Counter[str] = Counter()

    def begin(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)
            self._running[request.origin] += 1
            self._peaks[request.origin] = max(
                self._peaks[request.origin], self._running[request.origin]
            )

    def end(self, request: Request) -> None:
        with self._lock:
            self._running[request.origin] -= 1

    def select(self, path: str = "", *, origin: str = "", method: str = "") -> list[Request]:
        """Those whose decoded path and query match the regular expression; empty: any."""
        pattern = re.compile(path)
        with self._lock:
            kept = list(self._requests)
        return [
            request
            for request in kept
            if origin in ("", request.origin)
            and method.upper() in ("", request.method)
            and pattern.search(request.decoded)
        ]

    def peak(self, origin: str) -> int:
        """The most requests that one origin had to answer at once."""
        with self._lock:
            return self._peaks[origin]

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._peaks.clear()
