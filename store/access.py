"""The key of the door, and the sessions that were opened with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from typing import Any

from .engine import Collection, CollectionSpec, Index
from .errors import Misconfigured
from .files import write_atomic

SESSION_SECONDS = 30 * 86_400

SESSIONS = CollectionSpec("sessions", key="id", indexes=(Index("by_expiry", None, "expires"),))


class Access:
    """Knows the key, and tells a right one from a wrong one in constant time."""

    def __init__(self, path: Path, sessions: Collection, *, given: str = "") -> None:
        """The key is `given`, or the one in the file `path` (mode 600), made if there is none."""
        self.path = path
        self.given = bool(given)
        self.key = given or _stored_key(path)
        self._sessions = sessions

    def admits(self, shown: str) -> bool:
        """Whether this is the key."""
        return hmac.compare_digest(_bytes(shown), _bytes(self.key))

    def open_session(self) -> str:
        """A new random session id, good for 30 days; only its digest is kept."""
        now = int(time.time())
        self._drop_expired(now)
        session = secrets.token_urlsafe(32)
        self._sessions.put({"id": self._digest(session), "expires": now + SESSION_SECONDS})
        return session

    def knows_session(self, session: str) -> bool:
        """Whether the session is open; a new key ends them all."""
        record = self._sessions.get(self._digest(session))
        return record is not None and record["expires"] > time.time()

    def close_session(self, session: str) -> None:
        """End the session; an unknown one is no error."""
        self._sessions.delete(self._digest(session))

    def _digest(self, session: str) -> str:
        # Keyed with the key itself, so that a changed key revokes what was opened with the old one.
        return hmac.new(_bytes(self.key), _bytes(session), hashlib.sha256).hexdigest()

    def _drop_expired(self, now: int) -> None:
        page = self._sessions.page("by_expiry", limit=100)
        expired: list[dict[str, Any]] = [r for r in page.records if r["expires"] <= now]
        for record in expired:
            self._sessions.delete(record["id"])


def _bytes(text: str) -> bytes:
    # What came in a header may hold bytes that are no UTF-8.
    return text.encode(errors="surrogateescape")


def _stored_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = ""
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The key file {path} cannot be read: {error}.") from error
    if not key:
        key = secrets.token_urlsafe(24)
        write_atomic(path, key.encode() + b"\n", mode=0o600)
    return key
