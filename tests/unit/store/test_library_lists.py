"""Lists that are asked for while the folders are still being looked through."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from comfyui_curator.store import Options
from comfyui_curator.store.host import root_host
from comfyui_curator.store.library import Asked
from comfyui_curator.store.store import Store
from tests.library_index import put
from tests.waiting import until

PAGE = Asked(kind="loras", limit=10)


def test_a_list_says_that_it_is_of_what_was_found_so_far_and_is_not_kept(tmp_path: Path) -> None:
    put(tmp_path / "models" / "loras" / "a.safetensors")
    host = root_host(tmp_path)
    gate = threading.Event()

    def model_folders() -> Mapping[str, list[Path]]:
        """As of a drive that takes its time, for whoever looks through it."""
        if threading.current_thread().name == "curator-library":
            gate.wait(30)
        return host.model_folders()

    store = Store(replace(host, model_folders=model_folders), Options())
    try:
        lists = store.library.lists
        early = lists.answer(PAGE)
        assert json.loads(early.body) == {"models": [], "total": 0, "complete": False}
        lists.remember("a", early)
        assert (lists.known(PAGE), lists.recall("a")) == (None, None)
        heard = store.events.seq
        gate.set()
        assert store.library.wait(30)
        late = lists.answer(PAGE)
        told = json.loads(late.body)
        assert (told["total"], told["complete"]) == (1, True)
        assert late.etag != early.etag
        assert lists.known(PAGE) == late
        # So that a page which shows a part asks again.
        until(lambda: {"change": "complete"} in [e.data for e in store.events.since(heard) or ()])
    finally:
        gate.set()
        store.close()
