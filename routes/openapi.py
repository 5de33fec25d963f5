"""The API's own description, made from the declarations of its routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from .routing import Access, Nothing, Route

_ERROR = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {
        "error": {"type": "string"},
        "detail": {"type": "string", "description": "The same text as `error`."},
        "field": {"type": "string", "description": "The input to blame."},
    },
}
_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.OPEN: [],
    Access.PAGE: [],
    Access.KEY: [{}, {"key": []}, {"bearer": []}, {"basic": []}, {"session": []}],
}


def describe(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes; `{}` among a route's securities: this machine needs nothing."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Error": _ERROR}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Curator", "version": version},
        "servers": [{"url": "/api/admin"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "session": {"type": "apiKey", "in": "cookie", "name": "curator_session"},
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", route.path),
        "summary": route.summary,
        "security": _SECURITY[route.access],
        "parameters": [*_path_parameters(route), *_query_parameters(route.query, schemas)],
        "responses": {str(status): _answer(status, text) for status, text in route.answers.items()},
    }
    if route.access is Access.KEY:
        operation["responses"].setdefault("401", _answer(401, "A key is needed, or it is wrong"))
    if route.body is not Nothing:
        reference = {"$ref": f"#/components/schemas/{_schema(route.body, schemas)}"}
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": {"application/json": {"schema": reference}},
        }
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0} if kind is int else {"type": "string"},
        }
        for name, kind in route.parameters
    ]


def _query_parameters(query: type[BaseModel], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.get("$defs", {}))
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": of}
        for name, of in schema.get("properties", {}).items()
    ]


def _schema(body: type[BaseModel], schemas: dict[str, Any]) -> str:
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[body.__name__] = schema
    return body.__name__


def _answer(status: int, text: str) -> dict[str, Any]:
    if status < 400:
        return {"description": text}
    reference = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": reference}}}
