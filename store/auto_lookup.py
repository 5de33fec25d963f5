"""Asking CivitAI about models as their hashes become known, where a person wants that."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from .errors import Conflict
from .jobs import Job
from .library_lookup import Lookup
from .settings import Settings
from .tasks import Tasks

_GATHERING_SECONDS = 1.0

Json = dict[str, Any]


class AutoLookup:
    """Gathers new hashes for a moment and asks about them together. Thread-safe."""

    def __init__(self, lookup: Lookup, settings: Settings, tasks: Tasks) -> None:
        self._lookup = lookup
        self._settings = settings
        self._tasks = tasks
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._wanted: dict[str, None] = {}
        self._asks = False

    def add(self, contents: Iterable[str]) -> None:
        """These are hashed now; nothing happens unless the setting says so. Quick."""
        if not self._settings.values.civitai_lookup:
            return
        due = self._lookup.due(contents)
        with self._lock:
            self._wanted.update(dict.fromkeys(due))
            if self._asks or not self._wanted or self._closing.is_set():
                return
            self._asks = True
        try:
            self._tasks.start("lookup", self._work, wanted="new ones", unit="models")
        except Conflict:
            # Somebody has begun a lookup; what is left here is asked about with the next new file.
            with self._lock:
                self._asks = False

    def close(self) -> None:
        """Gather no more."""
        self._closing.set()

    def _work(self, job: Job, report: Json) -> None:
        try:
            while not self._closing.wait(_GATHERING_SECONDS):
                with self._lock:
                    wanted = list(self._wanted)
                    self._wanted.clear()
                    if not wanted:
                        self._asks = False
                        return
                self._lookup.ask(job, report, wanted)
        finally:
            with self._lock:
                self._asks = False
