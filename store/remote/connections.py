"""Connections that go only where they may, and that notice when nothing arrives any more."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .addresses import check_public, resolve
from .endings import covering, shut

_PACE_BYTES = 16 * 1024


class _Paced(io.RawIOBase):
    """A socket's bytes; raises TimeoutError when a long wait brought next to nothing.

    The read timeout alone lets a server that sends a byte every few seconds hold us for days.
    Only time spent waiting counts: a slow disk on our side is not the server's fault.
    """

    def __init__(self, raw: io.RawIOBase, seconds: float) -> None:
        super().__init__()
        self._raw = raw
        self._seconds = seconds
        self._waited = 0.0
        self._got = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        began = time.monotonic()
        count = self._raw.readinto(buffer)
        self._waited += time.monotonic() - began
        self._got += count or 0
        if self._waited >= self._seconds:
            if self._got < _PACE_BYTES and count:
                raise TimeoutError("the answer comes too slowly")
            self._waited, self._got = 0.0, 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    """An answer that must keep coming, and that another thread may end."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._socket = sock
        self._ending = covering()
        if self._ending:
            self._ending.add(sock)
        timeout = sock.gettimeout()
        if timeout:
            raw = self.fp.detach()
            # Two read timeouts long: headers, chunk sizes and body all come through here.
            self.fp = io.BufferedReader(_Paced(raw, 2 * timeout))

    def interrupt(self) -> None:
        """Whoever reads from it finds its end at once."""
        shut(self._socket)

    def _close_conn(self) -> None:
        if self._ending:
            self._ending.discard(self._socket)
        # Private in http.client: its stubs do not have it.
        super()._close_conn()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]


def _connect_checked(connection: HTTPConnection) -> socket.socket:
    """Connect to an address of the host that was checked a moment ago, asking the names once."""
    try:
        addresses = resolve(connection.host, connection.port)
    except OSError as error:
        raise NewConnectionError(connection, "the name is not known") from error
    check_public(addresses)
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection(
                (address, connection.port),
                connection.timeout,
                connection.source_address,
            )
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "the connection took too long") from failure
    raise NewConnectionError(connection, "the connection failed") from failure


class _PlainHTTP(HTTPConnection):
    response_class = PacedResponse


class _PlainHTTPS(HTTPSConnection):
    response_class = PacedResponse


class _CheckedHTTP(_PlainHTTP):
    def _new_conn(self) -> socket.socket:
        return _connect_checked(self)


class _CheckedHTTPS(_PlainHTTPS):
    # The name stays the host's in the Host header and in TLS; only the socket is chosen here.
    def _new_conn(self) -> socket.socket:
        return _connect_checked(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: ClassVar[Any] = _PlainHTTP


class _PlainTLSPool(HTTPSConnectionPool):
    ConnectionCls: ClassVar[Any] = _PlainHTTPS


class _CheckedPool(HTTPConnectionPool):
    ConnectionCls: ClassVar[Any] = _CheckedHTTP


class _CheckedTLSPool(HTTPSConnectionPool):
    ConnectionCls: ClassVar[Any] = _CheckedHTTPS


_PLAIN: dict[str, Any] = {"http": _PlainPool, "https": _PlainTLSPool}
_CHECKED: dict[str, Any] = {"http": _CheckedPool, "https": _CheckedTLSPool}


class SafeAdapter(HTTPAdapter):
    """Requests' adapter over these connections; a `checked` one reaches public addresses only."""

    def __init__(self, *, checked: bool) -> None:
        self._checked = checked
        super().__init__(pool_connections=4, pool_maxsize=16, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Requests' hook: the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _CHECKED if self._checked else _PLAIN

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Requests' hook: through a proxy the socket is the proxy's, checked before instead."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _PLAIN
        return manager
