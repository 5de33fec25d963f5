"""A large file on its way: read piece by piece, and ended from another thread if need be."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any

import requests

from ..errors import UpstreamFailed
from .answers import told_name
from .connections import PacedResponse

_PIECE = 1 << 18


class Stream:
    """An answer whose body is read as it comes."""

    def __init__(self, response: requests.Response, name: str) -> None:
        """`name` is who answers, for texts."""
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.name = name
        self.told_name = told_name(response.headers)
        # Below urllib3: its pieces are copied several times, and what came before a cut is lost.
        self._body: Any = getattr(response.raw, "_original_response", None)

    def read(self) -> bytes:
        """The bytes that have come by now, at most 256 KiB; empty at the end.

        The end may be that of the connection: who reads counts. Raises UpstreamFailed.
        """
        try:
            return self._body.read1(_PIECE)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UpstreamFailed(f"{self.name} broke off in the middle of the file.") from error

    def interrupt(self) -> None:
        """End the waiting of another thread that reads."""
        if isinstance(self._body, PacedResponse) and not self._body.isclosed():
            self._body.interrupt()
