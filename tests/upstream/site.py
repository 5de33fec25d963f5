"""What the handlers of all origins share."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from .faults import Faults
from .record import Record
from .world import World

ACCOUNT = "xG1nkqKTMzGDvpLrqFT7WA"
"""The path below which CivitAI's CDN keeps its pictures."""
ORIGINS = ("civitai", "civitai_images", "storage", "huggingface", "huggingface_storage")


@dataclass
class Switches:
    """How the servers behave, where the real ones do this or that."""

    page_size: int | None = 15
    """Lists hold at most so many items however many are asked for; None: as asked, up to 200."""
    repeats: bool = True
    """Whether a page begins with the last item of the page before."""
    strict_superjson: bool = True
    """Whether `meta.values` of a question counts: a cursor marked as undefined is none."""
    by_hash_batch: int = 200
    """Set to 404 or 405: how POST by-hash answers then."""
    tree_page_size: int = 50
    """Entries a page of Hugging Face's tree."""
    cards_named_by_uuid: bool = False
    """Whether the address of a version's image does not even hold its number."""
    wraps_meta: bool = True
    """Whether REST wraps the meta of odd image ids: `{"id":…, "meta":{…}}`."""

    def reset(self) -> None:
        """Back to what they are in the beginning."""
        for each in fields(self):
            setattr(self, each.name, each.default)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Raises ValueError for a name that no switch has."""
        known = {each.name for each in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"there is no switch {name}")
            setattr(self, name, value)


@dataclass
class Site:
    """The world and the addresses at which it is served."""

    world: World
    switches: Switches = field(default_factory=Switches)
    faults: Faults = field(default_factory=Faults)
    record: Record = field(default_factory=Record)
    addresses: dict[str, str] = field(default_factory=dict[str, str])
    """By origin, without a path."""

    @property
    def civitai(self) -> str:
        return self.addresses["civitai"]

    @property
    def images(self) -> str:
        """What a picture's UUID is appended to."""
        return f"{self.addresses['civitai_images']}/{ACCOUNT}"

    def signed(self, origin: str, path: str, query: Mapping[str, str]) -> str:
        """An address at a storage that lets in whoever has it."""
        told = dict(query)
        told["X-Amz-Signature"] = self._signature(path, told)
        return f"{self.addresses[origin]}{path}?{urlencode(told)}"

    def is_signed(self, request: web.Request) -> bool:
        told = dict(request.query)
        shown = told.pop("X-Amz-Signature", "")
        return hmac.compare_digest(shown.encode(), self._signature(request.path, told).encode())

    def _signature(self, path: str, query: Mapping[str, str]) -> str:
        text = json.dumps([path, sorted(query.items())])
        return hmac.new(
            f"storage {self.world.seed}".encode(), text.encode(), hashlib.sha256
        ).hexdigest()


SITE = web.AppKey("site", Site)
ORIGIN = web.AppKey("origin", str)


def shown_key(request: web.Request) -> str:
    """The key that came as Bearer or, for downloads, as `?token=`; empty without."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return key.strip()
    return request.query.get("token", "")


def failure(status: int, text: str, **more: Any) -> web.Response:
    """CivitAI's JSON errors."""
    return web.json_response({"error": text, **more}, status=status)
