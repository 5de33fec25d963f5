"""When a model was last used, as far as that can be known.

Two things tell it: a prompt that ComfyUI was given while Curator was there, and a person's own
picture in the gallery that says it was made with the model.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from .engine import Collection, CollectionSpec, Database, Record
from .library_places import Places

USES = CollectionSpec("uses", key="id", durable=False)
"""By the model's key: `last` (ms), and in how many prompts it stood (`count`)."""

_ENDINGS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin", ".onnx")
_MOST_VALUES = 20_000

Json = dict[str, Any]


class Uses:
    """Listens to prompts and reads own pictures. Thread-safe."""

    def __init__(self, database: Database, places: Places) -> None:
        self._database = database
        self._uses = database.collection("uses")
        self._pictures = database.collection("gallery")
        self._places = places
        self._lock = threading.Lock()

    def hear(self, prompt: Mapping[str, Any]) -> None:
        """A prompt was given to ComfyUI; what it names is noted in a thread, never in its way."""
        names = set(_names(prompt))
        if names:
            threading.Thread(
                target=self.note, args=(names,), name="curator-uses", daemon=True
            ).start()

    def note(self, names: Iterable[str]) -> None:
        """These files, relative to a root as nodes name them, are used now."""
        wanted = {name.replace("\\", "/") for name in names}
        ends = {name.rpartition("/")[2] for name in wanted}
        keys = {
            spot.sha256 or spot.place_id
            for spot in self._places.present()
            if spot.name in ends and self._places.shown(spot).file.replace("\\", "/") in wanted
        }
        now = time.time_ns() // 1_000_000
        with self._lock:
            for key in keys:
                known = self._uses.get(key)
                count = known["count"] + 1 if known else 1
                self._uses.put({"id": key, "last": now, "count": count})

    def follow(self, renamed: Iterable[tuple[str, str]]) -> None:
        """The hashes of places are known: what was noted of them is noted of their content."""
        if not len(self._uses):
            return
        for old, new in renamed:
            with self._lock:
                self._join(old, new)

    def _join(self, old: str, new: str) -> None:
        known = self._uses.get(old)
        if known is None:
            return
        other = self._uses.get(new)
        with self._database.transaction():
            self._uses.put(
                {
                    "id": new,
                    "last": max(known["last"], other["last"] if other else 0),
                    "count": known["count"] + (other["count"] if other else 0),
                }
            )
            self._uses.delete(old)

    def last(self) -> dict[str, int]:
        """When each model was last used, in ms; of the others nothing is known."""
        found = {record["id"]: int(record["last"]) for record in self._uses}
        for key, when in self._pictured():
            found[key] = max(when, found.get(key, 0))
        return found

    def last_of(self, key: str) -> int | None:
        """When this model was last used, in ms; None when nothing tells it."""
        known = self._uses.get(key)
        told = [int(known["last"])] if known else []
        for spot in self._places.spots(key):
            for name in {key, key[:10], key[:12], *spot.short_hashes}:
                told.append(_newest_own(self._pictures, name))
        return max(told, default=0) or None

    def everything(self) -> Iterator[Record]:
        """Each note, for an export."""
        return iter(self._uses)

    def restore(self, record: Record) -> bool:
        """Take a note from an export, unless a newer one is here."""
        known = self._uses.get(record["id"])
        if known is not None and known["last"] >= record["last"]:
            return False
        self._uses.put(record)
        return True

    def _pictured(self) -> Iterator[tuple[str, int]]:
        """Models and when a person's own picture was made with them."""
        for told in self._pictures.values("by_hash"):
            if not isinstance(told, str):
                continue
            keys = {place.sha256 for place in self._places.by_short_hash(told[:12])}
            keys |= {place.sha256 for place in self._places.by_short_hash(told[:10])}
            when = _newest_own(self._pictures, told) if keys else 0
            if when:
                yield from ((key, when) for key in keys)


def _newest_own(pictures: Collection, told: str) -> int:
    found = pictures.page(
        "by_hash", told, descending=True, limit=1, where=lambda record: record["source"] == "own"
    ).records
    if not found:
        return 0
    try:
        made = datetime.fromisoformat(str(found[0]["created_at"]).replace("Z", "+00:00"))
    except ValueError:
        return int(found[0]["added"]) // 1000
    return int(made.timestamp() * 1000)


def _names(value: Any) -> Iterator[str]:
    """Every text in a prompt that ends like a model's file."""
    waiting: list[Any] = [value]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        each = waiting.pop()
        if isinstance(each, str):
            if each.lower().endswith(_ENDINGS) and len(each) < 1_000:
                yield each
        elif isinstance(each, dict):
            waiting.extend(cast("dict[Any, Any]", each).values())
        elif isinstance(each, list):
            waiting.extend(cast("list[Any]", each))
