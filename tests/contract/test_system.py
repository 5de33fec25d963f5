"""Hello, health, settings, events, the API's description, the page's files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from comfyui_curator.routes import table
from comfyui_curator.routes.routing import Nothing
from tests.serving import RunningServer


def test_hello_says_ok(server: RunningServer) -> None:
    assert server.get("/hello").json()["status"] == "ok"


def test_errors_have_one_shape(server: RunningServer) -> None:
    unknown = server.get("/no/such/route")
    assert unknown.status_code == 404
    assert unknown.json()["error"] == unknown.json()["detail"]
    other = server.delete("/hello")
    assert other.status_code == 405
    assert "GET" in other.headers["Allow"]
    assert other.json()["error"] == other.json()["detail"]


def test_health_answers_outside_the_prefix_too(server: RunningServer) -> None:
    outside = server.session.get(f"{server.url}/api/health", timeout=10)
    assert outside.status_code == 200
    assert outside.json() == server.get("/health").json()
    assert set(outside.json()) == {"status", "authenticated", "app_version", "pod_id"}


def test_settings_are_kept_and_secrets_are_not_shown(server: RunningServer) -> None:
    before = server.get("/settings").json()
    assert before["civitai_key_set"] is False
    changed = server.ask("PATCH", "/settings", json={"civitai_key": " example-key ", "nonsense": 1})
    assert changed.status_code == 200
    assert changed.json()["civitai_key_set"] is True
    assert "example-key" not in changed.text
    file = server.store.host.data / "settings.json"
    assert json.loads(file.read_text())["civitai_key"] == "example-key"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("civitai_key", "two words"),
        ("civitai_key", 7),
        ("require_key", "yes"),
        ("public_url", "ftp://example.org"),
        ("public_url", "http://example.org:99999"),
        ("public_url", "http://example.org\nnext"),
        ("proxy", "http://example.org:port"),
        ("proxy", "nonsense"),
        ("civitai_in_flight", 0),
        ("civitai_in_flight", 1.5),
        ("allow_hosts", "not-a-list"),
    ],
)
def test_a_wrong_setting_is_named_and_changes_nothing(
    server: RunningServer, field: str, value: Any
) -> None:
    before = server.get("/settings").json()
    refused = server.ask("PATCH", "/settings", json={field: value, "proxy_foreign": True})
    assert refused.status_code == 400
    assert refused.json()["field"] == field
    assert server.get("/settings").json() == before


@pytest.mark.parametrize(
    "body",
    [b"[1]", b"null", b"{", b"\xff", b'"text"']
    + [b"[" * 100_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b'{"a":' + b"9" * 5000 + b"}"]
    + [b'{"allow_hosts": ["\\ud800"]}', b'{"allow_hosts": ["\xed\xa0\x80"]}', b'{"a": NaN}']
    + ["{}".encode("utf-16")],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_object_is_400(server: RunningServer, body: bytes) -> None:
    refused = server.ask(
        "PATCH", "/settings", data=body, headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 400


def test_a_body_beyond_the_limit_is_413(server: RunningServer) -> None:
    body = b'{"proxy": "' + b"x" * (1 << 20) + b'"}'
    refused = server.ask(
        "PATCH", "/settings", data=body, headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 413


class Stream:
    """One open `GET /events`, read event by event."""

    def __init__(self, server: RunningServer, **headers: str) -> None:
        self._answer = server.get("/events", stream=True, headers=headers, timeout=10)
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        self._lines = self._answer.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self) -> dict[str, str]:
        event: dict[str, str] = {}
        for raw in self._lines:
            line = str(raw)
            if line and not line.startswith((":", "retry")):
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                return event
        raise AssertionError("the stream has ended")

    def close(self) -> None:
        self._answer.close()


def test_events_tell_changes_and_resume_where_they_were_left(server: RunningServer) -> None:
    stream = Stream(server)
    first_seq = server.store.events.publish("gallery", id="1").seq
    first = stream.next()
    assert first["event"] == "gallery"
    assert json.loads(first["data"]) == {"seq": first_seq, "id": "1"}
    stream.close()
    server.store.events.publish("gallery", id="2")
    server.store.events.publish("catalog", catalog="loras")
    again = Stream(server, **{"Last-Event-ID": first["id"]})
    assert [again.next()["event"] for _ in range(2)] == ["gallery", "catalog"]
    server.store.events.publish("settings")
    assert again.next()["event"] == "settings"
    again.close()


def test_events_say_when_some_were_missed(server: RunningServer) -> None:
    run = server.store.events.run
    odd = [f"{run}-\u00b2", f"{run}-{'9' * 5000}", f"{run}--1"]
    for known in ("another-run-1", "nonsense", f"{run}-999", *odd):
        stream = Stream(server, **{"Last-Event-ID": known.encode().decode("latin-1")})
        assert stream.next()["event"] == "reset"
        stream.close()


def test_a_change_of_settings_is_an_event(server: RunningServer) -> None:
    stream = Stream(server)
    server.ask("PATCH", "/settings", json={"proxy_foreign": True})
    assert stream.next()["event"] == "settings"
    stream.close()


def test_the_description_names_every_route_and_only_those(server: RunningServer) -> None:
    document = server.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/api/admin"}]
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    declared = {(route.method, route.template) for route in table.ALL}
    assert described == declared


def test_the_description_agrees_with_what_the_handlers_take(server: RunningServer) -> None:
    document = server.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for route in table.ALL:
        operation = document["paths"][route.template][route.method.lower()]
        shown = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert shown == set(re.findall(r"\{(\w+)\}", route.template)), route.path
        queried = {p["name"] for p in operation["parameters"] if p["in"] == "query"}
        taken = {field.alias or name for name, field in route.query.model_fields.items()}
        assert queried == taken, route.path
        assert ("requestBody" in operation) == (route.body is not Nothing), route.path
        if route.body is not Nothing:
            assert set(schemas[route.body.__name__]["properties"]) == set(route.body.model_fields)


def test_bounds_of_numbers_are_described(server: RunningServer) -> None:
    document = server.get("/openapi.json").text
    assert '"maximum":' in document
    for name in ("ge", "gt", "le", "lt"):
        assert f'"{name}":' not in document


def number_places(schema: dict[str, Any], known: dict[str, Any]) -> Iterator[list[str | int]]:
    """Where a body of this shape takes numbers, an element of a list as 0."""
    if "$ref" in schema:
        yield from number_places(known[schema["$ref"].rpartition("/")[2]], known)
    if schema.get("type") in ("integer", "number") or any(
        isinstance(value, int) and not isinstance(value, bool) for value in schema.get("enum", ())
    ):
        yield []
    for choice in schema.get("anyOf", ()):
        yield from number_places(choice, known)
    for name, field in schema.get("properties", {}).items():
        yield from ([name, *rest] for rest in number_places(field, known))
    if isinstance(schema.get("items"), dict):
        yield from ([0, *rest] for rest in number_places(schema["items"], known))


def test_true_is_a_number_in_no_body() -> None:
    seen: set[str] = set()
    for body in {route.body for route in table.ALL}:
        schema = body.model_json_schema()
        for place in number_places(schema, schema.get("$defs", {})):
            value: Any = True
            for part in reversed(place):
                value = {part: value} if isinstance(part, str) else [value]
            with pytest.raises(ValidationError) as raised:
                body.model_validate(value)
            wrong = {tuple(error["loc"][: len(place)]) for error in raised.value.errors()}
            assert tuple(place) in wrong, (body, place)
            seen.add(str(place[-1]) if place[-1] else str(place[0]))
    assert seen >= {"rating", "recommended", "add_tags", "into", "version_id", "nsfw_blur_from"}


def test_a_number_in_a_path_must_be_one(server: RunningServer) -> None:
    for text in ("abc", "1.5", "-1", "9" * 19, "9" * 40, "١٢"):
        refused = server.post(f"/loras/gallery/download-single/{text}")
        assert refused.status_code == 400, text
        assert refused.json()["field"] == "image_id"


def test_the_pages_files_are_served_with_a_policy(server: RunningServer) -> None:
    page = server.get("/ui/")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    again = server.get("/ui/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "../../store/store.py",
        "..%2f..%2fstore/store.py",
        "%00",
        "nothing.js",
        "a/b/c.css",
        "/etc/passwd",
        "parts",
        "a" * 5000 + ".js",
        "a/" * 3000 + "b.js",
    ],
    ids=lambda path: path[:20],
)
def test_nothing_outside_the_pages_folder_is_served(server: RunningServer, path: str) -> None:
    assert server.get(f"/ui/{path}").status_code == 404


def test_the_root_leads_to_the_page(server: RunningServer) -> None:
    answer = server.session.get(f"{server.url}/", allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/api/admin/ui/"
