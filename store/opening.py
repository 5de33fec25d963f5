"""The store of this process: opened in a thread, so that nobody's start waits for it."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from .errors import CuratorError, StoreClosed
from .host import Host
from .settings import Options

if TYPE_CHECKING:
    from .collection_members import Member
    from .gallery import Picture
    from .store import Store

log = logging.getLogger(__name__)

WAIT_SECONDS = 30.0
"""How long a request waits for a store that is still opening."""


class Pictures(Protocol):
    """Where workflow nodes find pictures."""

    def picture(self, image_id: str) -> Picture:
        """The picture with this id. Raises NotFound."""
        ...


class Members(Protocol):
    """Where workflow nodes find what is in collections."""

    def pictures(self, name: str) -> list[str]:
        """The ids of a collection's pictures, in order. Raises NotFound."""
        ...

    def models(self, name: str, type_: str = "") -> list[Member]:
        """A collection's models that are there, in order. Raises NotFound, StoreClosed."""
        ...


class Opening:
    """A store to come: waits for it, or says why there will be none."""

    def __init__(self, make_host: Callable[[], Host], options: Options | None = None) -> None:
        """Start to open at once. Without options the environment's are read."""
        self._future: Future[Store] = Future()
        self._store: Store | None = None
        self._make_host = make_host
        self._options = options
        Thread(target=self._open, name="curator-open", daemon=True).start()

    async def get(self) -> Store:
        """The open store. Raises the fact that kept it from opening, or StoreClosed."""
        if self._store is not None:
            return self._store
        if not self._future.done():
            waiting = asyncio.shield(asyncio.wrap_future(self._future))
            try:
                await asyncio.wait_for(waiting, WAIT_SECONDS)
            except asyncio.TimeoutError:
                raise StoreClosed("The store is still opening.", retry_after=2) from None
        return self._future.result()

    def get_now(self) -> Store:
        """The open store, waited for without an event loop."""
        return self._future.result()

    def pictures(self) -> Pictures:
        """The gallery; while another process holds the store, its last snapshot."""
        from .engine import StoreHeld
        from .snapshot import SnapshotPictures

        try:
            return self.get_now().gallery
        except StoreHeld:
            return SnapshotPictures(self._make_host().data)

    def collections(self) -> Members:
        """The collections; while another process holds the store, those of its last snapshot."""
        from .collection_members import LiveMembers, SnapshotMembers
        from .engine import StoreHeld

        try:
            store = self.get_now()
        except StoreHeld:
            return SnapshotMembers(self._make_host().data)
        return LiveMembers(store.collections, store.library)

    def log_failure(self) -> None:
        """Say in the log why the store does not open, for there may be nobody who waits for it."""
        self._future.add_done_callback(_log_failure)

    def _open(self) -> None:
        try:
            # Most of the pack is imported here, off the thread that everybody waits for.
            from .store import Store

            store = Store(self._make_host(), self._options or Options.read(os.environ))
        except BaseException as error:  # noqa: BLE001 - top of a thread: whoever waits is told
            self._future.set_exception(error)
        else:
            # ComfyUI ends without telling anyone; what is pending is on the disk even then.
            atexit.register(store.close)
            self._store = store
            self._future.set_result(store)


def _log_failure(future: Future[Store]) -> None:
    error = future.exception()
    if isinstance(error, CuratorError):
        log.error("Curator cannot open its store: %s", error.text)
    elif error is not None:
        log.error("Curator cannot open its store", exc_info=error)


_current: Opening | None = None


def start(make_host: Callable[[], Host]) -> Opening:
    """Open the store that workflow nodes of this process use; `pictures()` finds it from now on."""
    global _current
    _current = Opening(make_host)
    _current.log_failure()
    return _current


def pictures() -> Pictures:
    """The pictures of this process' store. Raises StoreClosed where none was started."""
    if _current is None:
        raise StoreClosed("Curator's store is not open in this process.")
    return _current.pictures()


def collections() -> Members:
    """The collections of this process' store. Raises StoreClosed where none was started."""
    if _current is None:
        raise StoreClosed("Curator's store is not open in this process.")
    return _current.collections()
