"""Numbers in what a caller sends, as pydantic checks them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


NUMBER = BeforeValidator(_no_truth)
"""After the bounds: a number is none of true and false, which Python counts."""

Id = Annotated[int, Field(ge=1, lt=1 << 63), NUMBER]
"""CivitAI's number of something."""
