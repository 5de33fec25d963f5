"""Questions that another thread can end at once, wherever they wait for an answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator
from contextvars import ContextVar


class Ending:
    """Over the answers that come within its blocks, of however many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._is_over = False

    @contextlib.contextmanager
    def covers(self) -> Generator[None, None, None]:
        """What this thread asks in the block is ended by `end`, and fails at once after it."""
        token = _COVERING.set(self)
        try:
            yield
        finally:
            _COVERING.reset(token)

    def end(self) -> None:
        """Close what is under way; from now on nothing is waited for any more."""
        with self._lock:
            self._is_over = True
            for each in self._sockets:
                shut(each)

    @property
    def is_over(self) -> bool:
        """Whether nothing is asked any more."""
        return self._is_over

    def add(self, sock: socket.socket) -> None:
        """An answer is waited for on this connection."""
        with self._lock:
            self._sockets.add(sock)
            if self._is_over:
                shut(sock)

    def discard(self, sock: socket.socket) -> None:
        """It has come, whole or not: the connection may soon be somebody else's."""
        with self._lock:
            self._sockets.discard(sock)


def covering() -> Ending | None:
    """The one that covers what this thread asks now."""
    return _COVERING.get()


def shut(sock: socket.socket) -> None:
    """Whoever reads from it finds its end at once."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


_COVERING: ContextVar[Ending | None] = ContextVar("covering", default=None)
