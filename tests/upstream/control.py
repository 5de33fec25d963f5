"""Scripting a server that runs in another process: faults, requests, switches over HTTP."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .site import SITE

PATHS = ("/__faults__", "/__requests__", "/__switches__", "/__world__")


def add_routes(app: web.Application) -> None:
    """The same at every origin; none of these requests is recorded or spoiled."""
    add = app.router
    add.add_get("/__faults__", list_faults)
    add.add_post("/__faults__", add_fault)
    add.add_delete("/__faults__", clear_faults)
    add.add_get("/__requests__", list_requests)
    add.add_delete("/__requests__", clear_requests)
    add.add_post("/__switches__", change_switches)
    add.add_get("/__world__", show_world)


async def list_faults(request: web.Request) -> web.StreamResponse:
    return web.json_response([fault.as_json() for fault in request.app[SITE].faults.listed()])


async def add_fault(request: web.Request) -> web.StreamResponse:
    """The body has the fields of `Fault`."""
    how = dict[str, Any](await request.json())
    try:
        fault = request.app[SITE].faults.add(str(how.pop("path", "")), **how)
    except (TypeError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response(fault.as_json(), status=201)


async def clear_faults(request: web.Request) -> web.StreamResponse:
    request.app[SITE].faults.clear()
    return web.Response(status=204)


async def list_requests(request: web.Request) -> web.StreamResponse:
    """`path` (a regular expression), `origin`, `method`."""
    query = request.query
    found = request.app[SITE].record.select(
        query.get("path", ""), origin=query.get("origin", ""), method=query.get("method", "")
    )
    return web.json_response([each.as_json() for each in found])


async def clear_requests(request: web.Request) -> web.StreamResponse:
    request.app[SITE].record.clear()
    return web.Response(status=204)


async def change_switches(request: web.Request) -> web.StreamResponse:
    try:
        request.app[SITE].switches.change(await request.json())
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.Response(status=204)


async def show_world(request: web.Request) -> web.StreamResponse:
    """The ids of everything that has a label, and the keys that open what is closed."""
    world = request.app[SITE].world
    return web.json_response(
        {
            "models": {each.label: each.id for each in world.models.values() if each.label},
            "versions": {each.label: each.id for each in world.versions.values() if each.label},
            "images": {each.label: each.id for each in world.images.values() if each.label},
            "repositories": {each.label: each.name for each in world.repositories.values()},
            "civitai_key": world.civitai_key,
            "huggingface_token": world.huggingface_token,
        }
    )
