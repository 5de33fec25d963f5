"""Signed part addresses: who has one may send that part until it expires, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from pathlib import Path

from .errors import Misconfigured, NotLetIn
from .files import write_atomic

VALID_SECONDS = 86_400


class Signer:
    """Signs (method, upload, number, expiry); what it has signed is valid after a restart too."""

    def __init__(self, path: Path, key: str) -> None:
        """The secret lies in the file `path` (mode 600); another `key` of the door ends it all."""
        self._path = path
        self._key = key.encode()
        self._secret = b""
        self._making = threading.Lock()

    def expiry(self) -> int:
        """When an address that is signed now expires, in seconds since the epoch."""
        return int(time.time()) + VALID_SECONDS

    def sign(self, upload_id: str, number: int, expires: int) -> str:
        """The signature of one part's address, as hex."""
        text = f"PUT\n{upload_id}\n{number}\n{expires}"
        return hmac.new(self._signing_key(), text.encode(), hashlib.sha256).hexdigest()

    def check(self, upload_id: str, number: int, expires: int, signature: str) -> None:
        """Raise NotLetIn unless the signature is right and has not expired."""
        right = self.sign(upload_id, number, expires)
        if not hmac.compare_digest(right.encode(), signature.encode(errors="replace")):
            raise NotLetIn("The signature of this part's address is wrong.")
        if expires < time.time():
            raise NotLetIn("This part's address has expired; GET /uploads/{id} gives a new one.")

    def _signing_key(self) -> bytes:
        # The door's key alone could be guessed from a signature if a person has chosen it badly.
        with self._making:
            self._secret = self._secret or _stored(self._path)
        return self._secret + self._key


def _stored(path: Path) -> bytes:
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        secret = b""
    except OSError as error:
        raise Misconfigured(
            f"The secret of the uploads cannot be read: {error.strerror}."
        ) from None
    if len(secret) < 32:
        secret = secrets.token_bytes(32)
        write_atomic(path, secret, mode=0o600)
    return secret
