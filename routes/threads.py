"""Threads for what may wait long, so that it takes none from what only looks at the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# The loop's own pool has few threads on a small machine, and inside ComfyUI it is the host's too.
_PATIENT = ThreadPoolExecutor(16, thread_name_prefix="curator-patient")


_DECODING = ThreadPoolExecutor(4, thread_name_prefix="curator-decoding")


async def patiently(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns: for calls that ask CivitAI or Hugging Face."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_PATIENT, lambda: work(*args, **kwargs))


async def decoding(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns: for calls that may have to wait for the decoder."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_DECODING, lambda: work(*args, **kwargs))
