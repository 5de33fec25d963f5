"""Answers of the routes: what every error looks like."""

from __future__ import annotations

from typing import Any

import requests


def check_error(answer: requests.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """The one shape of errors, with nothing in it that is not the caller's business; its body."""
    body = answer.json()
    assert answer.status_code == status, body
    assert body["error"] == body["detail"] != ""
    assert body.get("field") == field
    assert "Traceback" not in answer.text
    if status in (409, 507):
        assert answer.headers["x-should-retry"] == "false"
    return body
