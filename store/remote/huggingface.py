"""Hugging Face: where a file of a repository lies, and what is known of it beforehand."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import quote

from ..errors import BadInput, NotFound, UpstreamBusy, UpstreamFailed
from ..json_values import is_object
from ..settings import Settings
from .answers import retry_after_of
from .http import Head, Http

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELD = "huggingface_token"


class HubFile(NamedTuple):
    """A file as it is announced; 0 and empty where nothing is said."""

    address: str
    size: int
    sha256: str
    commit: str


class HuggingFace:
    """Asks Hugging Face. All raise BadInput (`huggingface_token`), NotFound, UpstreamFailed."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._http = http
        self._base = settings.options.huggingface

    def address(self, repository: str, path: str, revision: str = "main") -> str:
        """Where the file is downloaded."""
        name = quote(repository, safe="/")
        return f"{self._base}/{name}/resolve/{quote(revision, safe='')}/{quote(path, safe='/')}"

    def page(self, repository: str, path: str, revision: str = "main") -> str:
        """Where a person sees the file."""
        name = quote(repository, safe="/")
        return f"{self._base}/{name}/blob/{quote(revision, safe='')}/{quote(path, safe='/')}"

    def file(self, repository: str, path: str, revision: str = "main") -> HubFile:
        """What the repository says of a file: its size and, for large ones, its SHA-256."""
        address = self.address(repository, path, revision)
        head = self._http.head(address)
        if head.status not in (200, 301, 302, 303, 307, 308):
            self._refuse(head, repository, path)
        linked = head.headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
        size = head.headers.get("X-Linked-Size", "")
        if not size and head.status == 200:
            size = head.headers.get("Content-Length", "")
        return HubFile(
            address,
            int(size) if size.isascii() and size.isdigit() and len(size) < 19 else 0,
            linked if _SHA256.fullmatch(linked) else "",
            head.headers.get("X-Repo-Commit", ""),
        )

    def repository(self, repository: str, revision: str = "main") -> dict[str, Any]:
        """What is known of a repository: `lastModified`, `siblings` (its files) and more."""
        name = quote(repository.strip("/"), safe="/")
        missing = f"There is no repository {repository} on Hugging Face."
        if revision != "main":
            name += f"/revision/{quote(revision, safe='')}"
            missing = f"{repository} on Hugging Face has no revision {revision}."
        found = self._http.json(f"{self._base}/api/models/{name}?blobs=true", missing=missing)
        if not is_object(found):
            raise UpstreamFailed("Hugging Face answered with something else than it should.")
        return found

    def _refuse(self, head: Head, repository: str, path: str) -> None:
        """Raise the fact behind the status and Hugging Face's own code."""
        code = head.headers.get("X-Error-Code", "")
        page = f"{self._base}/{quote(repository, safe='/')}"
        if code == "GatedRepo":
            raise BadInput(_gated(repository, page, key_shown=head.key_shown), field=_FIELD)
        if head.status in (401, 403):
            raise BadInput(_hidden(repository, key_shown=head.key_shown), field=_FIELD)
        if code == "EntryNotFound":
            raise NotFound(f"{repository} on Hugging Face has no file {path}.")
        if head.status in (404, 410):
            raise NotFound(f"There is no repository {repository} on Hugging Face.")
        if head.status in (429, 503):
            raise UpstreamBusy(
                "Hugging Face is busy. Try again later.",
                retry_after=retry_after_of(head.headers) or 10.0,
            )
        raise UpstreamFailed(f"Hugging Face answered with status {head.status}.")


def _gated(repository: str, page: str, *, key_shown: bool) -> str:
    if key_shown:
        return (
            f"{repository} on Hugging Face is gated, and your token's account is not let in. "
            f"Accept its terms at {page}."
        )
    return (
        f"{repository} on Hugging Face is gated. Accept its terms at {page}, then make a token in "
        "your account there and enter it in the settings."
    )


def _hidden(repository: str, *, key_shown: bool) -> str:
    if key_shown:
        return f"Hugging Face does not take your token for {repository}. Check it in the settings."
    return (
        f"{repository} on Hugging Face is private, or there is no such repository. If it is yours, "
        "make a token in your account there and enter it in the settings."
    )
