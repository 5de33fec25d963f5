"""Records of models as a client asks for them and changes them."""

from __future__ import annotations

from typing import Any

from tests.serving import RunningServer


def get(server: RunningServer, key: str) -> dict[str, Any]:
    answer = server.get(f"/models/{key}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def patch(server: RunningServer, key: str, body: Any, **how: Any) -> Any:
    return server.ask("PATCH", f"/models/{key}", json=body, **how)


def patched(server: RunningServer, key: str, body: Any) -> dict[str, Any]:
    answer = patch(server, key, body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == get(server, key)
    return answer.json()


def add_tags(server: RunningServer, *names: str) -> list[int]:
    answer = server.post("/tags_add", json={"newtags": list(names)})
    assert answer.status_code == 200, answer.text
    return [tag["id"] for tag in answer.json()["tags"]]
